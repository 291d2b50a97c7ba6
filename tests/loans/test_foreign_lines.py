"""Credit lines in another currency: listed with their limits, and never drawn as if they were renminbi."""

import pytest

from carbonfin.kernel.errors import NotApplicable
from loans.calc.facilities import Book, require_room_for
from tests.loans.conftest import Desk
from tests.loans.facility_samples import CONTRACT, contract_of, line_of, put_in_force
from tests.loans.link_worlds import LinkWorld
from tests.loans.test_edges import TERM_SHEET, key
from tests.loans.world import BUSINESS_DATE

NOTHING = Book(contracts=(), notes=(), waiting=())


def test_a_contract_under_a_foreign_line_is_refused_with_its_remedy() -> None:
    for currency in ("HKD", "USD", "EUR", "CNH"):
        with pytest.raises(NotApplicable, match=currency) as refused:
            require_room_for(contract_of(), line_of("p", currency=currency), NOTHING, on=BUSINESS_DATE)
        assert refused.value.field == "line_number"
        assert "核心系统" in (refused.value.remedy_zh or "")
    require_room_for(contract_of(), line_of("p"), NOTHING, on=BUSINESS_DATE)


def test_a_contract_form_of_a_foreign_line_says_where_it_is_signed(desk: Desk) -> None:
    """The page of the line says it; the form, the API and a CNY term sheet named under it are refused alike."""
    told = desk.system.post("/v1/term-sheets", json=TERM_SHEET, headers=key("fx-sheet")).json()
    with desk.sessions.begin() as session:
        world = LinkWorld(session=session, bank=desk.bank)
        line = line_of(desk.bank.clothing.id, currency="HKD")
        put_in_force(session, desk.bank.officer, desk.bank.checker, world.standing, line)
    page = desk.get("/credit-lines/SX-2025-001").text
    assert "仅列示额度" in page
    assert "/credit-lines/SX-2025-001/contracts/new" not in page
    named = {
        "term_sheet_number": told["number"], "term_sheet_version": 1, "product": TERM_SHEET["product"],
        "amount": "10000000.00", "matures_by": "2026-07-01",
    }  # fmt: skip
    for number, body in enumerate((CONTRACT, CONTRACT | named)):
        refused = desk.system.post("/v1/loan-contracts", json=body, headers=key(f"fx-{number}"))
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "line_number")
        assert "SX-2025-001 is in HKD" in refused.json()["detail"]
    form = {name: str(value) for name, value in CONTRACT.items() if name != "line_number"}
    sent = desk.post("/credit-lines/SX-2025-001/contracts/new", form)
    assert (sent.status_code, "合同与借据仅支持人民币" in sent.text) == (422, True)

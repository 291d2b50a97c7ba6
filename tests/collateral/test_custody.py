"""Custody of trading funds: differences by hand, statements taken in whole, on both databases; API, page and command."""

import base64
from datetime import date, timedelta
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.app.packages import PACKAGES
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound
from carbonfin.kernel.parties import PartyKind
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import PartyDraft, save_party
from collateral.calc.custody import DifferenceKind, Side, StatedItem, compare_custody
from collateral.service import custody as service
from collateral.service.custody import CustodyDraft, CustodyImport
from tests.app.worlds import PAGE, World, build_world, keyed_client, signed_in
from tests.collateral.desk import Desk, build_desk
from tests.collateral.world import TODAY

START = TODAY - timedelta(days=9)
HEAD = "日期,账号,品种,余额\n"
BANK = HEAD + "2025-06-30,6222-0001,CNY,1250000.35\n2025-06-30,6222-0001,SZA-2024,33000\n"
EXCHANGE = HEAD + "2025-06-30,6222-0001,CNY,1250000.36\n2025-06-30,6222-0001,SZA-2024,33000\n"


def stated(side: Side, item: str, amount: str, *, days_ago: int = 0, account: str = "a") -> StatedItem:
    return StatedItem(
        account_id=account, business_date=TODAY - timedelta(days=days_ago), side=side, item=item, amount=Decimal(amount)
    )


def test_one_fen_and_one_tonne_differ_and_grow_old_without_a_break() -> None:
    """Cash differs since three days ago with a day in order between; the vintage since yesterday."""
    items = []
    for days_ago, bank, exchange, tonnes in (
        (3, "1.00", "1.01", "5"),
        (2, "1.00", "1.00", "5"),
        (1, "1.00", "1.01", "4"),
    ):
        items += [
            stated(Side.BANK, "CNY", bank, days_ago=days_ago), stated(Side.EXCHANGE, "CNY", exchange, days_ago=days_ago),
            stated(Side.BANK, "SZA-2024", "5", days_ago=days_ago),
            stated(Side.EXCHANGE, "SZA-2024", tonnes, days_ago=days_ago),
        ]  # fmt: skip
    items += [
        stated(Side.BANK, "CNY", "2.00"), stated(Side.EXCHANGE, "CNY", "2.01"),
        stated(Side.BANK, "SZA-2023", "7"), stated(Side.BANK, "SZA-2024", "5"), stated(Side.EXCHANGE, "SZA-2024", "4"),
    ]  # fmt: skip
    found = compare_custody(items, bound_from={"a": START, "b": START}, day=TODAY)
    assert [(one.account_id, one.kind.value, one.item, one.bank_amount, one.exchange_amount, one.age_days) for one in found] == [
        ("a", "amount", "CNY", Decimal("2.00"), Decimal("2.01"), 1),
        ("a", "amount", "SZA-2023", Decimal(7), Decimal(0), 0),
        ("a", "amount", "SZA-2024", Decimal(5), Decimal(4), 1),
        ("b", "no_bank_statement", "", None, None, 9),
        ("b", "no_exchange_statement", "", None, None, 9),
    ]  # fmt: skip


def test_a_day_without_a_statement_neither_ends_nor_begins_a_difference() -> None:
    """Open four days ago, the exchange silent since three days ago, back today with the same difference."""
    items = [
        *(stated(Side.BANK, "CNY", "1.00", days_ago=days_ago) for days_ago in range(5)),
        stated(Side.EXCHANGE, "CNY", "1.01", days_ago=4),
    ]
    (silent,) = compare_custody(items, bound_from={"a": START}, day=TODAY)
    assert (silent.kind, silent.age_days) == (DifferenceKind.NO_EXCHANGE_STATEMENT, 3)
    (back,) = compare_custody([*items, stated(Side.EXCHANGE, "CNY", "1.01")], bound_from={"a": START}, day=TODAY)
    assert (back.kind, back.age_days) == (DifferenceKind.AMOUNT, 4)


@given(st.lists(st.tuples(st.sampled_from(Side), st.sampled_from(("CNY", "SZA-2023")), st.integers(0, 3)), max_size=12))
def test_differences_are_what_a_plain_comparison_finds(given_items: list[tuple[Side, str, int]]) -> None:
    last = {(side, item): amount for side, item, amount in given_items}
    found = compare_custody(
        [stated(side, item, str(amount)) for side, item, amount in given_items], bound_from={"a": START}, day=TODAY
    )
    sides = {side for side, _ in last}
    if len(sides) < 2:
        assert {one.kind for one in found} == {
            kind for side, kind in ((Side.BANK, DifferenceKind.NO_BANK_STATEMENT),
                                    (Side.EXCHANGE, DifferenceKind.NO_EXCHANGE_STATEMENT)) if side not in sides
        }  # fmt: skip
        return
    assert {one.item for one in found} == {
        item for item in ("CNY", "SZA-2023")
        if last.get((Side.BANK, item), 0) != last.get((Side.EXCHANGE, item), 0)
    }  # fmt: skip


@pytest.mark.parametrize(("item", "amount"), [("CNY", "0.001"), ("CNY", "-1"), ("SZA-2024", "1.5"), ("XYZ", "1")])
def test_what_is_no_balance_is_refused(item: str, amount: str) -> None:
    with pytest.raises(InvalidInput):
        stated(Side.BANK, item, amount)


def bound(
    sessions: Sessions, desk: Desk, party: str = "E3", number: str = "6222-0001", start: date = date(2025, 6, 1)
) -> str:
    with sessions.begin() as session:
        draft = CustodyDraft(
            party_id=desk.parties[party], custodian_name="示例银行", account_number=number, exchange_code="SZEX",
            bound_from=start,
        )  # fmt: skip
        return service.bind_custody_account(session, desk.maker, draft, standing=desk.standing).id


def taken(sessions: Sessions, desk: Desk, side: Side, text: str, *, preview: bool = False) -> CustodyImport:
    with sessions.begin() as session:
        return service.import_custody_statement(
            session, desk.maker, content=text.encode(), file_name=f"{side}.csv", side=side, standing=desk.standing,
            preview=preview,
        )  # fmt: skip


def differences(sessions: Sessions, desk: Desk) -> list[tuple[str, str]]:
    with sessions.read() as session:
        view = service.custody_view(session, desk.maker, standing=desk.standing, day=None)
        assert service.custody_view(session, desk.stranger, standing=desk.standing, day=None).accounts == ()
    return [(one.kind.value, one.item) for one in view.differences]


def test_both_sides_are_taken_in_and_corrected(sessions: Sessions) -> None:
    with sessions.begin() as session:
        desk = build_desk(session)
    bound(sessions, desk)
    assert bound(sessions, desk)
    assert differences(sessions, desk) == [("no_bank_statement", ""), ("no_exchange_statement", "")]
    assert taken(sessions, desk, Side.BANK, BANK, preview=True).stored is False
    assert taken(sessions, desk, Side.BANK, BANK).written_count == 2
    assert taken(sessions, desk, Side.BANK, BANK).written_count == 0
    assert differences(sessions, desk) == [("no_exchange_statement", "")]
    taken(sessions, desk, Side.EXCHANGE, EXCHANGE)
    assert differences(sessions, desk) == [("amount", "CNY")]
    taken(sessions, desk, Side.EXCHANGE, HEAD + "2025-06-30,6222-0001,CNY,1250000.35\n")
    assert differences(sessions, desk) == [("amount", "SZA-2024")]
    taken(sessions, desk, Side.EXCHANGE, BANK)
    assert differences(sessions, desk) == []


def test_a_statement_with_a_fault_stores_nothing_and_lists_each(desk_sessions: Sessions, desk: Desk) -> None:
    bound(desk_sessions, desk)
    text = HEAD + (
        "2025-06-30,6222-0001,CNY,10.00\n2025-06-30,6222-0001,CNY,11.00\n2025-07-01,6222-0001,CNY,1.00\n"
        "2025-06-30,9999-0001,CNY,1.00\n2025-06-30,6222-0001,SZA-2024,1.5\n2025-05-31,6222-0001,CNY,1.00\n"
        "2025-06-30,6222-0001,ABC,1\n,6222-0001,CNY,1.00\n"
    )
    report = taken(desk_sessions, desk, Side.BANK, text)
    assert (report.stored, report.written_count, report.file.row_count) == (False, 0, 8)
    assert sorted(one.item for one in report.failures) == [f"line {number}" for number in (3, 4, 5, 6, 7, 8, 9)]
    assert differences(desk_sessions, desk) == [("no_bank_statement", ""), ("no_exchange_statement", "")]


def test_a_binding_ends_where_the_next_begins(desk_sessions: Sessions, desk: Desk) -> None:
    first = bound(desk_sessions, desk)
    second = bound(desk_sessions, desk, number="6222-0002", start=date(2025, 6, 16))
    with desk_sessions.read() as session:
        early = service.custody_view(session, desk.maker, standing=desk.standing, day=date(2025, 6, 15))
        late = service.custody_view(session, desk.maker, standing=desk.standing, day=date(2025, 6, 16))
        with pytest.raises(NotFound):
            service.custody_view(session, desk.maker, standing=desk.standing, day=TODAY + timedelta(days=1))
    assert [one.id for one in early.accounts] == [first]
    assert [one.id for one in late.accounts] == [second]
    for party, number, start in (
        ("E3", "6222-0003", date(2025, 6, 10)), ("E5", "6222-0002", date(2025, 6, 20)),
    ):  # fmt: skip
        with pytest.raises(Conflict, match="is bound to SZEX from 2025-06-"):
            bound(desk_sessions, desk, party=party, number=number, start=start)


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    return build_world(sqlite_sessions, packages=PACKAGES)


@pytest.fixture
def party_id(world: World, sqlite_sessions: Sessions) -> str:
    with sqlite_sessions.begin() as session:
        party = save_party(
            session, world.officer,
            PartyDraft(
                kind=PartyKind.ENTERPRISE, name="示例企业", usci="91440300EXAMPLE2XB", lei=None, industry=None,
                district=None, scheme=None, key_emitter=None, is_sample=True,
            ),
        )  # fmt: skip
    return party.id


def test_api_and_page_show_every_difference(world: World, party_id: str) -> None:
    keys = count()

    def post(path: str, body: dict[str, object]) -> tuple[int, str]:
        answer = client.post(path, json=body, headers={"Idempotency-Key": f"key-{next(keys):04d}"})
        return answer.status_code, answer.text

    def file(side: str, text: str) -> dict[str, object]:
        day = client.get("/v1/custody").json()["day"]
        content = text.replace("2025-06-30", day).encode()
        return {"side": side, "file_name": "a.csv", "content_base64": base64.b64encode(content).decode()}

    account = {
        "party_id": party_id, "custodian_name": "示例银行", "account_number": "6222-0001", "exchange_code": "SZEX",
        "bound_from": "2025-01-01",
    }  # fmt: skip
    with keyed_client(world) as client:
        assert post("/v1/custody/accounts", {**account, "party_id": "nobody"})[0] == 404
        assert post("/v1/custody/accounts", account)[0] == 201
        assert post("/v1/custody/statements", file("bank", BANK))[0] == 201
        assert post("/v1/custody/statements", file("exchange", EXCHANGE))[0] == 201
        refused = post("/v1/custody/statements", file("exchange", HEAD + "2025-06-30,1,CNY,x\n"))
        assert (refused[0], "nothing was stored" in refused[1]) == (422, True)
        body = client.get("/v1/custody").json()
        assert client.get("/v1/custody?day=2100-01-01").status_code == 404
        assert client.get("/v1/custody?day=yesterday").status_code == 422
    (found,) = body["differences"]
    assert (found["item"], found["bank_amount"], found["exchange_amount"], found["age_days"]) == (
        "CNY", "1250000.35", "1250000.36", 0,
    )  # fmt: skip
    with signed_in(world) as client:
        text = client.get("/custody", headers=PAGE).text
        assert "Amounts differ" in client.get("/custody?lang=en", headers=PAGE).text
    assert all(word in text for word in ("余额不一致", "1,250,000.35", "1,250,000.36", "0.01", "6222-0001", "示例企业"))

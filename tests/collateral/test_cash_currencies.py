"""Cash moves in the currencies the annex lists, and letters name whom they are served on."""

from dataclasses import replace
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import load_party
from collateral import service
from collateral.calc.agreed_terms import terms_of_payload, terms_payload
from collateral.service import CallStep
from tests.app.worlds import PAGE
from tests.collateral.desk import Desk, take_over_all
from tests.collateral.test_calls import TERMS, agree_terms, called, on, run_day
from tests.collateral.test_csa_on_terms import asked, in_cny, sent
from tests.collateral.test_edges import Edge, client_of, edge, signed_in
from tests.collateral.world import TODAY

__all__ = ["edge"]

LISTED = replace(
    TERMS, eligible_currencies=("CNH", "CNY", "USD"), notice_address="深圳市福田区深南大道 1 号 张三 0755-0000"
)


def test_what_the_annex_lists_survives_the_payload_two_people_sign() -> None:
    assert terms_of_payload(terms_payload(LISTED)) == LISTED
    older = {
        name: value
        for name, value in terms_payload(TERMS).items()
        if name not in {"eligible_currencies", "notice_address"}
    }
    assert terms_of_payload(older).cash_currencies == ("CNY",), "terms of before list none: their own currency alone"


def test_terms_in_a_currency_the_annex_does_not_take_are_refused() -> None:
    with pytest.raises(
        InvalidInput, match="CNY is not a currency in which P3 takes cash; eligible: EUR, USD"
    ) as refused:
        replace(TERMS, eligible_currencies=("EUR", "USD"))
    assert (refused.value.field, "合格币种为 EUR、USD" in refused.value.zh) == ("currency", True)


def test_the_currencies_are_the_annexs() -> None:
    told: dict[str, Any] = in_cny()
    assert asked(sent(told)).terms().eligible_currencies == ("CNY", "GBP")
    assert asked(sent(told), eligible_currencies=["GBP", "CNY"]).terms().cash_currencies == ("CNY", "GBP")
    with pytest.raises(InvalidInput, match="the annex lists CNY, GBP"):
        asked(sent(told), eligible_currencies=["CNY"]).terms()
    forms = told["agreementTerms"]["agreement"]["creditSupportAgreementElections"]
    (form,) = forms.values()
    form["baseAndEligibleCurrency"]["eligibleCurrencyInclBaseCurrency"] = False
    with pytest.raises(InvalidInput, match="eligible: GBP"):
        asked(sent(told)).terms()


@pytest.mark.parametrize(
    ("currency", "said"),
    [
        ("EUR", "EUR is not a currency in which P3 takes cash; eligible: CNH, CNY, USD"),
        ("USD", "USD is eligible, and the margin of P3 is kept in CNY"),
    ],
)
@pytest.mark.parametrize("name", ["receive", "late-cure"])
def test_cash_of_another_currency_is_refused_with_those_that_are_taken(
    desk_sessions: Sessions, desk: Desk, currency: str, said: str, name: str
) -> None:
    call = called_by(desk_sessions, desk)
    with on(desk_sessions, desk.maker) as (session, standing):
        step = CallStep(name=name, words="凭证 1", amount=Decimal("1000.00"), currency=currency)
        with pytest.raises(InvalidInput, match=said):
            service.take_call_step(session, desk.maker, call, step, standing=standing)
        assert service.load_call(session, desk.maker, call).received_amount == 0
        service.take_call_step(
            session, desk.maker, call, replace(step, name="receive", currency="CNY"), standing=standing
        )
        assert service.load_call(session, desk.maker, call).received_amount == Decimal("1000.00")


def called_by(sessions: Sessions, desk: Desk) -> str:
    """Give the call of P3 under the terms that list currencies."""
    with sessions.begin() as session:
        take_over_all(session, desk)
    agree_terms(sessions, desk, LISTED)
    with sessions.begin() as session:
        run_day(session, desk, TODAY, {})
        (call,) = service.live_calls(session, desk.maker, agreement_code="P3")
    return call.id


def text_of(content: bytes) -> str:
    return "".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)


def test_a_letter_says_that_no_address_was_agreed_and_stays_as_it_was(desk_sessions: Sessions, desk: Desk) -> None:
    call = called(desk_sessions, desk)
    for _ in range(2):
        with on(desk_sessions, desk.maker) as (session, standing):
            letter = text_of(service.call_letter_pdf(session, desk.maker, call.id, standing=standing))
        assert "送达地址与联系人" in letter
        assert letter.count("未登记") == 2, "in its place and among the notes"
        agree_terms(desk_sessions, desk, LISTED)


def test_a_letter_is_addressed_as_agreed(desk_sessions: Sessions, desk: Desk) -> None:
    call = called_by(desk_sessions, desk)
    with on(desk_sessions, desk.maker) as (session, standing):
        letter = text_of(service.call_letter_pdf(session, desk.maker, call, standing=standing))
        pledgor = load_party(session, desk.maker, desk.parties["E3"])
    assert "深圳市福田区深南大道" in letter
    assert pledgor.code in letter
    assert "未登记" not in letter


def test_a_currency_by_api_and_page(edge: Edge) -> None:
    client = client_of(edge)
    (call,) = (one for one in client.get("/v1/margin-calls").json()["calls"] if one["agreement_code"] == "P3")
    body = {"step": "receive", "words": "凭证 1", "amount": "1.00", "currency": "USD"}
    answer = client.post(
        f"/v1/margin-calls/{call['call_id']}/steps", json=body, headers={"Idempotency-Key": "currency-1"}
    )
    assert answer.status_code == 422
    assert "eligible: CNY" in answer.json()["detail"]
    with signed_in(edge) as officer:
        page = officer.get(f"/margin-calls/{call['call_id']}", headers=PAGE).text
    assert 'name="currency"' in page

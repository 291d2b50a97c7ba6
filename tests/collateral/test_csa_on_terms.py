"""A credit support annex sent as CDM JSON becomes the margin terms that another person approves."""

import base64
import json
from datetime import time
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import Currency
from carbonfin.storage.engine import Sessions
from collateral import service
from collateral.calc.csa_figures import figures_of
from collateral.calc.csa_terms import CsaParty, read_csa
from collateral.calc.margin import RoundingDirection
from collateral.schemas import MarginTermsIn
from collateral.schemas.margin import CsaIn
from tests.app.worlds import PAGE, form_token
from tests.collateral.desk import Desk, take_over_all
from tests.collateral.test_csa_terms import annex
from tests.collateral.test_edges import Edge, client_of, edge, signed_in

__all__ = ["edge"]


def in_cny(text: str = "13:00:00", centre: str = "CNSH") -> dict[str, Any]:
    """The annex in 元, with one rounding multiple and its hour in Shanghai; party two without end."""
    told = json.loads(json.dumps(annex()).replace("USD", "CNY"))
    form = told["agreementTerms"]["agreement"]["creditSupportAgreementElections"][
        "CreditSupportAgreementLegacyElections"
    ]
    form["creditSupportObligations"]["rounding"]["returnAmount"] = 10
    form["disputeResolution"]["resolutionTime"] = {"hourMinuteTime": text, "businessCenter": {"value": centre}}
    return dict(told)


def sent(document: object, party: str = "PARTY_2") -> CsaIn:
    content = base64.b64encode(json.dumps(document).encode()).decode()
    return CsaIn(content_base64=content, party="PARTY_1" if party == "PARTY_1" else "PARTY_2")


def asked(csa: CsaIn | None, **given: Any) -> MarginTermsIn:
    rest: dict[str, Any] = {
        "agreement_kind": "pledge", "agreement_code": "P1", "notification_time": "11:00", "transfer_time": "17:00",
        "days_on_time": 1, "days_late": 2, "resolution_days": 1, "grace_days": 0,
        "document": "担保协议", "valid_from": "2025-07-01", "reason": "按协议",
    }  # fmt: skip
    return MarginTermsIn(csa=csa, **rest | given)


def test_the_figures_are_the_annexs() -> None:
    found = figures_of(read_csa(in_cny()), CsaParty.TWO, events=frozenset(), ratings=(), independent=None)
    assert (found.currency, found.threshold, found.minimum_transfer) == (Currency.CNY, None, Decimal("200.00"))
    assert (found.rounding, found.independent, found.zone) == (Decimal("10.00"), Decimal("0.00"), "Asia/Shanghai")
    assert (found.delivery_direction, found.return_direction) == (RoundingDirection.DOWN, RoundingDirection.NEAREST)
    assert (found.notification_time, found.resolution_time) == (None, time(13, 0))
    fewer = figures_of(
        read_csa(in_cny()), CsaParty.ONE, events=frozenset({"TERMINATION_EVENT"}), ratings=(), independent=None
    )
    assert (fewer.threshold, fewer.minimum_transfer) == (Decimal("0.00"), Decimal("0.00")), "the event takes it away"


def test_what_the_annex_leaves_to_words_or_says_twice_is_never_assumed() -> None:
    of: dict[str, Any] = {"events": frozenset(), "ratings": ()}
    with pytest.raises(MissingData, match="must be entered"):
        figures_of(read_csa(worded()), CsaParty.TWO, independent=None, **of)
    assert figures_of(read_csa(worded()), CsaParty.TWO, independent=Decimal("5.00"), **of).independent == Decimal(
        "5.00"
    )
    two_multiples = json.loads(json.dumps(annex()))
    with pytest.raises(InvalidInput, match="multiples"):
        figures_of(read_csa(two_multiples), CsaParty.TWO, independent=None, **of)


def test_a_field_given_otherwise_than_the_annex_is_refused() -> None:
    terms = asked(sent(in_cny())).terms()
    assert (terms.threshold, terms.minimum_transfer, terms.resolution_time) == (None, Decimal("200.00"), time(13, 0))
    for field, value in (("minimum_transfer", "300.00"), ("resolution_time", "12:00"), ("currency", "USD")):
        with pytest.raises(InvalidInput, match="the annex says") as refused:
            asked(sent(in_cny()), **{field: value}).terms()
        assert refused.value.field == field
    for field, value in (
        ("currency", "HKD"), ("threshold", "0.00"), ("minimum_transfer", "0.00"), ("rounding", "0.01"),
        ("delivery_direction", "up"), ("return_direction", "down"), ("resolution_time", "00:00"),
    ):  # fmt: skip
        with pytest.raises(InvalidInput, match="the annex says") as refused:
            asked(sent(in_cny()), **{field: value}).terms()
        assert refused.value.field == field, "what it would be without an annex is no more than any other value"
    same = {"minimum_transfer": "200.00", "threshold": None, "currency": "CNY", "resolution_time": "13:00"}
    assert asked(sent(in_cny()), **same).terms() == terms
    with pytest.raises(InvalidInput, match="not JSON"):
        asked(CsaIn(content_base64="eA==", party="PARTY_1")).terms()


def test_left_out_without_an_annex_is_what_the_api_says_and_an_hour_must_be_given() -> None:
    terms = asked(None, resolution_time="13:00").terms()
    assert (terms.currency, terms.threshold, terms.minimum_transfer) == (Currency.CNY, Decimal("0.00"), Decimal("0.00"))
    assert (terms.rounding, terms.zone) == (Decimal("0.01"), "Asia/Shanghai")
    assert (terms.delivery_direction, terms.return_direction) == (RoundingDirection.UP, RoundingDirection.DOWN)
    with pytest.raises(InvalidInput, match="resolution_time is not given") as refused:
        asked(None).terms()
    assert refused.value.field == "resolution_time"
    open_hour = msgspec.structs.replace(asked(sent(in_cny())), notification_time=msgspec.UNSET)
    with pytest.raises(InvalidInput, match="notification_time is not given"):
        open_hour.terms()


def worded() -> dict[str, Any]:
    """The annex with an independent amount that is agreed in words."""
    told = in_cny()
    form = told["agreementTerms"]["agreement"]["creditSupportAgreementElections"][
        "CreditSupportAgreementLegacyElections"
    ]
    form["creditSupportObligations"]["independentAmount"] = {"additionalLanguage": "另行约定"}
    return told


def test_nothing_is_an_independent_amount_that_a_person_may_enter() -> None:
    """Agreed in words, it must be entered; 0.00 is an entry, left out is none; without an annex left out is nothing."""
    with pytest.raises(MissingData, match="must be entered"):
        asked(sent(worded())).terms()
    assert asked(sent(worded()), independent="0.00").terms().independent == Decimal("0.00")
    assert asked(sent(in_cny())).terms().independent == Decimal("0.00"), "the annex fixes none"
    hours = {"notification_time": "11:00", "resolution_time": "13:00"}
    assert asked(None, **hours).terms().independent == Decimal("0.00")


def test_an_annex_that_fixes_an_amount_is_not_overruled_by_nothing() -> None:
    fixed = in_cny()
    form = fixed["agreementTerms"]["agreement"]["creditSupportAgreementElections"][
        "CreditSupportAgreementLegacyElections"
    ]
    amount = {"value": 5000, "unit": {"currency": {"value": "CNY"}}}
    form["creditSupportObligations"]["independentAmount"] = {
        "partyElection": [{"party": "PARTY_2", "isApplicable": True, "fixedAmount": {"amount": amount} | amount}]
    }
    assert asked(sent(fixed)).terms().independent == Decimal("5000.00")
    with pytest.raises(InvalidInput, match=r"the annex says 5000\.00"):
        asked(sent(fixed), independent="0.00").terms()


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 700 + "1" + "}" * 700,
        '{"agreementTerms": {"agreement": ' + "[" * 400 + "]" * 400 + "}}",
        '{"agreementTerms": NaN}',
    ],
)
def test_an_annex_beyond_reading_is_refused_as_a_document(edge: Edge, text: str) -> None:
    told = asked(CsaIn(content_base64=base64.b64encode(text.encode()).decode(), party="PARTY_1"))
    refused = client_of(edge).post(
        "/v1/margin-terms", json=msgspec.to_builtins(told), headers={"Idempotency-Key": "deep"}
    )
    assert (refused.status_code, '"csa"' in refused.text) == (422, True), refused.text


def test_an_amount_of_a_size_that_nobody_keeps_is_refused_by_its_path() -> None:
    text = json.dumps(in_cny()).replace('"value": 200', '"value": 2e9000', 1)
    assert "2e9000" in text
    with pytest.raises(InvalidInput, match="not a number of a size that is kept"):
        asked(CsaIn(content_base64=base64.b64encode(text.encode()).decode(), party="PARTY_2")).terms()


def test_the_annex_goes_before_another_person_and_holds_once_approved(desk_sessions: Sessions, desk: Desk) -> None:
    with desk_sessions.begin() as session:
        take_over_all(session, desk)
        terms = asked(sent(in_cny())).terms()
        waiting = service.propose_terms(session, desk.maker, terms, standing=desk.standing, reason="按协议")
        assert (waiting.payload["threshold"], waiting.payload["minimum_transfer"]) == (None, "200.00")
        (held,) = service.approve_terms(session, desk.checker, waiting.id, standing=desk.standing, reason="同意")
    assert held.terms == terms


def test_the_officer_fills_the_form_from_an_annex(edge: Edge) -> None:
    with signed_in(edge) as client:
        shown = client.get("/margin-terms?agreement=P1", headers=PAGE).text
        form = {"_csrf_token": form_token(shown), "agreement_code": "P1", "action": "read", "csa_party": "PARTY_2"}
        read = client.post("/margin-terms", data=form | {"csa": json.dumps(in_cny())}, headers=PAGE)
        assert "已按协议填入" in read.text
        assert 'value="200.00"' in read.text
        assert 'value="13:00"' in read.text
        wrong = client.post("/margin-terms", data=form | {"csa": "{}"}, headers=PAGE)
        assert (wrong.status_code, "{}" in wrong.text) == (422, True)

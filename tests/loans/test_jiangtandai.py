from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel.errors import InvalidInput
from loans.calc.jiangtandai import ConcessionReason, PointFraction, RateStatus, concession_bp, decide_rate
from tests.loans.samples import NO_REPORT, concession_terms, e4_report, l1_rate


def test_clothing_maker_pays_three_twenty_nine() -> None:
    decision = decide_rate(l1_rate())
    assert decision.status is RateStatus.DECIDED
    assert decision.rate_before_concession == Decimal("0.0340")
    assert decision.concession_bp == -11
    assert decision.executed_rate == Decimal("0.0329")
    assert not decision.floor_applied
    figures = {figure.name: figure for figure in decision.trace}
    assert figures["executed_rate"].value == "0.0329"
    assert set(figures["executed_rate"].inputs) == {"rate_before_concession", "concession_bp", "floor_rate"}


def test_missing_report_or_score_is_not_decided() -> None:
    for inputs, field in ((l1_rate(report=NO_REPORT), "report"), (l1_rate(report=e4_report(score=None)), "score")):
        decision = decide_rate(inputs)
        assert decision.status is RateStatus.NOT_DECIDED
        assert [missing.field for missing in decision.missing] == [field]
        assert decision.executed_rate is None
        assert decision.concession_bp is None
        assert "executed_rate" not in {figure.name for figure in decision.trace}


def test_expired_report_earns_nothing() -> None:
    decision = decide_rate(l1_rate(report=e4_report(valid_to=date(2025, 6, 30))))
    assert decision.reason is ConcessionReason.REPORT_EXPIRED
    assert decision.concession_bp == 0
    assert decision.executed_rate == Decimal("0.0340")
    last_day = decide_rate(l1_rate(report=e4_report(valid_to=date(2025, 7, 1))))
    assert last_day.executed_rate == Decimal("0.0329")


def test_cap_and_floor_hold() -> None:
    assert decide_rate(l1_rate(report=e4_report(score="95"))).executed_rate == Decimal("0.0320")
    assert decide_rate(l1_rate(report=e4_report(score="95"))).reason is ConcessionReason.CAPPED
    floored = decide_rate(l1_rate(margin_bp=-15))
    assert floored.floor_applied
    assert floored.executed_rate == Decimal("0.0280")
    assert decide_rate(l1_rate(report=e4_report(score="59"))).reason is ConcessionReason.BELOW_BASE


@pytest.mark.parametrize(
    "broken",
    [
        lambda: decide_rate(l1_rate(report=e4_report(score="100.1"))),
        lambda: decide_rate(l1_rate(terms=concession_terms(cap="-1"))),
        lambda: decide_rate(l1_rate(terms=concession_terms(fraction="half"))),
        lambda: l1_rate(margin_bp=1001),
        lambda: l1_rate(report=replace(e4_report(), usci="91440300EXAMPLE541")),
        lambda: l1_rate(report=replace(e4_report(), report_date=date(2025, 7, 1))),
        lambda: replace(l1_rate(), lpr=replace(l1_rate().lpr, published_on=date(2025, 7, 1))),
        lambda: e4_report(valid_to=date(2025, 6, 14)),
        lambda: e4_report(score="-1"),
    ],
)
def test_impossible_inputs_are_refused(broken: Callable[[], object]) -> None:
    with pytest.raises(InvalidInput):
        broken()


@given(score=st.decimals(0, 100, places=2), more=st.decimals(0, 50, places=2), cap=st.integers(0, 60))
def test_concession_is_capped_and_grows_with_the_score(score: Decimal, more: Decimal, cap: int) -> None:
    terms = {
        "base_score": Decimal(60),
        "bp_per_point": Decimal(1),
        "cap_bp": Decimal(cap),
        "fraction": PointFraction.FLOOR,
    }
    less, greater = concession_bp(score=score, **terms), concession_bp(score=score + more, **terms)
    assert -cap <= greater <= less <= 0
    assert concession_bp(score=score, **{**terms, "fraction": PointFraction.EXACT}) <= less


@given(
    score=st.one_of(st.none(), st.decimals(0, 100, places=1)),
    has_report=st.booleans(),
    valid_to=st.dates(date(2025, 6, 15), date(2026, 12, 31)),
)
def test_missing_or_expired_input_never_gives_a_lower_rate(
    *, score: Decimal | None, has_report: bool, valid_to: date
) -> None:
    report = e4_report(score=None if score is None else str(score), valid_to=valid_to) if has_report else NO_REPORT
    decision = decide_rate(l1_rate(report=report))
    full = decision.executed_rate_without_concession
    if not has_report or score is None:
        assert decision.executed_rate is None
    elif valid_to < date(2025, 7, 1):
        assert decision.executed_rate == full
    else:
        assert decision.executed_rate <= full

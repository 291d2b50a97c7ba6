"""Each check of greenwashing passing, failing and lacking its fact; the chance of missing a target by closed form."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from carbonfin.rules.record import canonical
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rulebook import builtin_book
from loans import service
from loans.calc.linked.documents import KpiValue
from loans.calc.linked.indicators import YearValue
from loans.calc.linked.integrity import review_link
from loans.calc.linked.integrity_checks import chance_of_ending_above, miss_probability
from loans.calc.linked.integrity_terms import ClaimFacts, IntegrityInputs, IntegrityThresholds, Verdict
from tests.loans.link_samples import COUNTS, ENERGY, GREEN, POINTS, link, observation, report
from tests.loans.link_worlds import linked_world

PASSED, FAILED, UNKNOWN = Verdict.PASSED, Verdict.FAILED, Verdict.UNKNOWN
BOOK = builtin_book("loans")
DAY = date(2025, 11, 3)


def threshold(name: str) -> Any:
    return BOOK.on(f"loans.link_integrity.{name}", valid_on=DAY, known_at=DAY)


HISTORY = tuple(
    YearValue(year=year, value=Decimal(value)) for year, value in ((2022, "0.08"), (2023, "0.12"), (2024, "0.10"))
)
GREEN_KNOWN = replace(GREEN, history=HISTORY)
INPUTS = IntegrityInputs(
    link=link(kpis=(ENERGY, GREEN_KNOWN)),
    thresholds=IntegrityThresholds(
        miss_probability_min=threshold("miss_probability_min"), emissions_ratio_min=threshold("emissions_ratio_min"),
        adjustment_rate_min=threshold("adjustment_rate_min"), sleeping_months_max=threshold("sleeping_months_max"),
    ),
    claims=ClaimFacts(green_power_counted_twice=False, claimed_elsewhere=()), first_drawdown=date(2025, 6, 30),
    maturity_date=date(2026, 6, 30), reports={"1": report()}, first_received={"1": date(2025, 10, 24)},
    structural_change_known=True, structural_change_from=None, rebased_from=None, decided_on=DAY,
    method=2,
)  # fmt: skip


def verdict(code: str, **changed: Any) -> Verdict:
    found = review_link(replace(INPUTS, **changed))
    return next(one.verdict for one in found.checks if one.code == code)


def with_denominators(first: tuple[str, str], last: tuple[str, str]) -> dict[str, Any]:
    """Give two reports of the energy KPI, each with value and denominator."""
    return {
        str(number): replace(
            report(), values=(KpiValue(kpi_code="energy", value=Decimal(value), denominator=Decimal(base)),)
        )
        for number, (value, base) in enumerate((first, last), start=1)
    }


def test_the_chance_of_missing_is_the_closed_form() -> None:
    # reference: K0 = 1, target 0.91, mean -2 %, deviation 6 %, three years: 0.629
    assert chance_of_ending_above(0.91, mean=-0.02, deviation=0.06, years=3) == pytest.approx(0.629, abs=5e-4)
    assert chance_of_ending_above(1.0, mean=0.0, deviation=0.1, years=1) == pytest.approx(0.5)
    flat = replace(ENERGY, history=tuple(YearValue(year=year, value=Decimal("0.5")) for year in (2022, 2023, 2024)))
    assert miss_probability(flat, target=Decimal("0.49"), year=2025) == 1.0
    assert miss_probability(flat, target=Decimal("0.51"), year=2025) == 0.0
    gap = replace(ENERGY, history=(ENERGY.history[0], *ENERGY.history[2:]))
    assert miss_probability(gap, target=Decimal("0.48"), year=2025) is None


EASY = link(kpis=(ENERGY, GREEN_KNOWN), observations=(
    observation(1, date(2025, 9, 30), date(2025, 10, 31), energy="0.90", green="0.01"),
))  # fmt: skip


@pytest.mark.parametrize(
    ("code", "changed", "expected"),
    [
        ("ambition", {}, PASSED), ("ambition", {"link": EASY}, FAILED),
        ("ambition", {"link": link(kpis=(ENERGY, GREEN))}, UNKNOWN),
        ("materiality", {}, PASSED),
        ("materiality", {"link": link(kpis=(replace(ENERGY, emissions_ratio=Decimal("0.49")), GREEN))}, FAILED),
        ("materiality", {"link": link(kpis=(replace(ENERGY, emissions_ratio=None), GREEN))}, UNKNOWN),
        ("two-way", {}, PASSED), ("two-way", {"link": link(POINTS)}, FAILED),
        ("two-way", {"link": link(replace(POINTS, missed_bp=5))}, FAILED),  # a missing report alone raises it
        ("two-way", {"link": link(replace(COUNTS, cap_bp=0))}, FAILED),
        ("two-way", {"link": link(replace(COUNTS, floor_bp=0))}, FAILED),
        ("two-way", {"link": link(replace(COUNTS, steps=tuple(
            replace(one, step_bp=step) for one, step in zip(COUNTS.steps, (5, 5, 0), strict=True))))}, FAILED),
        ("size", {}, PASSED),
        ("size", {"link": link(replace(COUNTS, missed_bp=2, steps=tuple(
            replace(one, step_bp=step) for one, step in zip(COUNTS.steps, (2, 0, -2), strict=True))))}, FAILED),
        ("dates", {}, PASSED), ("dates", {"maturity_date": date(2028, 6, 30)}, FAILED),
        ("baseline", {}, PASSED),
        ("baseline", {"link": link(kpis=(replace(ENERGY, baseline_year=2022, baseline_value=Decimal("0.52")),
                                         GREEN_KNOWN))}, FAILED),
        ("baseline", {"link": link(kpis=(ENERGY, GREEN))}, UNKNOWN),
        ("restatement", {}, PASSED), ("restatement", {"structural_change_known": False}, UNKNOWN),
        ("restatement", {"structural_change_from": date(2025, 8, 1)}, FAILED),
        ("restatement", {"structural_change_from": date(2025, 8, 1), "rebased_from": date(2025, 9, 1)}, PASSED),
        ("verifier", {}, PASSED), ("verifier", {"link": link(verifier_is_independent=False)}, FAILED),
        ("verifier", {"reports": {"1": report(is_independent=False)}}, FAILED),
        ("punctuality", {}, PASSED), ("punctuality", {"first_received": {"1": date(2025, 11, 1)}}, FAILED),
        ("punctuality", {"first_received": {}}, FAILED),
        ("denominator", {}, UNKNOWN),
        ("denominator", {"reports": with_denominators(("0.50", "100"), ("0.45", "120"))}, FAILED),
        ("denominator", {"reports": with_denominators(("0.50", "100"), ("0.45", "105"))}, PASSED),
        ("green-power", {}, PASSED),
        ("green-power", {"claims": ClaimFacts(green_power_counted_twice=True, claimed_elsewhere=())}, FAILED),
        ("green-power", {"claims": ClaimFacts(green_power_counted_twice=None, claimed_elsewhere=())}, UNKNOWN),
        ("sleeping", {}, PASSED), ("sleeping", {"first_drawdown": date(2024, 6, 30)}, PASSED),
        ("sleeping", {"first_drawdown": date(2024, 6, 29)}, FAILED),
        ("single-claim", {}, PASSED),
        ("single-claim", {"claims": ClaimFacts(green_power_counted_twice=False, claimed_elsewhere=("CCER-1",))}, FAILED),
        ("single-claim", {"claims": ClaimFacts(green_power_counted_twice=False, claimed_elsewhere=None)}, UNKNOWN),
        ("bonus", {}, PASSED), ("bonus", {"link": link(bonus_depends=True)}, FAILED),
        ("bonus", {"link": link(bonus_depends=None)}, UNKNOWN),
    ],
)  # fmt: skip
def test_each_check(code: str, changed: dict[str, Any], expected: Verdict) -> None:
    assert verdict(code, **changed) is expected


def test_one_failure_fails_the_link_and_what_is_not_known_never_passes() -> None:
    assert review_link(INPUTS).verdict is UNKNOWN  # no denominators
    sound = replace(INPUTS, reports=with_denominators(("0.50", "100"), ("0.45", "105")))
    assert review_link(sound).verdict is PASSED
    assert review_link(replace(sound, link=link(POINTS, kpis=(ENERGY, GREEN_KNOWN)))).verdict is FAILED
    assert all(one.source for one in review_link(INPUTS).checks)


def test_a_review_of_before_comes_out_as_it_did() -> None:
    """Read at first, a step for a missing report made any ratchet two-way, and no check was confirmed."""
    before = replace(INPUTS, method=None, link=link(replace(POINTS, missed_bp=5), kpis=(ENERGY, GREEN_KNOWN)))
    assert "method" not in canonical(before)
    found = review_link(before)
    assert next(one.verdict for one in found.checks if one.code == "two-way") is PASSED


def test_a_check_is_confirmed_by_its_threshold() -> None:
    def confirmed(inputs: IntegrityInputs) -> dict[str, bool]:
        return {one.name: one.confirmed for one in review_link(inputs).trace if one.name.startswith("check.")}

    sure = replace(INPUTS.thresholds, sleeping_months_max=replace(threshold("sleeping_months_max"), confirmed=True))
    assert not any(confirmed(INPUTS).values())
    found = confirmed(replace(INPUTS, thresholds=sure))
    assert [name for name, is_confirmed in found.items() if is_confirmed] == ["check.sleeping"]
    assert not any(confirmed(replace(INPUTS, thresholds=sure, method=None)).values())


def test_a_review_is_kept_and_the_latest_is_shown(sqlite_sessions: Sessions) -> None:
    stated = service.ReviewFacts(
        structural_change_known=True, structural_change_from=None, green_power_counted_twice=None,
        claimed_elsewhere=None,
    )  # fmt: skip
    with sqlite_sessions.begin() as session:
        world = linked_world(session)
        latest = partial(service.latest_review, session, world.bank.officer, "GL-2025-001")
        assert latest(known_at=world.standing.known_at) is None
        kept = service.review_sustainability_link(
            session, world.bank.officer, "GL-2025-001", stated, standing=world.standing
        )
        assert latest(known_at=world.standing.known_at) == kept
        assert latest(known_at=world.standing.known_at - timedelta(days=1)) is None, "not known the day before"
        found = {one.code: one.verdict for one in kept.review.checks}
        assert (found["restatement"], found["single-claim"], found["two-way"]) == (PASSED, UNKNOWN, PASSED)

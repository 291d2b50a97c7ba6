"""Observations of a sustainability link: status, step and level counted by hand, and what is missing never pays."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from carbonfin.kernel.errors import CarbonFinError, Conflict, InvalidInput, MissingData
from carbonfin.rules.contracts import faults
from carbonfin.rules.validate import validate
from loans.calc.linked import RatchetKind
from loans.calc.linked.adjustments import LinkTurn, ObservedLevel, adjustment_steps
from loans.calc.linked.agreements import LINK_MACHINE, Assurance, LinkEvent, LinkState
from loans.calc.linked.documents import ComplianceCertificate
from loans.calc.linked.observation_terms import ObservationStatus
from loans.calc.linked.observations import decide_observation
from loans.calc.linked.ratchets import RATCHET_TABLE, LateReport, MarginRatchet, RatchetStep, ratchet_table
from tests.loans.link_samples import COUNTS, DIGEST, GRADES, POINTS, link, observation, observed, report

DUE = date(2025, 10, 31)


@pytest.mark.parametrize("ratchet", [COUNTS, GRADES, POINTS])
def test_a_ratchet_is_a_table_without_gaps_that_keeps_its_contract(ratchet: MarginRatchet) -> None:
    table = ratchet_table(ratchet, document="补充协议", article="第 3 条")
    assert faults(RATCHET_TABLE, table) == ()
    assert [one.en for one in validate(table).findings if one.is_fatal] == []


@pytest.mark.parametrize(
    ("energy", "green", "status", "step"),
    [
        ("0.48", "0.20", ObservationStatus.MET, -10),  # both targets reached to the digit
        ("0.4801", "0.25", ObservationStatus.MISSED, 0),
        ("0.60", "0.19", ObservationStatus.MISSED, 5),
        (None, "0.25", ObservationStatus.MISSED, 0),  # what the report does not say is not met
    ],
)
def test_kpis_met_are_counted(energy: str | None, green: str | None, status: ObservationStatus, step: int) -> None:
    found = decide_observation(observed(link(), report(energy, green)))
    assert (found.status, found.step_bp, found.level_bp, found.counts) == (status, step, step, True)
    assert found.applies_after == DUE
    row = next(one for one in found.trace if one.name == "ratchet_row")
    assert row.value == f"met_{sum(one.is_met for one in found.kpis)}"
    assert row.parameter is not None


@pytest.mark.parametrize(
    ("score", "step"),
    [("59.9", 0), ("60", 0), ("60.9", 0), ("61", -1), ("79.5", -19), ("80", -20), ("95", -20)],
)
def test_points_over_the_base_with_a_cap(score: str, step: int) -> None:
    found = decide_observation(observed(link(POINTS), report(score=Decimal(score))))
    assert (found.step_bp, found.status) == (step, ObservationStatus.MET)


def test_grades_add_up_within_floor_and_cap() -> None:
    inputs = observed(link(GRADES), report(grade="A"))
    assert decide_observation(inputs).level_bp == -10
    assert decide_observation(replace(inputs, level_before_bp=Decimal(-10))).level_bp == -15  # -20, held at the floor
    worse = observed(link(GRADES), report(grade="D"), level_before_bp=Decimal(8))
    assert decide_observation(worse).level_bp == 10  # 13, held at the cap
    absolute = replace(GRADES, kind=RatchetKind.ABSOLUTE)
    assert decide_observation(observed(link(absolute), report(grade="B"), level_before_bp=Decimal(-10))).level_bp == -5


@pytest.mark.parametrize(
    ("changed_link", "changed_report", "words"),
    [
        ({}, {"is_independent": False}, "independent"),
        ({"verifier_is_independent": False}, {}, "independent"),
        ({"assurance": Assurance.REASONABLE}, {}, "assurance"),
        ({"needs_certificate": True}, {}, "certificate"),
        ({}, {"verifier": "另一家机构"}, "is not"),
        ({}, {"valid_to": date(2025, 10, 30)}, "expired"),
    ],
)
def test_a_report_that_does_not_count_is_missed_with_its_reason(
    changed_link: dict[str, Any], changed_report: dict[str, Any], words: str
) -> None:
    found = decide_observation(observed(link(**changed_link), report(**changed_report)))
    assert (found.counts, found.status, found.step_bp) == (False, ObservationStatus.MISSED, 5)
    assert words in found.why_en


def test_no_report_by_its_due_date_is_not_received() -> None:
    found = decide_observation(observed(link(), None, decided_on=date(2025, 11, 1)))
    assert (found.status, found.level_bp, found.counts) == (ObservationStatus.NOT_RECEIVED, 5, False)
    with pytest.raises(MissingData) as early:
        decide_observation(observed(link(), None, decided_on=DUE))
    assert early.value.field == "report"


def test_a_late_report_is_worth_what_was_agreed() -> None:
    late = report(received_date=date(2025, 11, 25), report_date=date(2025, 11, 20))

    def decided(rule: LateReport) -> Any:
        return decide_observation(
            observed(link(replace(COUNTS, late=rule)), late, decided_on=date(2025, 11, 25), version=2)
        )

    compensated = decided(LateReport.COMPENSATED)
    assert (compensated.status, compensated.level_bp, compensated.applies_after, compensated.interim_bp) == (
        ObservationStatus.LATE, -10, DUE, None,
    )  # fmt: skip
    later = decided(LateReport.NEXT_PERIOD)
    assert (later.level_bp, later.applies_after, later.interim_bp) == (-10, date(2025, 11, 25), 5)
    missed = decided(LateReport.MISSED)
    assert (missed.status, missed.level_bp, missed.applies_after) == (ObservationStatus.LATE, 5, DUE)


def test_a_correction_of_a_report_in_time_is_in_time() -> None:
    corrected = report("0.60", "0.25", version=2, received_date=date(2025, 12, 9), correction_reason="产值更正")
    inputs = observed(link(), corrected, first_received_date=date(2025, 10, 24), decided_on=date(2025, 12, 9))
    found = decide_observation(inputs)
    assert (found.status, found.level_bp, found.applies_after) == (ObservationStatus.MISSED, 0, DUE)
    with pytest.raises(InvalidInput) as unreasoned:
        report(version=2)
    assert unreasoned.value.field == "correction_reason"


def test_a_certificate_that_comes_late_makes_it_late() -> None:
    certificate = ComplianceCertificate(
        version=1, signed_by="财务总监", certificate_date=date(2025, 11, 1), received_date=date(2025, 11, 2),
        evidence_digest=DIGEST,
    )  # fmt: skip
    found = decide_observation(observed(link(needs_certificate=True), report(), certificate=certificate))
    assert (found.status, found.level_bp) == (ObservationStatus.LATE, -10)


@pytest.mark.parametrize(
    ("changed", "kind", "field"),
    [
        ({"report": report(usci="91440300MA5FAKE009")}, InvalidInput, "usci"),
        ({"report": report(received_date=date(2025, 11, 4))}, InvalidInput, "received_date"),
        (
            {"decided_on": date(2025, 9, 29), "report": None, "first_received_date": None},
            Conflict,
            "observation_number",
        ),
        ({"observation_number": 3}, InvalidInput, "observation_number"),
    ],
)
def test_what_cannot_be_observed_is_refused(changed: dict[str, Any], kind: type[CarbonFinError], field: str) -> None:
    with pytest.raises(kind) as refused:
        observed(link(), report(), **changed)
    assert refused.value.field == field


@pytest.mark.parametrize(("ratchet", "grade"), [(GRADES, None), (GRADES, "Z"), (POINTS, None)])
def test_a_report_without_what_the_table_asks_decides_nothing(ratchet: MarginRatchet, grade: str | None) -> None:
    with pytest.raises(MissingData) as refused:
        decide_observation(observed(link(ratchet), report(grade=grade)))
    assert refused.value.field in {"grade", "points_over_base"}


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"missed_bp": 4}, "missed_bp"),
        ({"floor_bp": 11}, "floor_bp"),
        ({"steps": (RatchetStep(key="0", step_bp=0), RatchetStep(key="1", step_bp=5))}, "steps"),
        ({"steps": (RatchetStep(key="1", step_bp=0),)}, "steps"),
        ({"steps": ()}, "steps"),
        ({"all_in_floor_rate": Decimal("0.25")}, "all_in_floor_rate"),
    ],
)
def test_a_ratchet_that_cannot_be_is_refused(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        replace(COUNTS, **changed)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"kpis": ()}, "kpis"),
        ({"observations": ()}, "observations"),
        ({"observations": (observation(1, date(2025, 9, 30), DUE), observation(2, date(2025, 9, 30), DUE))},
         "observations"),
        ({"observations": (replace(observation(1, date(2025, 9, 30), DUE), targets=()),)}, "targets"),
        ({"valid_from": date(2025, 6, 29)}, "valid_from"),
        ({"verifier": " "}, "verifier"),
        ({"ratchet": replace(COUNTS, steps=COUNTS.steps[:2])}, "steps"),
    ],
)  # fmt: skip
def test_a_link_whose_parts_do_not_fit_is_refused(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        link(**changed)
    assert refused.value.field == field


def level(number: int, day: str, bp: int, *, interim: int | None = None, due: str = "") -> ObservedLevel:
    applies = date.fromisoformat(day)
    return ObservedLevel(
        number=number, version=1, report_due_date=date.fromisoformat(due) if due else applies, applies_after=applies,
        interim_bp=None if interim is None else Decimal(interim), level_bp=Decimal(bp),
    )  # fmt: skip


def test_where_the_adjustment_stands_over_time() -> None:
    observed_levels = (level(1, "2025-11-25", -10, interim=5, due="2025-10-31"), level(2, "2026-01-31", -15))
    steps = adjustment_steps(observed_levels, ())
    assert [(one.applies_after.isoformat(), one.level_bp) for one in steps] == [
        ("2025-10-31", 5), ("2025-11-25", -10), ("2026-01-31", -15),
    ]  # fmt: skip
    turns = (
        LinkTurn(event=LinkEvent.SUSPEND, valid_from=date(2025, 12, 1)),
        LinkTurn(event=LinkEvent.RESUME, valid_from=date(2026, 1, 15)),
        LinkTurn(event=LinkEvent.DECLASSIFY, valid_from=date(2026, 2, 10)),
    )
    assert [(one.applies_after.isoformat(), one.level_bp) for one in adjustment_steps(observed_levels, turns)] == [
        ("2025-10-31", 5), ("2025-11-25", -10), ("2025-12-01", 0), ("2026-01-15", -10), ("2026-01-31", -15),
        ("2026-02-10", 0),
    ]  # fmt: skip
    step_up = adjustment_steps((level(1, "2025-10-31", 5),), turns[:1])
    assert [one.level_bp for one in step_up] == [5, 5]  # a step up stays


def test_an_earlier_observation_completed_late_does_not_undo_a_later_one() -> None:
    steps = adjustment_steps((level(1, "2026-02-20", -10, interim=5, due="2025-10-31"), level(2, "2026-01-31", 5)), ())
    assert [(one.applies_after.isoformat(), one.level_bp) for one in steps] == [("2025-10-31", 5), ("2026-01-31", 5)]


def test_a_declassified_link_takes_no_further_event() -> None:
    assert LINK_MACHINE.events_from(LinkState.DECLASSIFIED) == ()
    with pytest.raises(Conflict):
        LINK_MACHINE.after(LinkState.DECLASSIFIED, LinkEvent.RESUME)

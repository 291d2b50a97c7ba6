"""Nothing that is missing or wrong ever pays: a hundred thousand inputs against the full, true input."""

import json
import random
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal

import msgspec
import pytest

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import rate_plus_bp
from carbonfin.rules.contracts import faults
from carbonfin.rules.decide import Decider, NotDecided
from carbonfin.rules.domains import Measured, MissingReason
from carbonfin.rules.record import canonical_json
from carbonfin.rules.tables import DecisionTable, HitPolicy
from carbonfin.rules.validate import validate
from loans.calc.jiangtandai import CONCESSION_TABLE, RateInputs, decide_rate
from loans.calc.jiangtandai.concession_tables import granted_bp, within_cap
from tests.loans.concession_samples import ROWS, concession_table, table_rate
from tests.loans.samples import e4_report

_WRONG_PER_TRUE = 5
BEFORE = Decimal("0.0340")
FLOOR = Decimal("0.0312")
CAP_BP = Decimal(25)
ORDERED = concession_table()
ASKING = concession_table(
    (
        ("null", "null", "0"),
        (">=90", "true", "-30"),
        ("[80..90)", "true", "-20"),
        ("[60..80)", "true", "-5"),
        ("<60", "true", "0"),
        ("-", "false", "0"),
    ),
    columns=("score", "report_confirmed"),
    policy=HitPolicy.UNIQUE,
)
RANKED = concession_table(
    (*ROWS[1:], ("-", "-", "null", "-", "0")), policy=HitPolicy.PRIORITY, ranking=(-30, -25, -20, -15, -10, -5, 0)
)
WRONG_NUMBERS: tuple[object, ...] = (
    None, float("nan"), float("inf"), float("-inf"), Decimal("NaN"), Decimal("sNaN"), Decimal("-Infinity"), "87", "87分",
    "", "null", True, False, [], {}, object(), date(2025, 7, 1), b"87", 1 + 0j, Decimal(-101), Decimal(1096), 1e300, -1e300,
    Decimal("0.1234567890123456"), 10**30, Measured(number=Decimal(95), unit="bp"), Measured(number=1, unit="year"),
)  # fmt: skip
"""A score of 95 in another unit, an age of one year where days are asked: neither is read as the number it is."""
WRONG_DAYS = (*WRONG_NUMBERS, Decimal("16.5"), -1)
WRONG_FLAGS: tuple[object, ...] = (None, 0, 1, "true", "是", "A", Decimal(1), float("nan"), [], object())
WRONG: Mapping[str, tuple[object, ...]] = {
    "score": (*WRONG_NUMBERS, Decimal("100.1"), Decimal("-0.1"), 870),
    "points_over_base": WRONG_NUMBERS,
    "report_age_days": WRONG_DAYS,
    "report_confirmed": WRONG_FLAGS,
}


def true_input(chance: random.Random) -> dict[str, object]:
    score = Decimal(chance.randrange(1001)) / 10
    return {
        "score": score,
        "points_over_base": score - 60,
        "report_age_days": chance.choice((16, 90, 91, 180, 181, 365, 366, chance.randrange(1096))),
        "report_confirmed": chance.random() < 0.8,
    }


def broken(chance: random.Random, facts: Mapping[str, object]) -> dict[str, object]:
    """Give the input with one to four parts left out or put wrong."""
    wrong = dict(facts)
    for name in chance.sample(list(WRONG), chance.choice((1, 1, 1, 2, 3, 4))):
        if chance.random() < 0.3:
            wrong.pop(name, None)
        else:
            wrong[name] = chance.choice(WRONG[name])
    return wrong


def executed_rate(decider: Decider, facts: Mapping[str, object]) -> Decimal | None:
    said = decider.decide(facts)
    if isinstance(said, NotDecided):
        return None
    concession, _ = within_cap(granted_bp(decider.table, said), cap_bp=CAP_BP)
    return max(rate_plus_bp(BEFORE, concession), FLOOR)


def test_every_wrong_value_is_no_member_of_its_domain() -> None:
    for column in ORDERED.inputs:
        for value in WRONG[column.name]:
            assert isinstance(column.domain.read(value), MissingReason), (column.name, value)


@pytest.mark.parametrize(
    ("table", "count"), [(ORDERED, 40_000), (ASKING, 40_000), (RANKED, 20_000)], ids=["first", "unique", "priority"]
)
def test_no_input_with_a_missing_or_wrong_part_gets_a_lower_rate(table: DecisionTable, count: int) -> None:
    assert validate(table).may_be_published
    assert faults(CONCESSION_TABLE, table) == ()
    chance = random.Random(20250701)  # noqa: S311 - the same inputs every time, no secret
    decider = Decider(table)
    seen = {"undecided": 0, "alike": 0, "worse": 0}
    facts, full = true_input(chance), None
    for place in range(count):
        if place % _WRONG_PER_TRUE == 0:
            facts = true_input(chance)
            full = executed_rate(decider, facts)
        assert full is not None, facts
        wrong = broken(chance, facts)
        found = executed_rate(decider, wrong)
        assert found is None or found >= full, (facts, wrong, full, found)
        seen["undecided" if found is None else "alike" if found == full else "worse"] += 1
    assert min(seen.values()) > count // 100, f"the fuzz looked at too little: {seen}"


def test_a_table_that_pays_for_what_is_missing_is_found() -> None:
    generous = Decider(concession_table((("null", "-", "-", "-", "-30"), *ROWS[1:])))
    chance = random.Random(20250701)  # noqa: S311 - the same inputs every time, no secret
    lower = 0
    for _ in range(1_000):
        facts = true_input(chance)
        full, found = executed_rate(generous, facts), executed_rate(generous, broken(chance, facts))
        lower += found is not None and full is not None and found < full
    assert lower > 100


BREAKS: tuple[Callable[[dict[str, object]], object], ...] = (
    *[
        lambda report, value=value: report.update(score=value)
        for value in (None, "NaN", "Infinity", "-1", "101", "1e9")
    ],  # type: ignore[misc]
    *[lambda report, value=value: report.update(score=value) for value in ("87分", "", True, [], {"value": "87"})],  # type: ignore[misc]
    *[lambda report, value=value: report.update(confirmed=value) for value in (None, "true", 1)],  # type: ignore[misc]
    *[lambda report, value=value: report.update(report_date=value) for value in (None, "2025-07-32", "2025-07-01", 7)],  # type: ignore[misc]
    *[lambda report, value=value: report.update(valid_to=value) for value in (None, "", "2024-01-01", True)],  # type: ignore[misc]
    *[lambda report, name=name: report.pop(name) for name in ("score", "confirmed", "report_date", "valid_to")],  # type: ignore[misc]
)


def test_no_report_put_wrong_in_the_record_gets_a_lower_rate() -> None:
    chance = random.Random(20250701)  # noqa: S311 - the same inputs every time, no secret
    refused = decided = 0
    for place in range(400):
        score, age = str(Decimal(chance.randrange(1001)) / 10), chance.randrange(1, 600)
        report = e4_report(score=score)
        dated = {"report_date": (date(2025, 6, 30) - timedelta(days=age)).isoformat()}
        content = json.loads(canonical_json(table_rate(report=report, cap="30")))
        content["report"] |= dated
        full = decide_rate(msgspec.json.decode(json.dumps(content), type=RateInputs)).executed_rate
        assert full is not None
        BREAKS[place % len(BREAKS)](content["report"])
        try:
            found = decide_rate(msgspec.json.decode(json.dumps(content), type=RateInputs)).executed_rate
        except (msgspec.ValidationError, InvalidInput):
            refused += 1
            continue
        decided += 1
        assert found is None or found >= full, (content["report"], full, found)
    assert refused > 100
    assert decided > 10

"""Ratchets to value: yearly periods of an amortising loan, and chains drawn at random."""

from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from loans.calc.linked import GradeStep, RatchetInputs, RatchetKind, RatchetPeriod

TRANSITIONS = (
    ("0.5", "0.5"),
    ("0.2", "0.8"),
)
STEPS = ("-10", "20")


def grades_of(steps: tuple[str, ...], transitions: tuple[tuple[str, ...], ...]) -> tuple[GradeStep, ...]:
    return tuple(
        GradeStep(name=chr(65 + place), adjustment_bp=Decimal(step), transitions=tuple(Decimal(one) for one in row))
        for place, (step, row) in enumerate(zip(steps, transitions, strict=True))
    )


def yearly(balances: tuple[str, ...], *, first: int = 0) -> tuple[RatchetPeriod, ...]:
    """Periods of a whole year each; `first` observations have moved the margin by the first."""
    return tuple(
        RatchetPeriod(
            start=date(2025 + place, 7, 1), end=date(2026 + place, 7, 1), balance_cny=Decimal(balance), days=1,
            year_days=1, observations=first + place,
        )
        for place, balance in enumerate(balances)
    )  # fmt: skip


def ratchet(**changed: Any) -> RatchetInputs:
    given: dict[str, Any] = {
        "subject": "JJ-1", "valuation_date": date(2025, 7, 1), "kind": RatchetKind.ABSOLUTE,
        "grades": grades_of(STEPS, TRANSITIONS), "current_grade": "A", "floor_bp": None, "cap_bp": None,
        "base_rate": Decimal("0.0345"), "all_in_floor_rate": None, "discount_rate": Decimal("0.25") / 10,
        "stub_days": 0, "periods": yearly(("1000000.00", "1000000.00", "500000.00")), "source": "示例迁移矩阵",
        "confirmed": False,
    }  # fmt: skip
    return RatchetInputs(**{**given, **changed})


def random_ratchet(draw: np.random.Generator) -> RatchetInputs:
    """Draw a chain of two to six grades with steps, bounds, balances and both kinds; chances of three places."""
    count = int(draw.integers(2, 7))
    rows = []
    for _ in range(count):
        cuts = np.sort(draw.integers(0, 1001, count - 1))
        parts = np.diff(np.concatenate(([0], cuts, [1000])))
        rows.append(tuple(str(Decimal(int(part)).scaleb(-3)) for part in parts))
    steps = tuple(str(int(step)) for step in draw.integers(-25, 26, count))
    balances = tuple(f"{int(one)}.00" for one in np.sort(draw.integers(1_000_000, 90_000_000, 6))[::-1])
    bounded = bool(draw.integers(0, 2))
    return ratchet(
        grades=grades_of(steps, tuple(rows)),
        current_grade=chr(65 + int(draw.integers(0, count))),
        kind=RatchetKind.CUMULATIVE if draw.integers(0, 2) else RatchetKind.ABSOLUTE,
        floor_bp=Decimal(-30) if bounded else None,
        cap_bp=Decimal(20) if bounded else None,
        periods=yearly(balances),
    )


RATCHET_BODY: dict[str, Any] = {
    "kind": "absolute", "current_grade": "A", "discount_rate": "0.03", "observation_dates": ["2025-12-31"],
    "source": "示例迁移矩阵",
    "grades": [
        {"name": name, "adjustment_bp": step, "transitions": list(row)}
        for name, step, row in zip("AB", STEPS, TRANSITIONS, strict=True)
    ],
}  # fmt: skip
"""The same ratchet as the API takes it, without its note."""

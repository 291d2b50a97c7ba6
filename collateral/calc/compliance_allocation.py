"""Allocation in a compliance position: what is to come at its ratio, and what may be taken back."""

from carbonfin.kernel.units import round_down
from collateral.calc.compliance_records import (
    ALLOCATION_STANDING_NAMES,
    ALLOCATION_STATE_NAMES,
    AllocationPart,
    AllocationStanding,
)
from collateral.calc.compliance_years import YearInputs
from collateral.calc.figures import FigureList


def to_come(year: YearInputs, figures: FigureList) -> tuple[int, str]:
    """Give what counts of the allocation still to come, Σ floor(to come x ratio) in tonnes, and its figure."""
    of, total_t, names = str(year.compliance_year), 0, []
    coming = [one for one in year.parts if one.standing is AllocationStanding.TO_COME]
    for place, (part, ratio) in enumerate(zip(coming, year.to_come_counted, strict=True)):
        total_t += int(round_down(part.quantity_t * ratio.decimal))
        names.append(_part(year, part, place, figures))
        names.append(figures.parameter(f"true_up_counted_ratio_{ratio.scope}".rstrip("_"), ratio))
    return total_t, figures.result(
        f"to_come_counted_{of}",
        (f"{of} 年度计入的待发放配额", f"Allocation to come, counted {of}"),
        total_t,
        "t",
        "Σ floor(to come × ratio)",
        inputs=names,
    )


def recallable(year: YearInputs, figures: FigureList) -> tuple[int, str]:
    """Give what may be taken back, in full, and its figure; what was issued stands in the trace beside it."""
    of = str(year.compliance_year)
    parts = [one for one in year.parts if one.standing is AllocationStanding.RECALLABLE]
    for place, one in enumerate(one for one in year.parts if one.standing is AllocationStanding.ISSUED):
        _part(year, one, place, figures)
    total_t = sum(one.quantity_t for one in parts)
    return total_t, figures.result(
        f"recallable_{of}",
        (f"{of} 年度可能收回", f"Subject to recall {of}"),
        total_t,
        "t",
        "Σ recallable, in full",
        inputs=[_part(year, one, place, figures) for place, one in enumerate(parts)],
    )


def _part(year: YearInputs, part: AllocationPart, place: int, figures: FigureList) -> str:
    state, standing = ALLOCATION_STATE_NAMES[part.state], ALLOCATION_STANDING_NAMES[part.standing]
    return figures.fact(
        f"allocation_{year.compliance_year}_{part.state}_{part.standing}_{place}",
        (
            f"{year.compliance_year} 年度{state[0]}·{standing[0]}",
            f"{state[1]}, {standing[1].lower()} {year.compliance_year}",
        ),
        part.quantity_t,
        "t",
        part.source,
        confirmed=not part.unconfirmed,
        note_zh=part.unconfirmed,
    )

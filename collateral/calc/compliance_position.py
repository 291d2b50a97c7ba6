"""The compliance position (履约头寸) of an emitter: what it must surrender by year, and with what it can.

Years are met in the order of their deadlines, each by the units that end first, so that no tonne serves two years.
What is not known to be usable does not count; allocation to come counts at a dated ratio, what may be recalled not.
"""

from datetime import date

from carbonfin.kernel.allowances import Unit
from carbonfin.rules.record import DecisionKind
from collateral.calc.compliance_allocation import recallable, to_come
from collateral.calc.compliance_offsets import count_credits, fine_of
from collateral.calc.compliance_records import (
    EMISSIONS_STATE_NAMES,
    AllocationStanding,
    EmissionsState,
)
from collateral.calc.compliance_years import (
    LEFT_OUT_NAMES,
    Arrears,
    CompliancePositionInputs,
    CompliancePositionOutcome,
    HeldUnit,
    LeftOut,
    LeftOutReason,
    UsableUnit,
    YearInputs,
    YearPosition,
)
from collateral.calc.figures import FigureList
from collateral.calc.surrender import CARRIES_FORWARD


class _Lot:
    """Tonnes of a unit with one end, drawn down year by year."""

    def __init__(self, held: HeldUnit, quantity_t: int, *, is_carried_over: bool) -> None:
        self.unit = held.unit
        self.use = held.use
        self.is_carried_over = is_carried_over
        self.held_t = self.left_t = quantity_t

    @property
    def end(self) -> date:
        last = self.use.last_usable
        return date.max if last is None or self.is_carried_over else last.day

    def left_out_of(self, year: YearInputs) -> LeftOutReason | None:
        """Say why the lot cannot be surrendered for a year, or None where it can."""
        if self.unit.vintage is not None and self.unit.vintage > year.compliance_year:
            return LeftOutReason.LATER_VINTAGE
        if self.is_carried_over:
            return None
        if self.use.last_usable is not None:
            return None if year.surrender_date.day <= self.end else LeftOutReason.PAST_USE
        carries = self.use.carries_forward is not None and self.use.carries_forward.value == CARRIES_FORWARD
        # A vintage is issued to be surrendered for its own year, whatever is known of later ones.
        return None if carries or self.unit.vintage == year.compliance_year else LeftOutReason.END_UNKNOWN


def decide_compliance_position(inputs: CompliancePositionInputs) -> CompliancePositionOutcome:
    """Give obligation, means, surplus or shortfall and fine of each year; a tonne counts for one year alone.

    outstanding = emissions + arrears - surrendered; balance = usable + Σ floor(to come x ratio) - recallable -
    outstanding. Of the obligation, or of max(0, -balance), credits up to floor(share) stand for allowances.
    """
    figures = FigureList()
    lots = [
        _Lot(one, quantity_t, is_carried_over=is_carried_over)
        for one in inputs.units
        if one.unit.scheme is inputs.scheme
        for quantity_t, is_carried_over in (
            (one.quantity_t - min(one.carried_over_t, one.quantity_t), False),
            (min(one.carried_over_t, one.quantity_t), True),
        )
        if quantity_t
    ]
    credits_t = {one.unit: one.quantity_t for one in inputs.units if one.unit.is_credit}
    years: list[YearPosition] = []
    for year in sorted(inputs.years, key=lambda one: (one.surrender_date.day, one.compliance_year)):
        arrears = inputs.arrears if not years else ()
        years.append(_year(year, arrears, lots, credits_t, figures))
    return CompliancePositionOutcome(years=tuple(years), unconfirmed=figures.unconfirmed(), trace=figures.trace())


def _year(
    year: YearInputs, arrears: tuple[Arrears, ...], lots: list[_Lot], credits_t: dict[Unit, int], figures: FigureList
) -> YearPosition:
    of = str(year.compliance_year)
    deadline = figures.parameter(f"surrender_date_{of}", year.surrender_date)
    arrears_t = sum(one.emissions_t - one.surrendered_t for one in arrears)
    outstanding_t = _outstanding(year, arrears, figures)
    usable, left_out = _usable(year, lots, deadline, figures)
    to_come_counted_t, coming = to_come(year, figures)
    recallable_t, recalled = recallable(year, figures)
    usable_t = sum(one.quantity_t for one in usable)
    balance_t = usable_t + to_come_counted_t - recallable_t - outstanding_t
    balance = figures.result(
        f"balance_{of}",
        (f"{of} 年度配额余缺", f"Balance of allowances {of}"),
        balance_t,
        "t",
        "usable + to come counted − recallable − outstanding",
        inputs=(f"usable_{of}", coming, recalled, f"outstanding_{of}"),
    )
    held_t, limit_t, counted_t = count_credits(
        year, credits_t, figures, shortfall_t=max(0, -balance_t), balance=balance
    )
    final_t = balance_t + counted_t
    shortfall = _forecast(of, final_t, balance, figures)
    low, high = fine_of(year, max(0, -final_t), shortfall, figures)
    _draw(year, lots, max(0, outstanding_t + recallable_t - to_come_counted_t - counted_t))
    return YearPosition(
        compliance_year=year.compliance_year,
        surrender_date=year.surrender_date.day,
        emissions_t=year.emissions_t,
        arrears_t=arrears_t,
        surrendered_t=year.surrendered_t or 0,
        outstanding_t=outstanding_t,
        usable=usable,
        left_out=left_out,
        to_come_t=sum(one.quantity_t for one in year.parts if one.standing is AllocationStanding.TO_COME),
        to_come_counted_t=to_come_counted_t,
        recallable_t=recallable_t,
        balance_t=balance_t,
        credits_held_t=held_t,
        offset_limit_t=limit_t,
        credits_counted_t=counted_t,
        surplus_t=max(0, final_t),
        shortfall_t=max(0, -final_t),
        penalty_regime=None if year.penalty is None else year.penalty.regime.value,
        penalty_low_cny=low,
        penalty_high_cny=high,
    )


def _forecast(of: str, final_t: int, balance: str, figures: FigureList) -> str:
    """Add forecast shortfall and surplus, and give the name of the shortfall."""
    shortfall = figures.result(
        f"shortfall_{of}",
        (f"{of} 年度预计缺口", f"Forecast shortfall {of}"),
        max(0, -final_t),
        "t",
        "max(0, −(balance + credits counted))",
        inputs=(balance, f"credits_counted_{of}"),
    )
    figures.result(
        f"surplus_{of}",
        (f"{of} 年度预计盈余", f"Forecast surplus {of}"),
        max(0, final_t),
        "t",
        "max(0, balance + credits counted)",
        inputs=(balance, f"credits_counted_{of}"),
    )
    return shortfall


def _outstanding(year: YearInputs, arrears: tuple[Arrears, ...], figures: FigureList) -> int:
    of = str(year.compliance_year)
    zh, en = EMISSIONS_STATE_NAMES[year.emissions_state]
    emissions = figures.fact(
        f"emissions_{of}",
        (f"{of} 年度{zh}", f"{en} {of}"),
        year.emissions_t,
        "t",
        year.emissions_source,
        confirmed=not year.unconfirmed and year.emissions_state is EmissionsState.VERIFIED,
        note_zh=year.unconfirmed or ("" if year.emissions_state is EmissionsState.VERIFIED else "尚未核查"),
        note_en="" if year.emissions_state is EmissionsState.VERIFIED else "not verified yet",
    )
    owed = [
        figures.fact(
            f"arrears_{one.compliance_year}",
            (f"{one.compliance_year} 年度欠缴", f"Arrears {one.compliance_year}"),
            one.emissions_t - one.surrendered_t,
            "t",
            one.source,
            note_zh=f"排放 {one.emissions_t} 吨，已清缴 {one.surrendered_t} 吨",
            note_en=f"emissions {one.emissions_t} t, surrendered {one.surrendered_t} t",
        )
        for one in arrears
    ]
    surrendered = figures.fact(
        f"surrendered_{of}",
        (f"{of} 年度已清缴", f"Surrendered {of}"),
        year.surrendered_t or 0,
        "t",
        year.emissions_source,
        note_zh="" if year.surrendered_t is not None else "未录入，按未清缴计",
        note_en="" if year.surrendered_t is not None else "not entered: taken as none",
    )
    arrears_t = sum(one.emissions_t - one.surrendered_t for one in arrears)
    outstanding_t = max(0, year.emissions_t + arrears_t - (year.surrendered_t or 0))
    figures.result(
        f"outstanding_{of}",
        (f"{of} 年度待清缴", f"Still to surrender {of}"),
        outstanding_t,
        "t",
        "emissions + arrears − surrendered",
        inputs=(emissions, *owed, surrendered),
    )
    return outstanding_t


def _usable(
    year: YearInputs, lots: list[_Lot], deadline: str, figures: FigureList
) -> tuple[tuple[UsableUnit, ...], tuple[LeftOut, ...]]:
    of, names = str(year.compliance_year), [deadline]
    usable: dict[Unit, int] = {}
    left_out: list[LeftOut] = []
    for lot in lots:
        reason = lot.left_out_of(year)
        if reason is not None:
            left_out.append(LeftOut(unit=lot.unit, quantity_t=lot.left_t, reason=reason))
            continue
        usable[lot.unit] = usable.get(lot.unit, 0) + lot.left_t
        if lot.left_t < lot.held_t:
            used_t = lot.held_t - lot.left_t
            left_out.append(LeftOut(unit=lot.unit, quantity_t=used_t, reason=LeftOutReason.EARLIER_YEAR))
        end = lot.use.carries_forward if lot.use.last_usable is None else lot.use.last_usable
        if end is not None and not lot.is_carried_over:
            names.append(figures.parameter(f"end_{lot.unit}", end))
    names.extend(
        figures.fact(
            f"usable_{of}_{unit}", (f"{unit} 可用于 {of} 年度", f"{unit} usable for {of}"), quantity_t, "t", "配额台账"
        )
        for unit, quantity_t in usable.items()
    )
    for unit in dict.fromkeys(one.unit for one in left_out):
        parts = [one for one in left_out if one.unit == unit]
        figures.fact(
            f"left_out_{of}_{unit}",
            (f"{unit} 不计入 {of} 年度", f"{unit} not counted for {of}"),
            sum(one.quantity_t for one in parts),
            "t",
            "配额台账",
            note_zh="；".join(f"{one.quantity_t} 吨{LEFT_OUT_NAMES[one.reason][0]}" for one in parts),
            note_en="; ".join(f"{one.quantity_t} t {LEFT_OUT_NAMES[one.reason][1]}" for one in parts),
        )
    figures.result(
        f"usable_{of}",
        (f"{of} 年度可用配额", f"Usable allowances {of}"),
        sum(usable.values()),
        "t",
        "Σ units usable at the deadline, less what earlier years need",
        inputs=names,
    )
    return (
        tuple(UsableUnit(unit=unit, quantity_t=quantity_t) for unit, quantity_t in sorted(usable.items())),
        tuple(one for one in left_out if one.quantity_t),
    )


def _draw(year: YearInputs, lots: list[_Lot], needed_t: int) -> None:
    """Take what a year needs from the usable lots, the one that ends first before the others."""
    usable = [lot for lot in lots if lot.left_out_of(year) is None]
    for lot in sorted(usable, key=lambda one: (one.end, one.unit)):
        taken_t = min(lot.left_t, needed_t)
        lot.left_t -= taken_t
        needed_t -= taken_t


COMPLIANCE_POSITION = DecisionKind(
    name="collateral.compliance_position",
    version="1",
    inputs=CompliancePositionInputs,
    outputs=CompliancePositionOutcome,
    decide=decide_compliance_position,
)

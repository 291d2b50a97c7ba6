"""Whether a change of a pledge may go ahead: coverage before and after, dates, headroom, what-if, and each reason."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_FLOOR, Decimal

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.record import ADDED_LATER, DecisionKind
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.trace import Figure
from collateral.calc.agreements import UnitQuantity
from collateral.calc.appraisal import Availability
from collateral.calc.book_limits import BookFindings, BookLimits, BookShare, book_shares, findings_of, share_notes
from collateral.calc.carry_over_grants import CarryOverGrant, grant_notes, grant_refusals
from collateral.calc.coverage import (
    CoverageLines,
    Debt,
    PledgedLine,
    Valuation,
    market_values_cny,
    price_figure,
    value_lines,
    value_position,
)
from collateral.calc.coverage_rules import CoverageLevel, floor_ratio
from collateral.calc.figures import FigureList
from collateral.calc.haircuts import haircut_figures
from collateral.calc.headroom import HeadroomInputs, decide_headroom
from collateral.calc.pledge_changes import ChangeKind, counts_for_nothing
from collateral.calc.price_ages import price_refusals
from collateral.calc.refusals import Refusal
from collateral.calc.schedule_verdicts import ScheduledUnits, schedule_refusals
from collateral.calc.surrender import SafeDate, SafeDateKind, SafetyTerms, last_safe_date, safety_of
from collateral.calc.what_if import Scenario, scenarios_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachedUnits:
    """Tonnes of a unit on the pledgor's account that an authority has frozen, by its document."""

    unit: Unit
    quantity_t: int
    document: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeInputs:
    """Everything the weighing of a change hangs on.

    Attributes:
        before: What is pledged now, priced.
        after: What would be pledged, priced the same.
        added: Units that come under the pledge and are not yet locked for it.
        freed: Units that leave it.
        principal_max_cny: The principal that may be owed for it to go ahead; None where nothing is to be repaid.
        availability: What the pledgor has free of each added unit.
        attached: What authorities have frozen on the pledgor's accounts.
        headrooms: Headroom of the pledgor with the added units locked, for each scheme it must surrender.
        schemes_without_headroom: Schemes the pledgor must surrender of which no compliance position is known.
        stale_after: Trading days after which a scheme's price is too old; None in decisions made before it was asked.
        carry_over: The grant that a conversion rests on; None for other changes, and in decisions made before a vintage
            in no round had one.
        scheduled: The added units with the schedules of eligible collateral in force; None where none is.
        book: The limits of concentration the added units count towards; None where nothing limits them.
    """

    agreement_code: str
    kind: ChangeKind
    valuation_date: date
    end_date: date
    before: tuple[PledgedLine, ...]
    after: tuple[PledgedLine, ...]
    added: tuple[UnitQuantity, ...]
    freed: tuple[UnitQuantity, ...]
    debt: Debt
    principal_max_cny: Decimal | None
    thresholds: CoverageLines
    safety: SafetyTerms
    availability: tuple[Availability, ...]
    attached: tuple[AttachedUnits, ...]
    headrooms: tuple[HeadroomInputs, ...]
    schemes_without_headroom: tuple[Scheme, ...]
    haircut_table: RecordedTable | None = field(default=None, metadata=ADDED_LATER)
    stale_after: tuple[tuple[Scheme, ParameterValue], ...] | None = field(default=None, metadata=ADDED_LATER)
    carry_over: CarryOverGrant | None = field(default=None, metadata=ADDED_LATER)
    scheduled: ScheduledUnits | None = field(default=None, metadata=ADDED_LATER)
    book: BookLimits | None = field(default=None, metadata=ADDED_LATER)

    def under_table(self) -> "ChangeInputs":
        """Give each haircut the table that stands once in the record."""
        return replace(
            self,
            before=tuple(replace(one, haircut=one.haircut.under(self.haircut_table)) for one in self.before),
            after=tuple(replace(one, haircut=one.haircut.under(self.haircut_table)) for one in self.after),
        )

    def with_table_once(self, table: RecordedTable) -> "ChangeInputs":
        """Give it as it is recorded: the table once, each haircut apart from it."""
        return replace(
            self,
            before=tuple(replace(one, haircut=one.haircut.apart()) for one in self.before),
            after=tuple(replace(one, haircut=one.haircut.apart()) for one in self.after),
            haircut_table=table,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOutcome:
    """What a change would do and every reason against it.

    Attributes:
        refusals: Reasons that stop it.
        notes: What is worth knowing and stops nothing: a top-up is taken even where it does not cure, a conversion
            where no round of carry-over is on file, and a share of the book above its limit, but for a substitution's
            above one inside a schedule, which is refused.
        unlisted: Tonnes that a top-up brings although a schedule does not admit them; they count for nothing.
        shares: Shares of the book against the limits of concentration; None where nothing limits what is added.
    """

    collateral_value_before_cny: Decimal
    coverage_before_ratio: Decimal | None
    valuation: Valuation
    scenarios: tuple[Scenario, ...]
    closeout_days: int
    safe_date: SafeDate
    headroom_after_t: tuple[tuple[str, int], ...]
    refusals: tuple[Refusal, ...]
    notes: tuple[Refusal, ...]
    unconfirmed: tuple[str, ...]
    trace: tuple[Figure, ...]
    shares: tuple[BookShare, ...] | None = field(default=None, metadata=ADDED_LATER)
    unlisted: tuple[UnitQuantity, ...] | None = field(default=None, metadata=ADDED_LATER)

    @property
    def is_acceptable(self) -> bool:
        """Whether no reason stands against it."""
        return not self.refusals


def decide_change(inputs: ChangeInputs) -> ChangeOutcome:
    """Weigh a change; units that are not free, lapsed or frozen by an authority stop any, the rest no top-up.

    What a schedule does not admit stops none either: it is taken, and counts for nothing.
    """
    figures, inputs = FigureList(), inputs.under_table()
    value_before_cny, before_ratio = _before(inputs, figures)
    valuation = value_position(inputs.after, inputs.debt, inputs.thresholds, figures)
    safety = safety_of(tuple((one.unit, one.quantity_t) for one in inputs.after), inputs.safety, figures)
    scenarios = scenarios_of(inputs.after, inputs.debt, inputs.thresholds)
    for one in scenarios:
        figures.result(
            one.name, (one.label_zh, one.label_en), "" if one.coverage_ratio is None else one.coverage_ratio, "ratio",
            "Σ q·p′·(1−h) / debt", inputs=("collateral_value", "debt"),
        )  # fmt: skip
    book = _book(inputs, valuation, figures)
    headroom_after, unconfirmed, short = _headrooms(inputs, figures)
    haircuts = {line.unit: line.haircut.ratio for line in inputs.after}
    listed = schedule_refusals(inputs.scheduled, haircuts, on=inputs.valuation_date)
    freed_t = sum(one.quantity_t for one in inputs.freed)
    is_taken = inputs.kind is ChangeKind.TOP_UP
    stopping = [
        *_unit_refusals(inputs), *grant_refusals(inputs.carry_over, freed_t, figures),
        *([] if is_taken else listed), *_repayment_refusals(inputs),
    ]  # fmt: skip
    unlisted = _unlisted(inputs) if is_taken else ()
    weighing = [
        *(listed if is_taken else ()),
        *(counts_for_nothing(one) for one in unlisted),
        *_price_refusals(inputs, figures),
        *([] if _is_no_worse(inputs, valuation, value_before_cny) else _coverage_refusals(valuation, inputs)),
        *_date_refusals(inputs, safety.closeout_days),
        *(book.refusals if _binds(inputs) else ()),
        *short,
    ]
    refusals = tuple(stopping if is_taken else [*stopping, *weighing])
    figures.result(
        "decision", ("结论", "Finding"), "refused" if refusals else "acceptable", "code",
        "no reason stands against it", inputs=("coverage", "coverage_before", "line_initial", "last_safe_date"),
        note_zh="；".join(one.zh for one in refusals), note_en="; ".join(one.detail for one in refusals),
    )  # fmt: skip
    return ChangeOutcome(
        collateral_value_before_cny=value_before_cny,
        coverage_before_ratio=before_ratio,
        valuation=valuation,
        scenarios=scenarios,
        closeout_days=safety.closeout_days,
        safe_date=safety.safe_date,
        headroom_after_t=headroom_after,
        refusals=refusals,
        notes=(*(weighing if is_taken else ()), *grant_notes(inputs.carry_over), *book.notes),
        unconfirmed=tuple(dict.fromkeys((*figures.unconfirmed(), *unconfirmed))),
        trace=figures.trace(),
        shares=book.shares or None,
        unlisted=unlisted or None,
    )


def _unlisted(inputs: ChangeInputs) -> tuple[UnitQuantity, ...]:
    """Give what a top-up brings that counts for nothing."""
    lines = {one.unit: one.unlisted_t or 0 for one in inputs.after}
    return tuple(one for one in inputs.added if lines.get(one.unit))


def _binds(inputs: ChangeInputs) -> bool:
    """Tell whether schedules' limits refuse: units that come by choice; a top-up and a conversion make safer."""
    return inputs.kind is ChangeKind.SUBSTITUTION and bool(inputs.book and inputs.book.binds)


def _book(inputs: ChangeInputs, valuation: Valuation, figures: FigureList) -> BookFindings:
    """Hold what the change adds against the limits of concentration."""
    if inputs.book is None:
        return BookFindings(shares=(), notes=())
    before, after = market_values_cny(value_lines(inputs.before)), market_values_cny(valuation.lines)
    shares = book_shares(inputs.book, before=before, after=after, figures=figures)
    if _binds(inputs):
        return findings_of(inputs.book, shares)
    return BookFindings(shares=shares, notes=tuple(share_notes(shares, inputs.book)))


def _price_refusals(inputs: ChangeInputs, figures: FigureList) -> list[Refusal]:
    if inputs.stale_after is None:
        return []
    return price_refusals(
        inputs.after, dict(inputs.stale_after), figures, valuation_date=inputs.valuation_date,
        again=("重新试算", "weigh it again"),
    )  # fmt: skip


def _before(inputs: ChangeInputs, figures: FigureList) -> tuple[Decimal, Decimal | None]:
    """Value what is pledged now, with trace."""
    names: list[str] = []
    for line in inputs.before:
        names.append(price_figure(line, figures))
        names.append(
            figures.fact(
                f"quantity_before_{line.unit}", (f"{line.unit} 变更前数量", f"{line.unit} quantity before"),
                line.quantity_t, "t", "质押合同",
            )
        )  # fmt: skip
        names.extend(haircut_figures(line.haircut, line.unit, figures))
    value_cny = sum((one.collateral_value_cny for one in value_lines(inputs.before)), Decimal("0.00"))
    figures.result(
        "collateral_value_before", ("变更前押品价值", "Collateral value before"), value_cny, "CNY", "Σ q·p·(1−h)",
        inputs=names,
    )  # fmt: skip
    ratio = floor_ratio(value_cny, inputs.debt.total_cny) if inputs.debt.total_cny else None
    figures.result(
        "coverage_before", ("变更前覆盖率", "Coverage before"), "" if ratio is None else ratio, "ratio",
        "collateral value before / debt", inputs=("collateral_value_before",),
    )  # fmt: skip
    return value_cny, ratio


def _unit_refusals(inputs: ChangeInputs) -> list[Refusal]:
    """Name added units that are not free or past use, and freed ones that an authority has frozen."""
    free = {one.unit: one.free_t for one in inputs.availability}
    is_made = inputs.kind is ChangeKind.CONVERSION  # what a conversion adds comes out of what is locked already
    uses = {use.unit: use for use in inputs.safety.uses}
    found = []
    for one in inputs.added:
        if one.quantity_t > free.get(one.unit, 0) and not is_made:
            found.append(
                Refusal(
                    code="units-not-free",
                    detail=f"{one.unit}: {one.quantity_t} t asked, {free.get(one.unit, 0)} t free",
                    zh=f"{one.unit} 拟新增 {one.quantity_t} 吨，可用 {free.get(one.unit, 0)} 吨",
                )
            )
        use = uses.get(one.unit)
        last = None if use is None or use.last_usable is None else use.last_usable.day
        if last is not None and last < inputs.valuation_date:
            found.append(lapsed(one.unit, last, inputs.valuation_date))
    freed = {one.unit for one in inputs.freed}
    return [*found, *(_attached_refusal(one) for one in inputs.attached if one.unit in freed)]


def lapsed(unit: Unit, last: date, day: date) -> Refusal:
    """Refuse a vintage past its last usable date, with that date."""
    return Refusal(
        code="vintage-lapsed",
        detail=f"{unit} was last usable on {last}; on {day} it is worth nothing as collateral",
        zh=f"{unit} 最后可用日为 {last}，{day} 已过期，无押品价值",
    )


def _attached_refusal(one: AttachedUnits) -> Refusal:
    return Refusal(
        code="units-attached",
        detail=f"{one.quantity_t} t of {one.unit} are frozen by an authority ({one.document})",
        zh=f"{one.unit} 有 {one.quantity_t} 吨被有权机关冻结（{one.document}），不得释放",
    )


def _is_no_worse(inputs: ChangeInputs, valuation: Valuation, value_before_cny: Decimal) -> bool:
    """Tell whether a conversion leaves the collateral worth no less: then a coverage too low is none of its doing."""
    return inputs.kind is ChangeKind.CONVERSION and valuation.collateral_value_cny >= value_before_cny


def _repayment_refusals(inputs: ChangeInputs) -> list[Refusal]:
    most = inputs.principal_max_cny
    if most is None or inputs.debt.principal_cny <= most:
        return []
    return [
        Refusal(
            code="repayment-not-booked",
            detail=f"principal of {inputs.debt.exposure_date} is {inputs.debt.principal_cny}, expected at most {most}",
            zh=f"{inputs.debt.exposure_date} 入账本金为 {inputs.debt.principal_cny} 元，还款后应不高于 {most} 元",
        )
    ]


def _coverage_refusals(valuation: Valuation, inputs: ChangeInputs) -> list[Refusal]:
    if valuation.level is CoverageLevel.COVERED:
        return []
    initial = inputs.thresholds.initial.value
    # Cut, not rounded: a coverage is never shown better than it is.
    shown = (valuation.coverage_ratio or Decimal(0)).quantize(Decimal("0.0001"), rounding=ROUND_FLOOR)
    return [
        Refusal(
            code="coverage-below-initial",
            detail=f"coverage after the change is {valuation.coverage_ratio}, below the initial line {initial}",
            zh=f"变更后担保覆盖率 {shown} 低于初始线 {initial}",
        )
    ]


def _date_refusals(inputs: ChangeInputs, closeout_days: int) -> list[Refusal]:
    """Name added vintages whose last safe date lies before the end of the pledge."""
    terms = inputs.safety
    lead_days = terms.cure_days.integer + closeout_days + terms.unfreeze_days.integer
    added = {one.unit for one in inputs.added}
    found = []
    for use in terms.uses:
        if use.unit not in added:
            continue
        safe = last_safe_date(use, lead_days=lead_days, trading_days=terms.trading_days)
        if safe.kind in {SafeDateKind.UNKNOWN, SafeDateKind.PASSED} or (
            safe.day is not None and inputs.end_date > safe.day
        ):
            shown_zh = {SafeDateKind.UNKNOWN: "未知", SafeDateKind.PASSED: "已过"}.get(safe.kind, str(safe.day))
            found.append(
                Refusal(
                    code="end-after-last-safe-date",
                    detail=f"end {inputs.end_date}: last safe date of {use.unit} is {safe.day or safe.kind.value}",
                    zh=f"到期日 {inputs.end_date}：{use.unit} 的最后安全日{shown_zh}",
                )
            )
    return found


def _headrooms(
    inputs: ChangeInputs, figures: FigureList
) -> tuple[tuple[tuple[str, int], ...], list[str], list[Refusal]]:
    """Give headroom with the added units locked by scheme and year, what is unconfirmed of it, and what is short."""
    after: list[tuple[str, int]] = []
    unconfirmed: list[str] = []
    short: list[Refusal] = []
    for headroom in inputs.headrooms:
        outcome = decide_headroom(headroom)
        year = f"{headroom.scheme}-{headroom.compliance_year}"
        after.append((year, outcome.headroom_t))
        unconfirmed.extend(outcome.unconfirmed)
        figures.fact(
            f"headroom_after_{year}",
            (f"变更后履约余量（{year}）", f"Headroom after ({year})"),
            outcome.headroom_t,
            "t",
            "collateral.headroom",
            confirmed=not outcome.unconfirmed,
        )
        if outcome.headroom_t < 0:
            short.append(
                Refusal(
                    code="headroom-negative",
                    detail=f"{headroom.scheme} headroom after the change is {outcome.headroom_t} t",
                    zh=f"变更后 {headroom.scheme} 履约余量为 {outcome.headroom_t} 吨，不足以清缴",
                )
            )
    short.extend(_unknown_headroom(inputs.schemes_without_headroom))
    return tuple(after), unconfirmed, short


def _unknown_headroom(schemes: Iterable[Scheme]) -> list[Refusal]:
    return [
        Refusal(
            code="headroom-unknown",
            detail=f"no compliance position of {scheme} is recorded for the pledgor",
            zh=f"出质人的 {scheme} 履约情况未录入，无法计算履约余量",
        )
        for scheme in schemes
    ]


PLEDGE_CHANGE = DecisionKind(
    name="collateral.pledge_change", version="1", inputs=ChangeInputs, outputs=ChangeOutcome, decide=decide_change
)

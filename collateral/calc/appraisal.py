"""Appraisal of a pledge asked for: what it is worth, until when it may run, and each reason to refuse it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.record import ADDED_LATER, DecisionKind
from carbonfin.rules.trace import Figure
from collateral.calc.book_limits import BookFindings, BookLimits, BookShare, book_shares, findings_of, share_notes
from collateral.calc.coverage import (
    CoverageLines,
    Debt,
    PledgedLine,
    Valuation,
    market_values_cny,
    value_position,
)
from collateral.calc.coverage_rules import CoverageLevel
from collateral.calc.figures import FigureList
from collateral.calc.headroom import HeadroomInputs, decide_headroom
from collateral.calc.policy_haircuts import PolicyHaircut
from collateral.calc.price_ages import price_refusals
from collateral.calc.refusals import Refusal
from collateral.calc.schedule_verdicts import ScheduledUnits, schedule_refusals
from collateral.calc.surrender import SafeDate, SafeDateKind, SafetyTerms, safety_of
from collateral.calc.what_if import Scenario, scenarios_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """How much of a unit the pledgor has free for this agreement.

    Attributes:
        held_t: What is recorded as held at the registry; None in decisions made before it was asked.
    """

    unit: Unit
    free_t: int
    held_t: int | None = field(default=None, metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppraisalInputs:
    """Everything an appraisal hangs on.

    Attributes:
        agreement_code: The pledge, or what it would be called.
        extends_code: The pledge whose units are kept longer, or empty.
        end_date: Day the debt ends.
        headrooms: Headroom of the pledgor with this pledge among the locks, for each scheme it must surrender.
        schemes_without_headroom: Schemes the pledgor must surrender of which no compliance position is known.
        stale_after: Trading days after which a scheme's price is too old; None in decisions made before it was asked.
        has_what_if: Whether falls of the price are tried; None in decisions made before they were.
        scheduled: The units with the schedules of eligible collateral in force; None where none is.
        book: The limits of concentration they count towards, with the book; None where nothing limits them.
    """

    agreement_code: str
    extends_code: str
    valuation_date: date
    end_date: date
    lines: tuple[PledgedLine, ...]
    debt: Debt
    thresholds: CoverageLines
    safety: SafetyTerms
    availability: tuple[Availability, ...]
    headrooms: tuple[HeadroomInputs, ...]
    schemes_without_headroom: tuple[Scheme, ...]
    stale_after: tuple[tuple[Scheme, ParameterValue], ...] | None = field(default=None, metadata=ADDED_LATER)
    has_what_if: bool | None = field(default=None, metadata=ADDED_LATER)
    scheduled: ScheduledUnits | None = field(default=None, metadata=ADDED_LATER)
    book: BookLimits | None = field(default=None, metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppraisalOutcome:
    """What the pledge is worth and every reason against it; without reasons it may go to approval.

    Attributes:
        policies: What the policy of each unit's class makes of its haircut, where one is in force; None without any.
        scenarios: Coverage with prices lower and with each vintage worthless; None in decisions made before they were.
        shares: Shares of the book against the limits of concentration; None where nothing limits the units.
        notes: What is worth knowing and stops nothing: a share above the bank's own limit; None where there is nothing.
    """

    valuation: Valuation
    principal_cny_max: Decimal
    closeout_days: int
    safe_date: SafeDate
    headroom_after_t: tuple[tuple[str, int], ...]
    refusals: tuple[Refusal, ...]
    unconfirmed: tuple[str, ...]
    trace: tuple[Figure, ...]
    policies: tuple[tuple[Unit, PolicyHaircut], ...] | None = field(default=None, metadata=ADDED_LATER)
    scenarios: tuple[Scenario, ...] | None = field(default=None, metadata=ADDED_LATER)
    shares: tuple[BookShare, ...] | None = field(default=None, metadata=ADDED_LATER)
    notes: tuple[Refusal, ...] | None = field(default=None, metadata=ADDED_LATER)

    @property
    def is_acceptable(self) -> bool:
        """Whether no reason stands against it."""
        return not self.refusals


def decide_appraisal(inputs: AppraisalInputs) -> AppraisalOutcome:
    """Value the pledge, find its last safe date and headroom, and name each reason to refuse."""
    figures = FigureList()
    valuation = value_position(inputs.lines, inputs.debt, inputs.thresholds, figures)
    policies = tuple((one.unit, one.haircut.policy) for one in inputs.lines if one.haircut.policy is not None)
    principal_cny_max = _principal_max(valuation, inputs.thresholds.initial.decimal, dict(policies), figures)
    quantities = tuple((line.unit, line.quantity_t) for line in inputs.lines)
    safety = safety_of(quantities, inputs.safety, figures)
    end = figures.fact("end_date", ("到期日", "End date"), inputs.end_date, "date", "申请")
    refusals = [
        *_date_refusals(inputs, safety.safe_date),
        *_coverage_refusals(valuation, inputs.thresholds),
        *_policy_refusals(inputs, valuation, dict(policies)),
        *schedule_refusals(
            inputs.scheduled, {line.unit: line.haircut.ratio for line in inputs.lines}, on=inputs.valuation_date
        ),
        *_availability_refusals(inputs),
        *_price_refusals(inputs, figures),
    ]
    book = _book(inputs, valuation, figures)
    refusals.extend(book.refusals if inputs.book and inputs.book.binds else ())
    headroom_after: list[tuple[str, int]] = []
    unconfirmed = list(figures.unconfirmed())
    for headroom in inputs.headrooms:
        outcome = decide_headroom(headroom)
        year = f"{headroom.scheme}-{headroom.compliance_year}"
        headroom_after.append((year, outcome.headroom_t))
        unconfirmed.extend(one for one in outcome.unconfirmed if one not in unconfirmed)
        refusals.extend(_headroom_refusals(headroom, outcome.headroom_t))
        figures.fact(
            f"headroom_after_{year}",
            (f"质押后履约余量（{year}）", f"Headroom after ({year})"),
            outcome.headroom_t,
            "t",
            "collateral.headroom",
            confirmed=not outcome.unconfirmed,
        )
    refusals.extend(_unknown_headroom(scheme) for scheme in inputs.schemes_without_headroom)
    scenarios = _scenarios(inputs, figures) if inputs.has_what_if else None
    after = tuple(f"headroom_after_{name}" for name, _ in headroom_after)
    figures.result(
        "decision", ("评估结论", "Finding"), "refused" if refusals else "acceptable", "code",
        "no reason stands against it", inputs=("coverage", "line_initial", "last_safe_date", end, *after),
        note_zh="；".join(one.zh for one in refusals), note_en="; ".join(one.detail for one in refusals),
    )  # fmt: skip
    return AppraisalOutcome(
        valuation=valuation,
        principal_cny_max=principal_cny_max,
        closeout_days=safety.closeout_days,
        safe_date=safety.safe_date,
        headroom_after_t=tuple(headroom_after),
        refusals=tuple(refusals),
        unconfirmed=tuple(unconfirmed),
        trace=figures.trace(),
        policies=policies or None,
        scenarios=scenarios,
        shares=book.shares or None,
        notes=book.notes or None,
    )


def _book(inputs: AppraisalInputs, valuation: Valuation, figures: FigureList) -> BookFindings:
    """Hold the units against the limits of concentration."""
    if inputs.book is None:
        return BookFindings(shares=(), notes=())
    shares = book_shares(inputs.book, before={}, after=market_values_cny(valuation.lines), figures=figures)
    if inputs.book.binds:
        return findings_of(inputs.book, shares)
    return BookFindings(shares=shares, notes=tuple(share_notes(shares, inputs.book)))


def _scenarios(inputs: AppraisalInputs, figures: FigureList) -> tuple[Scenario, ...]:
    """Try lower prices and worthless vintages, each with its coverage in the trace."""
    scenarios = scenarios_of(inputs.lines, inputs.debt, inputs.thresholds)
    for one in scenarios:
        figures.result(
            one.name, (one.label_zh, one.label_en), "" if one.coverage_ratio is None else one.coverage_ratio, "ratio",
            "Σ q·p′·(1−h) / debt", inputs=("collateral_value", "debt"),
        )  # fmt: skip
    return scenarios


def _principal_max(
    valuation: Valuation, initial_ratio: Decimal, policies: Mapping[Unit, PolicyHaircut], figures: FigureList
) -> Decimal:
    """Give the largest principal at the initial line and within the policies' pledge ratios, down to the fen."""
    principal_cny_max = (valuation.collateral_value_cny / initial_ratio).quantize(
        Decimal("0.01"), rounding="ROUND_FLOOR"
    )
    if policies:
        ceiling_cny = _pledge_ceiling_cny(valuation, policies)
        shares = {unit: f"{one.policy} {one.pledge_ratio_max}" for unit, one in policies.items()}
        ceiling = figures.result(
            "pledge_ceiling", ("抵质押率上限对应本金", "Principal at the ceiling of the pledge ratio"), ceiling_cny,
            "CNY", "Σ q·p·ceiling of the class, rounded down",
            inputs=[f"market_value_{line.unit}" for line in valuation.lines],
            note_zh="；".join(f"{unit}：{text}" for unit, text in shares.items()),
            note_en="; ".join(f"{unit}: {text}" for unit, text in shares.items()),
        )  # fmt: skip
        principal_cny_max = min(principal_cny_max, ceiling_cny)
        figures.result(
            "principal_max", ("最高可贷本金", "Largest principal"), principal_cny_max, "CNY",
            "min(collateral value / initial, pledge ceiling), rounded down",
            inputs=("collateral_value", "line_initial", ceiling),
        )  # fmt: skip
        return principal_cny_max
    figures.result(
        "principal_max", ("最高可贷本金", "Largest principal"), principal_cny_max, "CNY",
        "collateral value / initial, rounded down", inputs=("collateral_value", "line_initial"),
    )  # fmt: skip
    return principal_cny_max


def _pledge_ceiling_cny(valuation: Valuation, policies: Mapping[Unit, PolicyHaircut]) -> Decimal:
    """Give what the policies' ceilings of the pledge ratio allow; a unit without policy allows its market value."""
    parts = (
        line.market_value_cny * (policies[line.unit].pledge_ratio_max if line.unit in policies else 1)
        for line in valuation.lines
    )
    return sum(parts, Decimal(0)).quantize(Decimal("0.01"), rounding="ROUND_FLOOR")


def _policy_refusals(
    inputs: AppraisalInputs, valuation: Valuation, policies: Mapping[Unit, PolicyHaircut]
) -> list[Refusal]:
    """Refuse units that their policy does not accept, and a principal above its ceiling of the pledge ratio."""
    found = [
        Refusal(
            code="not-accepted-by-policy",
            detail=f"{unit}: policy {one.policy} does not accept it: {one.reason_en}",
            zh=f"{unit}：政策 {one.policy} 不予接受：{one.reason_zh}",
        )
        for unit, one in policies.items()
        if not one.is_accepted
    ]
    ceiling_cny = _pledge_ceiling_cny(valuation, policies)
    if policies and inputs.debt.principal_cny > ceiling_cny:
        found.append(
            Refusal(
                code="pledge-ratio-above-ceiling",
                detail=f"principal {inputs.debt.principal_cny} is above {ceiling_cny}, what the ceiling of the pledge"
                " ratio allows; lend less or add units",
                zh=f"贷款本金 {inputs.debt.principal_cny} 元超过抵质押率上限对应的 {ceiling_cny} 元；"
                "请降低金额或增加押品",
            )
        )
    return found


def _date_refusals(inputs: AppraisalInputs, safe: SafeDate) -> list[Refusal]:
    if inputs.end_date <= inputs.valuation_date:
        return [
            Refusal(
                code="end-not-after-valuation-date",
                detail=f"end {inputs.end_date} is not after {inputs.valuation_date}",
                zh=f"到期日 {inputs.end_date} 不晚于评估日 {inputs.valuation_date}",
            )
        ]
    if safe.kind is SafeDateKind.UNKNOWN:
        return [
            Refusal(
                code="last-usable-date-unknown",
                detail=f"the last usable date of {safe.unit} is not known",
                zh=f"{safe.unit} 的最后可用日未知，不予推定",
            )
        ]
    if safe.kind is SafeDateKind.PASSED:
        return [
            Refusal(
                code="last-safe-date-passed",
                detail=f"the last safe date of {safe.unit} has passed",
                zh=f"{safe.unit} 的最后安全日已过",
            )
        ]
    if safe.day is not None and inputs.end_date > safe.day:
        uncertain = safe.kind is SafeDateKind.ONE_STEP_EARLIER
        return [
            Refusal(
                code="end-after-last-safe-date",
                detail=f"end {inputs.end_date} is after last safe date {safe.day} of {safe.unit}; no carry-over"
                + ("; later holidays are not published" if uncertain else ""),
                zh=f"到期日 {inputs.end_date} 晚于 {safe.unit} 的最后安全日 {safe.day}；未获准结转"
                + ("；其后节假日安排未公布" if uncertain else ""),
            )
        ]
    return []


def _coverage_refusals(valuation: Valuation, lines: CoverageLines) -> list[Refusal]:
    if valuation.level is CoverageLevel.COVERED:
        return []
    return [
        Refusal(
            code="coverage-below-initial",
            detail=f"coverage {valuation.coverage_ratio} is below the initial line {lines.initial.value}",
            zh=f"担保覆盖率 {(valuation.coverage_ratio or Decimal(0)):.4f} 低于初始线 {lines.initial.value}",
        )
    ]


def _price_refusals(inputs: AppraisalInputs, figures: FigureList) -> list[Refusal]:
    if inputs.stale_after is None:
        return []
    return price_refusals(
        inputs.lines, dict(inputs.stale_after), figures, valuation_date=inputs.valuation_date,
        again=("重新评估", "appraise again"),
    )  # fmt: skip


def _unregistered(line: PledgedLine) -> Refusal:
    return Refusal(
        code="holding-not-registered",
        detail=f"{line.unit}: {line.quantity_t} t asked, 0 t registered for the pledgor; record the holding from the"
        " registry's statement first",
        zh=f"{line.unit} 申请质押 {line.quantity_t} 吨，出质人登记持有 0 吨；请先凭登记机构持仓证明登记持有",
    )


def _availability_refusals(inputs: AppraisalInputs) -> list[Refusal]:
    free = {one.unit: one.free_t for one in inputs.availability}
    absent = {one.unit for one in inputs.availability if one.held_t == 0}
    return [
        _unregistered(line)
        if line.unit in absent
        else Refusal(
            code="units-not-free",
            detail=f"{line.unit}: {line.quantity_t} t asked, {free.get(line.unit, 0)} t free",
            zh=f"{line.unit} 申请质押 {line.quantity_t} 吨，可用 {free.get(line.unit, 0)} 吨",
        )
        for line in inputs.lines
        if line.quantity_t > free.get(line.unit, 0)
    ]


def _headroom_refusals(headroom: HeadroomInputs, headroom_t: int) -> list[Refusal]:
    if headroom_t >= 0:
        return []
    return [
        Refusal(
            code="headroom-negative",
            detail=f"{headroom.scheme} headroom after the pledge is {headroom_t} t",
            zh=f"质押后 {headroom.scheme} 履约余量为 {headroom_t} 吨，不足以清缴",
        )
    ]


def _unknown_headroom(scheme: Scheme) -> Refusal:
    return Refusal(
        code="headroom-unknown",
        detail=f"no compliance position of {scheme} is recorded for the pledgor",
        zh=f"出质人的 {scheme} 履约情况未录入，无法计算履约余量",
    )


APPRAISAL = DecisionKind(
    name="collateral.appraisal", version="1", inputs=AppraisalInputs, outputs=AppraisalOutcome, decide=decide_appraisal
)

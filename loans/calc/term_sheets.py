"""The term sheet (贷款条款清单): one value from which page, PDF and Word are made; every figure stands in its trace."""

from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.record import ADDED_LATER, DecisionKind
from carbonfin.rules.trace import Figure, checked_trace
from carbonfin.rules.whole_trace import TableAsked
from loans.calc.contracts.schedule import RepaymentSchedule, ScheduleInputs, make_schedule
from loans.calc.contracts.terms import CalendarDays
from loans.calc.financed import FinancedEmissions, financed_emissions
from loans.calc.jiangtandai import RateDecision, RateInputs, RateStatus, decide_rate, tables_asked
from loans.calc.loan_costs import CostTerms
from loans.calc.missing import MissingField
from loans.calc.ratings.carbon_efficiency import CarbonRating, RatingInputs, rate_carbon_efficiency
from loans.calc.term_concessions import concession_figures, concession_group
from loans.calc.term_costs import cost_figures, cost_group
from loans.calc.term_lines import TermGroup, percent, term_groups, unconfirmed_names
from loans.calc.term_links import ReviewedLink, green_group, link_figures, link_group
from loans.calc.term_notes import TermNote, term_notes
from loans.calc.term_requests import LoanRequest
from loans.calc.term_resets import OfferedResets, offered_resets, reset_figures


@dataclass(frozen=True, slots=True, kw_only=True)
class TermSheetInputs:
    """Everything a term sheet takes.

    Attributes:
        version: Starts at 1; a change of the draft is a new version.
        rating: Inputs of the own method, shown beside the outside report; None leaves it out.
        link: The sustainability link the loan is under, with its last review; None where it is under none.
        says_green_standing: Whether it says how the loan stands by the green catalogue; sheets drafted before do not.
        says_concession_stop: Whether it says what overdue does to the concession; sheets drafted before do not.
        cost_terms: By what it says payment and yearly cost; sheets drafted before say neither.
    """

    number: str
    version: int
    issued_on: date
    lender: str
    borrower: str
    borrower_usci: str
    request: LoanRequest
    rate: RateInputs
    calendar: CalendarDays
    rating: RatingInputs | None
    revenue_cny: Decimal | None
    equity_plus_debt_cny: Decimal | None
    is_sample: bool
    link: ReviewedLink | None = field(default=None, metadata=ADDED_LATER)
    says_green_standing: bool | None = field(default=None, metadata=ADDED_LATER)
    says_concession_stop: bool | None = field(default=None, metadata=ADDED_LATER)
    cost_terms: CostTerms | None = field(default=None, metadata=ADDED_LATER)

    def __post_init__(self) -> None:
        """Refuse a rate decided for another enterprise or another day."""
        if self.rate.usci != self.borrower_usci:
            raise InvalidInput("the rate speaks of another borrower", zh="利率决定不属于该借款人", field="rate/usci")
        if self.rate.applies_from != self.request.drawdown_date:
            raise InvalidInput(
                f"the rate applies from {self.rate.applies_from}, drawdown is {self.request.drawdown_date}",
                zh="利率起算日与提款日不一致",
                field="drawdown_date",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class RateStep:
    """One bar of the rate build-up; levels end at a rate, moves add bp."""

    label_zh: str
    label_en: str
    bp: Decimal
    is_level: bool
    figure_name: str
    note_zh: str
    note_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TermSheet:
    """The term sheet: grouped lines, build-up, schedule, notes, and the one trace they all stand in.

    Attributes:
        status: Not decided while the rate is: then there is no schedule and no executed rate.
        saving_cny: Interest saved against the same schedule without the concession.
        trace: All figures of rate, rating, schedule and financed emissions; the parts carry none of their own.
        link: The sustainability link the loan is under, with its last review.
    """

    status: RateStatus
    missing: tuple[MissingField, ...]
    number: str
    version: int
    issued_on: date
    lender: str
    borrower: str
    borrower_usci: str
    request: LoanRequest
    rate: RateDecision
    steps: tuple[RateStep, ...]
    schedule: RepaymentSchedule | None
    interest_total_without_concession_cny: Decimal | None
    saving_cny: Decimal | None
    rating: CarbonRating | None
    financed: tuple[FinancedEmissions, ...]
    groups: tuple[TermGroup, ...]
    notes: tuple[TermNote, ...]
    is_sample: bool
    trace: tuple[Figure, ...]
    link: ReviewedLink | None = field(default=None, metadata=ADDED_LATER)


def draft_term_sheet(inputs: TermSheetInputs) -> TermSheet:
    """Draft the term sheet: decide the rate, make the schedule, compare, attribute emissions, write the lines.

    Raises:
        InvalidInput: A term breaks a rule; the message names the field.
        MissingData: The rating shown beside it lacks the current year's electricity.
    """
    rate = decide_rate(inputs.rate)
    figures = list(rate.trace)
    rating = None if inputs.rating is None else rate_carbon_efficiency(inputs.rating)
    if rating is not None:
        figures += rating.trace
    schedule = _schedule(inputs, rate, figures)
    compared = _compared(inputs, rate, schedule, figures)
    financed = () if rating is None else _financed(inputs, rating, figures)
    resets = offered_resets(
        inputs.request.reset_clause, inputs.request.terms_at(Decimal(0)), tenor=inputs.rate.lpr.tenor
    )
    figures += [] if resets is None else reset_figures(resets)
    figures += concession_figures(inputs.request.concession_clause)
    figures += [] if inputs.link is None else link_figures(inputs.link)
    figures += [] if inputs.cost_terms is None else cost_figures(inputs.cost_terms, inputs.request, schedule)
    trace = checked_trace(figures)
    without, saving = compared
    return TermSheet(
        status=rate.status,
        missing=rate.missing,
        number=inputs.number,
        version=inputs.version,
        issued_on=inputs.issued_on,
        lender=inputs.lender,
        borrower=inputs.borrower,
        borrower_usci=inputs.borrower_usci,
        request=inputs.request,
        rate=replace(rate, trace=()),
        steps=_steps(inputs.rate, rate, resets),
        schedule=schedule,
        interest_total_without_concession_cny=without,
        saving_cny=saving,
        rating=None if rating is None else replace(rating, trace=()),
        financed=financed,
        groups=_groups(
            inputs,
            rate,
            schedule=schedule,
            saving_cny=saving,
            rating=rating,
            financed=financed,
            resets=resets,
            trace=trace,
        ),
        notes=term_notes(
            request=inputs.request, schedule=schedule, rating=rating, financed=financed, resets=resets, trace=trace
        ),
        is_sample=inputs.is_sample,
        trace=trace,
        link=inputs.link,
    )


def _groups(
    inputs: TermSheetInputs,
    rate: RateDecision,
    *,
    schedule: RepaymentSchedule | None,
    saving_cny: Decimal | None,
    rating: CarbonRating | None,
    financed: tuple[FinancedEmissions, ...],
    resets: OfferedResets | None,
    trace: tuple[Figure, ...],
) -> tuple[TermGroup, ...]:
    groups = term_groups(
        lender=inputs.lender,
        borrower=inputs.borrower,
        borrower_usci=inputs.borrower_usci,
        request=inputs.request,
        rate_inputs=inputs.rate,
        rate=rate,
        schedule=schedule,
        saving_cny=saving_cny,
        rating=rating,
        financed=financed,
        resets=resets,
        trace=trace,
    )
    if inputs.says_concession_stop:
        at = next(place for place, group in enumerate(groups) if group.name == "repayment")
        groups = (*groups[:at], concession_group(inputs.request.concession_clause), *groups[at:])
    if inputs.cost_terms is not None:
        at = next(place for place, group in enumerate(groups) if group.name == "repayment") + 1
        cost = cost_group(inputs.cost_terms, inputs.request, schedule, unconfirmed=unconfirmed_names(trace))
        groups = (*groups[:at], cost, *groups[at:])
    green = (green_group(),) if inputs.says_green_standing else ()
    return (*groups, *green) if inputs.link is None else (*groups, *green, link_group(inputs.link))


def _schedule(inputs: TermSheetInputs, rate: RateDecision, figures: list[Figure]) -> RepaymentSchedule | None:
    if rate.executed_rate is None:
        return None
    terms = inputs.request.terms_at(rate.executed_rate)
    schedule = make_schedule(ScheduleInputs(terms=terms, calendar=inputs.calendar))
    figures += [
        replace(figure, source="", formula="= executed rate", inputs=("executed_rate",))
        if figure.name == "rate"
        else figure
        for figure in schedule.trace
    ]
    return replace(schedule, trace=())


def _compared(
    inputs: TermSheetInputs, rate: RateDecision, schedule: RepaymentSchedule | None, figures: list[Figure]
) -> tuple[Decimal | None, Decimal | None]:
    """Compare with the same schedule without the concession."""
    if schedule is None:
        return None, None
    terms = inputs.request.terms_at(rate.executed_rate_without_concession)
    without = make_schedule(ScheduleInputs(terms=terms, calendar=inputs.calendar)).interest_total_cny
    saving = without - schedule.interest_total_cny
    figures += [
        Figure(
            name="interest_total_without_concession_cny",
            label_zh="无优惠时利息合计",
            label_en="Interest total without the concession",
            value=str(without),
            unit="CNY",
            formula="the same schedule at max(LPR + margin, all-in floor)",
            inputs=("principal_cny", "basis", "rate_before_concession", "floor_rate"),
        ),
        Figure(
            name="saving_cny",
            label_zh="优惠节省利息",
            label_en="Interest saved by the concession",
            value=str(saving),
            unit="CNY",
            formula="interest without concession - interest",
            inputs=("interest_total_without_concession_cny", "interest_total_cny"),
        ),
    ]
    return without, saving


def _financed(inputs: TermSheetInputs, rating: CarbonRating, figures: list[Figure]) -> tuple[FinancedEmissions, ...]:
    """Attribute emissions to the loan by each method whose denominator is known."""
    _principal_stands(inputs.request, figures)
    financed, _, attributed = financed_emissions(
        outstanding_cny=inputs.request.principal_cny,
        company_t=rating.current.company_t,
        revenue_cny=inputs.revenue_cny,
        equity_plus_debt_cny=inputs.equity_plus_debt_cny,
        outstanding_figure="principal_cny",
        emissions_figure=rating.current.company_figure_name,
    )
    figures += attributed
    return financed


def _principal_stands(request: LoanRequest, figures: list[Figure]) -> None:
    """Enter the principal where no schedule did."""
    if all(figure.name != "principal_cny" for figure in figures):
        figures.append(
            Figure(
                name="principal_cny",
                label_zh="贷款本金",
                label_en="Principal",
                value=str(request.principal_cny),
                unit="CNY",
                source="合同约定",
            )
        )


def _steps(inputs: RateInputs, rate: RateDecision, resets: OfferedResets | None) -> tuple[RateStep, ...]:
    lpr_bp = inputs.lpr.rate * 10_000
    published = inputs.lpr.published_on.isoformat()
    tenor = inputs.lpr.tenor
    steps = [
        _level(f"LPR（{tenor}）", f"LPR ({tenor})", lpr_bp, "lpr_rate", note=(f"{published} 公布", f"of {published}")),
        _move("加减点", "Margin", Decimal(inputs.margin_bp), "margin_bp", note=("合同约定", "as agreed")),
    ]
    if rate.executed_rate is None or rate.concession_bp is None:
        return tuple(steps)
    steps.append(_move("降碳优惠", "Concession", rate.concession_bp, "concession_bp", note=_earned(inputs, rate)))
    raised_bp = rate.executed_rate * 10_000 - lpr_bp - inputs.margin_bp - rate.concession_bp
    if raised_bp:
        floor = percent(inputs.terms.floor_rate.decimal)
        steps.append(
            _move(
                "综合利率下限", "All-in floor", raised_bp, "floor_rate", note=(f"不低于 {floor}", f"at least {floor}")
            )
        )
    executed_bp = rate.executed_rate * 10_000
    holds = ("固定至到期日", "fixed to maturity") if resets is None else resets.until_words()
    steps.append(_level("执行利率", "Executed rate", executed_bp, "executed_rate", note=holds))
    return tuple(steps)


def _earned(inputs: RateInputs, rate: RateDecision) -> tuple[str, str]:
    """Say what the concession was earned by: score and base, or the row of the bank's table."""
    score = None if inputs.report is None else inputs.report.score
    base, cap = inputs.terms.base_score.value, inputs.terms.cap_bp.value
    if inputs.concession_table is None:
        point = inputs.terms.bp_per_point.value
        return (
            f"得分 {score}，基准 {base}，每分 {point} BP，封顶 {cap} BP",
            f"score {score}, base {base}, {point} BP a point, cap {cap} BP",
        )
    row = next((figure.value for figure in rate.trace if figure.name == "concession_row"), None)
    if row is None:
        return "报告已失效，无优惠", "the report has expired, no concession"
    name = inputs.concession_table.name
    return f"优惠表 {name} 第 {row} 行，封顶 {cap} BP", f"row {row} of table {name}, cap {cap} BP"


def _level(label_zh: str, label_en: str, bp: Decimal, figure_name: str, *, note: tuple[str, str]) -> RateStep:
    return replace(_move(label_zh, label_en, bp, figure_name, note=note), is_level=True)


def _move(label_zh: str, label_en: str, bp: Decimal, figure_name: str, *, note: tuple[str, str]) -> RateStep:
    note_zh, note_en = note
    return RateStep(
        label_zh=label_zh,
        label_en=label_en,
        bp=bp,
        is_level=False,
        figure_name=figure_name,
        note_zh=note_zh,
        note_en=note_en,
    )


def tables_asked_of_term_sheet(inputs: TermSheetInputs) -> tuple[TableAsked, ...]:
    """Give the table that the rate of a term sheet rests on with what it was asked, or why it was not."""
    return tables_asked(inputs.rate)


TERM_SHEET_KIND: DecisionKind[TermSheetInputs, TermSheet] = DecisionKind(
    name="loans.term_sheet", version="1", inputs=TermSheetInputs, outputs=TermSheet, decide=draft_term_sheet
)

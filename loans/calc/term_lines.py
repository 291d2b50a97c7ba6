"""The lines of a term sheet as a bank words them, each with the figure it shows and the notes they need."""

from dataclasses import dataclass, replace
from decimal import Decimal

from carbonfin.kernel.units import chinese_capitals
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.trace import Figure
from loans.calc.contracts.schedule import RepaymentSchedule
from loans.calc.contracts.terms import (
    METHOD_NAMES_EN,
    METHOD_NAMES_ZH,
    PERIOD_NAMES_EN,
    PERIOD_NAMES_ZH,
    AccrualDates,
)
from loans.calc.financed import DENOMINATORS_EN, DENOMINATORS_ZH, SHORT_NAMES_EN, SHORT_NAMES_ZH, FinancedEmissions
from loans.calc.jiangtandai import (
    REASONS_EN,
    REASONS_ZH,
    ConcessionTerms,
    PointFraction,
    RateDecision,
    RateInputs,
)
from loans.calc.ratings.carbon_efficiency import METHOD_EN, METHOD_ZH, CarbonRating
from loans.calc.term_requests import LoanRequest
from loans.calc.term_resets import AS_DRAWN_EN, AS_DRAWN_ZH, RESET_GROUP, OfferedResets, reset_lines

NOT_DECIDED_ZH = "未决定"
NOT_DECIDED_EN = "not decided"
BY_CONTRACT_ZH = "以借款合同约定为准"
BY_CONTRACT_EN = "as the loan contract states"
_FIXED = "固定，起息日至到期日不重定价", "fixed from drawdown to maturity"


@dataclass(frozen=True, slots=True, kw_only=True)
class TermLine:
    """One line: bilingual label and value, and the figure behind it.

    Attributes:
        figure_name: Name in the trace, or empty for words.
        unconfirmed: The figure, or one it comes from, is not confirmed (未确认).
    """

    label_zh: str
    label_en: str
    value_zh: str
    value_en: str
    figure_name: str = ""
    unconfirmed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TermGroup:
    """Lines under one head."""

    name: str
    title_zh: str
    title_en: str
    lines: tuple[TermLine, ...]


def percent(rate: Decimal) -> str:
    """Write a decimal rate in percent with at least two places, exact."""
    value = (rate * 100).normalize()
    return f"{value:f}%" if -int(value.as_tuple().exponent) > 2 else f"{value:.2f}%"


def amount(value_cny: Decimal) -> str:
    """Write an amount with thousands separators and two places."""
    return f"{value_cny:,.2f}"


def plain(value: Decimal) -> str:
    """Write a number without trailing zeros."""
    return f"{value.normalize():f}"


def signed(value: Decimal) -> str:
    """Write a number with its sign; zero has none."""
    sign = "+" if value > 0 else "−" if value < 0 else ""
    return f"{sign}{plain(abs(value))}"


def term_groups(
    *,
    lender: str,
    borrower: str,
    borrower_usci: str,
    request: LoanRequest,
    rate_inputs: RateInputs,
    rate: RateDecision,
    schedule: RepaymentSchedule | None,
    saving_cny: Decimal | None,
    rating: CarbonRating | None,
    financed: tuple[FinancedEmissions, ...],
    resets: OfferedResets | None,
    trace: tuple[Figure, ...],
) -> tuple[TermGroup, ...]:
    """Give the groups of lines in the order a term sheet prints them."""
    groups = [
        TermGroup(
            name="parties",
            title_zh="当事人与贷款",
            title_en="Parties and loan",
            lines=_party_lines(lender, borrower, borrower_usci, request),
        ),
        TermGroup(name="rate", title_zh="利率", title_en="Rate", lines=_rate_lines(request, rate_inputs, rate, resets)),
        *_reset_groups(resets),
        TermGroup(
            name="repayment",
            title_zh="还款",
            title_en="Repayment",
            lines=_repayment_lines(request, schedule, saving_cny, floats=resets is not None),
        ),
        TermGroup(name="link", title_zh="降碳挂钩", title_en="Emission-cut link", lines=_link_lines(rate_inputs)),
    ]
    if rating is not None:
        title_zh, title_en = (
            f"碳效对照（{METHOD_ZH}，不影响利率）",
            f"Carbon efficiency ({METHOD_EN}; does not set the rate)",
        )
        groups.append(TermGroup(name="rating", title_zh=title_zh, title_en=title_en, lines=_rating_lines(rating)))
    if financed:
        groups.append(
            TermGroup(
                name="financed",
                title_zh="融资排放（两种口径，不得相加）",
                title_en="Financed emissions (two methods, never added)",
                lines=tuple(_financed_line(result) for result in financed),
            )
        )
    unconfirmed = unconfirmed_names(trace)
    return tuple(_marked(group, unconfirmed) for group in groups)


def unconfirmed_names(trace: tuple[Figure, ...]) -> frozenset[str]:
    """Give the names of the figures that are unconfirmed or come from one that is."""
    names: set[str] = set()
    for figure in trace:
        if not figure.confirmed or names.intersection(figure.inputs):
            names.add(figure.name)
    return frozenset(names)


def _marked(group: TermGroup, unconfirmed: frozenset[str]) -> TermGroup:
    lines = tuple(replace(line, unconfirmed=line.figure_name in unconfirmed) for line in group.lines)
    return replace(group, lines=lines)


def _line(label_zh: str, label_en: str, value_zh: str, value_en: str = "", figure_name: str = "") -> TermLine:
    return TermLine(
        label_zh=label_zh,
        label_en=label_en,
        value_zh=value_zh,
        value_en=value_en or value_zh,
        figure_name=figure_name,
    )


def _party_lines(lender: str, borrower: str, borrower_usci: str, request: LoanRequest) -> tuple[TermLine, ...]:
    days = (request.maturity_date - request.drawdown_date).days
    return (
        _line("贷款人", "Lender", lender),
        _line("借款人", "Borrower", borrower),
        _line("信用代码", "USCI", borrower_usci),
        _line("贷款产品", "Product", request.product),
        _line("贷款种类", "Kind of loan", request.loan_kind),
        _line("贷款用途", "Purpose", request.purpose),
        _line("币种", "Currency", "人民币", "CNY"),
        _line("授信额度（元）", "Credit line (CNY)", amount(request.credit_line_cny)),
        _line("贷款金额（元）", "Principal (CNY)", amount(request.principal_cny), figure_name="principal_cny"),
        _line("金额大写", "Principal in capitals", chinese_capitals(request.principal_cny)),
        _line("提款起息日", "Drawdown", request.drawdown_date.isoformat()),
        _line("到期日", "Maturity", request.maturity_date.isoformat()),
        _line("期限", "Tenor", f"{days} 天", f"{days} days"),
        _line("担保方式", "Security", request.guarantee),
    )


def _reset_groups(resets: OfferedResets | None) -> tuple[TermGroup, ...]:
    if resets is None:
        return ()
    lines = tuple(_line(*line) for line in reset_lines(resets))
    return (TermGroup(name=RESET_GROUP, title_zh="利率重定价", title_en="Reset of the rate", lines=lines),)


def _rate_lines(
    request: LoanRequest, inputs: RateInputs, rate: RateDecision, resets: OfferedResets | None
) -> tuple[TermLine, ...]:
    kind_zh, kind_en = _FIXED if resets is None else resets.kind_words()
    executed = rate.executed_rate
    concession = rate.concession_bp
    reason_zh = f"（{REASONS_ZH[rate.reason]}）" if rate.reason is not None else ""
    reason_en = f" ({REASONS_EN[rate.reason]})" if rate.reason is not None else ""
    undecided_zh = f"{NOT_DECIDED_ZH}：" + "；".join(field.zh.removeprefix("未决定：") for field in rate.missing)
    undecided_en = "; ".join(field.en for field in rate.missing)
    published = inputs.lpr.published_on.isoformat()
    basis = request.basis.value
    return (
        _line(
            "定价基准",
            "Reference rate",
            f"LPR {inputs.lpr.tenor}（{published} 公布）{percent(inputs.lpr.rate)}",
            f"LPR {inputs.lpr.tenor} of {published}: {percent(inputs.lpr.rate)}",
            "lpr_rate",
        ),
        _line("加减点", "Margin", f"{signed(Decimal(inputs.margin_bp))} BP", figure_name="margin_bp"),
        _line(
            "利率优惠",
            "Concession",
            undecided_zh if concession is None else f"{signed(concession)} BP{reason_zh}",
            undecided_en if concession is None else f"{signed(concession)} BP{reason_en}",
            "" if concession is None else "concession_bp",
        ),
        _line(
            "综合利率下限",
            "All-in floor",
            percent(inputs.terms.floor_rate.decimal) + ("（已适用）" if rate.floor_applied else ""),
            percent(inputs.terms.floor_rate.decimal) + (" (applied)" if rate.floor_applied else ""),
            "floor_rate",
        ),
        _line(
            "执行年利率",
            "Executed annual rate",
            NOT_DECIDED_ZH if executed is None else percent(executed),
            NOT_DECIDED_EN if executed is None else percent(executed),
            "" if executed is None else "executed_rate",
        ),
        _line("利率方式", "Fixed or floating", kind_zh, kind_en),
        _line("计息基础", "Day count", f"{basis}（算头不算尾）", f"{basis}, last day not counted"),
        _line("罚息与复利", "Default interest", BY_CONTRACT_ZH, BY_CONTRACT_EN),
    )


def _repayment_lines(
    request: LoanRequest, schedule: RepaymentSchedule | None, saving_cny: Decimal | None, *, floats: bool
) -> tuple[TermLine, ...]:
    as_drawn_zh, as_drawn_en = (AS_DRAWN_ZH, AS_DRAWN_EN) if floats else ("", "")
    period_zh = PERIOD_NAMES_ZH[request.interest_period_months]
    period_en = PERIOD_NAMES_EN[request.interest_period_months]
    moved_zh = "利息计至合同付息日" if request.accrual_dates is AccrualDates.UNADJUSTED else "利息计至顺延后付息日"
    lines = [
        _line(
            "还款方式",
            "Repayment",
            f"{period_zh}付息 {METHOD_NAMES_ZH[request.method]}",
            f"interest {period_en}, {METHOD_NAMES_EN[request.method]}",
        ),
        _line(
            "结息日",
            "Settlement day",
            f"每期末月 {request.settlement_day} 日，次日付息",
            f"day {request.settlement_day} of the period's last month, paid the day after",
        ),
        _line(
            "付息日遇节假日",
            "Payment on a holiday",
            f"顺延至下一银行工作日，{moved_zh}",
            "next bank working day; interest runs to the "
            + ("contractual day" if request.accrual_dates is AccrualDates.UNADJUSTED else "moved day"),
        ),
        _line("提前还款", "Prepayment", BY_CONTRACT_ZH, BY_CONTRACT_EN),
    ]
    if schedule is not None and saving_cny is not None:
        first = schedule.rows[0]
        lines += [
            _line("期数", "Payments", f"{len(schedule.rows)} 期", str(len(schedule.rows))),
            _line(
                "首期利息（元）",
                "First interest (CNY)",
                f"{amount(first.interest_cny)}（{first.days} 天）",
                f"{amount(first.interest_cny)} ({first.days} days)",
                "interest_cny.1",
            ),
            _line(
                "利息合计（元）",
                "Interest total (CNY)",
                f"{amount(schedule.interest_total_cny)}{as_drawn_zh}",
                f"{amount(schedule.interest_total_cny)}{as_drawn_en}",
                "interest_total_cny",
            ),
            _line(
                "节省利息（元）",
                "Interest saved (CNY)",
                f"{amount(saving_cny)}{as_drawn_zh}",
                f"{amount(saving_cny)}{as_drawn_en}",
                "saving_cny",
            ),
        ]
    return tuple(lines)


def _link_lines(inputs: RateInputs) -> tuple[TermLine, ...]:
    report, table = inputs.report, inputs.concession_table
    lines = [
        _line("挂钩指标", "Indicator", "碳评级报告 减排指标得分", "emission-cut score of the outside rating report"),
        *(_point_lines(inputs.terms) if table is None else _table_lines(table)),
        _line("优惠封顶", "Cap", f"{inputs.terms.cap_bp.value} BP", figure_name="cap_bp"),
        _missing_line(table),
        _line("报告失效", "Report expired", "不享受优惠", "no concession"),
    ]
    if report is not None:
        score = NOT_DECIDED_ZH if report.score is None else plain(report.score)
        lines[1:1] = [
            _line("评级机构", "Producer", report.producer),
            _line("报告日期", "Report date", report.report_date.isoformat()),
            _line("报告有效期至", "Report valid to", report.valid_to.isoformat(), figure_name="report_valid_to"),
            _line("减排指标得分", "Score", score, figure_name="" if report.score is None else "score"),
        ]
    return tuple(lines)


def _point_lines(terms: ConcessionTerms) -> tuple[TermLine, ...]:
    floor_only = terms.fraction.value == PointFraction.FLOOR
    return (
        _line("基准分值", "Base score", f"{terms.base_score.value} 分", terms.base_score.value, "base_score"),
        _line(
            "每分优惠",
            "Concession a point",
            f"{terms.bp_per_point.value} BP/分" + ("，不足一分不计" if floor_only else "，按比例"),
            f"{terms.bp_per_point.value} BP" + (", whole points only" if floor_only else ", pro rata"),
            "bp_per_point",
        ),
    )


def _table_lines(table: RecordedTable) -> tuple[TermLine, ...]:
    return (
        _line(
            "优惠依据",
            "Concession by",
            f"本行利率优惠表 {table.name}（{table.valid_from} 起适用，{table.known_from} 起知悉）",
            f"the bank's table {table.name}, valid from {table.valid_from}, known from {table.known_from}",
            "concession_table",
        ),
    )


def _missing_line(table: RecordedTable | None) -> TermLine:
    """Say what happens without a report or score; a table may only answer what is missing with its worst row."""
    by_table = table is not None
    return _line(
        "缺少报告或得分",
        "Report or score missing",
        "利率不予决定" + ("，或按优惠表最低一档" if by_table else ""),
        "the rate is not decided" + (", or the table's least concession applies" if by_table else ""),
    )


def _rating_lines(rating: CarbonRating) -> tuple[TermLine, ...]:
    year = rating.current.year
    lines = [
        _line(
            f"{year} 年排放量（吨）",
            f"Emissions {year} (t)",
            f"{rating.current.company_t:,}",
            figure_name=rating.current.company_figure_name,
        )
    ]
    if rating.cut_ratio is not None:
        lines.append(_line("同比降幅", "Cut on the year before", percent(rating.cut_ratio), figure_name="cut_ratio"))
    if rating.intensity_t_per_10k_cny is not None and rating.band is not None:
        intensity = f"{rating.intensity_t_per_10k_cny:.2f}"
        lines.append(
            _line(
                "碳强度 L（吨/万元）",
                "Intensity L (t/万元)",
                f"{intensity} {rating.band}",
                figure_name="intensity_band",
            )
        )
    if rating.ratio_to_mean is not None and rating.level is not None:
        ratio = f"{rating.ratio_to_mean:.3f}"
        lines.append(
            _line(
                "均值比 K / 等级",
                "Ratio to mean K / level",
                f"{ratio} / {rating.level} 级",
                f"{ratio} / {rating.level}",
                "carbon_level",
            )
        )
    return tuple(lines)


def _financed_line(result: FinancedEmissions) -> TermLine:
    score = result.data_quality_score
    denominator_zh, denominator_en = DENOMINATORS_ZH[result.method], DENOMINATORS_EN[result.method]
    return _line(
        f"{SHORT_NAMES_ZH[result.method]}（吨）",
        f"{SHORT_NAMES_EN[result.method]} (t)",
        f"{result.financed_t:,}（分母：{denominator_zh}{'' if score is None else f'；数据质量 {score} 分'}）",
        f"{result.financed_t:,} (by {denominator_en}{'' if score is None else f'; data quality {score}'})",
        result.figure_name,
    )

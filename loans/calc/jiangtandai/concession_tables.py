"""The concession by a bank's own approved table `loans.concession`, within the bank's cap, with every row tried.

concession = max(answer of the table, -cap); 0 where the rating report has expired, whatever the table says.
"""

from dataclasses import replace
from decimal import Decimal

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.contracts import InputKind, InputOffered, OutputWanted, TableContract
from carbonfin.rules.decide import Decision, MissingInput, NotDecided
from carbonfin.rules.domains import MissingReason, missing_words
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.row_figures import row_use, tried_words
from carbonfin.rules.tables import DecisionTable, OutputKind
from carbonfin.rules.trace import Figure
from loans.calc.jiangtandai.terms import (
    MISSING_REPORT,
    MISSING_SCORE,
    REASONS_EN,
    REASONS_ZH,
    Concession,
    ConcessionReason,
    RateInputs,
    RatingReport,
)
from loans.calc.missing import MissingField

CONCESSION_BP_MIN = Decimal(-1000)
_OUTPUT = "concession_bp"
CONCESSION_TABLE = TableContract(
    name="loans.concession",
    title_zh="降碳贷利率优惠表",
    title_en="Concession table of the emission-cut loan",
    reads_zh="降碳贷利率决定",
    reads_en="the rate decision of the emission-cut loan",
    inputs=(
        InputOffered(
            name="score", title_zh="减排指标得分", title_en="Emission-cut score", kind=InputKind.NUMBER, unit="points"
        ),
        InputOffered(
            name="points_over_base", title_zh="超出基准分值的分数", title_en="Points over the base score",
            kind=InputKind.NUMBER, unit="points",
        ),
        InputOffered(
            name="report_valid", title_zh="起息日报告有效", title_en="Report valid when interest begins",
            kind=InputKind.BOOLEAN,
        ),
        InputOffered(
            name="report_age_days", title_zh="报告日至起息日天数", title_en="Days from report to drawdown",
            kind=InputKind.NUMBER, unit="days",
        ),
        InputOffered(
            name="report_confirmed", title_zh="报告已核实", title_en="Report confirmed", kind=InputKind.BOOLEAN
        ),
    ),
    outputs=(
        OutputWanted(
            name=_OUTPUT, title_zh="利率优惠", title_en="Concession", kind=OutputKind.BP, low=CONCESSION_BP_MIN,
            high=Decimal(0), worst_is_high=True,
        ),
    ),
    is_single=True,
)  # fmt: skip


def table_facts(inputs: RateInputs) -> dict[str, object]:
    """Give what a concession table may ask; what is not known is left out."""
    report = inputs.report
    if report is None:
        return {}
    facts: dict[str, object] = {
        "report_valid": report.valid_to >= inputs.applies_from,
        "report_age_days": (inputs.applies_from - report.report_date).days,
        "report_confirmed": report.confirmed,
    }
    if report.score is not None:
        facts["score"] = report.score
        facts["points_over_base"] = report.score - inputs.terms.base_score.decimal
    return facts


def by_table(inputs: RateInputs, table: RecordedTable) -> Concession:
    """Decide the concession by the bank's table.

    Raises:
        InvalidInput: The cap is negative, or the table does not answer a concession.
    """
    used = _table_figure(table)
    if inputs.report is not None and inputs.report.valid_to < inputs.applies_from:
        expired = _concession_figure(
            Decimal(0), ConcessionReason.REPORT_EXPIRED, formula="0, the report has expired",
            inputs=("report_valid_to", "applies_from"),
        )  # fmt: skip
        return Concession(bp=Decimal(0), reason=ConcessionReason.REPORT_EXPIRED, figures=(used, expired))
    compiled = table.compiled
    facts = table_facts(inputs)
    said = compiled.decide(facts)
    asked = asked_figures(compiled.table, inputs)
    before = ("score",) if "score" in facts else ()
    known = tuple(name for name in (*before, *(figure.name for figure in asked)) if name in facts)
    row = _row_figure(table, compiled.table, said, inputs=(used.name, *known))
    found = table_concession(inputs, compiled.table, said)
    if isinstance(said, NotDecided) or found.bp is None or found.reason is None:
        return replace(found, figures=(used, *asked, row))
    answered = Figure(
        name="table_concession_bp", label_zh="优惠表答案", label_en="Answer of the table",
        value=str(granted_bp(compiled.table, said)), unit="bp", formula="the row's output", inputs=(row.name,),
    )  # fmt: skip
    concession = _concession_figure(
        found.bp, found.reason, formula="max(answer of the table, -cap)", inputs=(answered.name, "cap_bp")
    )
    return replace(found, figures=(used, *asked, row, answered, concession))


def table_concession(inputs: RateInputs, table: DecisionTable, said: Decision | NotDecided) -> Concession:
    """Give what a table's answer comes to within the bank's cap, or what is missing, without the figures behind it.

    Raises:
        InvalidInput: The cap is negative, or the table does not answer a concession.
    """
    if isinstance(said, NotDecided):
        return Concession(missing=missing_of(inputs, table, said))
    bp, reason = within_cap(granted_bp(table, said), cap_bp=inputs.terms.cap_bp.decimal)
    return Concession(bp=bp, reason=reason)


def within_cap(granted_bp: Decimal, *, cap_bp: Decimal) -> tuple[Decimal, ConcessionReason]:
    """Give what a table grants within the bank's cap, and why it is so much.

    Raises:
        InvalidInput: The cap is negative.
    """
    if cap_bp < 0:
        raise InvalidInput("the cap must not be negative", zh="封顶不能为负", field="cap_bp")
    if -granted_bp > cap_bp:
        return -cap_bp, ConcessionReason.CAPPED
    return granted_bp, ConcessionReason.BY_TABLE


def granted_bp(table: DecisionTable, said: Decision) -> Decimal:
    """Give the concession a table answers, before the cap.

    Raises:
        InvalidInput: The table has no such answer, or it is no concession.
    """
    names = [column.name for column in table.outputs]
    value = said.outcomes[0].outputs[names.index(_OUTPUT)] if _OUTPUT in names and said.outcomes else None
    if not isinstance(value, int) or not CONCESSION_BP_MIN <= value <= 0:
        raise InvalidInput(
            f"table {table.name} answers {value!r}, no concession in whole bp from {CONCESSION_BP_MIN} to 0",
            zh=f"决策表 {table.name} 的答案 {value} 不是 {CONCESSION_BP_MIN} 至 0 的整数 BP",
            field=_OUTPUT,
        )
    return Decimal(value)


def missing_of(inputs: RateInputs, table: DecisionTable, said: NotDecided) -> tuple[MissingField, ...]:
    """Name what is missing for the table to decide; what a report would bring is named by the report."""
    if inputs.report is None:
        return (MISSING_REPORT,)
    found = tuple(dict.fromkeys(_missing_field(table, one) for one in said.missing))
    if found:
        return found
    rows = "、".join(said.rows)
    return (
        MissingField.of(
            table.name,
            f"利率优惠表没有唯一适用的规则行{f'（{rows}）' if rows else ''}",
            f"no single row of the concession table applies{f' ({rows})' if rows else ''}",
        ),
    )


def _missing_field(table: DecisionTable, one: MissingInput) -> MissingField:
    if one.name in {"score", "points_over_base"} and one.reason is MissingReason.ABSENT:
        return MISSING_SCORE
    column = next(column for column in table.inputs if column.name == one.name)
    zh, en = missing_words(one.reason)
    domain = column.domain.describe()
    return MissingField.of(one.name, f"{column.title_zh}{zh}（{domain}）", f"{column.title_en} is {en} ({domain})")


def asked_figures(table: DecisionTable, inputs: RateInputs) -> tuple[Figure, ...]:
    """Give the figures of what a table asks, but for the score, which stands with the report."""
    report = inputs.report
    if report is None:
        return ()
    facts = table_facts(inputs)
    names = [column.name for column in table.inputs if column.name in facts and column.name != "score"]
    return tuple(figure for name in names for figure in _asked(name, facts, report, inputs))


def _asked(name: str, facts: dict[str, object], report: RatingReport, inputs: RateInputs) -> tuple[Figure, ...]:
    titles = next(one for one in CONCESSION_TABLE.inputs if one.name == name)
    value = facts[name]
    asked = Figure(
        name=name, label_zh=titles.title_zh, label_en=titles.title_en, unit=titles.unit or "code",
        value=str(value).lower() if isinstance(value, bool) else str(value),
    )  # fmt: skip
    if name == "points_over_base":
        base = Figure.of_parameter("base_score", inputs.terms.base_score)
        return base, replace(asked, formula="score - base", inputs=("score", base.name))
    if name == "report_valid":
        formula = "report valid to >= interest runs from"
        return (replace(asked, formula=formula, inputs=("report_valid_to", "applies_from")),)
    if name == "report_confirmed":
        return (replace(asked, source=report.source),)
    dated = Figure(
        name="report_date", label_zh="碳评级报告日期", label_en="Date of the rating report",
        value=report.report_date.isoformat(), unit="date", source=report.source, confirmed=report.confirmed,
    )  # fmt: skip
    return dated, replace(asked, formula="interest runs from - report date", inputs=(dated.name, "applies_from"))


def _table_figure(table: RecordedTable) -> Figure:
    people = "、".join(table.approved_by)
    until_zh, until_en = (f"至 {table.valid_to}", f" to {table.valid_to}") if table.valid_to else ("", "")
    return Figure(
        name="concession_table",
        label_zh="利率优惠表",
        label_en="Concession table",
        value=table.name,
        unit="code",
        source=people,
        note_zh=f"{table.valid_from} 起{until_zh}适用，{table.known_from} 起知悉，摘要 {table.digest}",
        note_en=f"valid from {table.valid_from}{until_en}, known from {table.known_from}, digest {table.digest}",
    )


def _row_figure(
    used: RecordedTable, table: DecisionTable, said: Decision | NotDecided, *, inputs: tuple[str, ...]
) -> Figure:
    outcome = None if isinstance(said, NotDecided) or not said.outcomes else said.outcomes[0]
    note_zh, note_en = tried_words(table, said)
    return Figure(
        name="concession_row",
        label_zh="适用的规则行",
        label_en="Row of the table that answers",
        value=said.refused.value if isinstance(said, NotDecided) else outcome.row_id if outcome else "",
        unit="code",
        inputs=inputs,
        source="" if outcome is None else outcome.clause.document,
        parameter=None if outcome is None else row_use(used, outcome),
        confirmed=outcome is None or outcome.clause.confirmed,
        note_zh=note_zh,
        note_en=note_en,
    )


def _concession_figure(bp: Decimal, reason: ConcessionReason, *, formula: str, inputs: tuple[str, ...]) -> Figure:
    return Figure(
        name="concession_bp",
        label_zh="利率优惠",
        label_en="Concession",
        value=str(bp),
        unit="bp",
        formula=formula,
        inputs=inputs,
        note_zh=REASONS_ZH[reason],
        note_en=REASONS_EN[reason],
    )

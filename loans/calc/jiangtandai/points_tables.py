"""Whether points over the base count, by the table `loans.concession_points`, where a bank has no concession table.

concession = -share x min(cap, max(0, points) x bp per point); the share is the answer of the row that hits.
"""

from dataclasses import dataclass
from decimal import Decimal

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.contracts import OutputWanted, TableContract
from carbonfin.rules.decide import Decision, NotDecided
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.row_figures import row_use, tried_words
from carbonfin.rules.tables import DecisionTable, OutputKind
from carbonfin.rules.trace import Figure
from loans.calc.jiangtandai.concession_tables import CONCESSION_TABLE, asked_figures, missing_of, table_facts
from loans.calc.jiangtandai.terms import RateInputs
from loans.calc.missing import MissingField

ROW_FIGURE = "points_row"
_OUTPUT = "points_share"
POINTS_TABLE = TableContract(
    name="loans.concession_points",
    title_zh="降碳贷计分优惠条件",
    title_en="When points earn a concession",
    reads_zh=CONCESSION_TABLE.reads_zh,
    reads_en=CONCESSION_TABLE.reads_en,
    inputs=CONCESSION_TABLE.inputs,
    outputs=(
        OutputWanted(
            name=_OUTPUT, title_zh="分数计入比例", title_en="Share of the points that counts", kind=OutputKind.RATIO,
            low=Decimal(0), high=Decimal(1), worst_is_high=False,
        ),
    ),
    is_single=True,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsShare:
    """What the table says of a report.

    Attributes:
        share: 0 to 1; None where it does not decide.
        figures: What was asked and the row that hit.
    """

    share: Decimal | None
    missing: tuple[MissingField, ...]
    figures: tuple[Figure, ...]


def points_share(inputs: RateInputs, table: RecordedTable) -> PointsShare:
    """Ask the table whether the points of the report count.

    Raises:
        InvalidInput: The table does not answer a share.
    """
    compiled = table.compiled
    facts = table_facts(inputs)
    said = compiled.decide(facts)
    # The base score stands with the terms of points already.
    asked = tuple(one for one in asked_figures(compiled.table, inputs) if one.name != "base_score")
    before = ("score",) if "score" in facts else ()
    known = tuple(name for name in (*before, *(figure.name for figure in asked)) if name in facts)
    row = _row_figure(table, compiled.table, said, inputs=known)
    if isinstance(said, NotDecided):
        missing = missing_of(inputs, compiled.table, said)
        return PointsShare(share=None, missing=missing, figures=(*asked, row))
    return PointsShare(share=share_of(compiled.table, said), missing=(), figures=(*asked, row))


def share_of(table: DecisionTable, said: Decision) -> Decimal:
    """Give the share a table answers.

    Raises:
        InvalidInput: The table has no such answer, or it lies outside 0 to 1.
    """
    answers = dict(zip([column.name for column in table.outputs], said.outcomes[0].outputs, strict=True))
    value = answers.get(_OUTPUT)
    if not isinstance(value, Decimal) or not 0 <= value <= 1:
        raise InvalidInput(
            f"table {table.name} answers {value!r}, no share from 0 to 1",
            zh=f"决策表 {table.name} 的答案 {value} 不在 0 至 1 之间",
            field=_OUTPUT,
        )
    return value


def _row_figure(
    used: RecordedTable, table: DecisionTable, said: Decision | NotDecided, *, inputs: tuple[str, ...]
) -> Figure:
    outcome = None if isinstance(said, NotDecided) else said.outcomes[0]
    zh, en = tried_words(table, said)
    row = None if outcome is None else table.rows[outcome.place]
    return Figure(
        name=ROW_FIGURE,
        label_zh="计分优惠条件适用行",
        label_en="Row of the points table",
        value=said.refused.value if isinstance(said, NotDecided) else said.outcomes[0].row_id,
        unit="code",
        inputs=inputs,
        source="" if outcome is None else outcome.clause.document,
        parameter=None if outcome is None else row_use(used, outcome),
        confirmed=outcome is None or outcome.clause.confirmed,
        note_zh="；".join(filter(None, ["" if row is None else row.note_zh, zh])),
        note_en="; ".join(filter(None, ["" if row is None else row.note_en, en])),
    )

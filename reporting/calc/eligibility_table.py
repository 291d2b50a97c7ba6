"""Whether a grant is paid, by the table `reporting.subsidy_share`: each criterion an input, an unknown one missing."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.contracts import InputKind, InputOffered, OutputWanted, TableContract
from carbonfin.rules.decide import Decision, NotDecided
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.row_figures import row_use, tried_words
from carbonfin.rules.tables import DecisionTable, OutputKind
from carbonfin.rules.trace import Figure
from reporting.calc.eligibility import CRITERION_TITLES, LATER_CRITERIA, Answer, Criterion, CriterionResult

NOT_ASKED = "not_asked"
_OUTPUT = "paid_share"
_KEPT_MAX = 1024
_Answers = tuple[tuple[Criterion, Answer], ...]
SUBSIDY_TABLE = TableContract(
    name="reporting.subsidy_share",
    title_zh="贴息资格",
    title_en="Eligibility for a subsidy",
    reads_zh="贴息审核决定",
    reads_en="the decision on a subsidy application",
    inputs=(
        InputOffered(name="scheme", title_zh="项目", title_en="Scheme", kind=InputKind.CODE),
        *(
            InputOffered(name=criterion.value, title_zh=zh, title_en=en, kind=InputKind.CODE)
            for criterion, (zh, en) in CRITERION_TITLES.items()
        ),
    ),
    outputs=(
        OutputWanted(
            name=_OUTPUT, title_zh="资助比例系数", title_en="Share of the grant that is paid", kind=OutputKind.RATIO,
            low=Decimal(0), high=Decimal(1), worst_is_high=False,
        ),
    ),
    is_single=True,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PaidShare:
    """What the table says of an application.

    Attributes:
        share: 0 to 1; None where it does not decide.
        figure: The row that answered, with its clause, or what stands in the way.
    """

    share: Decimal | None
    figure: Figure


def table_facts(scheme: str, criteria: Iterable[CriterionResult]) -> dict[str, object]:
    """Give what a subsidy table may ask; what is unknown is left out, what the scheme does not ask for is said so."""
    return _facts(scheme, tuple((result.criterion, result.answer) for result in criteria))


def _facts(scheme: str, answers: _Answers) -> dict[str, object]:
    facts: dict[str, object] = dict.fromkeys((criterion.value for criterion in Criterion), NOT_ASKED)
    for criterion, answer in answers:
        facts[criterion.value] = None if answer is Answer.UNKNOWN else answer.value
    return facts | {"scheme": scheme}


def paid_share(scheme: str, criteria: tuple[CriterionResult, ...], table: RecordedTable) -> PaidShare:
    """Ask the table what share of the grant is paid; the same answers to the same criteria are asked once.

    Of `LATER_CRITERIA` those that the table does not ask bind beside it: one that is not met leaves nothing, one
    that is unknown leaves it undecided.

    Raises:
        InvalidInput: The table does not answer a share.
    """
    return _share_of_answers(scheme, tuple((result.criterion, result.answer) for result in criteria), table)


@lru_cache(maxsize=_KEPT_MAX)
def _share_of_answers(scheme: str, answers: _Answers, table: RecordedTable) -> PaidShare:
    compiled = table.compiled
    said = compiled.decide(_facts(scheme, answers))
    answered = isinstance(said, Decision)
    share = share_of(compiled.table, said) if isinstance(said, Decision) else None
    return PaidShare(
        share=_held_beside(share, answers, compiled.table),
        figure=_row_figure(table, compiled.table, said, answers if answered else ()),
    )


def _held_beside(share: Decimal | None, answers: _Answers, table: DecisionTable) -> Decimal | None:
    asked = {column.name for column in table.inputs}
    beside = {answer for criterion, answer in answers if criterion in LATER_CRITERIA and criterion.value not in asked}
    if Answer.NOT_MET in beside:
        return Decimal(0)
    return None if Answer.UNKNOWN in beside and share else share


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


def _row_figure(used: RecordedTable, table: DecisionTable, said: Decision | NotDecided, answers: _Answers) -> Figure:
    outcome = None if isinstance(said, NotDecided) else said.outcomes[0]
    zh, en = tried_words(table, said)
    return Figure(
        name="subsidy_row",
        label_zh="贴息资格表适用行",
        label_en="Row of the eligibility table",
        value=said.refused.value if isinstance(said, NotDecided) else said.outcomes[0].row_id,
        unit="code",
        inputs=tuple(f"criterion.{criterion}" for criterion, _ in answers),
        source="" if outcome is None else outcome.clause.document,
        parameter=None if outcome is None else row_use(used, outcome),
        confirmed=outcome is None or outcome.clause.confirmed,
        note_zh=zh,
        note_en=en,
    )

"""Rates of many borrowers at once: the facts all of them share, what is each one's own, and how one is made again.

The batch is a decision over the shared facts and the digests of its items; an item keeps its own inputs, the row of the
table that answered, the rows that fitted, and its outcome. Its trace is that of the single decision from the same
inputs, made again when somebody reads it.
"""

from dataclasses import dataclass, field, replace
from datetime import date

from carbonfin.rules.record import ADDED_LATER, DecisionKind
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.row_figures import row_use
from carbonfin.rules.row_hits import RowHit
from carbonfin.rules.trace import Figure, checked_trace
from loans.calc.jiangtandai.rates import decide_rate, rate_without_trace
from loans.calc.jiangtandai.terms import ConcessionTerms, RateDecision, RateInputs, RateQuoted, RatingReport


@dataclass(frozen=True, slots=True, kw_only=True)
class RateFacts:
    """What all rates of a batch rest on; the fields are those of `RateInputs`."""

    decided_on: date
    applies_from: date
    lpr: RateQuoted
    terms: ConcessionTerms
    concession_table: RecordedTable | None = field(default=None, metadata=ADDED_LATER)
    points_table: RecordedTable | None = field(default=None, metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRequest:
    """A borrower whose rate is asked for, by its code."""

    usci: str
    margin_bp: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RateItem:
    """What is one borrower's own."""

    usci: str
    margin_bp: int
    report: RatingReport | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedRate:
    """A rate of a batch: the outcome without trace, and what the table said; None where no table was asked."""

    outcome: RateDecision
    hit: RowHit | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A borrower whose rate could not be decided at all, and why."""

    usci: str
    field: str
    detail: str
    zh: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredRow:
    """How many rates of a batch one row of the table answered; `place` counts from 0."""

    place: int
    rates_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RateBatchInputs:
    """A batch as it is recorded.

    Attributes:
        items_digest: Digest of the last item over itself and all before it.
        answered: The rows that answered, so that the batch's own trace names each clause its rates rest on.
        unconfirmed_reports_count: Rates that rest on a report nobody has checked.
        left_out: Borrowers without an item.
    """

    facts: RateFacts
    items_count: int
    items_digest: str
    answered: tuple[AnsweredRow, ...]
    unconfirmed_reports_count: int
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateBatchOutcome:
    """What the record of a batch says; each rate stands in its item."""

    items_count: int
    left_out_count: int
    items_digest: str
    trace: tuple[Figure, ...]


def single_inputs(facts: RateFacts, item: RateItem) -> RateInputs:
    """Give what the single decision on one borrower of a batch takes.

    Raises:
        InvalidInput: The margin is out of range, or the report speaks of somebody else or of another time.
    """
    return RateInputs(
        usci=item.usci, decided_on=facts.decided_on, applies_from=facts.applies_from, lpr=facts.lpr,
        margin_bp=item.margin_bp, report=item.report, terms=facts.terms, concession_table=facts.concession_table,
        points_table=facts.points_table,
    )  # fmt: skip


def decide_item(facts: RateFacts, item: RateItem) -> DecidedRate:
    """Decide one rate of a batch, without its trace.

    Raises:
        InvalidInput: As the single decision.
    """
    outcome, hit = rate_without_trace(single_inputs(facts, item))
    return DecidedRate(outcome=outcome, hit=hit)


def rebuilt_rate(facts: RateFacts, item: RateItem) -> RateDecision:
    """Make the single decision on one borrower of a batch, with its whole trace."""
    return decide_rate(single_inputs(facts, item))


def is_the_same(rebuilt: RateDecision, decided: DecidedRate, again: DecidedRate) -> bool:
    """Whether a rate made again is the one that was kept: outcome, row and rows that fitted."""
    return replace(rebuilt, trace=()) == decided.outcome and again == decided


def decide_rate_batch(inputs: RateBatchInputs) -> RateBatchOutcome:
    """Put what all rates of a batch share on the trace."""
    facts = inputs.facts
    terms, lpr = facts.terms, facts.lpr
    table = facts.concession_table or facts.points_table
    figures = [
        Figure(
            name="lpr_rate", label_zh=f"贷款市场报价利率（{lpr.tenor}）", label_en=f"Loan prime rate ({lpr.tenor})",
            value=str(lpr.rate), unit="rate", source=f"{lpr.source} {lpr.published_on.isoformat()}",
            confirmed=lpr.confirmed,
        ),
        *(
            Figure.of_parameter(name, getattr(terms, name))
            for name in ("base_score", "bp_per_point", "fraction", "cap_bp", "floor_rate")
        ),
        Figure(
            name="applies_from", label_zh="起息日", label_en="Interest runs from", unit="date",
            value=facts.applies_from.isoformat(),
        ),
        *([] if table is None else [_table_figure(table), *_row_figures(table, inputs.answered)]),
        Figure(
            name="reports", label_zh="依据未核实报告的项数", label_en="Rates that rest on an unchecked report", unit="",
            value=str(inputs.unconfirmed_reports_count), confirmed=not inputs.unconfirmed_reports_count,
        ),
        Figure(
            name="items", label_zh="批内项数", label_en="Rates in the batch", value=str(inputs.items_count), unit="",
            note_zh=f"末项摘要 {inputs.items_digest}", note_en=f"digest of the last one {inputs.items_digest}",
        ),
    ]  # fmt: skip
    return RateBatchOutcome(
        items_count=inputs.items_count, left_out_count=len(inputs.left_out), items_digest=inputs.items_digest,
        trace=checked_trace(figures),
    )  # fmt: skip


def _table_figure(table: RecordedTable) -> Figure:
    return Figure(
        name="table", label_zh="决策表", label_en="Decision table", value=table.name, unit="code",
        source="、".join(table.approved_by),
        note_zh=f"{table.valid_from} 起适用，{table.known_from} 起知悉，摘要 {table.digest}",
        note_en=f"valid from {table.valid_from}, known from {table.known_from}, digest {table.digest}",
    )  # fmt: skip


def _row_figures(table: RecordedTable, answered: tuple[AnsweredRow, ...]) -> list[Figure]:
    """Give the rows that answered, each with its clause and how many rates it answered."""
    outcomes = [(table.compiled.outcomes[one.place], one.rates_count) for one in answered]
    return [
        Figure(
            name=f"row.{outcome.row_id}", label_zh=f"规则行 {outcome.row_id} 适用的项数",
            label_en=f"Rates that row {outcome.row_id} answered", value=str(count), unit="", inputs=("table",),
            source=outcome.clause.document, parameter=row_use(table, outcome), confirmed=outcome.clause.confirmed,
        )
        for outcome, count in outcomes
    ]  # fmt: skip


RATE_BATCH_KIND: DecisionKind[RateBatchInputs, RateBatchOutcome] = DecisionKind(
    name="loans.rate_batch", version="1", inputs=RateBatchInputs, outputs=RateBatchOutcome, decide=decide_rate_batch
)

"""Statistics as they are asked for: a bank's own business, for the bureau what was filed, as of a day and as known."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, OrganizationKind
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.dates import china_day, end_of_china_day
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.parties import Party
from carbonfin.storage.keyset import Place, Slice, cut
from carbonfin.storage.parties import Standing, parties_of
from reporting import store
from reporting.calc.batches import FiledApplication, label_of
from reporting.calc.interest_columns import InterestSum
from reporting.calc.quarters import Quarter
from reporting.calc.statistics import (
    Dimension,
    FinancingKind,
    FinancingLine,
    Statistics,
    StatisticsInputs,
    quarters_between,
    statistics_of,
)
from reporting.calc.statistics_selection import EVERYTHING, Selection
from reporting.service.reports import decided_as_of
from reporting.service.rulebook import subsidy_book
from reporting.service.statistics_lines import (
    budget_lines,
    cap_lines,
    costs_paid,
    cut_lines,
    filed_loans,
    own_credit_lines,
    own_loans,
    selected_files,
    subsidy_lines,
)

_QUARTERS_MOST = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsView:
    """Statistics with what they were counted from, as of which day and as known when.

    Attributes:
        known_on: Day up to whose end facts count as known.
        only: What part was asked for.
        choices: The names that lines have, counted or not, by what they can be told apart.
        unread_count: Enterprises with emissions that are in no cut: no two years running are known and comparable.
        skipped_count: Credit lines in another currency; in no sum.
        failures: Applications filed in the quarters that could not be decided; in no sum of subsidies.
    """

    as_of: date
    known_on: date
    only: Selection
    body: str
    is_sample: bool
    inputs: StatisticsInputs
    choices: Mapping[Dimension, tuple[str, ...]]
    found: Statistics
    unread_count: int
    skipped_count: int
    interest: tuple[InterestSum, ...]
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Financing that an actor may see, and the files behind it, where it stands.

    Attributes:
        choices: The names that lines have, asked for or not.
        skipped_count: Credit lines in another currency.
    """

    financing: tuple[FinancingLine, ...]
    filed: tuple[FiledApplication, ...]
    choices: Mapping[Dimension, tuple[str, ...]]
    skipped_count: int


def default_quarters(as_of: date) -> tuple[Quarter, Quarter]:
    """Give the eight quarters up to a day's."""
    last = Quarter.of(as_of)
    return Quarter(year=last.year - 2 + last.number // 4, number=last.number % 4 + 1), last


def statistics_view(
    session: Session,
    actor: Actor,
    *,
    first: Quarter | None,
    last: Quarter | None,
    as_of: date,
    standing: Standing,
    known_on: date | None = None,
    only: Selection = EVERYTHING,
) -> StatisticsView:
    """Count what the actor may see, as of a day: a bank its own business, the bureau what banks filed.

    A day before the business date is counted as it was known at its end, or at the end of `known_on`: notes, lines,
    accounts and payments written later are left out, and so is what happened after the day itself. Enterprises stand by
    the district and industry they have now. Quarters left out are the eight up to the day's.

    Raises:
        InvalidInput: The quarters are the wrong way round, or more than forty; `known_on` lies before the day or ahead.
    """
    first, last = _span(first, last, as_of)
    _refuse_other_knowledge(known_on, as_of, standing)
    then = standing_then(standing, as_of, known_on=known_on)
    known_day = known_on or as_of
    parties = {party.id: party for party in parties_of(session, actor)}
    counted = financing_then(
        session, actor, parties, then, as_of=as_of, known_at=end_of_china_day(known_day), only=only
    )
    enterprises = [
        one for one in parties.values() if only.holds_enterprise(district=one.district, industry=one.industry)
    ]
    cuts, unread = cut_lines(session, actor, enterprises, [then.known_at])[then.known_at]
    budgets = budget_lines(session, actor, enterprises, then)
    decided = decided_as_of(session, actor, as_of=known_day)
    filed = {one.application_id: one for one in counted.filed if china_day(one.application.submitted_at) <= as_of}
    labels = {
        label_of(one.application)
        for one in filed.values()
        if first.start <= china_day(one.application.submitted_at) < last.end
    }
    book = subsidy_book(session, actor)
    inputs = StatisticsInputs(
        first=first, last=last, financing=counted.financing, cuts=tuple(one for one in cuts if one.year <= as_of.year),
        subsidies=subsidy_lines(
            session, actor, (one for one in decided.values if one.filed.application_id in filed),
            known_at=then.known_at, as_of=as_of,
        ),
        budgets=budgets, caps=cap_lines(book, budgets, known_day),
    )  # fmt: skip
    return StatisticsView(
        as_of=as_of, known_on=known_day, only=only, body=standing.name, is_sample=standing.is_sample, inputs=inputs,
        choices=counted.choices, found=statistics_of(inputs), unread_count=unread,
        skipped_count=counted.skipped_count, failures=tuple(one for one in decided.failures if one.item in labels),
        interest=costs_paid(
            counted.filed, book, as_of=as_of, known_day=known_day, quarters=quarters_between(first, last)
        ),
    )  # fmt: skip


def financing_then(
    session: Session,
    actor: Actor,
    parties: dict[str, Party],
    standing: Standing,
    *,
    as_of: date,
    known_at: datetime,
    only: Selection,
) -> Counted:
    """Give financing up to a day as known at an instant and as far as asked for, and the files known then.

    A file submitted after the day tells of loans drawn by it.
    """
    filed = store.applications_of(session, actor, known_until=known_at)
    if actor.organization_kind is OrganizationKind.BANK:
        loans = own_loans(session, actor, parties, standing)
        granted, skipped = own_credit_lines(session, actor, parties, standing)
    else:
        loans, granted, skipped = filed_loans(filed), [], 0
    lines = [line for line in (*loans, *granted) if line.on <= as_of]
    return Counted(
        financing=tuple(line for line in lines if only.holds(line)),
        choices={one: tuple(sorted({line.name_by(one) for line in lines})) for one in Dimension},
        filed=filed if only.is_whole else selected_files(filed, loans, only),
        skipped_count=skipped,
    )


def line_page(
    view: StatisticsView, place: Place, *, kind: FinancingKind | None, since: date | None
) -> Slice[FinancingLine]:
    """Give a page of the lines that are counted in the quarters, in the order they became known.

    Args:
        view: The statistics whose lines these are; all pages together add up to its sums.
        place: Where the page begins.
        kind: Credit lines or loans alone; None for both.
        since: Lines that became known, or were changed, on that day or later; None for all.
    """
    inputs = view.inputs
    lines = [
        line
        for line in inputs.financing
        if inputs.first.start <= line.on < inputs.last.end
        and kind in {None, line.kind}
        and (since is None or line.known_on >= since)
    ]
    return cut(lines, place, keys=lambda line: (line.known_on, line.kind.value, line.bank, line.code))


def standing_then(standing: Standing, as_of: date, *, known_on: date | None) -> Standing:
    """Give where the organisation stood on a day past; a day not yet past is looked at from the present."""
    if known_on is None and as_of >= standing.business_date:
        return standing
    known_at = min(standing.known_at, end_of_china_day(known_on or as_of))
    return replace(standing, business_date=min(standing.business_date, as_of), known_at=known_at)


def _span(first: Quarter | None, last: Quarter | None, as_of: date) -> tuple[Quarter, Quarter]:
    begins, ends = default_quarters(as_of)
    first, last = first or begins, last or ends
    if not 1 <= len(quarters_between(first, last)) <= _QUARTERS_MOST:
        raise InvalidInput(
            f"{first} to {last} is no span of 1 to {_QUARTERS_MOST} quarters",
            zh=f"{first} 至 {last} 不是 1 至 {_QUARTERS_MOST} 个季度",
            field="last",
            remedy="Choose a later last quarter, or fewer quarters.",
            remedy_zh="请调整起止季度。",
        )
    return first, last


def _refuse_other_knowledge(known_on: date | None, as_of: date, standing: Standing) -> None:
    latest = max(as_of, standing.business_date)
    if known_on is not None and not as_of <= known_on <= latest:
        raise InvalidInput(
            f"what was known on {known_on} says nothing of {as_of}: it lies before it, or after {latest}",
            zh=f"认知日 {known_on} 应不早于截至日 {as_of}，且不晚于 {latest}",
            field="known_on",
            remedy=f"Choose a day from {as_of} to {latest}, or leave it out for what was known then.",
            remedy_zh=f"请选择 {as_of} 至 {latest} 之间的日期；不填即按当时所知。",
        )

"""A batch in order of filing: each application decided against the claims filed before it; then budgets are shared."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache

from carbonfin.kernel.batch import Batch, Failure, uncollected
from carbonfin.kernel.dates import china_day
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.rules.recorded_tables import RecordedTable
from reporting.calc.budget import allocate_budget
from reporting.calc.caps import Granted
from reporting.calc.dedup import Claim, claim_of
from reporting.calc.facts import SubsidyApplication
from reporting.calc.file_faults import DocumentsSeen, refuse_faulty
from reporting.calc.quarters import Quarter
from reporting.calc.read_terms import ReadTerms, read_terms
from reporting.calc.schemes import SchemeTerms, Term
from reporting.calc.subsidies import Outcome, SubsidyDecision, SubsidyInputs, decide_with

_STANDING = frozenset({Outcome.QUALIFIES, Outcome.UNDECIDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class FiledApplication:
    """An application with its identifier.

    Attributes:
        recorded_at: When it was written down here; None on samples and where that was not kept.
    """

    application_id: str
    application: SubsidyApplication
    recorded_at: datetime | None = None

    @property
    def known_on(self) -> date:
        """The day from which it is known: a file that names an earlier instant is known when it is written down."""
        submitted_at = self.application.submitted_at
        return china_day(submitted_at if self.recorded_at is None else max(submitted_at, self.recorded_at))


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedApplication:
    """An application with the inputs of its decision and the outcome."""

    filed: FiledApplication
    inputs: SubsidyInputs
    decision: SubsidyDecision


def decide_in_order(
    applications: Iterable[FiledApplication],
    terms_of_application: Callable[[SubsidyApplication], SchemeTerms],
    table_of_application: Callable[[SubsidyApplication], RecordedTable],
) -> Batch[DecidedApplication]:
    """Decide applications in the order they were filed.

    The earlier filing stands: an application is compared with those filed before it that were neither refused nor
    duplicates themselves. One that contradicts itself or another firm's file, or cannot be decided at all, becomes a
    failure with its reason; its claim still stands against later ones, since nothing is known that would set it aside.

    Args:
        applications: All that may collide, of any quarter.
        terms_of_application: The terms of an application's scheme on the day it was filed.
        table_of_application: The table that says on that day what share of a grant is paid.
    """
    decided: list[DecidedApplication] = []
    failures: list[Failure] = []
    claims, read, documents = _Claims(), _Read(), DocumentsSeen()
    granted = Granted()
    with uncollected():
        for filed in sorted(applications, key=_filing_order):
            application = filed.application
            try:
                documents.add(application)
                refuse_faulty(application)
                terms = read.of(terms_of_application(application))
                inputs = SubsidyInputs(
                    application=application,
                    terms=terms.terms,
                    earlier=claims.beside(application),
                    share_table=table_of_application(application),
                    **granted.before(application, terms),
                )
                decision = decide_with(terms, inputs)
            except CarbonFinError as error:
                failures.append(Failure.of(label_of(application), error))
                claims.add(filed)
                continue
            decided.append(DecidedApplication(filed=filed, inputs=inputs, decision=decision))
            if decision.outcome is Outcome.QUALIFIES:
                granted.add(application, terms, decision.proposed_cny)
            if decision.outcome in _STANDING:
                claims.add(filed)
    return Batch(values=tuple(decided), failures=tuple(failures))


def allocations_cny(decided: Iterable[DecidedApplication]) -> dict[str, Decimal]:
    """Give what each application gets of its scheme's budget; one without a known budget is not cut and not listed.

    A budget is shared quarter by quarter, as reports are: a quarter shares what the quarters before it left, so that
    all reports together never pass it. Files of another value of the budget, another year's, share that one.
    """
    claims: dict[tuple[str, str], dict[Quarter, dict[str, Decimal]]] = defaultdict(lambda: defaultdict(dict))
    budgets: dict[tuple[str, str], Decimal] = {}
    of_terms: dict[int, tuple[str, str] | None] = {}  # applications of one scheme and day bring the very same terms
    quarter_of = cache(Quarter.of)
    for item in decided:
        if item.decision.proposed_cny is None:
            continue
        terms = item.inputs.terms
        if id(terms) not in of_terms:
            budget = terms.find(Term.BUDGET_CNY)
            of_terms[id(terms)] = key = None if budget is None else (terms.scheme, budget.digest)
            if key is not None and budget is not None:
                budgets[key] = budget.decimal
        key = of_terms[id(terms)]
        if key is not None:
            quarter = quarter_of(china_day(item.filed.application.submitted_at))
            claims[key][quarter][item.filed.application_id] = item.decision.proposed_cny
    shares: dict[str, Decimal] = {}
    for key, by_quarter in claims.items():
        left_cny = budgets[key]
        for quarter in sorted(by_quarter, key=lambda one: one.start):
            given = allocate_budget(by_quarter[quarter], budget_cny=left_cny)
            left_cny -= sum(given.values())
            shares |= given
    return shares


def label_of(application: SubsidyApplication) -> str:
    """Name an application for people; references are unique within one bank only."""
    return f"{application.reference}（{application.filed_by_bank}）"


def _filing_order(filed: FiledApplication) -> tuple[datetime, str, str]:
    application = filed.application
    return application.submitted_at, application.reference, filed.application_id


class _Claims:
    """Claims in order of filing, found by what they share with an application: note, contract, announcement or group.

    Claims on other loans are left out, so that a decision's inputs hold what it was compared with and no more. Few
    applications share anything, so what one claims is put together once another asks.
    """

    def __init__(self) -> None:
        self._every: list[FiledApplication] = []
        self._sharing: dict[tuple[str, ...], list[int]] = defaultdict(list)

    def add(self, filed: FiledApplication) -> None:
        place = len(self._every)
        self._every.append(filed)
        for key in self._keys(filed.application):
            self._sharing[key].append(place)

    def beside(self, application: SubsidyApplication) -> tuple[Claim, ...]:
        places = {place for key in self._keys(application) for place in self._sharing.get(key, ())}
        sharing = [self._every[place] for place in sorted(places)]
        return tuple(claim_of(filed.application_id, filed.application) for filed in sharing)

    @staticmethod
    def _keys(application: SubsidyApplication) -> tuple[tuple[str, ...], ...]:
        note, announcement = application.loan_note, application.announcement
        own: tuple[tuple[str, ...], ...] = (
            ("note", note.bank_name, note.note_number), ("contract", note.bank_name, note.contract_number)
        )  # fmt: skip
        if application.group:
            own = (*own, ("group", application.scheme, application.group))
        return own if announcement is None else (*own, ("announcement", announcement.number))


class _Read:
    """Terms read once each; applications of one scheme and day bring the very same ones."""

    def __init__(self) -> None:
        self._read: dict[int, ReadTerms] = {}

    def of(self, terms: SchemeTerms) -> ReadTerms:
        found = self._read.get(id(terms))
        if found is None:  # what was read holds the terms, so that no other terms can take their place in memory
            found = self._read[id(terms)] = read_terms(terms)
        return found

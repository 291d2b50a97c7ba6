"""A batch in order of filing: each application decided against the claims filed before it; then budgets are shared."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from carbonfin.kernel.batch import Batch, Failure, uncollected
from carbonfin.kernel.dates import china_day
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.rules.recorded_tables import RecordedTable
from reporting.calc.budget import allocate_budget
from reporting.calc.dedup import Claim, claim_of
from reporting.calc.facts import SubsidyApplication
from reporting.calc.file_faults import DocumentsSeen, refuse_faulty
from reporting.calc.read_terms import ReadTerms, read_terms
from reporting.calc.schemes import SchemeTerms, Term
from reporting.calc.subsidies import Outcome, SubsidyDecision, SubsidyInputs, decide_with

_ZERO = Decimal("0.00")
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
    granted_cny: dict[tuple[str, str, int], Decimal] = defaultdict(lambda: _ZERO)
    with uncollected():
        for filed in sorted(applications, key=_filing_order):
            application = filed.application
            year = (application.scheme, application.applicant_usci, china_day(application.submitted_at).year)
            try:
                documents.add(application)
                refuse_faulty(application)
                terms = read.of(terms_of_application(application))
                inputs = SubsidyInputs(
                    application=application,
                    terms=terms.terms,
                    earlier=claims.beside(application),
                    granted_this_year_cny=granted_cny[year],
                    share_table=table_of_application(application),
                )
                decision = decide_with(terms, inputs)
            except CarbonFinError as error:
                failures.append(Failure.of(label_of(application), error))
                claims.add(filed)
                continue
            decided.append(DecidedApplication(filed=filed, inputs=inputs, decision=decision))
            granted_cny[year] += decision.proposed_cny or _ZERO
            if decision.outcome in _STANDING:
                claims.add(filed)
    return Batch(values=tuple(decided), failures=tuple(failures))


def allocations_cny(decided: Iterable[DecidedApplication]) -> dict[str, Decimal]:
    """Give what each application gets of its scheme's budget; one without a known budget is not cut and not listed."""
    claims: dict[str, dict[str, Decimal]] = defaultdict(dict)
    budgets: dict[str, Decimal] = {}
    for item in decided:
        budget = item.inputs.terms.find(Term.BUDGET_CNY)
        if budget is not None and item.decision.proposed_cny is not None:
            scheme = item.filed.application.scheme
            budgets[scheme] = budget.decimal
            claims[scheme][item.filed.application_id] = item.decision.proposed_cny
    return {
        application_id: amount_cny
        for scheme, amounts in claims.items()
        for application_id, amount_cny in allocate_budget(amounts, budget_cny=budgets[scheme]).items()
    }


def label_of(application: SubsidyApplication) -> str:
    """Name an application for people; references are unique within one bank only."""
    return f"{application.reference}（{application.filed_by_bank}）"


def _filing_order(filed: FiledApplication) -> tuple[datetime, str, str]:
    application = filed.application
    return application.submitted_at, application.reference, filed.application_id


class _Claims:
    """Claims in order of filing, found by what they share with an application: its loan note, contract or announcement.

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
        own = (("note", note.bank_name, note.note_number), ("contract", note.bank_name, note.contract_number))
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

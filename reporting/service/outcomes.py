"""Telling banks what became of the applications they filed; each is told of its own, and of nobody else's."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.storage.keyset import Place, Slice
from reporting import store
from reporting.calc.batches import FiledApplication, label_of
from reporting.calc.file_faults import DocumentsSeen
from reporting.calc.outcomes import ToldOutcome, Verdict, details_of, details_of_failure
from reporting.calc.reports import SubsidyReport
from reporting.store import OutcomesAsked, OutcomeToTell


def tell_outcomes(
    session: Session,
    actor: Actor,
    report: SubsidyReport,
    filed: Iterable[FiledApplication],
    *,
    told_at: datetime,
) -> None:
    """Write what a report says of each application for the bank that filed it; once for each report.

    Args:
        session: The transaction that keeps the report.
        actor: Who built it.
        report: As it was kept.
        filed: All files known to it, in order of filing.
        told_at: The present of the body that built it.
    """
    if store.are_told(session, report.report_id):
        return
    filed, banks = tuple(filed), store.filing_banks(session)
    lines = (
        OutcomeToTell(
            application_id=line.application_id, verdict=Verdict(line.decision.outcome.value),
            calculated_cny=line.decision.calculated_cny, proposed_cny=line.decision.proposed_cny,
            granted_cny=line.granted_cny,
            details=details_of(line, banks, reporting_body=report.reporting_body),
        )
        for line in report.lines
    )  # fmt: skip
    outcomes = (*lines, *_failed(report, filed, banks))
    store.add_outcomes(session, actor, report.report_id, outcomes, banks=banks, told_at=told_at)


def outcome_page(session: Session, actor: Actor, asked: OutcomesAsked, place: Place) -> Slice[ToldOutcome]:
    """Give a page of outcomes: a bank what it was told, the bureau what it told, in the order they were told."""
    return store.outcome_page(session, actor, asked, place)


def outcomes_asked(session: Session, actor: Actor, asked: OutcomesAsked) -> tuple[ToldOutcome, ...]:
    """Give all outcomes asked for, in the order they were told."""
    return store.outcomes_asked(session, actor, asked)


def outcomes_of_application(session: Session, actor: Actor, application_id: str) -> tuple[ToldOutcome, ...]:
    """Give all that was told of an application, the latest report first.

    Raises:
        NotFound: Nothing was, or it is another bank's.
    """
    return store.outcomes_of_application(session, actor, application_id)


def _failed(
    report: SubsidyReport, filed: tuple[FiledApplication, ...], banks: Mapping[str, str]
) -> Iterator[OutcomeToTell]:
    if not report.failures:
        return
    titles = {line.application.scheme: line.scheme_title for line in report.lines}
    failures = {failure.item: failure for failure in report.failures}
    reused = _reused_documents(filed, banks)
    for one in filed:
        failure = failures.get(label_of(one.application))
        if failure is None:
            continue
        scheme = one.application.scheme
        yield OutcomeToTell(
            application_id=one.application_id, verdict=Verdict.FAILED, calculated_cny=None, proposed_cny=None,
            granted_cny=None,
            details=details_of_failure(
                failure, scheme_title=titles.get(scheme, scheme), own_fault=reused.get(one.application_id),
                reporting_body=report.reporting_body,
            ),
        )  # fmt: skip


def _reused_documents(filed: Iterable[FiledApplication], banks: Mapping[str, str]) -> dict[str, Failure]:
    """Give the files with a document of another firm, as each bank's own files alone show it."""
    seen: dict[str, DocumentsSeen] = {}
    found: dict[str, Failure] = {}
    for one in filed:
        try:
            seen.setdefault(banks[one.application_id], DocumentsSeen()).add(one.application)
        except CarbonFinError as error:
            found[one.application_id] = Failure.of(label_of(one.application), error)
    return found

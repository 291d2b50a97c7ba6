"""Search from every page: parties, pledges, repos, loans, decisions, subsidy applications, other systems' numbers."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from sqlmodel import Session

from carbonfin.app.access import allows
from carbonfin.app.decisions.kinds import title_of
from carbonfin.app.files.subjects import subject_address, subject_texts
from carbonfin.kernel.actors import Actor, OrganizationKind
from carbonfin.kernel.errors import NotFound
from carbonfin.storage.decisions import load_decision
from carbonfin.storage.parties import EXTERNAL_ID_KINDS, find_external_ids, parties_of
from carbonfin.web.language import Text
from collateral.service import pledges_of, repos_of
from loans.service import known_contracts, known_lines, notes_of, term_sheets_of
from reporting.service import find_applications

_FOUND_MAX = 50
_DECISION = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One thing that was found.

    Attributes:
        kind: What it is.
        name: What readers call it.
        code: The code or number it was found by, or goes by.
        address: Its page; empty where it has none of its own.
    """

    kind: Text
    name: Text
    code: str
    address: str


def search(session: Session, actor: Actor, question: str) -> tuple[Found, ...]:
    """Give what the actor's organisation has under these words: other systems' numbers first, then by kind.

    What a role may not open it does not find either; of a number it may know, the page is left out.

    Args:
        session: The database.
        actor: Whose organisation is searched; nobody finds another's.
        question: A part of a name or code, or the beginning of a number; no words find nothing.
    """
    words = question.strip().casefold()
    if not words:
        return ()
    found: list[Found] = []
    if allows(actor.role, "GET", "/external-ids"):
        found += _by_number(session, actor, question.strip())
    if allows(actor.role, "GET", "/decisions/{decision_id}"):
        found += _by_decision(session, actor, words)
    if actor.organization_kind is OrganizationKind.BANK:
        found += _matching(session, actor, words)
    if allows(actor.role, "GET", "/subsidies/{application_id}"):
        found += _subsidies(session, actor, words)
    return tuple(dict.fromkeys(found))[:_FOUND_MAX]


def _by_number(session: Session, actor: Actor, beginning: str) -> Iterator[Found]:
    numbers = find_external_ids(session, actor, beginning)
    names = subject_texts(session, actor, [one.subject for one in numbers])
    for one in numbers:
        kind = Text(*EXTERNAL_ID_KINDS[one.kind])
        yield Found(kind=kind, name=names[one.subject], code=one.value, address=subject_address(actor, one.subject))


def _by_decision(session: Session, actor: Actor, words: str) -> Iterator[Found]:
    if _DECISION.fullmatch(words):
        with suppress(NotFound):
            record = load_decision(session, actor, words)
            yield Found(
                kind=Text("决定", "Decision"), name=title_of(record.kind), code=words, address=f"/decisions/{words}"
            )


def _matching(session: Session, actor: Actor, words: str) -> Iterator[Found]:
    """Give what holds the words in its name or code; an organisation's own things are few enough to look through."""
    if not allows(actor.role, "GET", "/parties"):
        return
    names = {}
    for party in parties_of(session, actor):
        names[party.id] = party.name
        if words in party.name.casefold() or words in party.code.casefold():
            yield Found(
                kind=Text("主体", "Party"), name=_named(party.name), code=party.code,
                address=subject_address(actor, f"party:{party.id}"),
            )  # fmt: skip
    if allows(actor.role, "GET", "/pledges"):
        yield from _collateral(session, actor, words, names)
    if allows(actor.role, "GET", "/loans"):
        yield from _loans(session, actor, words, names)


def _subsidies(session: Session, actor: Actor, words: str) -> Iterator[Found]:
    """Give subsidy applications: a bank's own, and of all its banks to the bureau."""
    for one in find_applications(session, actor, words, limit=_FOUND_MAX):
        application = one.application
        yield Found(
            kind=Text("贴息申请", "Subsidy application"), name=_named(application.applicant_name),
            code=application.reference, address=f"/subsidies/{one.application_id}",
        )  # fmt: skip


def _named(name: str) -> Text:
    return Text(name, name)


def _collateral(session: Session, actor: Actor, words: str, names: dict[str, str]) -> Iterator[Found]:
    for pledge in pledges_of(session, actor):
        pledgor = names.get(pledge.pledgor_id, "")
        if words in pledge.code.casefold() or words in pledgor.casefold():
            yield Found(
                kind=Text("质押", "Pledge"), name=_named(pledgor), code=pledge.code,
                address=f"/pledges/{pledge.id}",
            )  # fmt: skip
    for repo in repos_of(session, actor):
        if words in repo.terms.code.casefold():
            yield Found(
                kind=Text("回购", "Repo"), name=Text("回购", "Repo"), code=repo.terms.code, address=f"/repos/{repo.id}"
            )


def _loans(session: Session, actor: Actor, words: str, names: dict[str, str]) -> Iterator[Found]:
    for note in notes_of(session, actor):
        borrower = names.get(note.party_id, "")
        if words in note.code.casefold():
            yield Found(
                kind=Text("借据", "Loan note"), name=_named(borrower), code=note.code,
                address=subject_address(actor, f"loan:{note.code}"),
            )  # fmt: skip
    lines = known_lines(session, actor)
    for line in lines.values():
        if words in line.number.casefold():
            yield Found(
                kind=Text("授信", "Credit line"), name=_named(names.get(line.party_id, "")), code=line.number,
                address=subject_address(actor, f"credit-line:{line.number}"),
            )  # fmt: skip
    for contract in known_contracts(session, actor).values():
        if words in contract.number.casefold():
            borrower = names.get(lines[contract.line_number].party_id, "")
            yield Found(
                kind=Text("借款合同", "Loan contract"), name=_named(borrower), code=contract.number,
                address=subject_address(actor, f"loan-contract:{contract.number}"),
            )  # fmt: skip
    for sheet in term_sheets_of(session, actor):
        if words in sheet.number.casefold():
            yield Found(
                kind=Text("条款清单", "Term sheet"), name=_named(sheet.number), code=sheet.number,
                address=f"/term-sheets/{sheet.number}",
            )  # fmt: skip

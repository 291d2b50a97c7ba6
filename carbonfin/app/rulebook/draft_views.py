"""A draft of a table as its maker and its checker see it: against what is in force, proven, and from when."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from sqlmodel import Session

from carbonfin.app.rulebook.shelf import Dates, Shelf
from carbonfin.app.rulebook.views import ChangeView, TableView, change_views, findings_of, table_view
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock, china_day, end_of_china_day
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.rules.continuity import gap_faults
from carbonfin.rules.difference import Change, differences
from carbonfin.rules.draft_days import day_faults, twin_fault
from carbonfin.rules.file_places import FilePlaces, FindingPlace, expected_words, finding_places
from carbonfin.rules.known import backdated_days, known_instant
from carbonfin.rules.tables import TableBook, TableVersion
from carbonfin.rules.validate import Finding, FindingKind
from carbonfin.storage.approvals import Approval, open_approval_of, second_fault
from carbonfin.storage.rulebook import TABLE_APPROVAL, draft_of, table_subject, unconfirmed_clauses
from carbonfin.web.language import Text

_DAY = timedelta(days=1)
_DECLARED = Text("；已声明空档", "; the gap is declared")
_NOTHING = Text("无须处理", "nothing to do")


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Days on which one version answers until now, and one from the day the draft is known.

    Attributes:
        last: The last day; None while open.
        before: The version until now; None where none answers.
        after: The version with the draft; the draft itself where that answers.
    """

    first: date
    last: date | None
    before: TableVersion | None
    after: TableVersion | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """What the validation found, with the places in the file it is about; none where there is no file.

    Attributes:
        expected: What should stand there instead.
    """

    finding: Finding
    places: tuple[FindingPlace, ...]
    expected: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftView:
    """One version that is not in force yet, or was when it was decided on.

    Attributes:
        current: The version it is held against, in force on the draft's first day; None where it is the first.
        differing: What it says otherwise than that version.
        changes: The same in words, with the clauses.
        findings: What the validation found, with the input that shows it.
        spans: Which version answers on which days, until now and from the day the draft is known.
    """

    version: TableVersion
    table: TableView
    current: TableVersion | None
    differing: tuple[Change, ...]
    changes: tuple[ChangeView, ...] = field(init=False)
    findings: tuple[FindingView, ...]
    spans: tuple[Span, ...]

    def __post_init__(self) -> None:
        words = change_views(self.differing, self.current.table, self.version.table) if self.current else ()
        object.__setattr__(self, "changes", words)

    @property
    def may_be_proposed(self) -> bool:
        """Whether nothing found forbids it."""
        return not any(one.finding.is_fatal for one in self.findings)

    @property
    def backdated_days(self) -> int:
        """How many days it is in force backwards."""
        return backdated_days(valid_from=self.version.valid_from, known_from=self.version.known_from)

    @property
    def titles(self) -> dict[str, Text]:
        """What its inputs are called, by name."""
        return {one.name: Text(one.title_zh, one.title_en) for one in self.version.table.inputs}

    @property
    def unconfirmed(self) -> tuple[str, ...]:
        """Its unconfirmed clauses, each of which the checker has to accept by name."""
        return unconfirmed_clauses(self.version.table)


def proposed_table(session: Session, actor: Actor, clock: Clock, approval: Approval) -> DraftView | None:
    """Give the table an approval is about; None where it is about something else.

    One that is decided already is held against what was in force then.
    """
    if approval.kind != TABLE_APPROVAL.name:
        return None
    version = draft_of(approval)
    if approval.is_open:
        return draft_view(Shelf.for_draft(session, actor, clock), version)
    decided_at = approval.decided_at or approval.created_at
    then = Dates(valid_on=approval.effective_on or china_day(decided_at), known_at=decided_at)
    approved = replace(version, known_at=known_instant(version.known_from, decided_at))
    return draft_view(Shelf.of(session, actor, then).without(approved), version)


def draft_views(
    session: Session, actor: Actor, shelf: Shelf, versions: Sequence[TableVersion], places: Sequence[FilePlaces]
) -> tuple[DraftView, ...]:
    """Hold the tables of one file against what is in force, against each other, and against what waits already.

    Args:
        session: An open session.
        actor: Whose tables they are.
        shelf: The organisation's tables on the day and as known when the drafts are looked at.
        versions: The drafts.
        places: Where each stands in the file; none where they come from no file.
    """
    found: list[DraftView] = []
    first: dict[str, str] = {}
    for place, one in enumerate(versions):
        where, subject = places[place] if places else None, table_subject(one)
        stands = one.table.name if where is None else where.whole
        faults: list[CarbonFinError] = [twin_fault(one, first[subject])] if subject in first else []
        standing = open_approval_of(session, actor.organization_id, kind=TABLE_APPROVAL.name, subject=subject)
        if standing is not None:
            faults.append(second_fault(standing))
        first.setdefault(subject, stands)
        found.append(draft_view(shelf, one, where, faults))
    return tuple(found)


def draft_view(
    shelf: Shelf, version: TableVersion, places: FilePlaces | None = None, faults: Sequence[CarbonFinError] = ()
) -> DraftView:
    """Hold a draft against what it would take the place of, and prove it.

    Args:
        shelf: The organisation's tables on the day and as known when the draft is looked at.
        version: The draft.
        places: Where it stands in the file it was read from, if it was.
        faults: What else forbids proposing it.
    """
    table = version.table
    current = shelf.replaced(table.name, valid_from=version.valid_from, valid_to=version.valid_to)
    return DraftView(
        version=version,
        table=table_view(table),
        current=current,
        differing=differences(current.table, table) if current else (),
        findings=_refused_days(shelf, version, places, faults)
        + tuple(
            FindingView(
                finding=one,
                places=() if places is None else finding_places(one, table, places),
                expected=_expected(version, one),
            )
            for one in (*findings_of(table), *left_out_findings(shelf.book, version))
        ),
        spans=spans_of(shelf.book, version, at=shelf.dates.known_at),
    )


def _expected(draft: TableVersion, finding: Finding) -> Text:
    if finding.kind is FindingKind.DAYS_LEFT_OUT and draft.declares_gap:
        return _NOTHING
    return Text(*expected_words(finding.kind))


def _refused_days(
    shelf: Shelf, draft: TableVersion, places: FilePlaces | None, faults: Sequence[CarbonFinError]
) -> tuple[FindingView, ...]:
    """Tell which of its days forbid proposing a draft, each at its cell."""
    own = [one for one in shelf.book.versions(draft.table.name) if one.approved_by]
    return tuple(
        FindingView(
            finding=Finding(kind=FindingKind.DAYS_REFUSED, rows=(), counter_example={}, zh=one.zh, en=one.detail),
            places=() if places is None else (_day_place(one, draft, places),),
            expected=Text(one.remedy_zh, one.remedy),
        )
        for one in (*day_faults(draft, own, day=china_day(shelf.dates.known_at)), *faults)
    )


def _day_place(fault: CarbonFinError, draft: TableVersion, places: FilePlaces) -> FindingPlace:
    days = {"valid_from": draft.valid_from, "valid_to": draft.valid_to, "known_from": draft.known_from}
    field_name = fault.field or ""
    found = days.get(field_name)
    return FindingPlace(
        place=places.days.get(field_name, places.whole), found=f"{found}" if found else draft.table.name
    )


def left_out_findings(book: TableBook, draft: TableVersion) -> tuple[Finding, ...]:
    """Tell the days a draft leaves out between itself and the organisation's own; it may be proposed as declared."""
    name = draft.table.name
    own = [one for one in book.versions(name) if one.approved_by]
    said = _DECLARED if draft.declares_gap else Text("", "")
    return tuple(
        Finding(
            kind=FindingKind.DAYS_LEFT_OUT, rows=(), counter_example={}, is_fatal=False,
            zh=f"{one.zh}{said.zh}", en=f"{one.detail}{said.en}",
        )
        for one in gap_faults(draft, own, name=f"table {name}", name_zh=f"决策表 {name} ")
    )  # fmt: skip


def spans_of(book: TableBook, draft: TableVersion, *, at: datetime) -> tuple[Span, ...]:
    """Say which version answers on which days without the draft and with it, once it is known.

    Days with the same answer stand together; days on which nothing answers either way are left out.

    Args:
        book: The other versions of the organisation and of the product.
        draft: The version that is looked at.
        at: When it is approved; on the first day it is known from, it counts from that instant on.
    """
    name, dated = draft.table.name, replace(draft, known_at=known_instant(draft.known_from, at))
    known_at = dated.known_at or end_of_china_day(draft.known_from)
    others = book.versions(name)
    own, builtin = ([one for one in others if bool(one.approved_by) is is_own] for is_own in (True, False))
    following = TableBook([*own, dated], under=builtin)
    every = [*others, draft]
    cuts = sorted({one.valid_from for one in every} | {one.valid_to + _DAY for one in every if one.valid_to})
    found: list[Span] = []
    for first, cut in zip(cuts, [*cuts[1:], None], strict=True):
        before, found_after = (one.find(name, valid_on=first, known_at=known_at) for one in (book, following))
        after = draft if found_after is dated else found_after
        last = None if cut is None else cut - _DAY
        if found and found[-1].before is before and found[-1].after is after:
            found[-1] = replace(found[-1], last=last)
        elif before or after:
            found.append(Span(first=first, last=last, before=before, after=after))
    return tuple(found)

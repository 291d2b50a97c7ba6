"""Proposing a value of a parameter: what was typed becomes a value, is proven, tried on what stands, and proposed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from carbonfin.app.rulebook.live_impacts import live_impacts
from carbonfin.app.rulebook.parameter_impact import ParameterImpact, parameter_impact
from carbonfin.app.rulebook.parameter_list import whole_book
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.rules.live_impact import LiveImpact
from carbonfin.rules.parameters import Grade, ParameterBook, ParameterValue
from carbonfin.storage.approvals import Approval
from carbonfin.storage.files import EvidenceKind, LinkDraft, link_file
from carbonfin.storage.rulebook import draft_parameter, proposal_faults, propose_parameter

EVIDENCE_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedValue:
    """A value as it was typed or sent; days are days already, the title is that of the parameter."""

    key: str
    scope: str
    value: str
    unit: str
    valid_from: date
    valid_to: date | None
    known_from: date
    document: str
    article: str
    grade: str
    confirmed: bool
    note: str
    document_number: str = ""
    quote: str = ""
    declares_gap: bool = False

    def draft(self, known: ParameterBook) -> ParameterValue:
        """Make it a value, with the titles the parameter has.

        Raises:
            InvalidInput: There is no such grade.
        """
        if self.grade not in set(Grade):
            raise InvalidInput(
                f"grade {self.grade[:20]!r} is none of {', '.join(Grade)}",
                zh=f"可信程度应为 {'、'.join(Grade)} 之一",
                field="grade",
            )
        like = next((one for one in known.values() if one.key == self.key), None)
        return ParameterValue(
            key=self.key, scope=self.scope, value=self.value, unit=self.unit, valid_from=self.valid_from,
            valid_to=self.valid_to, known_from=self.known_from, document=self.document, article=self.article,
            grade=Grade(self.grade), confirmed=self.confirmed, approved_by=(), note=self.note,
            title_zh="" if like is None else like.title_zh, title_en="" if like is None else like.title_en,
            document_number=self.document_number or None, quote=self.quote or None,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a draft comes to before anything is stored.

    Attributes:
        current: The value that would speak of its first day without it; None where none does.
        is_new_scope: Whether the parameter has no value of this scope yet, which may be a slip of the pen.
        faults: What forbids proposing it now, what stands and waits included.
        impact: What it would do to decisions that stand; None while something forbids it.
        live: What it would do to all agreements and loans that read it; none while something forbids it.
    """

    draft: ParameterValue
    current: ParameterValue | None
    is_new_scope: bool
    faults: tuple[CarbonFinError, ...]
    impact: ParameterImpact | None
    live: tuple[LiveImpact, ...]


def previewed(session: Session, actor: Actor, typed: TypedValue, *, at: datetime) -> Preview:
    """Prove a draft and try it on the decisions that stand; nothing is stored."""
    known = whole_book(session, actor)
    draft = typed.draft(known)
    faults = proposal_faults(session, actor, draft, at=at, known=known, declares_gap=typed.declares_gap)
    return Preview(
        draft=draft,
        current=known.find(draft.key, scope=draft.scope, valid_on=draft.valid_from, known_at=at),
        is_new_scope=draft.scope not in known.scopes(draft.key),
        faults=faults,
        impact=None if faults else parameter_impact(session, actor, draft),
        live=() if faults else live_impacts(session, actor, draft),
    )


def proposed(
    session: Session,
    actor: Actor,
    typed: TypedValue,
    *,
    reason: str,
    at: datetime,
    evidence: Sequence[str] = (),
    is_draft: bool = False,
) -> Approval:
    """Put a value before another person, with the files that show it, or keep it as its maker's draft.

    Raises:
        InvalidInput: The value breaks a rule; all of them are told.
        NotFound: The organisation has no file of such a digest.
        NotPermitted: The maker's role may not propose parameters.
        Conflict: Another value with the same dates stands or waits.
    """
    known = whole_book(session, actor)
    approval = (draft_parameter if is_draft else propose_parameter)(
        session, actor, typed.draft(known), reason=reason, at=at, known=known, declares_gap=typed.declares_gap
    )
    for digest in evidence:
        draft = LinkDraft(
            subject=f"approval:{approval.id}", kind=EvidenceKind.OTHER, name=digest[:12], is_personal=False,
            retain_until=None,
        )  # fmt: skip
        link_file(session, actor, digest, draft, at=at)
    return approval

"""What an approval is to those who propose, decide and carry it out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.errors import NotPermitted
from carbonfin.storage.approvals.rows import ApprovalState

OPEN_STATES = frozenset({ApprovalState.DRAFT, ApprovalState.PROPOSED, ApprovalState.APPROVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalDraft:
    """What is to take effect once another person has approved it.

    Attributes:
        subject: What it is about, such as `pledge:ID`; of one kind and subject only one stands open at a time.
        payload: Exactly what takes effect, in plain JSON values; its digest is fixed here.
        reason: Why, in the maker's words.
        effective_on: The business date from which it takes effect; None means with the approval.
        expires_at: The instant after which it can no longer be approved; None means never.
    """

    subject: str
    title_zh: str
    title_en: str
    payload: Mapping[str, Any]
    reason: str
    effective_on: date | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One thing that needs two people, as it stands; `version` counts its steps."""

    id: str
    organization_id: str
    kind: str
    subject: str
    title_zh: str
    title_en: str
    payload: Mapping[str, Any]
    payload_digest: str
    state: ApprovalState
    maker_id: str
    maker_name: str
    maker_reason: str
    checker_id: str | None
    checker_name: str | None
    checker_reason: str | None
    accepted: tuple[str, ...]
    created_at: datetime
    decided_at: datetime | None
    effective_on: date | None
    effective_at: datetime | None
    expires_at: datetime | None
    version: int

    @property
    def is_open(self) -> bool:
        """Whether it can still move."""
        return self.state in OPEN_STATES


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalEvent:
    """One step of an approval: who, when, from where to where, and why."""

    place: int
    event: str
    state_before: str | None
    state_after: str
    actor_name: str
    happened_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the checker gives: the reason, and what the kind asks to be accepted by name.

    Attributes:
        accepted: Unconfirmed facts accepted one by one; a kind that rests on none leaves it empty.
    """

    reason: str
    accepted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """That two people agreed to something; what commits the bank or lets units go asks for it, and cannot do without.

    Product code makes it of the approval that is being carried out, by `Agreed.to`, and in no other way.

    Attributes:
        reason: Why the checker agreed.
    """

    approval_id: str
    maker_id: str
    maker_name: str
    checker_id: str
    reason: str

    def __post_init__(self) -> None:
        """Refuse one person in both parts."""
        if self.maker_id == self.checker_id:
            raise NotPermitted(
                f"{self.maker_name} cannot agree to what {self.maker_name} proposed",
                zh="经办与复核不得为同一人",
                field="checker",
                remedy="Have another person decide.",
                remedy_zh="请由经办以外的人复核。",
            )

    @classmethod
    def to(cls, approval: Approval, checker: Actor, answer: Answer) -> "Agreed":
        """Give what the checker of an approval agrees to while it is carried out.

        What was approved for a later day is carried out by whoever opens that day: the checker is who approved it.
        """
        return cls(
            approval_id=approval.id, maker_id=approval.maker_id, maker_name=approval.maker_name,
            checker_id=approval.checker_id or checker.id, reason=answer.reason,
        )  # fmt: skip

    @property
    def words(self) -> str:
        """Say who proposed and why it was agreed to, to stand after what was done."""
        return f"；经办 {self.maker_name}，复核意见：{self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalKind:
    """A kind of approval and what it does; declared by the package whose business it is.

    Attributes:
        maker_roles: Who may propose.
        checker_roles: Who may decide; never the maker.
        apply: Carries it out in the transaction that makes it effective: session, checker, approval, answer, instant.
            It raises where the thing is no longer possible, and then nothing is approved.
        refuse: What a rejection does besides ending the approval; None where nothing.
        taken_back: What a withdrawal or an expiry does besides: session, actor, approval, reason, instant.
        address: The page of the thing, from the approval.
    """

    name: str
    title_zh: str
    title_en: str
    maker_roles: frozenset[Role]
    checker_roles: frozenset[Role]
    apply: Callable[[Session, Actor, Approval, Answer, datetime], None]
    address: Callable[[Approval], str]
    refuse: Callable[[Session, Actor, Approval, Answer, datetime], None] | None = None
    taken_back: Callable[[Session, Actor, Approval, str, datetime], None] | None = None


def take_back(
    session: Session, actor: Actor, approval: Approval, kinds: Iterable[ApprovalKind], *, reason: str, at: datetime
) -> None:
    """Do what the end of an undecided approval does to its thing; a kind that nobody knows any more does nothing."""
    kind = next((one for one in kinds if one.name == approval.kind), None)
    if kind is not None and kind.taken_back is not None:
        kind.taken_back(session, actor, approval, reason, at)

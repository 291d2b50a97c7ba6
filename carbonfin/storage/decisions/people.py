"""Who stands behind a decision: maker, checker, and where a person set a figure otherwise than the rule says."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlmodel import Session

_SIGNED = "approval_carried_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedBy:
    """The approval by which a decision is made, and its two people."""

    approval_id: str
    maker_id: str
    maker_name: str
    checker_id: str
    checker_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One figure that two people set otherwise than the rule says.

    Attributes:
        figure: Its name in the trace.
        ruled: What the rule said.
        used: What was taken instead.
        reason: Why, in the maker's words.
    """

    figure: str
    label_zh: str
    label_en: str
    unit: str
    ruled: str
    used: str
    reason: str


@contextmanager
def carrying_out(session: Session, signed: SignedBy) -> Iterator[None]:
    """Have every decision that the block records in this session say by whose approval it was made."""
    before = session.info.get(_SIGNED)
    session.info[_SIGNED] = signed
    try:
        yield
    finally:
        session.info[_SIGNED] = before


def signed_by(session: Session) -> SignedBy | None:
    """Give the approval that is being carried out in this session; None where a decision is made without one."""
    found: SignedBy | None = session.info.get(_SIGNED)
    return found

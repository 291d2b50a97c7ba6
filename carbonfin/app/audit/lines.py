"""What a register is asked for, and what it answers: heads and lines of cells in words."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.storage.decisions import TrustedKeys
from carbonfin.storage.keyset import KeyValue, Place
from carbonfin.web.language import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell; `address` leads to what it names."""

    text: Text
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a register is asked for.

    Attributes:
        on: The day whose sample is drawn.
        count: How many decisions the sample has.
        population: Draw from the first so many decisions of the chain; None for all.
        fact: Only the uses of this unconfirmed fact; empty for all.
        verifies: Whether a long chain is verified too.
    """

    place: Place
    on: date
    count: int
    population: int | None
    fact: str
    trusted: TrustedKeys
    verifies: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """A page of a register.

    Attributes:
        heads: What its columns hold.
        last: Where the next page begins after; None on the last.
        note: What was looked at, so that a reader knows what is not there.
    """

    heads: tuple[Text, ...]
    lines: tuple[tuple[Cell, ...], ...]
    note: Text
    last: tuple[KeyValue, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterKind:
    """A register: its title, what it is for, and what fills it."""

    name: str
    title: Text
    purpose: Text
    read: Callable[[Session, Actor, Asked], Register]

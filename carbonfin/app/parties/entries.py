"""What is entered about a party, from a form, the API or the command line, made into what is saved."""

from collections.abc import Callable
from typing import Any

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.parties import Party, PartyKind
from carbonfin.storage.parties import PartyDraft

_YES_NO = {"yes": True, "no": False, "": None}


def draft_of(party: Party) -> PartyDraft:
    """Give what stands of a party as a draft to be changed."""
    return PartyDraft(
        kind=party.kind,
        name=party.name,
        usci=None if party.usci is None else str(party.usci),
        lei=None if party.lei is None else str(party.lei),
        industry=party.industry,
        district=party.district,
        scheme=party.scheme,
        key_emitter=party.key_emitter,
        is_sample=party.is_sample,
    )


def draft_from_words(
    *, kind: str, name: str, usci: str, lei: str, industry: str, district: str, scheme: str, key_emitter: str
) -> PartyDraft:
    """Read what a form or a command says; an empty field is not known.

    Raises:
        InvalidInput: The kind, or whether it is a key emitter, is said in other words.
    """
    return PartyDraft(
        kind=kind_of(kind),
        name=name,
        usci=_said(usci),
        lei=_said(lei),
        industry=_said_in_capitals(industry),
        district=_said(district),
        scheme=_said_in_capitals(scheme),
        key_emitter=_yes_no(key_emitter),
        is_sample=False,
    )


def words_changed(**said: str | None) -> dict[str, Any]:
    """Read the fields a command names, those it leaves out left out; an empty one is not known.

    Raises:
        InvalidInput: Whether it is a key emitter is said in other words.
    """
    read: dict[str, Callable[[str], Any]] = {
        "key_emitter": _yes_no,
        "industry": _said_in_capitals,
        "scheme": _said_in_capitals,
        "name": str,
    }
    return {name: read.get(name, _said)(text) for name, text in said.items() if text is not None}


def kind_of(text: str) -> PartyKind:
    """Read a kind of party.

    Raises:
        InvalidInput: There is no such kind.
    """
    try:
        return PartyKind(text)
    except ValueError as error:
        raise InvalidInput(f"there is no kind of party {text!r}", zh="请选择主体类别", field="kind") from error


def _yes_no(text: str) -> bool | None:
    if text not in _YES_NO:
        raise InvalidInput(f"{text!r} is neither yes nor no", zh="是否重点排放单位应为 yes 或 no", field="key_emitter")
    return _YES_NO[text]


def _said(text: str) -> str | None:
    return text.strip() or None


def _said_in_capitals(text: str) -> str | None:
    return _said(text.upper())

"""What forms by kind share: one question of a chosen kind, tried with nothing kept, or kept as a decision."""

import re
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from carbonfin.kernel.errors import CarbonFinError, InvalidInput, NotFound
from carbonfin.storage.learned_types import converted
from carbonfin.web.pages import Text
from carbonfin.web.problems import status_of

KEEP = "keep"
"""Value of the button that keeps; any other only tries."""
_AT = re.compile(r"\$\.([a-z_]+)")
_WANTING = re.compile(r"missing required field `([a-z_]+)`")
_Kind = TypeVar("_Kind", bound=StrEnum)
_Shape = TypeVar("_Shape", bound=msgspec.Struct)


def kind_named(kinds: type[_Kind], text: str, *, what: Text) -> _Kind:
    """Give the kind of a page's address or form.

    Raises:
        NotFound: There is none of that name.
    """
    if text not in list(kinds):
        raise NotFound(
            f"there is no {what.en} {text!r}", zh=f"没有“{text}”这类{what.zh}", field="kind",
            remedy="Choose one of those on the page.", remedy_zh="请从页面上选择。",
        )  # fmt: skip
    return kinds(text)


def read_form(shape: type[_Shape], plain: Mapping[str, Any], *, other_field: str | None = None) -> _Shape:
    """Read what a form holds as the API reads its body.

    Raises:
        InvalidInput: A field cannot be read or is wanting; its name stands in `field`, else `other_field`.
    """
    try:
        return converted(plain, shape)
    except msgspec.ValidationError as error:
        named = _AT.search(str(error)) or _WANTING.search(str(error))
        raise unread(other_field if named is None else named.group(1), str(error)) from error


def unread(field: str | None, why: str) -> InvalidInput:
    """Give the refusal of a field that does not read."""
    return InvalidInput(
        f"it does not read: {why}",
        zh="此项缺失或格式不正确",
        field=field,
        remedy="Fill it in as the help says.",
        remedy_zh="请按说明填写。",
    )


def filled(given: Mapping[str, str], failure: CarbonFinError | None, *, names: Collection[str]) -> dict[str, Any]:
    """Give what a form shows of the entries and of why they were refused, with the status of the answer.

    Args:
        given: The entries.
        failure: Why they were refused, None where they were not.
        names: Fields of the form; `wrong` names that of them which the refusal speaks of, empty where it is none.
    """
    return {
        "wrong": "" if failure is None or failure.field is None else _field_of(failure.field, names),
        "given": given,
        "failure": failure,
        "failure_text": None if failure is None else Text(failure.zh, failure.detail),
        "remedy_text": None if failure is None else Text(failure.remedy_zh, failure.remedy),
        "status_code": 200 if failure is None else status_of(failure),
    }


def _field_of(pointer: str, names: Collection[str]) -> str:
    """Give the field of a form that a refusal points to: `/trade/buyer/code` is `buyer_code`, `options/0` `options`."""
    steps = [step for step in pointer.split("/") if step and step != "trade" and not step.isdecimal()]
    candidates = ("_".join(steps), *(f"{step}_code" for step in steps[:1]), *steps[:1])
    return next((one for one in candidates if one in names), "")

"""Entries of a form read as the API reads a body, and the one that cannot be read named as the form calls it."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.learned_types import converted
from carbonfin.web.language import Text

T = TypeVar("T")
_FIELD = re.compile(r"\$\.([a-z_]+)")
_MISSING = re.compile(r"missing required field `([a-z_]+)`")


def read_entries(body: Mapping[str, Any], shape: type[T], name_of: Callable[[str], Text | None]) -> T:
    """Read entries as a struct of the API.

    Args:
        body: The entries by the struct's names.
        shape: The struct.
        name_of: Gives what the form calls a field; None where it has no name of its own.

    Raises:
        InvalidInput: An entry is not of its shape; the field is named.
    """
    try:
        return converted(body, shape)
    except msgspec.ValidationError as error:
        found = _FIELD.search(str(error)) or _MISSING.search(str(error))
        field = found[1] if found else ""
        name = name_of(field) if field else None
        raise InvalidInput(
            f"{field or 'an entry'} cannot be read: {error}", zh=f"{'该项' if name is None else name.zh}填写格式不正确",
            field=field, remedy="Follow the example under the field; figures as plain decimals, days as YYYY-MM-DD.",
            remedy_zh="请按栏下示例填写；数字不带千分位，日期写作 YYYY-MM-DD。",
        ) from error  # fmt: skip

"""Which text can be kept: what both engines hold and every reader sees in the order it was written."""

import re
from collections.abc import Iterable
from typing import Any

from sqlalchemy.exc import DontWrapMixin

from carbonfin.kernel.errors import InvalidInput

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")


class UnstorableValue(DontWrapMixin, InvalidInput):
    """A value does not fit its column exactly; it is refused rather than rounded or cut."""


def storable_text(text: str) -> str:
    """Give the text if both engines can hold it and every reader sees the order it is written in.

    Raises:
        UnstorableValue: It holds NUL, half of a surrogate pair, or a sign that turns the direction of what follows.
    """
    if text.isprintable():  # nothing refused below is printable; most text passes here at once
        return text
    if _TURNS.search(text):
        raise UnstorableValue(
            "text holds a sign that turns the direction of reading (U+202A to U+202E, U+2066 to U+2069)",
            zh="文本含有改变阅读方向的隐藏字符",
            remedy="Remove the sign; type the text again rather than pasting it.",
            remedy_zh="请删除该字符；建议重新键入，不要粘贴。",
        )
    if _UNSTORABLE.search(text):
        raise UnstorableValue(
            "text holds a NUL or a lone surrogate",
            zh="文本含有不允许的控制字符",
            remedy="Remove the character.",
            remedy_zh="请删除该字符。",
        )
    return text


def are_plain_texts(values: Iterable[Any]) -> bool:
    """Tell whether values are text, or nothing, that both engines hold as it is; otherwise each is looked at."""
    texts = [value for value in values if value is not None]
    return set(map(type, texts)) <= {str} and all(map(str.isprintable, texts))

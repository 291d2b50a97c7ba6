"""A CDM document read strictly: each value knows where it stands, and what nobody reads is refused by its path."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import to_decimal

_DEEPEST = 200
"""Levels of objects and lists; documents of use have a few dozen, and readers that recurse stay far from the end."""
_LARGEST_EXPONENT = 30


def document_of(text: str | bytes) -> object:
    """Parse CDM JSON, its numbers as they are written.

    Raises:
        ValueError: It is no JSON, or nested deeper than any document of use.
    """
    too_deep = f"nested deeper than {_DEEPEST} levels"
    try:
        document: object = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError(too_deep) from error
    level, depth = [document], 0
    while level := [part for one in level for part in _parts(one)]:
        depth += 1
        if depth > _DEEPEST:
            raise ValueError(too_deep)
    return document


def _parts(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _refuse_constant(text: str) -> object:
    message = f"{text} is no number"
    raise ValueError(message)


class CdmNode:
    """A value of a parsed JSON document, and its path."""

    __slots__ = ("path", "value")

    def __init__(self, value: object, path: str) -> None:
        self.value, self.path = value, path

    def _refused(self, expected: str) -> InvalidInput:
        shown = str(self.value)[:60]
        return InvalidInput(
            f"{self.path or 'the document'} reads {shown!r}, not {expected}",
            zh=f"{self.path or '文件'} 的内容“{shown}”不符合格式",
            field=self.path,
        )

    @property
    def members(self) -> Mapping[str, object]:
        """The members of an object.

        Raises:
            InvalidInput: It is no object.
        """
        if not isinstance(self.value, Mapping):
            raise self._refused("an object")
        return self.value

    def only(self, *known: str) -> None:
        """Hold that no member but the known ones is there: what would be ignored is refused."""
        for name in self.members:
            if name not in known:
                raise InvalidInput(
                    f"{self.path}.{name} is not known here",
                    zh=f"{self.path}.{name} 无法识别，未予导入",
                    field=self.path,
                )

    def find(self, name: str) -> "CdmNode | None":
        """Give a member, or None where there is none."""
        if name not in self.members:
            return None
        return CdmNode(self.members[name], f"{self.path}.{name}" if self.path else name)

    def at(self, *names: str) -> "CdmNode":
        """Give a member by its path.

        Raises:
            InvalidInput: There is none.
        """
        node = self
        for name in names:
            found = node.find(name)
            if found is None:
                raise node._refused(f"an object with {name}")
            node = found
        return node

    def find_at(self, *names: str) -> "CdmNode | None":
        """Give a member by its path, or None where a step of it is missing."""
        node: CdmNode | None = self
        for name in names:
            if node is None:
                return None
            node = node.find(name)
        return node

    def the_one(self) -> tuple[str, "CdmNode"]:
        """Give the only member of an object that chooses one of several, with its name."""
        if len(self.members) != 1:
            raise self._refused("an object with one member")
        name = next(iter(self.members))
        return name, self.at(name)

    @property
    def items(self) -> tuple["CdmNode", ...]:
        """The items of a list that is not empty."""
        if not isinstance(self.value, list) or not self.value:
            raise self._refused("a list with items")
        return tuple(CdmNode(one, f"{self.path}[{place}]") for place, one in enumerate(self.value))

    @property
    def text(self) -> str:
        """A text that is not empty."""
        if not isinstance(self.value, str) or not self.value:
            raise self._refused("a text")
        return self.value

    def one_of(self, words: Iterable[str]) -> str:
        """A text that is one of the words."""
        if self.text not in tuple(words):
            raise self._refused("a known word")
        return self.text

    @property
    def flag(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            raise self._refused("true or false")
        return self.value

    @property
    def number(self) -> Decimal:
        """A number, exactly as it is written, to twelve decimal places where it was parsed to a float."""
        value = self.value
        if isinstance(value, float):
            return to_decimal(value, places=12).normalize()
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise self._refused("a number")
        if isinstance(value, Decimal) and abs(value.adjusted()) > _LARGEST_EXPONENT and value:
            raise self._refused("a number of a size that is kept")
        return value if isinstance(value, Decimal) else Decimal(value)

    @property
    def integer(self) -> int:
        """A whole number."""
        if self.number != int(self.number):
            raise self._refused("a whole number")
        return int(self.number)

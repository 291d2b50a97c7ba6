"""TOML files whose faults are told by file and line."""

import itertools
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, NoReturn, Protocol, TypeVar

from carbonfin.kernel.errors import InvalidInput

_B = TypeVar("_B")
_R = TypeVar("_R")


class Dated(Protocol):
    """What is valid and known from stated days."""

    @property
    def valid_from(self) -> date:
        """First day."""
        ...

    @property
    def valid_to(self) -> date | None:
        """Last day, inclusive, or None while open."""
        ...

    @property
    def known_from(self) -> date:
        """Day it was learnt."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TomlFile:
    """A file as it was sent.

    Attributes:
        noun_zh: What its blocks are called in Chinese.
    """

    name: str
    text: str
    noun_zh: str

    def blocks(self, header: str) -> list[Any]:
        """Give the blocks of the one header that the file may have.

        Raises:
            InvalidInput: It is no TOML, or holds something else.
        """
        try:
            document = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            raise InvalidInput(
                f"{self.name}: {error}", zh=f"{self.name} 不是有效的 TOML：{error}", field=self.name
            ) from error
        self.refuse_unknown(document, frozenset({header}), "")
        return self.listed(document, header, "", f"write [[{header}]], one block for each {header}")

    def listed(self, found: Mapping[str, Any], name: str, key: str, why: str, *, start: int | None = None) -> list[Any]:
        """Give the blocks that stand under a name; none where it is absent."""
        entries = found.get(name, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            self.refuse(key, why, mark=name, start=start)
        return entries

    def line_of(self, header: str, nth: int, *, start: int = 1) -> int:
        """Give the line of the nth `[[header]]` from a line on, the first being 0; the line itself where none is."""
        pattern = re.compile(rf"\s*\[\[\s*{re.escape(header)}\s*\]\]")
        numbered = enumerate(self.text.splitlines(), 1)
        heads = (number for number, line in numbered if number >= start and pattern.match(line))
        return next(itertools.islice(heads, nth, None), start)

    def refuse_unknown(
        self, found: Mapping[str, object], known: frozenset[str], key: str, *, start: int | None = None
    ) -> None:
        """Refuse a name that the format does not have."""
        for name in found:
            if name not in known:
                self.refuse(key, f"unknown key {name!r}", mark=name, start=start)

    def refuse(
        self, key: str, why: str, *, mark: str | None = None, start: int | None = None, zh: str = ""
    ) -> NoReturn:
        """Refuse the file.

        Args:
            key: The block's name.
            why: What is wrong.
            mark: The key in the file that is wrong.
            start: Line the block begins on; found by its name where it is not given.
            zh: What is wrong, in Chinese; the English words where it is not given.
        """
        lines = self.text.splitlines()
        if start is None:
            start = next((number for number, line in enumerate(lines, 1) if key and f'"{key}"' in line), 1)
        named = re.compile(rf'\s*(\[+\s*)?"?{re.escape(mark or "")}"?\s*[=.\]]')
        marked = (number for number, line in enumerate(lines, 1) if mark and number >= start and named.match(line))
        line = next(marked, start)
        place = f"{self.name}:{line}"
        raise InvalidInput(
            f"{place}: {key or 'file'}: {why}",
            zh=f"{place}：{self.noun_zh} {key}：{zh or why}",
            field=key or self.name,
            remedy="Correct the file; docs/facts.md describes the format.",
            remedy_zh="请更正文件，格式见 docs/facts.md。",
            line=line,
        )


class FaultsFound(InvalidInput):
    """Several faults of one block; whoever gathers them takes each."""

    def __init__(self, faults: Sequence[InvalidInput]) -> None:
        super().__init__(faults[0].detail, zh=faults[0].zh, field=faults[0].field)
        self.faults = tuple(faults)


def gathered(blocks: Iterable[_B], read: Callable[[_B], _R], faults: list[InvalidInput]) -> list[_R]:
    """Read each block, and put what is refused among the faults instead of stopping there."""
    found: list[_R] = []
    for block in blocks:
        with kept_faults(faults):
            found.append(read(block))
    return found


@contextmanager
def kept_faults(faults: list[InvalidInput]) -> Iterator[None]:
    """Put what is refused inside among the faults."""
    try:
        yield
    except FaultsFound as several:
        faults += several.faults
    except InvalidInput as fault:
        faults.append(fault)


def refuse_all(faults: Sequence[InvalidInput]) -> None:
    """Refuse a block for all that was found in it, if anything was."""
    if faults:
        raise FaultsFound(faults)


def as_day(value: object) -> date:
    """Give a day that was found to be one."""
    assert isinstance(value, date)
    return value


def disorders(dated: Sequence[Dated]) -> Iterator[tuple[int, str]]:
    """Give the places where what is known from one day ends before it begins, overlaps or leaves a gap, and why."""
    groups: dict[date, list[tuple[int, Dated]]] = {}
    for place, one in enumerate(dated):
        groups.setdefault(one.known_from, []).append((place, one))
        if one.valid_to is not None and one.valid_to < one.valid_from:
            yield place, f"valid_to {one.valid_to} is before valid_from {one.valid_from}"
    for (_, earlier), (place, later) in _neighbours(groups.values()):
        if earlier.valid_to is None or (later.valid_from - earlier.valid_to).days != 1:
            yield place, f"{later.valid_from} does not follow on {earlier.valid_to}"


def _neighbours(
    groups: Iterable[list[tuple[int, Dated]]],
) -> Iterator[tuple[tuple[int, Dated], tuple[int, Dated]]]:
    for group in groups:
        yield from itertools.pairwise(group)

"""TOML files whose faults are told by file and line."""

import itertools
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NoReturn, Protocol, TypeVar

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.toml_mending import Slip, mended

_SHOWN_MAX = 80
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
        slips: Where it is no TOML; those lines stand empty in the text.
    """

    name: str
    text: str
    noun_zh: str
    slips: tuple[Slip, ...] = ()

    def blocks(self, header: str, faults: list[InvalidInput]) -> list["Block"]:
        """Give the blocks of the one header that the file may have, and note what else stands there.

        Slips in the writing are noted too, and the rest is read on, so that one hides no other fault.
        """
        read = mended(self.text)
        for slip in read.slips:
            found = slip.found[:_SHOWN_MAX]
            zh = f"“{found}”不是有效的 TOML：{slip.why_zh or slip.why}"
            faults.append(self._refusal(slip.line, "", f"{found!r} is no TOML: {slip.why}", zh))
        document = read.document
        for name in document:
            if name != header:
                with kept_faults(faults):
                    self.refuse("", _unknown(name, [header]), mark=name, zh=f"未知的键“{name}”")
        entries: list[Any] = []
        with kept_faults(faults):
            entries = self.listed(document, header, "", f"write [[{header}]], one block for each {header}")
        file = replace(self, text=read.text, slips=read.slips)
        lines = [self.line_of(header, nth) for nth in range(len(entries))]
        return [
            Block(file=file, header=header, found=entry, key=_text(entry), line=line)
            for entry, line in zip(entries, lines, strict=True)
        ]

    def listed(self, found: Mapping[str, Any], name: str, key: str, why: str, *, start: int | None = None) -> list[Any]:
        """Give the blocks that stand under a name; none where it is absent."""
        entries = found.get(name, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            self.refuse(key, why, mark=name, start=start)
        return entries

    def line_of(self, header: str, nth: int, *, start: int = 1) -> int:
        """Give the line of the nth `[[header]]` from a line on, the first being 0; the line itself where none is."""
        numbered = enumerate(self.text.splitlines(), 1)
        heads = (number for number, line in numbered if number >= start and _heading(header).match(line))
        return next(itertools.islice(heads, nth, None), start)

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
        raise self._refusal(line, key, why, zh)

    def _refusal(self, line: int, key: str, why: str, zh: str) -> InvalidInput:
        place = f"{self.name}:{line}"
        return InvalidInput(
            f"{place}: {key or 'file'}: {why}",
            zh=f"{place}：{self.noun_zh} {key}：{zh or why}",
            field=key or self.name,
            remedy="Correct the file; docs/facts.md describes the format.",
            remedy_zh="请更正文件，格式见 docs/facts.md。",
            line=line,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of a file, and the line it begins on.

    Attributes:
        header: What stands between its brackets.
        key: The name of the outermost block it belongs to.
    """

    file: TomlFile
    header: str
    found: Mapping[str, Any]
    key: str
    line: int

    def refuse(self, why: str, mark: str | None = None, zh: str = "") -> NoReturn:
        """Refuse the block; `mark` is the key in it that is wrong."""
        self.file.refuse(self.key, why, mark=mark, start=self.line, zh=zh)

    @contextmanager
    def marked(self, mark: str) -> Iterator[None]:
        """Name the line of a key in what is refused inside."""
        try:
            yield
        except InvalidInput as error:
            self.refuse(error.detail, mark, error.zh)

    def require(
        self, known: Sequence[str], required: Iterable[str], check: Callable[["Block", str, object], None]
    ) -> None:
        """Hold that the block has the keys it needs, no other, and each as it should be; all that is wrong is told."""
        faults: list[InvalidInput] = []
        for name in self.found:
            if name not in known:
                with kept_faults(faults):
                    self.refuse(_unknown(name, known), name, f"未知的键“{name}”，应为 {'、'.join(known)} 之一")
        spoilt = self._spoilt()
        for name in required:
            if name not in self.found and name not in spoilt:
                with kept_faults(faults):
                    self.refuse(f"{name} is missing", zh=f"缺少 {name}")
        for name, value in self.found.items():
            if name in known:
                with kept_faults(faults):
                    check(self, name, value)
        refuse_all(faults)
        if any(name not in self.found for name in required):
            raise AlreadyToldError

    def _spoilt(self) -> set[str]:
        """Give the keys whose lines are no TOML: what was told of them is not told again as missing."""
        heads = (number for number, line in enumerate(self.file.text.splitlines(), 1) if line.lstrip().startswith("["))
        end = next((number for number in heads if number > self.line), math.inf)
        return {slip.name for slip in self.file.slips if self.line <= slip.line < end}

    def blocks(self, name: str) -> list["Block"]:
        """Give the blocks under this one."""
        header = f"{self.header}.{name}"
        entries = self.file.listed(
            self.found, name, self.key, f"{name} must be a list of tables: write [[{header}]]", start=self.line
        )
        lines = [self.file.line_of(header, nth, start=self.line) for nth in range(len(entries))]
        return [
            replace(self, header=header, found=entry, line=line)
            for entry, line in zip(entries, lines, strict=True)
        ]  # fmt: skip


def _text(entry: Mapping[str, Any]) -> str:
    """Give what a block is called by: its key or its name."""
    return str(entry.get("key") or entry.get("name") or "")


def _unknown(name: str, known: Sequence[str]) -> str:
    return f"unknown key {name!r}, expected one of {', '.join(known)}"


def _heading(header: str) -> re.Pattern[str]:
    return re.compile(rf"\s*\[\[\s*{re.escape(header)}\s*\]\]")


class FaultsFound(InvalidInput):
    """Several faults of one block; whoever gathers them takes each."""

    def __init__(self, faults: Sequence[InvalidInput]) -> None:
        super().__init__(faults[0].detail, zh=faults[0].zh, field=faults[0].field)
        self.faults = tuple(faults)


class AlreadyToldError(Exception):
    """A block cannot be read because of a slip in the file's writing, which is told already."""


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
    except AlreadyToldError:
        pass
    except FaultsFound as several:
        faults += several.faults
    except InvalidInput as fault:
        faults.append(fault)


def refuse_all(faults: Sequence[InvalidInput]) -> None:
    """Refuse a block for all that was found in it, if anything was."""
    if faults:
        raise FaultsFound(faults)


def refuse_file(faults: Sequence[InvalidInput]) -> None:
    """Refuse a file for all that was found in it, one line a fault, if anything was.

    Raises:
        InvalidInput: Something was; the message names file and line of each.
    """
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise InvalidInput(
            "\n".join(fault.detail for fault in faults),
            zh="\n".join(fault.zh for fault in faults),
            field=faults[0].field,
            remedy=faults[0].remedy,
            remedy_zh=faults[0].remedy_zh,
        )


def as_day(value: object) -> date:
    """Give a day that was found to be one."""
    assert isinstance(value, date)
    return value

"""Reading on in a TOML file that has slips in its writing, so that one slip hides no other fault."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_PLACE = re.compile(r"at line (\d+)")
_NAME = re.compile(r'\s*"?([A-Za-z0-9_-]+)"?\s*=')
_DIGITS = re.compile(r"[0-9_]+")
_OPEN_ENDED = ("Unclosed", "Unterminated", "Expected \"'''\"", 'Expected \'"""\'')
"""What the reader says where a list or a text does not end: the lines after it cannot be read for themselves."""
_LEVELS_MAX = 100
"""Levels of lists and tables in each other; the file with the most has four."""
_DOTTED = re.compile(rf"""(?<![\w"'-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){{{_LEVELS_MAX}}}""")
"""A key of so many parts, looked for first: the reader's time grows with the square of their number."""
_DEEP, _DEEP_ZH = f"nested too deeply, past {_LEVELS_MAX} levels", f"嵌套过深，超过 {_LEVELS_MAX} 层"
_LONG, _LONG_ZH = "a number of too many digits", "数字位数过多"


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """A place that is no TOML.

    Attributes:
        line: Its number.
        found: What stands there.
        why: What the reader says of it.
        why_zh: The same in Chinese, where it is not the reader's own words.
        name: The key whose value it takes with it; empty where it is none.
    """

    line: int
    found: str
    why: str
    why_zh: str = ""
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """A text that is TOML, with the lines of the slips left empty, what it says, and the slips."""

    text: str
    document: dict[str, Any]
    slips: tuple[Slip, ...]


def mended(text: str) -> Mended:
    """Give a text as TOML: of each slip the line is left empty, or the section where its lines belong together.

    Of a text whose lists and tables lie too deeply in each other, or with a number too long to read, nothing is read.
    """
    lines = text.splitlines()
    slips: list[Slip] = []
    if _DOTTED.search(text):
        return _unread(_deepest(lines), slips, _DEEP, _DEEP_ZH)
    while True:
        try:
            document = tomllib.loads("\n".join(lines))
            if _lies_deep(document):
                return _unread(_deepest(lines), slips, _DEEP, _DEEP_ZH)
        except tomllib.TOMLDecodeError as error:
            slip = _slip(lines, str(error))
            slips.append(slip)
            for number in _spoilt(lines, slip):
                lines[number - 1] = ""
        except RecursionError:
            return _unread(_deepest(lines), slips, _DEEP, _DEEP_ZH)
        except ValueError:  # the only other one: Python reads no whole number of more than 4,300 digits
            return _unread(_longest(lines), slips, _LONG, _LONG_ZH)
        else:
            return Mended(text="\n".join(lines), document=document, slips=tuple(slips))


def _unread(place: tuple[int, str], slips: list[Slip], why: str, why_zh: str) -> Mended:
    line, found = place
    slip = Slip(line=line, found=found.strip(), why=why, why_zh=why_zh, name="")
    return Mended(text="", document={}, slips=(*slips, slip))


def _lies_deep(document: dict[str, Any]) -> bool:
    """Whether lists and tables lie too deeply in each other, also where dotted keys make the tables."""
    layer: list[Any] = [document]
    for _ in range(_LEVELS_MAX):
        inner = (below for one in layer for below in (one.values() if isinstance(one, dict) else one))
        layer = [below for below in inner if isinstance(below, dict | list)]
    return bool(layer)


def _deepest(lines: list[str]) -> tuple[int, str]:
    """Give the line that opens or names the most levels, the first of several; line 1 where none does."""
    return max(enumerate(lines, 1), key=lambda pair: sum(map(pair[1].count, "[{.")), default=(1, ""))


def _longest(lines: list[str]) -> tuple[int, str]:
    """Give the line with the most digits in a row."""
    return max(enumerate(lines, 1), key=lambda pair: max(map(len, _DIGITS.findall(pair[1])), default=0))


def _slip(lines: list[str], why: str) -> Slip:
    place = _PLACE.search(why)
    line = min(int(place.group(1)), len(lines)) if place else len(lines)
    if why.startswith(_OPEN_ENDED) or not lines[line - 1].strip():
        written = [number for number in range(1, line + 1) if _NAME.match(lines[number - 1])]
        line = next(
            (number for number in reversed(written) if _opens(lines[number - 1])), written[-1] if written else 1
        )
    name = _NAME.match(lines[line - 1])
    return Slip(line=line, found=lines[line - 1].strip(), why=why, name=name.group(1) if name else "")


def _opens(line: str) -> bool:
    """Whether a line begins a list or a text of several lines that it does not end."""
    value = line.partition("=")[2]
    return value.count("[") != value.count("]") or '"""' in value or "'''" in value


def _spoilt(lines: list[str], slip: Slip) -> Iterator[int]:
    """Give the lines that cannot be read for this slip; at least one that is not empty, so that reading ends."""
    yield slip.line
    is_head = slip.found.startswith("[")
    if is_head or _opens(lines[slip.line - 1]) or not slip.found:
        for number in range(slip.line + 1, len(lines) + 1):
            if lines[number - 1].lstrip().startswith("[["):
                return
            yield number

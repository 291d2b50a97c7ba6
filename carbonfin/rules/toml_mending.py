"""Reading on in a TOML file that has slips in its writing, so that one slip hides no other fault."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

_PLACE = re.compile(r"at line (\d+)")
_NAME = re.compile(r'\s*"?([A-Za-z0-9_-]+)"?\s*=')
_OPEN_ENDED = ("Unclosed", "Unterminated", "Expected \"'''\"", 'Expected \'"""\'')
"""What the reader says where a list or a text does not end: the lines after it cannot be read for themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """A place that is no TOML.

    Attributes:
        line: Its number.
        found: What stands there.
        why: What the reader says of it.
        name: The key whose value it takes with it; empty where it is none.
    """

    line: int
    found: str
    why: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """A text that is TOML, with the lines of the slips left empty, and the slips."""

    text: str
    slips: tuple[Slip, ...]


def mended(text: str) -> Mended:
    """Give a text as TOML: of each slip the line is left empty, or the section where its lines belong together."""
    lines = text.splitlines()
    slips: list[Slip] = []
    while True:
        try:
            tomllib.loads("\n".join(lines))
        except tomllib.TOMLDecodeError as error:
            slip = _slip(lines, str(error))
            slips.append(slip)
            for number in _spoilt(lines, slip):
                lines[number - 1] = ""
        else:
            return Mended(text="\n".join(lines), slips=tuple(slips))


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

"""Long values of parameters in words, and line by line beside the value that they take the place of."""

from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from carbonfin.app.packages import PARAMETER_READINGS
from carbonfin.rules.parameters import ParameterValue
from carbonfin.web.readings import ReadLine


class LineMark(StrEnum):
    """What becomes of a line beside the value that it takes the place of."""

    SAME = ""
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedLine:
    """A line of a value, marked against the value in force."""

    line: ReadLine
    mark: LineMark


def read_lines(value: ParameterValue) -> tuple[ReadLine, ...]:
    """Give a value in words, line by line; none where it is short enough to be shown as it is."""
    reading = PARAMETER_READINGS.get(value.key)
    return reading(value.value) if reading is not None and value.value else ()


def compared_lines(draft: ParameterValue, current: ParameterValue | None) -> tuple[MarkedLine, ...]:
    """Give a proposed value line by line; what it drops of the current one stands where it stood, marked."""
    new = read_lines(draft)
    if current is None:
        return tuple(MarkedLine(line=one, mark=LineMark.SAME) for one in new)
    old = tuple(one for one in read_lines(current) if not one.is_warning)
    found: list[MarkedLine] = []
    for tag, old_from, old_to, new_from, new_to in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if tag == "equal":
            found += [MarkedLine(line=one, mark=LineMark.SAME) for one in new[new_from:new_to]]
            continue
        found += [MarkedLine(line=one, mark=LineMark.REMOVED) for one in old[old_from:old_to]]
        found += [
            MarkedLine(line=one, mark=LineMark.SAME if one.is_warning else LineMark.ADDED)
            for one in new[new_from:new_to]
        ]
    return tuple(found)

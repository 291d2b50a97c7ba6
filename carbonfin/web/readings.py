"""A long value of a parameter as a person reads it: line by line, each with how deep it stands."""

from collections.abc import Callable
from dataclasses import dataclass

from carbonfin.web.language import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLine:
    """A line of a value; `is_warning` where it says what a person should look at, not what the value holds."""

    depth: int
    text: Text
    is_warning: bool = False


ValueReading = Callable[[str], tuple[ReadLine, ...]]
"""Reads a value's text into lines."""

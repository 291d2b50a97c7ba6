"""Reporting quarters: 2025Q3 is `[2025-07-01, 2025-10-01)` in China."""

import re
from dataclasses import dataclass
from datetime import date

from carbonfin.kernel.errors import InvalidInput

_QUARTER = re.compile(r"(20[0-9]{2})Q([1-4])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarter:
    """One quarter, the batch applications are reported in."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str, *, field: str = "quarter") -> "Quarter":
        """Read 2025Q3.

        Raises:
            InvalidInput: The text has another shape.
        """
        match = _QUARTER.fullmatch(text.strip().upper())
        if match is None:
            raise InvalidInput(
                f"{text!r} is not a quarter",
                zh=f"“{text}”不是季度",
                field=field,
                remedy="Write year and quarter, for example 2025Q3.",
                remedy_zh="请写年份和季度，例如 2025Q3。",
            )
        return cls(year=int(match[1]), number=int(match[2]))

    @classmethod
    def of(cls, day: date) -> "Quarter":
        """Give the quarter a day lies in."""
        return cls(year=day.year, number=(day.month + 2) // 3)

    @property
    def start(self) -> date:
        """First day of the quarter."""
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def end(self) -> date:
        """First day after the quarter."""
        return date(self.year + self.number // 4, 3 * (self.number % 4) + 1, 1)

    def holds(self, day: date) -> bool:
        """Whether a day lies in the quarter."""
        return self.start <= day < self.end

    def __str__(self) -> str:
        return f"{self.year}Q{self.number}"

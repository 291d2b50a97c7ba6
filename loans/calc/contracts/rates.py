"""Rate resets: the quote a reset day reads, so many days before, and the margin on it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput, MissingData
from loans.calc.contracts.spans import Days, Whole

Rates = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteSeries:
    """Quotes of a benchmark by the day they were published, rates in whole units of the book's scale."""

    name: str
    published: Days
    rates: Rates

    def __post_init__(self) -> None:
        """Refuse quotes out of order: which one stood on a day would be a guess."""
        if len(self.published) != len(self.rates) or np.any(self.published[1:] <= self.published[:-1]):
            raise InvalidInput(f"quotes of {self.name} are not in order of their days", zh="报价未按公布日排序")

    def standing(self, days: Days) -> Rates:
        """Give the latest rate published at or before each day.

        Raises:
            MissingData: A day lies before the first quote.
        """
        places: npt.NDArray[np.intp] = np.searchsorted(self.published, days, side="right") - 1
        if np.any(places < 0):
            raise MissingData(
                f"{self.name} has no quote at or before {days[places < 0].min()}",
                zh=f"{days[places < 0].min()} 及以前无 {self.name} 报价",
                field="rate",
                remedy="Load the quotes, or choose a later reset day.",
                remedy_zh="请录入报价，或选择更晚的重定价日。",
            )
        found: Rates = self.rates[places]
        return found


def reset_rates(quotes: QuoteSeries, reset_days: Days, *, lag_days: int, margin: Whole) -> Rates:
    """Give the rates resets ask for, before caps and floors: quote standing `lag_days` days before + margin."""
    if lag_days < 0:
        raise InvalidInput(f"fixing lag is {lag_days} days", zh="定价提前天数不得为负", field="lag_days")
    rates: Rates = quotes.standing(reset_days - np.timedelta64(lag_days, "D")) + margin
    return rates

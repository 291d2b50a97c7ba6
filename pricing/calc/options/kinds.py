"""What an option is: its right, and when it is exercised."""

from enum import StrEnum


class OptionType(StrEnum):
    """The right to buy or to sell."""

    CALL = "call"
    PUT = "put"

    @property
    def sign(self) -> int:
        """1 for a call, -1 for a put."""
        return 1 if self is OptionType.CALL else -1


class ExerciseStyle(StrEnum):
    """When an option is exercised, and against which price."""

    EUROPEAN = "european"
    AMERICAN = "american"
    AVERAGE_PRICE = "average_price"

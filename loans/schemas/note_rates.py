"""What became of a note's rate after the drawdown as JSON: resets to the LPR, stops of the concession, the clauses."""

from decimal import Decimal

from msgspec import Struct

from loans.calc.facilities import LoanContract
from loans.calc.servicing.concession_turns import RecordedTurn
from loans.calc.servicing.rate_resets import RateReset


class RateResetOut(Struct, frozen=True, kw_only=True):
    """A reset of a note's rate (重定价): the LPR published by its fixing day, and what the rate came to."""

    number: int
    reset_date: str
    fixing_date: str
    known_from: str
    lpr_tenor: str
    lpr_rate: str
    published_on: str
    margin_bp: int
    concession_bp: str
    rate_without_concession: str
    rate_before: str
    rate_after: str
    compensation_cny: str
    decision_id: str

    @classmethod
    def of(cls, one: RateReset) -> "RateResetOut":
        """Copy a reset."""
        return cls(
            number=one.number, reset_date=one.reset_date.isoformat(), fixing_date=one.fixing_date.isoformat(),
            known_from=one.known_from.isoformat(), lpr_tenor=one.lpr_tenor, lpr_rate=rate_text(one.lpr_rate),
            published_on=one.published_on.isoformat(), margin_bp=one.margin_bp,
            concession_bp=f"{one.concession_bp.normalize():f}",
            rate_without_concession=rate_text(one.rate_without_concession), rate_before=rate_text(one.rate_before),
            rate_after=rate_text(one.rate_after), compensation_cny=str(one.compensation_cny),
            decision_id=one.decision_id,
        )  # fmt: skip


class StoppedDaysOut(Struct, frozen=True, kw_only=True):
    """Days on which a concession stands still; without an end where it has not come back."""

    start: str
    end: str | None
    due_on: str


class ConcessionTurnOut(Struct, frozen=True, kw_only=True):
    """A concession that stopped on overdue or came back, with the days it is stopped on as then known."""

    number: int
    turn: str
    effective_on: str
    known_from: str
    stops: list[StoppedDaysOut]
    rate_before: str
    rate_after: str
    compensation_cny: str
    decision_id: str

    @classmethod
    def of(cls, one: RecordedTurn) -> "ConcessionTurnOut":
        """Copy a turn."""
        return cls(
            number=one.number, turn=one.turn.value, effective_on=one.effective_on.isoformat(),
            known_from=one.known_from.isoformat(),
            stops=[
                StoppedDaysOut(
                    start=stop.start.isoformat(), end=None if stop.end is None else stop.end.isoformat(),
                    due_on=stop.due_on.isoformat(),
                )
                for stop in one.stops
            ],
            rate_before=rate_text(one.rate_before), rate_after=rate_text(one.rate_after),
            compensation_cny=str(one.compensation_cny), decision_id=one.decision_id,
        )  # fmt: skip


class RateClausesOut(Struct, frozen=True, kw_only=True):
    """What the contract in force says of the rate; None where it says nothing, so that nothing is reset or stopped."""

    reset: str | None
    reset_zh: str | None
    concession: str | None
    concession_zh: str | None

    @classmethod
    def of(cls, contract: LoanContract) -> "RateClausesOut":
        """Copy what it says."""
        reset, stop = contract.reset_clause, contract.concession_clause
        reset_words = (None, None) if reset is None else reset.words()
        stop_words = (None, None) if stop is None else stop.words()
        return cls(reset=reset_words[1], reset_zh=reset_words[0], concession=stop_words[1], concession_zh=stop_words[0])


def rate_text(rate: Decimal) -> str:
    """Write a rate as a plain decimal."""
    return format(rate.normalize(), "f")

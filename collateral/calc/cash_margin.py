"""The cash margin of a repo on a day: what is held, the interest it earned (GMRA 2011, 4(f)), and what goes back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal

from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.units import Currency, Money
from collateral.calc.figures import FigureList
from collateral.calc.margin import Rounding
from collateral.calc.net_exposure import MarginBalance, cash_margin_interest

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginStep:
    """The cash margin that the buyer holds from a day on; negative where the seller holds it."""

    start: date
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginAccount:
    """The cash margin of a repo whose contract says what it earns.

    Attributes:
        rate: The agreed rate, simple.
        basis: Day count of the repo.
        steps: The margin by day, in order.
    """

    currency: Currency
    rate: Decimal
    basis: DayCount
    steps: tuple[MarginStep, ...]

    def interest(self, end: date) -> Decimal:
        """Give what was earned over `[first step, end)`; negative where it is the buyer's. Later steps earn nothing."""
        begun = tuple(
            MarginBalance(start=one.start, balance=Money.of(one.amount, self.currency), rate=self.rate)
            for one in self.steps
            if one.start <= end
        )
        return cash_margin_interest(begun, basis=self.basis, end=end).amount if begun else Decimal("0.00")


def stepped(steps: Sequence[MarginStep], *, on: date, amount: Decimal) -> tuple[MarginStep, ...]:
    """Give the history of a margin that comes to another amount on a day; of one day the last amount stands."""
    return (*(one for one in steps if one.start < on), MarginStep(start=on, amount=amount))


def margin_figures(
    account: MarginAccount | None,
    *,
    held_amount: Decimal,
    end: date,
    currency: Currency,
    code: str,
    figures: FigureList,
) -> tuple[Decimal, str]:
    """Give the cash margin held with what it earned by a day, and the name of the figure that says so.

    Without an agreed rate it is the margin itself.
    """
    source = f"回购 {code}"
    held = figures.fact("margin_cash", ("已收现金保证金", "Margin cash held"), held_amount, currency, source)
    if account is None:
        return held_amount, held
    rate = figures.fact("margin_rate", ("现金保证金利率", "Rate on margin cash"), account.rate, "rate", source)
    steps = [
        figures.fact(
            f"margin_from_{one.start}", (f"自 {one.start} 起的现金保证金", f"Margin cash from {one.start}"), one.amount,
            currency, source,
        )
        for one in account.steps
        if one.start <= end
    ]  # fmt: skip
    earned = account.interest(end)
    interest = figures.result(
        "margin_interest", (f"截至 {end} 的现金保证金利息", f"Interest on margin cash to {end}"), earned, currency,
        "Σ B·r·d/basis, half up once", inputs=(rate, *steps),
    )  # fmt: skip
    whole = figures.result(
        "margin_with_interest", ("现金保证金含利息", "Margin cash with interest"), held_amount + earned, currency,
        "margin cash + interest", inputs=(held, interest),
    )  # fmt: skip
    return held_amount + earned, whole


def margin_return(
    exposure_cny: Decimal, *, held_amount: Decimal, minimum_amount: Decimal, cover_ratio: Decimal,
    cny_per_unit: Decimal, currency: Currency, exposure: str, figures: FigureList, rounding: Rounding | None,
    is_final: bool,
) -> Decimal:  # fmt: skip
    """Give the cash margin that goes back: what is over, rounded down, at most what is held, not below the minimum.

    By an annex a final return gives back all that is held, without minimum or rounding; another one moves in multiples.

    Args:
        exposure_cny: The buyer's exposure with the margin counted; negative where more is held than needed.
        held_amount: Cash margin the buyer holds, in the cash currency.
        minimum_amount: The least that is transferred.
        cover_ratio: How much cash makes up for one yuan of exposure.
        cny_per_unit: CNY for one unit of the cash currency.
        currency: The cash currency.
        exposure: Name of the exposure in the trace, where the rate, the margin and the minimum stand already.
        figures: The trace.
        rounding: The annex's multiples; None where there is none.
        is_final: Whether nothing is due any more by an annex.
    """
    over = (max(-exposure_cny, Decimal(0)) * cover_ratio / cny_per_unit).quantize(_CENT, rounding=ROUND_FLOOR)
    wanted = min(over, held_amount)
    if is_final:
        amount = max(held_amount, Decimal("0.00"))
    elif wanted < minimum_amount:
        amount = Decimal("0.00")
    elif rounding is None:
        amount = wanted
    else:
        amount = min(rounding.applied(Money.of(wanted, currency)).amount, held_amount)
    figures.result(
        "margin_return", (f"退还保证金（{currency}）", f"Margin to return in {currency}"), amount, currency,
        "what is over / FX, rounded down, at most the margin held, not below the minimum transfer",
        inputs=(exposure, "fx", "margin_cash", "minimum_transfer"),
    )  # fmt: skip
    return amount

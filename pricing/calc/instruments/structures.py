"""Spreads, swaps, lending, repos and price-linked bonds on allowances: their terms."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import DayCount, year_fraction
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency, Money, round_half_up
from pricing.calc.instruments.terms import (
    LegalBasis,
    Notes,
    TradeTerms,
    TradingParty,
    basis_notes,
    require_order,
    require_price,
)


def simple_interest_amount(amount: Decimal, *, rate: Decimal, basis: DayCount, start: date, end: date) -> Decimal:
    """Give simple interest over `[start, end)`, amount times rate times years, to the minor unit, half up."""
    t = year_fraction(basis, start, end)
    return round_half_up(amount * rate * t.numerator / t.denominator, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowanceSwap:
    """A fixed price against the price of the day, for the same tonnes on each settlement day.

    Attributes:
        terms: The buyer pays the fixed price; `quantity_t` is of each settlement.
    """

    terms: TradeTerms
    fixed_price_per_t: Decimal
    settlement_dates: tuple[date, ...]

    def __post_init__(self) -> None:
        """Refuse prices and days that cannot be."""
        require_price(self.fixed_price_per_t, field="fixed_price_per_t")
        _require_ascending(self.terms.trade_date, self.settlement_dates)

    def notes(self) -> Notes:
        """Say whether the papers of a derivative are missing."""
        return basis_notes(self.terms.basis, is_derivative=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadSwap:
    """The price of one unit less that of another, against an agreed spread: EUA-CEA; a spread forward has one day.

    The buyer receives units of `terms.unit` in value and gives `ratio` units of `other_unit` for each, and pays the
    spread. All is settled in `terms.currency`; a leg quoted in another currency enters at the forward exchange rate.

    Attributes:
        spread_per_t: Agreed spread; may be negative.
        ratio: Units of the other leg for one of the first.
    """

    terms: TradeTerms
    other_unit: Unit
    ratio: Decimal
    spread_per_t: Decimal
    settlement_dates: tuple[date, ...]

    def __post_init__(self) -> None:
        """Refuse one unit against itself, and a ratio that is not positive."""
        if self.other_unit == self.terms.unit:
            raise InvalidInput(f"both legs are {self.other_unit}", zh="两腿品种相同", field="other_unit")
        if self.ratio <= 0:
            raise InvalidInput(f"ratio is {self.ratio}", zh="兑换比例应大于 0", field="ratio")
        _require_ascending(self.terms.trade_date, self.settlement_dates)

    def notes(self) -> Notes:
        """Say whether the papers of a derivative are missing."""
        return basis_notes(self.terms.basis, is_derivative=True)


class RiskBearer(StrEnum):
    """Which side of a lending bears a risk."""

    LENDER = "lender"
    BORROWER = "borrower"


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowanceLending:
    """Units lent and returned later for a fee (借碳).

    Attributes:
        terms: The buyer borrows, the seller lends; the trade day is the day the units move.
        returned_unit: What comes back; another vintage is another thing, with its own last usable day.
        reference_price_per_t: Price on which the fee is counted.
        fee_rate: Fee a year on that value, paid with the return.
        vintage_risk: Who bears that the returned vintage is worth less than the lent one.
        surrender_risk: Who bears that the units come too late to be surrendered.
    """

    terms: TradeTerms
    returned_unit: Unit
    return_date: date
    reference_price_per_t: Decimal
    fee_rate: Decimal
    basis: DayCount
    vintage_risk: RiskBearer
    surrender_risk: RiskBearer

    def __post_init__(self) -> None:
        """Refuse another scheme in return, a return before the loan, and a fee that is negative."""
        if self.returned_unit.scheme is not self.terms.unit.scheme:
            raise InvalidInput(
                f"{self.terms.unit} is lent and {self.returned_unit} returned: schemes differ",
                zh=f"借出 {self.terms.unit}，归还 {self.returned_unit}，品种不同",
                field="returned_unit",
            )
        require_order(self.terms.trade_date, self.return_date, field="return_date", what="return", what_zh="归还日")
        require_price(self.reference_price_per_t, field="reference_price_per_t")
        if self.fee_rate < 0:
            raise InvalidInput(f"fee rate is {self.fee_rate}", zh="借碳费率不能为负", field="fee_rate")

    @property
    def fee(self) -> Money:
        """The fee due with the return, q P r t, to the minor unit, half up."""
        fee = simple_interest_amount(
            self.terms.quantity_t * self.reference_price_per_t, rate=self.fee_rate, basis=self.basis,
            start=self.terms.trade_date, end=self.return_date,
        )  # fmt: skip
        return Money.of(fee, self.terms.currency)

    def notes(self, *, last_usable_date: date | None) -> Notes:
        """Say who bears what, and what the returned units can still be used for.

        Args:
            last_usable_date: Last day the returned vintage can be surrendered; None where that is not known.
        """
        zh, en = basis_notes(self.terms.basis, is_derivative=False)
        says_zh = {RiskBearer.LENDER: "借出方", RiskBearer.BORROWER: "借入方"}
        zh = (*zh, f"配额年度价差风险由{says_zh[self.vintage_risk]}承担",
              f"逾期不能清缴的风险由{says_zh[self.surrender_risk]}承担")  # fmt: skip
        en = (*en, f"the {self.vintage_risk} bears the vintage risk",
              f"the {self.surrender_risk} bears the surrender risk")  # fmt: skip
        if last_usable_date is None:
            return (*zh, f"{self.returned_unit} 最后可用日未知"), (
                *en, f"the last usable day of {self.returned_unit} is not known",
            )  # fmt: skip
        if self.return_date > last_usable_date:
            return (*zh, f"{self.returned_unit} 于 {last_usable_date} 后不能清缴，归还日 {self.return_date} 已过"), (
                *en,
                f"{self.returned_unit} cannot be surrendered after {last_usable_date}; it returns {self.return_date}",
            )
        return zh, en


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoLeg:
    """Units sold and bought back: cash lent on units (回购).

    Attributes:
        terms: At the start the buyer (逆回购方) takes units and gives cash; the trade day is that day.
        purchase_price_per_t: Price of the first leg.
        repo_rate: Simple rate of the cash.
    """

    terms: TradeTerms
    purchase_price_per_t: Decimal
    repo_rate: Decimal
    basis: DayCount
    repurchase_date: date

    def __post_init__(self) -> None:
        """Refuse a price that cannot be and a repurchase before the purchase."""
        require_price(self.purchase_price_per_t, field="purchase_price_per_t")
        require_order(
            self.terms.trade_date, self.repurchase_date, field="repurchase_date", what="repurchase", what_zh="购回日"
        )

    @property
    def purchase(self) -> Money:
        """Cash given at the start, q P, to the minor unit."""
        return Money.of(round_half_up(self.terms.quantity_t * self.purchase_price_per_t, 2), self.terms.currency)

    def interest_until(self, day: date) -> Money:
        """Give the interest of the cash from the start to a day, P r d / basis, to the minor unit, half up.

        Raises:
            InvalidInput: The day lies outside the repo.
        """
        if not self.terms.trade_date <= day <= self.repurchase_date:
            raise InvalidInput(
                f"{day} lies outside the repo, {self.terms.trade_date} to {self.repurchase_date}",
                zh=f"{day} 不在回购期 {self.terms.trade_date} 至 {self.repurchase_date} 内",
                field="valuation_date",
            )
        interest = simple_interest_amount(
            self.purchase.amount, rate=self.repo_rate, basis=self.basis, start=self.terms.trade_date, end=day
        )
        return Money.of(interest, self.terms.currency)

    @property
    def repurchase(self) -> Money:
        """Cash returned at the end, purchase and interest."""
        return self.purchase + self.interest_until(self.repurchase_date)

    def notes(self) -> Notes:
        """Say whether the master agreement is missing."""
        return basis_notes(self.terms.basis, is_derivative=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLink:
    """The part of a coupon that follows an allowance price: slope (P - reference), between floor and cap.

    Attributes:
        unit: Allowance or credit whose price is taken.
        reference_per_t: Price at which the linked part is nil.
        slope_rate: Change of the yearly rate for a change of one currency unit a tonne; more than nil.
        floor_rate: Least linked rate, or None.
        cap_rate: Most linked rate, or None.
    """

    unit: Unit
    reference_per_t: Decimal
    slope_rate: Decimal
    floor_rate: Decimal | None
    cap_rate: Decimal | None

    def __post_init__(self) -> None:
        """Refuse a slope that is not positive, and a floor above the cap."""
        require_price(self.reference_per_t, field="reference_per_t")
        if self.slope_rate <= 0:
            raise InvalidInput(f"slope is {self.slope_rate}", zh="挂钩斜率应大于 0", field="slope_rate")
        if self.floor_rate is not None and self.cap_rate is not None and self.floor_rate > self.cap_rate:
            raise InvalidInput(
                f"floor {self.floor_rate} lies above cap {self.cap_rate}", zh="下限高于上限", field="floor_rate"
            )

    def linked_rate(self, price_per_t: Decimal) -> Decimal:
        """Give the linked part of the rate at a price that was observed."""
        rate = self.slope_rate * (price_per_t - self.reference_per_t)
        if self.cap_rate is not None:
            rate = min(rate, self.cap_rate)
        return rate if self.floor_rate is None else max(rate, self.floor_rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class CarbonBond:
    """A bond whose coupon is a base rate and a part linked to an allowance price (碳债券).

    Attributes:
        coupon_dates: Payment days, ascending; the last repays the face. Accrual runs from one to the next.
    """

    bond_id: str
    face_amount: Decimal
    currency: Currency
    issuer: TradingParty
    holder: TradingParty
    base_rate: Decimal
    link: PriceLink
    issue_date: date
    coupon_dates: tuple[date, ...]
    day_count: DayCount
    basis: LegalBasis

    def __post_init__(self) -> None:
        """Refuse a face that is not positive and days that do not ascend."""
        if self.face_amount <= 0:
            raise InvalidInput(f"face is {self.face_amount}", zh="面值应大于 0", field="face_amount")
        _require_ascending(self.issue_date, self.coupon_dates)

    def notes(self) -> Notes:
        """Say whether the papers are missing: those of a derivative, as the coupon follows a price."""
        return basis_notes(self.basis, is_derivative=True)


def _require_ascending(first: date, days: tuple[date, ...]) -> None:
    if not days or list(days) != sorted(set(days)) or days[0] <= first:
        raise InvalidInput(
            f"payment days must ascend from after {first}; there are {len(days)}",
            zh=f"付款日须晚于 {first} 并逐日递增",
            field="dates",
            remedy="Give at least one day, in order, none twice.",
            remedy_zh="请至少填写一个日期，按先后排列，不重复。",
        )

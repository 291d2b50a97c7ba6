"""Terms of the contract standard (camelCase names, values as text) read strictly."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from carbonfin.kernel.errors import InvalidInput

LOAN_TYPES = frozenset({"PAM", "LAM", "NAM", "ANN"})
_ROLES = {"RPA": 1, "RPL": -1}
_IGNORED = frozenset({
    "contractID", "creatorID", "counterpartyID", "contractDealDate", "currency", "currency2", "settlementCurrency",
    "marketObjectCode", "contractPerformance",
    "fixingDays",  # the reference results observe on the reset day itself
})  # fmt: skip
_DATES = {
    "statusDate": "status", "initialExchangeDate": "start", "maturityDate": "maturity",
    "amortizationDate": "amortised", "purchaseDate": "purchase", "terminationDate": "termination",
    "capitalizationEndDate": "capitalise_until",
    "cycleAnchorDateOfInterestPayment": "interest_anchor",
    "cycleAnchorDateOfPrincipalRedemption": "principal_anchor",
    "cycleAnchorDateOfRateReset": "reset_anchor",
    "cycleAnchorDateOfInterestCalculationBase": "base_anchor",
    "cycleAnchorDateOfScalingIndex": "scaling_anchor",
}  # fmt: skip
_NUMBERS = {
    "notionalPrincipal": "notional", "nominalInterestRate": "rate", "premiumDiscountAtIED": "premium",
    "accruedInterest": "accrued", "priceAtPurchaseDate": "purchase_price",
    "priceAtTerminationDate": "termination_price", "nextPrincipalRedemptionPayment": "level",
    "nextResetRate": "next_rate", "rateSpread": "spread", "rateMultiplier": "multiplier",
    "lifeCap": "life_cap", "lifeFloor": "life_floor", "periodCap": "period_cap", "periodFloor": "period_floor",
    "interestCalculationBaseAmount": "base_amount", "scalingIndexAtContractDealDate": "scaling_base",
    "notionalScalingMultiplier": "notional_scaling", "interestScalingMultiplier": "interest_scaling",
}  # fmt: skip
_TEXTS = {
    "contractType": "kind", "dayCountConvention": "day_count", "endOfMonthConvention": "end_of_month",
    "calendar": "calendar", "businessDayConvention": "business_days", "interestCalculationBase": "base",
    "cycleOfInterestPayment": "interest_cycle", "cycleOfPrincipalRedemption": "principal_cycle",
    "cycleOfRateReset": "reset_cycle", "cycleOfInterestCalculationBase": "base_cycle",
    "cycleOfScalingIndex": "scaling_cycle", "scalingEffect": "scaling_effect",
    "marketObjectCodeOfRateReset": "reset_market", "marketObjectCodeOfScalingIndex": "scaling_market",
}  # fmt: skip


_WITHOUT_EFFECT = {
    "prepaymentEffect": {"N"}, "penaltyType": {"N", "O"}, "penaltyRate": {"0", "0.0"}, "feeRate": {"0", "0.0"},
    "feeAccrued": {"0", "0.0"}, "cyclePointOfInterestPayment": {"E"}, "cyclePointOfRateReset": {"B"},
}  # fmt: skip


class UnsupportedTerm(InvalidInput):
    """A term or kind of contract the runner does not know: its events would be a guess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractTerms:
    """The terms of one loan; what is absent is None, and stands for the standard's default.

    Attributes:
        role: 1 for the lender, -1 for the borrower: the sign of every amount.
    """

    kind: str
    role: int
    status: datetime
    start: datetime
    notional: float
    rate: float | None = None
    maturity: datetime | None = None
    amortised: datetime | None = None
    purchase: datetime | None = None
    termination: datetime | None = None
    capitalise_until: datetime | None = None
    interest_anchor: datetime | None = None
    principal_anchor: datetime | None = None
    reset_anchor: datetime | None = None
    base_anchor: datetime | None = None
    scaling_anchor: datetime | None = None
    premium: float = 0.0
    accrued: float | None = None
    purchase_price: float = 0.0
    termination_price: float = 0.0
    level: float | None = None
    next_rate: float | None = None
    spread: float = 0.0
    multiplier: float = 1.0
    life_cap: float | None = None
    life_floor: float | None = None
    period_cap: float | None = None
    period_floor: float | None = None
    base_amount: float | None = None
    scaling_base: float = 1.0
    notional_scaling: float = 1.0
    interest_scaling: float = 1.0
    day_count: str = "A365"
    end_of_month: str = "SD"
    calendar: str = "NC"
    business_days: str = "NULL"
    base: str = "NT"
    interest_cycle: str | None = None
    principal_cycle: str | None = None
    reset_cycle: str | None = None
    base_cycle: str | None = None
    scaling_cycle: str | None = None
    scaling_effect: str = "OOO"
    reset_market: str | None = None
    scaling_market: str | None = None


def contract_terms(raw: Mapping[str, Any]) -> ContractTerms:
    """Read the terms of a loan.

    Raises:
        UnsupportedTerm: Another kind of contract, or a term whose effect is not known here.
        InvalidInput: A value does not read, or a needed one is absent.
    """
    kind = str(raw.get("contractType", "")).strip()
    if kind not in LOAN_TYPES:
        raise UnsupportedTerm(
            f"contract type {kind or 'none'} is not a loan", zh="合约类型不支持", field="contractType"
        )
    read: dict[str, Any] = {}
    for name, value in raw.items():
        text = str(value).strip()
        if name in _IGNORED or text in ("", "null") or text in _WITHOUT_EFFECT.get(name, ()):
            continue
        if name in _DATES:
            read[_DATES[name]] = _instant(name, text)
        elif name in _NUMBERS:
            read[_NUMBERS[name]] = _number(name, text)
        elif name in _TEXTS:
            read[_TEXTS[name]] = text
        elif name == "contractRole":
            if text not in _ROLES:
                raise UnsupportedTerm(f"contract role {text}", zh="合约方向不支持", field=name)
            read["role"] = _ROLES[text]
        else:
            raise UnsupportedTerm(f"term {name}", zh=f"合约条款 {name} 不支持", field=name)
    for needed in ("role", "status", "start", "notional"):
        if needed not in read:
            raise InvalidInput(f"the terms state no {needed}", zh=f"合约条款缺少 {needed}", field=needed)
    return ContractTerms(**read)


def _instant(name: str, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"{name} is {text}, no date", zh=f"{name} 不是日期", field=name) from error


def _number(name: str, text: str) -> float:
    try:
        number = float(text.strip())
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InvalidInput(f"{name} is {text}, no number", zh=f"{name} 不是数字", field=name)
    return number

"""What every trade states: unit, tonnes, currency, price, days, parties, and the legal basis it is made on."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.enterprises import Usci
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.parties import Lei
from carbonfin.kernel.units import Currency
from pricing.calc.positions import MAX_QUANTITY_T
from pricing.calc.tradability import VALUATION_ONLY_EN, VALUATION_ONLY_ZH

MAX_PRICE_PER_T = Decimal(90_000)
_USCI_LENGTH, _LEI_LENGTH = 18, 20

Notes = tuple[tuple[str, ...], tuple[str, ...]]
"""What must be said beside a trade: in Chinese, and the same in English."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingParty:
    """One side of a trade, by its unified social credit code or its legal entity identifier."""

    code: Usci | Lei
    name: str

    @classmethod
    def parse(cls, code: str, *, name: str, field: str) -> "TradingParty":
        """Read a party's code: 18 characters are a USCI, 20 a LEI; check characters are verified.

        Raises:
            InvalidInput: It is neither.
        """
        cleaned = code.strip()
        if len(cleaned) == _USCI_LENGTH:
            return cls(code=Usci.parse(cleaned, field=field), name=name)
        if len(cleaned) == _LEI_LENGTH:
            return cls(code=Lei.parse(cleaned, field=field), name=name)
        raise InvalidInput(
            f"party code {code[:40]!r} has {len(cleaned)} characters; a USCI has 18, a LEI 20",
            zh=f"主体代码“{code[:40]}”为 {len(cleaned)} 位；统一社会信用代码 18 位，法人识别编码 20 位",
            field=field,
            remedy="Give the USCI or the LEI.",
            remedy_zh="请填写统一社会信用代码或法人识别编码。",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalBasis:
    """The papers a trade is made on; what is empty is not there.

    Attributes:
        master_agreement: Master agreement between the parties (主协议), with its day.
        derivatives_licence: Licence under which the bank deals in derivatives.
        exchange_rules: Rules of the exchange that lists the product.
    """

    master_agreement: str = ""
    derivatives_licence: str = ""
    exchange_rules: str = ""

    def lacking(self, *, is_derivative: bool) -> Notes:
        """Name the papers that are missing; listed products need the exchange's rules alone."""
        if self.exchange_rules.strip():
            return (), ()
        zh: list[str] = []
        en: list[str] = []
        if not self.master_agreement.strip():
            zh.append("未提供主协议")
            en.append("no master agreement")
        if is_derivative and not self.derivatives_licence.strip():
            zh.append("未提供衍生产品交易资格")
            en.append("no derivatives licence")
        return tuple(zh), tuple(en)


def basis_notes(basis: LegalBasis, *, is_derivative: bool) -> Notes:
    """Say in both languages that a trade is valued only, where a paper it needs is missing.

    This speaks of the trade's own papers. Whether the law of its scheme admits the product at all is said by
    `pricing.calc.tradability.tradable_notes`; a trade may be made only where both are silent.
    """
    zh, en = basis.lacking(is_derivative=is_derivative)
    if not zh:
        return (), ()
    return (f"{VALUATION_ONLY_ZH}（{'、'.join(zh)}）",), (f"{VALUATION_ONLY_EN} ({', '.join(en)})",)


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeTerms:
    """What two parties agree on whatever the product is.

    Attributes:
        unit: Scheme and vintage.
        quantity_t: Whole tonnes, more than nil; who sells stands beside, not in the sign.
        currency: Currency of every price and amount of the trade.
    """

    trade_id: str
    unit: Unit
    quantity_t: int
    currency: Currency
    trade_date: date
    buyer: TradingParty
    seller: TradingParty
    basis: LegalBasis

    def __post_init__(self) -> None:
        """Refuse what cannot be agreed.

        Raises:
            InvalidInput: The tonnes are not in range, or one party trades with itself.
        """
        if not 0 < self.quantity_t <= MAX_QUANTITY_T:
            raise InvalidInput(
                f"quantity is {self.quantity_t} t; it must be 1 to {MAX_QUANTITY_T} t",
                zh=f"数量 {self.quantity_t} 吨无效，应为 1 至 {MAX_QUANTITY_T} 吨",
                field="quantity_t",
                remedy="Give whole tonnes, not 万吨; the seller is named, not signed.",
                remedy_zh="数量单位为吨，不是万吨；卖出由卖方一栏表示，不用负数。",
            )
        if self.buyer.code == self.seller.code:
            raise InvalidInput(
                f"{self.buyer.code} is both buyer and seller",
                zh=f"买卖双方同为 {self.buyer.code}",
                field="seller",
                remedy="Name two parties.",
                remedy_zh="请填写不同的买方和卖方。",
            )


def require_price(price_per_t: Decimal, *, field: str) -> None:
    """Refuse a price that no allowance has had: nil, negative, or above 90,000 a tonne.

    Raises:
        InvalidInput: The price is outside.
    """
    if not 0 < price_per_t <= MAX_PRICE_PER_T:
        raise InvalidInput(
            f"price is {price_per_t} a tonne; it must be above 0 and at most {MAX_PRICE_PER_T}",
            zh=f"价格每吨 {price_per_t} 无效，应大于 0 且不超过 {MAX_PRICE_PER_T}",
            field=field,
            remedy="Give the price a tonne.",
            remedy_zh="请填写每吨价格。",
        )


def require_order(earlier: date, later: date, *, field: str, what: str, what_zh: str) -> None:
    """Refuse a day that comes before the one it must follow; the same day is allowed.

    Raises:
        InvalidInput: The order is broken.
    """
    if later < earlier:
        raise InvalidInput(
            f"{what} {later} lies before {earlier}",
            zh=f"{what_zh} {later} 早于 {earlier}",
            field=field,
            remedy="Check the days.",
            remedy_zh="请核对日期。",
        )

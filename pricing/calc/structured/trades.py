"""A structured trade as it is entered: what each kind needs, and what makes one impossible whatever the market says."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.errors import InvalidInput, NotApplicable
from carbonfin.kernel.units import Currency
from carbonfin.rules.record import ADDED_LATER
from pricing.calc.instruments.structures import PriceLink, RiskBearer
from pricing.calc.instruments.terms import MAX_PRICE_PER_T, LegalBasis, TradingParty
from pricing.calc.options.kinds import OptionType
from pricing.calc.positions import LAST_DELIVERY_DATE, MAX_QUANTITY_T

DATES_MAX = 60
_RATE_MAX = Decimal("0.5")
_RATIO_MAX = Decimal(1000)
_FACE_MAX = Decimal(10) ** 12


class StructureKind(StrEnum):
    """What a structured trade is."""

    SWAP = "swap"
    SPREAD_SWAP = "spread_swap"
    LENDING = "lending"
    REPO = "repo"
    CARBON_BOND = "carbon_bond"
    SPREAD_OPTION = "spread_option"
    QUANTO_FORWARD = "quanto_forward"


STRUCTURE_LABELS: Mapping[StructureKind, tuple[str, str]] = {
    StructureKind.SWAP: ("碳配额互换", "allowance swap"),
    StructureKind.SPREAD_SWAP: ("价差互换", "spread swap"),
    StructureKind.LENDING: ("借碳", "allowance lending"),
    StructureKind.REPO: ("回购", "repo"),
    StructureKind.CARBON_BOND: ("碳价挂钩债券", "price-linked carbon bond"),
    StructureKind.SPREAD_OPTION: ("价差期权", "spread option"),
    StructureKind.QUANTO_FORWARD: ("汇率锁定远期（quanto）", "quanto forward"),
}


class Side(StrEnum):
    """Which side of the trade the organisation is on."""

    BUYER = "buyer"
    SELLER = "seller"


SIDE_LABELS: Mapping[StructureKind, tuple[tuple[str, str], tuple[str, str]]] = {
    StructureKind.SWAP: (("支付固定价", "pays the fixed price"), ("收取固定价", "receives the fixed price")),
    StructureKind.SPREAD_SWAP: (("买入价差", "buys the spread"), ("卖出价差", "sells the spread")),
    StructureKind.LENDING: (("借入方", "borrower"), ("借出方", "lender")),
    StructureKind.REPO: (("逆回购方（融出资金）", "lends the cash"), ("正回购方（融入资金）", "borrows the cash")),
    StructureKind.CARBON_BOND: (("持有人", "holder"), ("发行人", "issuer")),
    StructureKind.SPREAD_OPTION: (("买方", "buyer"), ("卖方", "seller")),
    StructureKind.QUANTO_FORWARD: (("买方", "buyer"), ("卖方", "seller")),
}
"""What the buyer and the seller of each kind are called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureParty:
    """A side of a trade as it is recorded: the text of its USCI or LEI, and its name."""

    code: str
    name: str

    @classmethod
    def parse(cls, code: str, *, name: str, field: str) -> "StructureParty":
        """Read a side; its code is verified.

        Raises:
            InvalidInput: The code is neither a USCI nor a LEI.
        """
        party = TradingParty.parse(code, name=name, field=field)
        return cls(code=str(party.code), name=party.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class StructuredTrade:
    """One structured trade; a field that its kind does not use is None.

    Attributes:
        quantity_t: Whole tonnes of each settlement; None for a bond.
        dates: Settlement days of swaps, coupon days of a bond, the single day of return, repurchase, expiry, delivery.
        price_per_t: Fixed price, agreed spread, reference price of a lending, purchase price of a repo, strike; in
            the trade's currency, of a quanto in the foreign one at a rate of one.
        rate: Fee a year, repo rate, or base coupon.
        day_count: Of that rate.
        other_unit: The other leg of a spread, or the unit that comes back of a lending.
        ratio: Units of the other leg for one of the first.
        option_type: Of a spread option: on the first price less the other.
        price_currency: Currency in which the price of a quanto forward is quoted.
        face_amount: Face of a bond.
        link_reference_per_t: Price at which the linked part of a coupon is nil.
        link_slope_rate: Change of the yearly rate for one currency unit a tonne.
        link_floor_rate: Least linked rate; None where there is none.
        link_cap_rate: Most linked rate; None where there is none.
        vintage_risk: Who bears that the unit returned is worth less.
        surrender_risk: Who bears that units come too late to be surrendered.
        buyer: Who is on the buyer's side, by USCI or LEI; None where the trade is valued before it has parties.
        seller: Who is on the other; both are named or neither.
    """

    trade_id: str
    kind: StructureKind
    unit: Unit
    currency: Currency
    side: Side
    trade_date: date
    dates: tuple[date, ...]
    quantity_t: int | None = None
    price_per_t: Decimal | None = None
    rate: Decimal | None = None
    day_count: DayCount | None = None
    other_unit: Unit | None = None
    ratio: Decimal | None = None
    option_type: OptionType | None = None
    price_currency: Currency | None = None
    face_amount: Decimal | None = None
    link_reference_per_t: Decimal | None = None
    link_slope_rate: Decimal | None = None
    link_floor_rate: Decimal | None = None
    link_cap_rate: Decimal | None = None
    vintage_risk: RiskBearer | None = None
    surrender_risk: RiskBearer | None = None
    master_agreement: str | None = None
    derivatives_licence: str | None = None
    buyer: StructureParty | None = field(default=None, metadata=ADDED_LATER)
    seller: StructureParty | None = field(default=None, metadata=ADDED_LATER)

    @property
    def sign(self) -> int:
        """+1 for the buyer, -1 for the seller."""
        return 1 if self.side is Side.BUYER else -1

    @property
    def basis(self) -> LegalBasis:
        """The papers the trade is made on."""
        return LegalBasis(
            master_agreement=self.master_agreement or "", derivatives_licence=self.derivatives_licence or ""
        )

    @property
    def link(self) -> PriceLink:
        """The linked part of a bond's coupon."""
        assert self.link_reference_per_t is not None, "a sound bond has a reference price"
        assert self.link_slope_rate is not None, "a sound bond has a slope"
        return PriceLink(
            unit=self.unit, reference_per_t=self.link_reference_per_t, slope_rate=self.link_slope_rate,
            floor_rate=self.link_floor_rate, cap_rate=self.link_cap_rate,
        )  # fmt: skip


NEEDED: Mapping[StructureKind, tuple[str, ...]] = {
    StructureKind.SWAP: ("quantity_t", "price_per_t"),
    StructureKind.SPREAD_SWAP: ("quantity_t", "price_per_t", "other_unit", "ratio"),
    StructureKind.LENDING: (
        "quantity_t", "price_per_t", "rate", "day_count", "other_unit", "vintage_risk", "surrender_risk",
    ),
    StructureKind.REPO: ("quantity_t", "price_per_t", "rate", "day_count"),
    StructureKind.CARBON_BOND: ("face_amount", "rate", "day_count", "link_reference_per_t", "link_slope_rate"),
    StructureKind.SPREAD_OPTION: ("quantity_t", "price_per_t", "other_unit", "option_type"),
    StructureKind.QUANTO_FORWARD: ("quantity_t", "price_per_t", "price_currency"),
}  # fmt: skip
"""Fields that a trade of a kind cannot do without."""
_ALLOWED_TOO: Mapping[StructureKind, tuple[str, ...]] = {
    StructureKind.CARBON_BOND: ("link_floor_rate", "link_cap_rate"),
}
_OF_ALL = frozenset(
    {
        "trade_id", "kind", "unit", "currency", "side", "trade_date", "dates", "master_agreement",
        "derivatives_licence", "buyer", "seller",
    }
)  # fmt: skip
_ONE_DAY = frozenset(
    {StructureKind.LENDING, StructureKind.REPO, StructureKind.SPREAD_OPTION, StructureKind.QUANTO_FORWARD}
)
_SPREADS = frozenset({StructureKind.SPREAD_SWAP, StructureKind.SPREAD_OPTION})
DERIVATIVES = frozenset(StructureKind) - {StructureKind.LENDING, StructureKind.REPO}
"""Kinds that need the licence of a derivative beside the master agreement."""
_RANGES: Mapping[str, tuple[Decimal, Decimal]] = {
    "quantity_t": (Decimal(1), Decimal(MAX_QUANTITY_T)),
    "rate": (Decimal(0), _RATE_MAX),
    "ratio": (Decimal("0.0001"), _RATIO_MAX),
    "face_amount": (Decimal(1), _FACE_MAX),
    "link_reference_per_t": (Decimal("0.01"), MAX_PRICE_PER_T),
    "link_slope_rate": (Decimal("0.000001"), _RATE_MAX),
    "link_floor_rate": (-_RATE_MAX, _RATE_MAX),
    "link_cap_rate": (-_RATE_MAX, _RATE_MAX),
}


def require_sound(trade: StructuredTrade, *, valuation_date: date) -> None:
    """Refuse a trade that cannot be, whatever the market says.

    Raises:
        InvalidInput: A field is wanting, needless or out of its range; its name stands in `field`.
        NotApplicable: The trade is over, or not made yet.
    """
    _require_fields(trade)
    for name, (least, most) in _RANGES.items():
        value = getattr(trade, name)
        if value is not None and not least <= value <= most:
            raise InvalidInput(
                f"{name} is {value}; it must lie between {least} and {most}",
                zh=f"{name} 为 {value}，应在 {least} 与 {most} 之间",
                field=name,
                remedy="Correct the figure and its unit.",
                remedy_zh="请核对数值与单位。",
            )
    least_price = -MAX_PRICE_PER_T if trade.kind in _SPREADS else Decimal("0.01")
    assert trade.price_per_t is not None or trade.kind is StructureKind.CARBON_BOND, "checked above"
    if trade.price_per_t is not None and not least_price <= trade.price_per_t <= MAX_PRICE_PER_T:
        raise InvalidInput(
            f"price_per_t is {trade.price_per_t}; it must lie between {least_price} and {MAX_PRICE_PER_T}",
            zh=f"价格每吨 {trade.price_per_t} 无效，应在 {least_price} 与 {MAX_PRICE_PER_T} 之间",
            field="price_per_t",
            remedy="Give the price a tonne in the currency of the trade.",
            remedy_zh="请填写每吨价格，币种与交易一致。",
        )
    floor, cap = trade.link_floor_rate, trade.link_cap_rate
    if floor is not None and cap is not None and floor > cap:
        raise InvalidInput(
            f"floor {floor} lies above cap {cap}", zh=f"下限 {floor} 高于上限 {cap}", field="link_floor_rate",
            remedy="Correct floor or cap.", remedy_zh="请更正上下限。",
        )  # fmt: skip
    _require_units(trade)
    _require_parties(trade)
    _require_days(trade, valuation_date)


def _require_fields(trade: StructuredTrade) -> None:
    zh, en = STRUCTURE_LABELS[trade.kind]
    needed = NEEDED[trade.kind]
    for name in needed:
        if getattr(trade, name) is None:
            raise InvalidInput(
                f"a trade of kind {en} needs {name}",
                zh=f"{zh}缺少 {name}",
                field=name,
                remedy="Give it as the contract states it.",
                remedy_zh="请按合约填写。",
            )
    allowed = {*_OF_ALL, *needed, *_ALLOWED_TOO.get(trade.kind, ())}
    for one in fields(trade):
        if one.name not in allowed and getattr(trade, one.name) is not None:
            raise InvalidInput(
                f"a trade of kind {en} takes no {one.name}",
                zh=f"{zh}不应填写 {one.name}",
                field=one.name,
                remedy="Remove the field or change the kind.",
                remedy_zh="请删除该项，或更改交易类型。",
            )


def _require_units(trade: StructuredTrade) -> None:
    if trade.kind in _SPREADS and trade.other_unit == trade.unit:
        raise InvalidInput(
            f"both legs are {trade.unit}", zh=f"两腿品种同为 {trade.unit}", field="other_unit",
            remedy="Name two units.", remedy_zh="请填写两个不同品种。",
        )  # fmt: skip
    is_other_scheme = trade.other_unit is not None and trade.other_unit.scheme is not trade.unit.scheme
    if trade.kind is StructureKind.LENDING and is_other_scheme:
        raise InvalidInput(
            f"{trade.unit} is lent and {trade.other_unit} returned: schemes differ",
            zh=f"借出 {trade.unit}，归还 {trade.other_unit}，品种不同",
            field="other_unit",
            remedy="Units of the same scheme are returned; value an exchange of schemes as a spread swap.",
            remedy_zh="借碳须归还同一品种；不同品种互换请按价差互换估值。",
        )
    if trade.price_currency is not None and trade.price_currency is trade.currency:
        raise InvalidInput(
            f"price and payment are both in {trade.currency}",
            zh=f"计价与支付币种同为 {trade.currency}，不是汇率锁定交易",
            field="price_currency",
            remedy="Enter it as a forward of a book.",
            remedy_zh="请按持仓组合的远期录入。",
        )


def _require_parties(trade: StructuredTrade) -> None:
    buyer, seller = trade.buyer, trade.seller
    if (buyer is None) != (seller is None):
        wanting, wanting_zh = ("buyer", "买方") if buyer is None else ("seller", "卖方")
        raise InvalidInput(
            f"{wanting} is not named, the other side is",
            zh=f"只填写了一方，缺少{wanting_zh}",
            field=wanting,
            remedy="Name both sides by USCI or LEI, or neither.",
            remedy_zh="请填写双方的统一社会信用代码或法人识别编码，或都不填写。",
        )
    if buyer is not None and seller is not None and buyer.code == seller.code:
        raise InvalidInput(
            f"{buyer.code} is on both sides",
            zh=f"双方同为 {buyer.code}",
            field="seller",
            remedy="Name two parties.",
            remedy_zh="请填写不同的双方。",
        )


def _require_days(trade: StructuredTrade, valuation_date: date) -> None:
    days = trade.dates
    most = 1 if trade.kind in _ONE_DAY else DATES_MAX
    is_rising = bool(days) and list(days) == sorted(set(days)) and days[0] > trade.trade_date
    if not is_rising or len(days) > most or days[-1] > LAST_DELIVERY_DATE:
        raise InvalidInput(
            f"{len(days)} days are given; there must be 1 to {most}, rising from after {trade.trade_date}, "
            f"up to {LAST_DELIVERY_DATE}",
            zh=f"日期须为 1 至 {most} 个，晚于成交日 {trade.trade_date}，按先后排列、不重复，"
            f"不晚于 {LAST_DELIVERY_DATE}",
            field="dates",
            remedy="Give the days in order, none twice.",
            remedy_zh="请按先后填写日期。",
        )
    if trade.trade_date > valuation_date or days[-1] <= valuation_date:
        raise NotApplicable(
            f"the trade runs from {trade.trade_date} to {days[-1]}; {valuation_date} does not lie inside",
            zh=f"交易期间为 {trade.trade_date} 至 {days[-1]}，估值日 {valuation_date} 不在其内",
            field="valuation_date",
            remedy="Choose a valuation date while the trade is open.",
            remedy_zh="请选择交易存续期内的估值日。",
        )


def days_to_come(trade: StructuredTrade, valuation_date: date) -> tuple[date, ...]:
    """Give the days of the trade after the valuation date; what was paid on or before it is no longer in the value."""
    return tuple(day for day in trade.dates if day > valuation_date)

"""Shapes of structured trades and their values."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.units import Currency
from carbonfin.web.wire import DayText, DecimalText, FigureOut, IdText, QuantityT, UnitText, day_of, decimal_of
from pricing.calc.instruments.structures import RiskBearer
from pricing.calc.options.kinds import OptionType
from pricing.calc.structured.decision import StructureLeg, StructurePart
from pricing.calc.structured.trades import DATES_MAX, Side, StructuredTrade, StructureKind, StructureParty
from pricing.schemas.figures import optional_text_of, text_of
from pricing.schemas.trades import TradingPartyIn, TradingPartyOut
from pricing.service import StructureAnswer

_Paper = Annotated[str, Meta(min_length=1, max_length=200)]
_Currency = Literal["CNY", "CNH", "HKD", "USD", "EUR"]
_Bearer = Literal["lender", "borrower"]


class StructuredTradeIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One structured trade; `side` is the organisation's own.

    What each kind needs beside unit, currency, side, trade_date and dates:
    `swap`: quantity_t (of each settlement), price_per_t (the fixed price); the buyer pays it.
    `spread_swap`: quantity_t, price_per_t (the spread, of either sign), other_unit, ratio.
    `lending` (借碳): quantity_t, price_per_t on which the fee is counted, rate, day_count, other_unit (returned),
    vintage_risk, surrender_risk; the buyer borrows.
    `repo`: quantity_t, price_per_t of the first leg, rate, day_count; the buyer lends the cash.
    `carbon_bond`: face_amount, rate (base coupon), day_count, link_reference_per_t, link_slope_rate, and floor or cap.
    `spread_option`: quantity_t, price_per_t (the strike), other_unit, option_type.
    `quanto_forward`: quantity_t, price_per_t (the strike at a rate of one), price_currency.
    `buyer` and `seller` are named both, as `/v1/trades/read` tells them, or neither.
    A field that a kind does not use is refused, as is one that is wanting. Lending, repo, option and forward have one
    day; the last six fields but papers are of bonds and lendings.
    """

    trade_id: IdText
    kind: Literal["swap", "spread_swap", "lending", "repo", "carbon_bond", "spread_option", "quanto_forward"]
    unit: UnitText
    currency: _Currency
    side: Literal["buyer", "seller"]
    trade_date: DayText
    dates: Annotated[list[DayText], Meta(min_length=1, max_length=DATES_MAX)]
    quantity_t: QuantityT | None = None
    price_per_t: DecimalText | None = None
    rate: DecimalText | None = None
    day_count: Literal["act/360", "act/365", "30E/360"] | None = None
    other_unit: UnitText | None = None
    ratio: DecimalText | None = None
    option_type: Literal["call", "put"] | None = None
    price_currency: _Currency | None = None
    face_amount: DecimalText | None = None
    link_reference_per_t: DecimalText | None = None
    link_slope_rate: DecimalText | None = None
    link_floor_rate: DecimalText | None = None
    link_cap_rate: DecimalText | None = None
    vintage_risk: _Bearer | None = None
    surrender_risk: _Bearer | None = None
    master_agreement: _Paper | None = None
    derivatives_licence: _Paper | None = None
    buyer: TradingPartyIn | None = None
    seller: TradingPartyIn | None = None

    def trade(self) -> StructuredTrade:
        """Give the trade as a value; whether it can be is found when it is valued.

        Raises:
            InvalidInput: A unit or a day cannot be.
        """
        decimals = {
            name: None if (text := getattr(self, name)) is None else decimal_of(text)
            for name in (
                "price_per_t", "rate", "ratio", "face_amount", "link_reference_per_t", "link_slope_rate",
                "link_floor_rate", "link_cap_rate",
            )
        }  # fmt: skip
        return StructuredTrade(
            trade_id=self.trade_id,
            kind=StructureKind(self.kind),
            unit=Unit.parse(self.unit),
            currency=Currency(self.currency),
            side=Side(self.side),
            trade_date=day_of(self.trade_date, field="/trade/trade_date"),
            dates=tuple(day_of(day, field=f"/trade/dates/{place}") for place, day in enumerate(self.dates)),
            quantity_t=self.quantity_t,
            day_count=None if self.day_count is None else DayCount(self.day_count),
            other_unit=None if self.other_unit is None else Unit.parse(self.other_unit),
            option_type=None if self.option_type is None else OptionType(self.option_type),
            price_currency=None if self.price_currency is None else Currency(self.price_currency),
            vintage_risk=None if self.vintage_risk is None else RiskBearer(self.vintage_risk),
            surrender_risk=None if self.surrender_risk is None else RiskBearer(self.surrender_risk),
            master_agreement=self.master_agreement,
            derivatives_licence=self.derivatives_licence,
            buyer=_party(self.buyer, "buyer"),
            seller=_party(self.seller, "seller"),
            **decimals,
        )


def _party(party: TradingPartyIn | None, side: str) -> StructureParty | None:
    if party is None:
        return None
    return StructureParty.parse(party.code, name=party.name.strip(), field=f"/trade/{side}/code")


def _party_of(party: StructureParty | None) -> TradingPartyOut | None:
    return None if party is None else TradingPartyOut(code=party.code, name=party.name)


class StructureValueIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A structured trade and the day to value it on."""

    valuation_date: DayText
    trade: StructuredTradeIn


class StructurePartOut(Struct, frozen=True, kw_only=True):
    """One part of a value, in the currency of the trade; `figure` names it in the trace."""

    name: str
    label_zh: str
    label_en: str
    amount: str
    figure: str

    @classmethod
    def of(cls, part: StructurePart) -> "StructurePartOut":
        """Write a part."""
        return cls(
            name=part.name, label_zh=part.label_zh, label_en=part.label_en, amount=text_of(part.amount),
            figure=part.figure,
        )  # fmt: skip


class StructureLegOut(Struct, frozen=True, kw_only=True):
    """One forward price and discount factor a trade rests on, in `currency`; `curve` is empty on a flat rate."""

    unit: str
    day: str
    currency: str
    forward_per_t: str
    discount_factor: str
    curve: str
    level: int
    figure: str

    @classmethod
    def of(cls, leg: StructureLeg) -> "StructureLegOut":
        """Write a leg."""
        return cls(
            unit=str(leg.unit),
            day=leg.day.isoformat(),
            currency=leg.currency,
            forward_per_t=text_of(leg.forward_per_t),
            discount_factor=text_of(leg.discount_factor),
            curve=leg.curve,
            level=leg.level,
            figure=leg.figure,
        )


class StructureCautionOut(Struct, frozen=True, kw_only=True):
    """A reason not to take a value at its face."""

    code: str
    zh: str
    en: str


class StructureValueOut(Struct, frozen=True, kw_only=True):
    """The value of a structured trade to the organisation's side, on the stored curves and rates of a day.

    `decision_id` is null where nothing was kept. A trade that is marked `is_valuation_only` cannot be made; its
    first notes say why. `fair_price_per_t` is the price at which it would be worth nothing.
    """

    decision_id: str | None
    trade_id: str
    kind: str
    side: str
    buyer: TradingPartyOut | None
    seller: TradingPartyOut | None
    valuation_date: str
    known_at: str
    currency: str
    present_value: str
    cny_per_unit: str
    present_value_cny: str
    fair_price_per_t: str | None
    parts: list[StructurePartOut]
    legs: list[StructureLegOut]
    level: int
    is_sample: bool
    is_provisional: bool
    is_valuation_only: bool
    notes_zh: list[str]
    notes_en: list[str]
    cautions: list[StructureCautionOut]
    snapshot_digest: str
    curves_digest: str
    trace: list[FigureOut]

    @classmethod
    def of(cls, answer: StructureAnswer) -> "StructureValueOut":
        """Write a value."""
        value = answer.value
        return cls(
            decision_id=answer.decision_id,
            trade_id=answer.trade.trade_id,
            kind=value.kind,
            side=value.side,
            buyer=_party_of(answer.trade.buyer),
            seller=_party_of(answer.trade.seller),
            valuation_date=answer.valuation_date.isoformat(),
            known_at=answer.known_at.isoformat().replace("+00:00", "Z"),
            currency=value.currency,
            present_value=text_of(value.present_value),
            cny_per_unit=text_of(value.cny_per_unit),
            present_value_cny=text_of(value.present_value_cny),
            fair_price_per_t=optional_text_of(value.fair_price_per_t),
            parts=[StructurePartOut.of(part) for part in value.parts],
            legs=[StructureLegOut.of(leg) for leg in value.legs],
            level=value.level,
            is_sample=value.is_sample,
            is_provisional=value.is_provisional,
            is_valuation_only=answer.is_valuation_only,
            notes_zh=list(value.notes_zh),
            notes_en=list(value.notes_en),
            cautions=[StructureCautionOut(code=one.code, zh=one.zh, en=one.en) for one in value.cautions],
            snapshot_digest=value.snapshot_digest,
            curves_digest=value.curves_digest,
            trace=[FigureOut.of(figure) for figure in value.trace],
        )

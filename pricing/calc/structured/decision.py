"""The value of a structured trade as a decision: to one side, in both currencies, with trace and cautions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.units import Currency, to_decimal
from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure, Trace, checked_trace
from pricing.calc.instruments.terms import basis_notes
from pricing.calc.structured.cautions import StructureCaution, structure_cautions
from pricing.calc.structured.readings import Readings, StructureInputs
from pricing.calc.structured.trades import (
    DERIVATIVES,
    SIDE_LABELS,
    STRUCTURE_LABELS,
    Side,
    StructuredTrade,
    StructureKind,
    require_sound,
)
from pricing.calc.structured.values import Part, Worth, worth_of
from pricing.calc.tradability import LEGAL_BASIS, law_notes

PRESENT_VALUE_CNY = "present_value_cny"
_PRICE_PLACES, _FACTOR_PLACES = 6, 8
_VOLATILE_LEVEL = 3
_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureLeg:
    """One forward price and discount factor that a trade rests on.

    Attributes:
        curve: Futures curve, or currency of the curve along which spot was carried; empty on a flat rate.
        figure: Name of the price's figure in the trace.
    """

    unit: Unit
    day: date
    currency: Currency
    forward_per_t: Decimal
    discount_factor: Decimal
    curve: str
    level: int
    figure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StructurePart:
    """One part of the value to the organisation, in the currency of the trade."""

    name: str
    label_zh: str
    label_en: str
    amount: Decimal
    figure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureValue:
    """What a structured trade is worth to the organisation.

    Attributes:
        present_value: In the currency of the trade, the sum of the rounded parts.
        present_value_cny: The unrounded value times the exchange rate, rounded once.
        fair_price_per_t: Price at which it would be worth nothing; None where there is none.
        level: The weakest level of what it rests on; 3 where a volatility or correlation moves it.
        is_provisional: Whether a day lies past the known calendar.
        notes_zh: First why it cannot be traded, where it cannot.
        cautions: What the model does not say.
    """

    kind: StructureKind
    side: Side
    currency: Currency
    present_value: Decimal
    cny_per_unit: Decimal
    present_value_cny: Decimal
    fair_price_per_t: Decimal | None
    parts: tuple[StructurePart, ...]
    legs: tuple[StructureLeg, ...]
    level: int
    is_sample: bool
    is_provisional: bool
    notes_zh: tuple[str, ...]
    notes_en: tuple[str, ...]
    cautions: tuple[StructureCaution, ...]
    snapshot_digest: str
    curves_digest: str
    trace: Trace


def value_structure(inputs: StructureInputs) -> StructureValue:
    """Value a structured trade on the snapshot and curves of a day.

    Raises:
        InvalidInput: The trade cannot be, whatever the market says.
        NotApplicable: It is over, or not made yet.
        MissingData: A price, curve, volatility or correlation is not known; none is assumed.
    """
    trade = inputs.trade
    require_sound(trade, valuation_date=inputs.valuation_date)
    readings = Readings(inputs)
    worth = worth_of(trade, readings)
    cny_per_unit, rate_figure = readings.cny_per_unit()
    unrounded = trade.sign * sum(part.amount for part in worth.parts)
    parts = tuple(_part(trade, part) for part in worth.parts)
    value = sum((part.amount for part in parts), start=_NOTHING)
    value_cny = to_decimal(unrounded * cny_per_unit, places=2) + _NOTHING
    found = readings.forwards.values()
    notes_zh, notes_en = _notes(trade, readings)
    moved = bool(readings.assumed or readings.volatilities)
    return StructureValue(
        kind=trade.kind,
        side=trade.side,
        currency=trade.currency,
        present_value=value,
        cny_per_unit=Decimal(rate_figure.value),
        present_value_cny=value_cny,
        fair_price_per_t=None
        if worth.fair_price_per_t is None
        else to_decimal(worth.fair_price_per_t, places=_PRICE_PLACES) + _NOTHING,
        parts=parts,
        legs=_legs(readings),
        level=max(_VOLATILE_LEVEL if moved else 0, *(one.level for one in found)),
        is_sample=any(one.is_sample for one in found) or any(one.is_sample for one in readings.volatilities),
        is_provisional=any(one.provisional_after is not None for one in found),
        notes_zh=notes_zh,
        notes_en=notes_en,
        cautions=structure_cautions(trade, readings),
        snapshot_digest=readings.market.lines.digest,
        curves_digest="" if inputs.forwards is None else inputs.forwards.set_digest,
        trace=_trace(trade, readings, worth, value=value, value_cny=value_cny),
    )


def _part(trade: StructuredTrade, part: Part) -> StructurePart:
    zh, en = part.labels
    amount = to_decimal(trade.sign * part.amount, places=2) + _NOTHING
    return StructurePart(name=part.name, label_zh=zh, label_en=en, amount=amount, figure=f"part.{part.name}")


def _legs(readings: Readings) -> tuple[StructureLeg, ...]:
    legs = []
    for code, one in readings.forwards.items():
        unit, day, currency = code.rsplit(".", 2)
        legs.append(
            StructureLeg(
                unit=Unit.parse(unit), day=date.fromisoformat(day), currency=Currency(currency),
                forward_per_t=to_decimal(one.forward_per_t, places=_PRICE_PLACES) + _NOTHING,
                discount_factor=to_decimal(one.discount_factor, places=_FACTOR_PLACES),
                curve="" if one.point is None else one.point.price_curve, level=one.level,
                figure=f"leg.{code}.forward_per_t",
            )
        )  # fmt: skip
    return tuple(legs)


def _notes(trade: StructuredTrade, readings: Readings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Say first why the trade cannot be made, then what is known of the units' use."""
    snapshot = readings.inputs.snapshot
    law_zh, law_en = law_notes(snapshot.find_parameter(LEGAL_BASIS, scope=f"{trade.unit.scheme}.{trade.kind}"))
    papers_zh, papers_en = basis_notes(trade.basis, is_derivative=trade.kind in DERIVATIVES)
    said = []
    for code in readings.forwards:
        unit, day, _ = code.rsplit(".", 2)
        words = readings.market.lines.end_words(Unit.parse(unit), date.fromisoformat(day))
        said += [words] if words[0] and words not in said else []
    past = len(trade.dates) - sum(day > readings.inputs.valuation_date for day in trade.dates)
    if past:
        said.append((f"{past} 个日期已过，不再计入现值", f"{past} days have passed and are no longer in the value"))
    for value in readings.assumed:
        if not value.confirmed:
            said.append((f"{value.key}（{value.scope}）未确认", f"{value.key} ({value.scope}) is not confirmed"))
    return (
        (*law_zh, *papers_zh, *(zh for zh, _ in said)),
        (*law_en, *papers_en, *(en for _, en in said)),
    )


_TERM_FIGURES: Sequence[tuple[str, tuple[str, str], str]] = (
    ("quantity_t", ("数量", "quantity"), "t"),
    ("price_per_t", ("约定价格", "agreed price"), "{currency}/t"),
    ("rate", ("约定利率", "agreed rate"), "rate"),
    ("ratio", ("兑换比例", "ratio"), "ratio"),
    ("face_amount", ("面值", "face"), "{currency}"),
    ("link_reference_per_t", ("挂钩基准价", "reference price"), "{currency}/t"),
    ("link_slope_rate", ("挂钩斜率", "slope"), "rate"),
    ("link_floor_rate", ("挂钩下限", "floor"), "rate"),
    ("link_cap_rate", ("挂钩上限", "cap"), "rate"),
)


def _trace(trade: StructuredTrade, readings: Readings, worth: Worth, *, value: Decimal, value_cny: Decimal) -> Trace:
    """Give terms, readings, parts and the value in both currencies; every input stands before its use."""
    today = readings.inputs.valuation_date
    zh, en = STRUCTURE_LABELS[trade.kind]
    side_zh, side_en = SIDE_LABELS[trade.kind][trade.side is Side.SELLER]
    day = Figure(
        name="valuation_date", label_zh="估值日", label_en="valuation date", value=today.isoformat(), unit="date",
        source=f"行情快照 {readings.market.lines.digest}",
    )  # fmt: skip
    terms = [
        Figure(
            name=name, label_zh=labels[0], label_en=labels[1], value=format(Decimal(getattr(trade, name)), "f"),
            unit=unit.format(currency=trade.currency), source=f"{zh} {trade.trade_id}",
        )
        for name, labels, unit in _TERM_FIGURES
        if getattr(trade, name) is not None
    ]  # fmt: skip
    parties = [
        Figure(
            name=name, label_zh=f"{words[0]}", label_en=words[1], value=party.code, unit="code",
            source=f"{zh} {trade.trade_id}", note_zh=party.name, note_en=party.name,
        )
        for name, words, party in zip(
            ("buyer", "seller"), SIDE_LABELS[trade.kind], (trade.buyer, trade.seller), strict=True
        )
        if party is not None
    ]  # fmt: skip
    parts = [
        Figure(
            name=f"part.{part.name}", label_zh=part.labels[0], label_en=part.labels[1], unit=trade.currency,
            value=format(to_decimal(trade.sign * part.amount, places=2) + _NOTHING, "f"),
            formula=part.formula if trade.sign > 0 else _turned(part.formula), inputs=part.inputs,
            note_zh=f"{zh}，{side_zh}", note_en=f"{en}, {side_en}",
        )
        for part in worth.parts
    ]  # fmt: skip
    total = Figure(
        name="present_value", label_zh="现值（原币）", label_en="present value in its currency", unit=trade.currency,
        value=format(value, "f"), formula="sum of rounded parts", inputs=tuple(part.name for part in parts),
    )  # fmt: skip
    total_cny = Figure(
        name=PRESENT_VALUE_CNY, label_zh="现值", label_en="present value", unit="CNY", value=format(value_cny, "f"),
        formula="round_half_up(present_value * cny_per_unit, 2), unrounded inside",
        inputs=("present_value", "cny_per_unit"),
    )  # fmt: skip
    return checked_trace([day, *parties, *terms, *readings.figures.values(), *parts, total, total_cny])


def _turned(formula: str) -> str:
    """Write a formula of the buyer's value as the seller's."""
    return formula[1:] if formula.startswith("-") else f"-({formula})"


STRUCTURE_VALUE: DecisionKind[StructureInputs, StructureValue] = DecisionKind(
    name="pricing.structure", version="1", inputs=StructureInputs, outputs=StructureValue, decide=value_structure
)

"""Shapes of a curve: figures at its nodes, the quotes it was built of, and what it rests on."""

from decimal import Decimal

from msgspec import Struct

from carbonfin.kernel.units import to_decimal
from pricing.calc.curves.origins import CurveInput
from pricing.calc.curves.reading import CURVE_KIND_LABELS, INTERPOLATION_LABELS, CurveFigures
from pricing.schemas.figures import optional_text_of, text_of
from pricing.service import CurveAnswer

_RESIDUAL_PLACES = 18


class CurveNodeOut(Struct, frozen=True, kw_only=True):
    """A node: what the curve gives for its day; null is what its kind does not give."""

    date: str
    years: str
    discount_factor: str | None
    zero_rate: str | None
    forward_price_per_t: str | None
    net_carry_rate: str | None
    exchange_rate: str | None

    @classmethod
    def of(cls, figures: CurveFigures) -> "CurveNodeOut":
        """Write a node."""
        return cls(
            date=figures.day.isoformat(),
            years=text_of(figures.years),
            discount_factor=optional_text_of(figures.discount_factor),
            zero_rate=optional_text_of(figures.zero_rate),
            forward_price_per_t=optional_text_of(figures.forward_price_per_t),
            net_carry_rate=optional_text_of(figures.net_carry_rate),
            exchange_rate=optional_text_of(figures.exchange_rate),
        )


class CurveInputOut(Struct, frozen=True, kw_only=True):
    """A quote the curve was built of, and by how much the curve misses it, in the quote's own unit."""

    name: str
    point: str
    quote_date: str
    node_date: str
    value: str
    residual: str
    source: str
    document: str
    grade: str
    is_sample: bool

    @classmethod
    def of(cls, item: CurveInput) -> "CurveInputOut":
        """Write an input."""
        quote = item.quote
        residual: Decimal = to_decimal(item.residual, places=_RESIDUAL_PLACES)
        return cls(
            name=quote.name,
            point=quote.point,
            quote_date=quote.quote_date.isoformat(),
            node_date=item.node_date.isoformat(),
            value=text_of(quote.value),
            residual=text_of(residual),
            source=quote.source,
            document=quote.document,
            grade=quote.grade,
            is_sample=quote.is_sample,
        )


class CurveOut(Struct, frozen=True, kw_only=True):
    """A curve of one day.

    Between nodes it is read as `interpolation` says, in days over 365. `set_digest` names all curves of the day, and
    `quotes_digest` the quotes of the day.
    """

    kind: str
    label_zh: str
    label_en: str
    name: str
    currency: str
    valuation_date: str
    known_at: str
    interpolation: str
    interpolation_zh: str
    interpolation_en: str
    phases: list[str]
    first_date: str
    last_date: str
    provisional_after: str | None
    nodes: list[CurveNodeOut]
    inputs: list[CurveInputOut]
    superseded: list[str]
    made_of: list[str]
    unconfirmed: list[str]
    carry_note_zh: str | None
    carry_note_en: str | None
    sources: list[str]
    is_sample: bool
    set_digest: str
    quotes_digest: str

    @classmethod
    def of(cls, answer: CurveAnswer) -> "CurveOut":
        """Write a curve."""
        reading = answer.reading
        label_zh, label_en = CURVE_KIND_LABELS[reading.kind]
        read_zh, read_en = INTERPOLATION_LABELS[reading.interpolation]
        note_zh, note_en = reading.carry_note or (None, None)
        return cls(
            kind=reading.kind,
            label_zh=label_zh,
            label_en=label_en,
            name=reading.name,
            currency=reading.currency,
            valuation_date=answer.valuation_date.isoformat(),
            known_at=answer.known_at.isoformat().replace("+00:00", "Z"),
            interpolation=reading.interpolation,
            interpolation_zh=read_zh,
            interpolation_en=read_en,
            phases=list(reading.phases),
            first_date=reading.first_day.isoformat(),
            last_date=reading.horizon.isoformat(),
            provisional_after=None if reading.provisional_after is None else reading.provisional_after.isoformat(),
            nodes=[CurveNodeOut.of(figures) for figures in reading.nodes],
            inputs=[CurveInputOut.of(item) for item in reading.inputs],
            superseded=list(reading.superseded),
            made_of=list(reading.origin.made_of),
            unconfirmed=list(reading.origin.unconfirmed),
            carry_note_zh=note_zh,
            carry_note_en=note_en,
            sources=list(reading.sources),
            is_sample=reading.is_sample,
            set_digest=answer.set_digest,
            quotes_digest=answer.quotes_digest,
        )

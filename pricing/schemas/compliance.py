"""Shapes of compliance values: holdings set against obligations by date."""

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.kernel.allowances import Holding, Scheme, Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.web.wire import DayText, FigureOut, IdText, QuantityT, UnitText, UsciText, day_of
from pricing.calc.compliance import HoldingValue, ObligationDraft, Shortfall, Surrender
from pricing.schemas.figures import optional_text_of, text_of
from pricing.service import ComplianceAnswer

_ITEMS_MAX = 500
SchemeText = Annotated[
    str, Meta(pattern=r"^[A-Z]{2,8}$", description="Scheme whose allowances are owed: CEA, SZA.", examples=["CEA"])
]


def scheme_of(text: str, *, field: str) -> Scheme:
    """Read a scheme.

    Raises:
        InvalidInput: There is no such scheme.
    """
    if text not in Scheme.__members__:
        raise InvalidInput(
            f"{text!r} is no scheme",
            zh=f"“{text}”不是已知的品种",
            field=field,
            remedy="Write one of " + ", ".join(Scheme) + ".",
            remedy_zh="可用的品种：" + "、".join(Scheme) + "。",
        )
    return Scheme(text)


class HoldingIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Allowances held: scheme and vintage."""

    unit: UnitText
    quantity_t: QuantityT


class ObligationIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Units still owed for a compliance year; without a surrender date the dated rule of the scheme is taken."""

    scheme: SchemeText
    year: Annotated[int, Meta(ge=2013, le=2100, description="Compliance year (履约年度).")]
    quantity_t: QuantityT
    surrender_date: DayText | None = None


class NetSalesIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tonnes of a scheme sold less bought in the window of its carry-over rule."""

    scheme: SchemeText
    quantity_t: Annotated[int, Meta(ge=-1_000_000_000, le=1_000_000_000, description="Negative where more was bought.")]


class ComplianceValueIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to value for compliance: a stored portfolio's spot holdings or holdings given here, against obligations.

    With `party` the obligations are those of that emitter's compliance position.
    """

    valuation_date: DayText
    portfolio_id: IdText | None = None
    holdings: Annotated[list[HoldingIn], Meta(min_length=1, max_length=_ITEMS_MAX)] | None = None
    obligations: Annotated[list[ObligationIn], Meta(max_length=_ITEMS_MAX)] = []
    party: UsciText | None = None
    net_sales: Annotated[list[NetSalesIn], Meta(max_length=_ITEMS_MAX)] = []

    def held(self) -> tuple[Holding, ...]:
        """Give the holdings as values.

        Raises:
            InvalidInput: A unit cannot be.
        """
        return tuple(Holding(unit=Unit.parse(one.unit), quantity_t=one.quantity_t) for one in self.holdings or ())

    def owed(self) -> tuple[ObligationDraft, ...]:
        """Give the obligations as values.

        Raises:
            InvalidInput: A scheme or a day is not known.
        """
        return tuple(
            ObligationDraft(
                scheme=scheme_of(one.scheme, field=f"/obligations/{place}/scheme"),
                year=one.year,
                quantity_t=one.quantity_t,
                surrender_date=_day(one.surrender_date, f"/obligations/{place}/surrender_date"),
            )
            for place, one in enumerate(self.obligations)
        )

    def sold(self) -> dict[Scheme, int]:
        """Give the net sales by scheme.

        Raises:
            InvalidInput: A scheme is not known, or stands twice.
        """
        found: dict[Scheme, int] = {}
        for place, one in enumerate(self.net_sales):
            scheme = scheme_of(one.scheme, field=f"/net_sales/{place}/scheme")
            if scheme in found:
                raise InvalidInput(
                    f"net sales of {scheme} stand twice", zh=f"{scheme} 的净卖出量重复",
                    field=f"/net_sales/{place}/scheme", remedy="Add them up.", remedy_zh="请合并为一条。",
                )  # fmt: skip
            found[scheme] = one.quantity_t
        return found


def _day(text: str | None, field: str) -> date | None:
    return None if text is None else day_of(text, field=field)


class HoldingValueOut(Struct, frozen=True, kw_only=True):
    """What a holding is worth for compliance; null where nobody can tell, with the reason."""

    unit: str
    quantity_t: int
    state: str
    last_usable_date: str | None
    price_cny_per_t: str | None
    surrendered_t: int
    carried_t: int
    lapsed_t: int
    value_cny: str | None
    reason_zh: str
    reason_en: str

    @classmethod
    def of(cls, one: HoldingValue, answer: ComplianceAnswer) -> "HoldingValueOut":
        """Write the value of a holding."""
        last = answer.market.uses[one.unit].last_usable
        return cls(
            unit=str(one.unit),
            quantity_t=one.quantity_t,
            state=one.state,
            last_usable_date=None if last is None else last.value,
            price_cny_per_t=optional_text_of(answer.market.prices_cny_per_t.get(one.unit)),
            surrendered_t=one.surrendered_t,
            carried_t=one.carried_t,
            lapsed_t=one.lapsed_t,
            value_cny=optional_text_of(one.value_cny),
            reason_zh=one.reason_zh,
            reason_en=one.reason_en,
        )


class SurrenderOut(Struct, frozen=True, kw_only=True):
    """Tonnes of one unit set against the obligation of a year."""

    unit: str
    year: int
    quantity_t: int

    @classmethod
    def of(cls, one: Surrender) -> "SurrenderOut":
        """Write a surrender."""
        return cls(unit=str(one.unit), year=one.year, quantity_t=one.quantity_t)


class ShortfallOut(Struct, frozen=True, kw_only=True):
    """Tonnes an obligation lacks: what they cost to buy, and the least and most that the fine may be."""

    scheme: str
    year: int
    surrender_date: str
    quantity_t: int
    purchase_cny: str | None
    penalty_low_cny: str | None
    penalty_high_cny: str | None

    @classmethod
    def of(cls, one: Shortfall) -> "ShortfallOut":
        """Write a shortfall."""
        low, high = one.penalty_cny or (None, None)
        return cls(
            scheme=one.obligation.scheme,
            year=one.obligation.year,
            surrender_date=one.obligation.surrender_date.isoformat(),
            quantity_t=one.quantity_t,
            purchase_cny=optional_text_of(one.purchase_cny),
            penalty_low_cny=optional_text_of(low),
            penalty_high_cny=optional_text_of(high),
        )


class ComplianceValueOut(Struct, frozen=True, kw_only=True):
    """Holdings set against obligations by date, with the whole trace; holdings without a value are in no sum."""

    valuation_date: str
    known_at: str
    value_cny: str
    without_value_count: int
    holdings: list[HoldingValueOut]
    surrenders: list[SurrenderOut]
    shortfalls: list[ShortfallOut]
    is_sample: bool
    snapshot_digest: str
    trace: list[FigureOut]

    @classmethod
    def of(cls, answer: ComplianceAnswer) -> "ComplianceValueOut":
        """Write a compliance value."""
        return cls(
            valuation_date=answer.valuation_date.isoformat(),
            known_at=answer.known_at.isoformat().replace("+00:00", "Z"),
            value_cny=text_of(answer.total_cny),
            without_value_count=answer.without_value_count,
            holdings=[HoldingValueOut.of(one, answer) for one in answer.value.holdings],
            surrenders=[SurrenderOut.of(one) for one in answer.value.surrenders],
            shortfalls=[ShortfallOut.of(one) for one in answer.value.shortfalls],
            is_sample=answer.is_sample,
            snapshot_digest=answer.snapshot_digest,
            trace=[FigureOut.of(figure) for figure in answer.trace],
        )

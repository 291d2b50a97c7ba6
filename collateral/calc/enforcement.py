"""Enforcement of a pledge (违约处置): a sale within the price band, and its proceeds shared out to the fen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import cny, round_down, round_up
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.record import ADDED_LATER, DecisionKind
from carbonfin.rules.trace import Figure
from collateral.calc.agreements import UnitQuantity
from collateral.calc.coverage import PriceUsed
from collateral.calc.figures import FigureList
from collateral.calc.refusals import Refusal


class SaleMethod(StrEnum):
    """How pledged units are sold."""

    AUCTION = "auction"
    NEGOTIATED = "negotiated"


METHOD_NAMES: Mapping[SaleMethod, tuple[str, str]] = {
    SaleMethod.AUCTION: ("拍卖（单向竞价）", "auction"),
    SaleMethod.NEGOTIATED: ("协议转让", "negotiated transfer"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LotSold:
    """Tonnes of one unit sold at a price."""

    unit: Unit
    quantity_t: int
    price_cny_per_t: Decimal

    def __post_init__(self) -> None:
        """Refuse nothing sold and a price that is not positive or finer than the fen."""
        if self.quantity_t <= 0 or self.price_cny_per_t <= 0 or self.price_cny_per_t != cny(self.price_cny_per_t):
            raise InvalidInput(
                f"{self.unit}: {self.quantity_t} t at {self.price_cny_per_t} is no sale",
                zh=f"{self.unit} 的成交数量和价格须为正数，价格最多两位小数",
                field="lots",
            )

    @property
    def proceeds_cny(self) -> Decimal:
        """Quantity times price, to the fen."""
        return cny(self.quantity_t * self.price_cny_per_t)


def band_floor(reference: PriceUsed, band: ParameterValue) -> Decimal:
    """Give the lowest price of a band, p·(1 − b), rounded up to the fen so that none below the band passes."""
    return round_up(reference.price_cny_per_t * (1 - band.decimal), 2)


def band_cap(reference: PriceUsed, band: ParameterValue) -> Decimal:
    """Give the highest price of a band, p·(1 + b), rounded down to the fen."""
    return round_down(reference.price_cny_per_t * (1 + band.decimal), 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class BandedLot:
    """A lot with the price its band is measured from, and the band as a ratio of that price.

    Attributes:
        buyer: Who bought it, where the units went to several buyers; None where the sale has one.
    """

    lot: LotSold
    reference: PriceUsed
    band: ParameterValue
    buyer: str | None = field(default=None, metadata=ADDED_LATER)

    @property
    def floor_cny_per_t(self) -> Decimal:
        """Lowest price within the band, rounded up to the fen."""
        return band_floor(self.reference, self.band)

    @property
    def cap_cny_per_t(self) -> Decimal:
        """Highest price within the band, rounded down to the fen."""
        return band_cap(self.reference, self.band)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleInputs:
    """Everything a sale hangs on.

    Attributes:
        pledged: What is pledged; what is not sold goes back only once the claim is met.
        buyer: Who bought, each once where the units went to several.
        rights: The dated answers that let each buyer hold the units there.
        claim_cny: What is owed on the day of the sale, costs of the sale left out.
    """

    agreement_code: str
    valuation_date: date
    method: SaleMethod
    buyer: str
    lots: tuple[BandedLot, ...]
    pledged: tuple[UnitQuantity, ...]
    rights: tuple[ParameterValue, ...]
    claim_cny: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleOutcome:
    """What a sale brings and every reason against it."""

    proceeds_cny: Decimal
    units_left: tuple[UnitQuantity, ...]
    refusals: tuple[Refusal, ...]
    unconfirmed: tuple[str, ...]
    trace: tuple[Figure, ...]


def decide_sale(inputs: SaleInputs) -> SaleOutcome:
    """Hold each price against its band and each quantity against the pledge, and add up the proceeds."""
    figures = FigureList()
    refusals: list[Refusal] = []
    labels = lot_labels([str(one.lot.unit) for one in inputs.lots])
    names = [_lot_figures(one, label, figures, refusals) for one, label in zip(inputs.lots, labels, strict=True)]
    refusals.extend(_more_than_pledged(inputs))
    proceeds_cny = sum((one.lot.proceeds_cny for one in inputs.lots), Decimal("0.00"))
    figures.result("proceeds", ("处置价款", "Proceeds"), proceeds_cny, "CNY", "Σ q·p", inputs=names)
    claim = figures.fact("claim", ("成交日债权", "Claim on the day"), inputs.claim_cny, "CNY", "贷款台账")
    for answer in inputs.rights:
        figures.parameter(f"right_{answer.scope.replace('/', '_')}", answer)
    left = units_left(inputs.pledged, tuple(one.lot for one in inputs.lots))
    if left and proceeds_cny < inputs.claim_cny:
        refusals.append(
            Refusal(
                code="units-left-with-claim-unmet",
                detail=f"proceeds {proceeds_cny} do not meet the claim {inputs.claim_cny} and units are left unsold",
                zh=f"处置价款 {proceeds_cny} 元不足以清偿债权 {inputs.claim_cny} 元，且尚有配额未处置",
            )
        )
    figures.result(
        "decision", ("结论", "Finding"), "refused" if refusals else "acceptable", "code",
        "no reason stands against it", inputs=("proceeds", claim),
        note_zh="；".join(one.zh for one in refusals), note_en="; ".join(one.detail for one in refusals),
    )  # fmt: skip
    return SaleOutcome(
        proceeds_cny=proceeds_cny, units_left=left, refusals=tuple(refusals), unconfirmed=figures.unconfirmed(),
        trace=figures.trace(),
    )  # fmt: skip


def units_left(pledged: tuple[UnitQuantity, ...], sold: tuple[LotSold, ...]) -> tuple[UnitQuantity, ...]:
    """Give what of the pledged units is not sold."""
    gone: dict[Unit, int] = {}
    for lot in sold:
        gone[lot.unit] = gone.get(lot.unit, 0) + lot.quantity_t
    left = ((one.unit, one.quantity_t - gone.get(one.unit, 0)) for one in pledged)
    return tuple(UnitQuantity(unit=unit, quantity_t=quantity_t) for unit, quantity_t in left if quantity_t > 0)


def lot_labels(units: Sequence[str]) -> tuple[str, ...]:
    """Tell lots apart in a trace: by their unit, and by their place among the lots of it where it has several."""
    places = dict[str, int]()
    labels = []
    for unit in units:
        places[unit] = places.get(unit, 0) + 1
        labels.append(f"{unit}_{places[unit]}" if units.count(unit) > 1 else unit)
    return tuple(labels)


def _more_than_pledged(inputs: SaleInputs) -> list[Refusal]:
    """Refuse each unit of which all lots together are more than is pledged."""
    found = []
    for unit in dict.fromkeys(one.lot.unit for one in inputs.lots):
        sold_t = sum(one.lot.quantity_t for one in inputs.lots if one.lot.unit == unit)
        pledged_t = sum(held.quantity_t for held in inputs.pledged if held.unit == unit)
        if sold_t > pledged_t:
            found.append(
                Refusal(
                    code="more-than-pledged",
                    detail=f"{unit}: {sold_t} t sold, {pledged_t} t pledged",
                    zh=f"{unit} 成交 {sold_t} 吨，质押 {pledged_t} 吨",
                )
            )
    return found


def _lot_figures(one: BandedLot, label: str, figures: FigureList, refusals: list[Refusal]) -> str:
    unit, lot = one.lot.unit, one.lot
    if not one.floor_cny_per_t <= lot.price_cny_per_t <= one.cap_cny_per_t:
        refusals.append(
            Refusal(
                code="price-outside-band",
                detail=f"{unit}: {lot.price_cny_per_t} lies outside {one.floor_cny_per_t} to {one.cap_cny_per_t}",
                zh=f"{unit} 成交价 {lot.price_cny_per_t} 元不在 {one.floor_cny_per_t} 至 {one.cap_cny_per_t} 元之间",
            )
        )
    reference = figures.fact(
        f"reference_{label}", (f"{unit} 参考价", f"{unit} reference price"), one.reference.price_cny_per_t, "CNY/t",
        f"{one.reference.source} {one.reference.price_date}",
    )  # fmt: skip
    band = figures.parameter(f"band_{label}", one.band)
    figures.result(
        f"floor_{label}", (f"{unit} 价格下限", f"{unit} lowest price"), one.floor_cny_per_t, "CNY/t",
        "reference·(1−band), rounded up", inputs=(reference, band),
    )  # fmt: skip
    figures.result(
        f"cap_{label}", (f"{unit} 价格上限", f"{unit} highest price"), one.cap_cny_per_t, "CNY/t",
        "reference·(1+band), rounded down", inputs=(reference, band),
    )  # fmt: skip
    price = figures.fact(
        f"price_{label}", (f"{unit} 成交价", f"{unit} price sold at"), lot.price_cny_per_t, "CNY/t", "成交凭证"
    )
    if one.buyer is not None:
        figures.fact(f"buyer_{label}", (f"{unit} 买方", f"{unit} buyer"), one.buyer, "text", "成交凭证")
    quantity = figures.fact(f"sold_{label}", (f"{unit} 成交数量", f"{unit} sold"), lot.quantity_t, "t", "成交凭证")
    return figures.result(
        f"proceeds_{label}", (f"{unit} 价款", f"{unit} proceeds"), lot.proceeds_cny, "CNY", "q·p",
        inputs=(quantity, price),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionInputs:
    """What is shared out, and to whom in which order.

    Attributes:
        proceeds_cny: What the sale brought.
        costs_cny: Costs of the enforcement.
        interest_cny: Accrued interest owed.
        principal_cny: Principal owed.
    """

    agreement_code: str
    business_date: date
    proceeds_cny: Decimal
    costs_cny: Decimal
    interest_cny: Decimal
    principal_cny: Decimal

    def __post_init__(self) -> None:
        """Refuse negative amounts and fractions of a fen."""
        for name in ("proceeds_cny", "costs_cny", "interest_cny", "principal_cny"):
            value: Decimal = getattr(self, name)
            if value < 0 or value != cny(value):
                raise InvalidInput(f"{name} is {value}", zh="金额不能为负，且最多两位小数", field=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One step of the waterfall: what is owed, what is paid, what stays open."""

    name: str
    label_zh: str
    label_en: str
    owed_cny: Decimal
    paid_cny: Decimal

    @property
    def open_cny(self) -> Decimal:
        """What stays a claim."""
        return self.owed_cny - self.paid_cny


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionOutcome:
    """Who gets what: costs, interest, principal, then the pledgor; what is not met stays a claim."""

    shares: tuple[Share, ...]
    surplus_cny: Decimal
    shortfall_cny: Decimal
    trace: tuple[Figure, ...] = field(default=())

    @property
    def open_by_name(self) -> Mapping[str, Decimal]:
        """What stays open of costs, interest and principal."""
        return {one.name: one.open_cny for one in self.shares}


WATERFALL_NAMES: Mapping[str, tuple[str, str]] = {
    "costs": ("处置费用", "Costs"),
    "interest": ("应计利息", "Interest"),
    "principal": ("贷款本金", "Principal"),
}
"""In the order in which they are paid."""


def decide_distribution(inputs: DistributionInputs) -> DistributionOutcome:
    """Pay costs, interest and principal in that order; the rest belongs to the pledgor, never to the bank."""
    figures = FigureList()
    left_cny = inputs.proceeds_cny
    before = figures.fact("proceeds", ("处置价款", "Proceeds"), left_cny, "CNY", "成交凭证")
    owed = {"costs": inputs.costs_cny, "interest": inputs.interest_cny, "principal": inputs.principal_cny}
    shares = []
    for name, (zh, en) in WATERFALL_NAMES.items():
        paid_cny = min(owed[name], left_cny)
        left_cny -= paid_cny
        source = "费用凭证" if name == "costs" else f"贷款台账 {inputs.business_date}"
        due = figures.fact(f"{name}_owed", (f"应付{zh}", f"{en} owed"), owed[name], "CNY", source)
        paid = figures.result(
            f"{name}_paid", (f"清偿{zh}", f"{en} paid"), paid_cny, "CNY", "min(owed, what is left)",
            inputs=(due, before),
        )  # fmt: skip
        before = figures.result(
            f"left_after_{name}", (f"清偿{zh}后余额", f"Left after {en.lower()}"), left_cny, "CNY", "left − paid",
            inputs=(before, paid),
        )  # fmt: skip
        shares.append(Share(name=name, label_zh=zh, label_en=en, owed_cny=owed[name], paid_cny=paid_cny))
    figures.result(
        "surplus", ("退还出质人", "Surplus to the pledgor"), left_cny, "CNY", "what is left", inputs=(before,)
    )
    shortfall_cny = sum((one.open_cny for one in shares), Decimal("0.00"))
    figures.result(
        "shortfall", ("未受清偿债权", "Shortfall"), shortfall_cny, "CNY", "owed − paid",
        inputs=[name for one in shares for name in (f"{one.name}_owed", f"{one.name}_paid")],
    )  # fmt: skip
    assert sum((one.paid_cny for one in shares), left_cny) == inputs.proceeds_cny, "sources are uses, to the fen"
    return DistributionOutcome(
        shares=tuple(shares), surplus_cny=left_cny, shortfall_cny=shortfall_cny, trace=figures.trace()
    )


SALE = DecisionKind(name="collateral.sale", version="1", inputs=SaleInputs, outputs=SaleOutcome, decide=decide_sale)
DISTRIBUTION = DecisionKind(
    name="collateral.distribution", version="1", inputs=DistributionInputs, outputs=DistributionOutcome,
    decide=decide_distribution,
)  # fmt: skip

"""The means of an enforcement (处置方式): auction or negotiated transfer, with the band a price must keep to."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.units import cny
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.record import DecisionKind
from carbonfin.rules.trace import Figure
from collateral.calc.coverage import PriceUsed
from collateral.calc.enforcement import SaleMethod, band_cap, band_floor
from collateral.calc.figures import FigureList


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitForSale:
    """What is pledged of one unit, with the price its band is measured from."""

    unit: Unit
    quantity_t: int
    reference: PriceUsed
    band: ParameterValue


@dataclass(frozen=True, slots=True, kw_only=True)
class MeansInputs:
    """Everything the choice of means is shown with; `claim_cny` is owed on the day, without the costs of the sale."""

    agreement_code: str
    valuation_date: date
    method: SaleMethod
    units: tuple[UnitForSale, ...]
    claim_cny: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitBand:
    """The lowest and highest price of one unit on the day, and what all of it brings at each."""

    unit: Unit
    quantity_t: int
    reference_cny_per_t: Decimal
    floor_cny_per_t: Decimal
    cap_cny_per_t: Decimal
    floor_proceeds_cny: Decimal
    cap_proceeds_cny: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class MeansOutcome:
    """The bands of the day; `gap_cny` is what of the claim the lowest prices would leave unmet."""

    bands: tuple[UnitBand, ...]
    floor_proceeds_cny: Decimal
    cap_proceeds_cny: Decimal
    gap_cny: Decimal
    unconfirmed: tuple[str, ...]
    trace: tuple[Figure, ...]


def weigh_means(inputs: MeansInputs) -> MeansOutcome:
    """Give each unit's band, Σ q·floor and Σ q·cap, and max(0, claim − Σ q·floor)."""
    figures = FigureList()
    bands = tuple(_band(one, figures) for one in inputs.units)
    floor_cny = sum((one.floor_proceeds_cny for one in bands), Decimal("0.00"))
    cap_cny = sum((one.cap_proceeds_cny for one in bands), Decimal("0.00"))
    gap_cny = max(Decimal("0.00"), inputs.claim_cny - floor_cny)
    figures.result(
        "floor_proceeds", ("按下限成交价款", "Proceeds at the lowest prices"), floor_cny, "CNY", "Σ q·floor",
        inputs=[f"floor_proceeds_{one.unit}" for one in bands],
    )  # fmt: skip
    figures.result(
        "cap_proceeds", ("按上限成交价款", "Proceeds at the highest prices"), cap_cny, "CNY", "Σ q·cap",
        inputs=[f"cap_proceeds_{one.unit}" for one in bands],
    )  # fmt: skip
    claim = figures.fact("claim", ("当日债权", "Claim on the day"), inputs.claim_cny, "CNY", "贷款台账")
    figures.result(
        "gap", ("下限成交时未受清偿", "Unmet at the lowest prices"), gap_cny, "CNY", "max(0, claim − Σ q·floor)",
        inputs=("floor_proceeds", claim),
    )  # fmt: skip
    return MeansOutcome(
        bands=bands, floor_proceeds_cny=floor_cny, cap_proceeds_cny=cap_cny, gap_cny=gap_cny,
        unconfirmed=figures.unconfirmed(), trace=figures.trace(),
    )  # fmt: skip


def _band(one: UnitForSale, figures: FigureList) -> UnitBand:
    unit = one.unit
    price = one.reference.price_cny_per_t
    found = UnitBand(
        unit=unit,
        quantity_t=one.quantity_t,
        reference_cny_per_t=price,
        floor_cny_per_t=band_floor(one.reference, one.band),
        cap_cny_per_t=band_cap(one.reference, one.band),
        floor_proceeds_cny=cny(one.quantity_t * band_floor(one.reference, one.band)),
        cap_proceeds_cny=cny(one.quantity_t * band_cap(one.reference, one.band)),
    )
    reference = figures.fact(
        f"reference_{unit}", (f"{unit} 参考价", f"{unit} reference price"), price, "CNY/t",
        f"{one.reference.source} {one.reference.price_date}",
    )  # fmt: skip
    band = figures.parameter(f"band_{unit}", one.band)
    quantity = figures.fact(f"pledged_{unit}", (f"{unit} 质押数量", f"{unit} pledged"), one.quantity_t, "t", "押品台账")
    for name, zh, en, limit, proceeds, formula in (
        ("floor", "下限", "lowest", found.floor_cny_per_t, found.floor_proceeds_cny, "reference·(1−band), rounded up"),
        ("cap", "上限", "highest", found.cap_cny_per_t, found.cap_proceeds_cny, "reference·(1+band), rounded down"),
    ):
        price_name = figures.result(
            f"{name}_{unit}", (f"{unit} 价格{zh}", f"{unit} {en} price"), limit, "CNY/t", formula,
            inputs=(reference, band),
        )  # fmt: skip
        figures.result(
            f"{name}_proceeds_{unit}", (f"{unit} 按{zh}价款", f"{unit} proceeds at the {en} price"), proceeds, "CNY",
            "q·p", inputs=(quantity, price_name),
        )  # fmt: skip
    return found


SALE_MEANS = DecisionKind(
    name="collateral.sale_means", version="1", inputs=MeansInputs, outputs=MeansOutcome, decide=weigh_means
)

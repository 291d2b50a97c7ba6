"""Emissions of one year from electricity and fuels, part by part.

Rounding: parts 2 places half up, the company in whole tonnes half up (企业温室气体排放核算与报告指南 钢铁行业).
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.trace import Figure
from loans.calc.rounding import half_up

CARBON_TO_CO2 = Fraction(44, 12)


class Fuel(StrEnum):
    """Fuels whose default factors the guide prints."""

    ANTHRACITE = "anthracite"
    BITUMINOUS_COAL = "bituminous_coal"
    LIGNITE = "lignite"
    COKE = "coke"
    CRUDE_OIL = "crude_oil"
    FUEL_OIL = "fuel_oil"
    PETROL = "petrol"
    DIESEL = "diesel"
    KEROSENE = "kerosene"
    LIQUEFIED_NATURAL_GAS = "liquefied_natural_gas"
    LIQUEFIED_PETROLEUM_GAS = "liquefied_petroleum_gas"
    NATURAL_GAS = "natural_gas"
    COKE_OVEN_GAS = "coke_oven_gas"


FUEL_NAMES_ZH: dict[Fuel, str] = {
    Fuel.ANTHRACITE: "无烟煤",
    Fuel.BITUMINOUS_COAL: "烟煤",
    Fuel.LIGNITE: "褐煤",
    Fuel.COKE: "焦炭",
    Fuel.CRUDE_OIL: "原油",
    Fuel.FUEL_OIL: "燃料油",
    Fuel.PETROL: "汽油",
    Fuel.DIESEL: "柴油",
    Fuel.KEROSENE: "煤油",
    Fuel.LIQUEFIED_NATURAL_GAS: "液化天然气",
    Fuel.LIQUEFIED_PETROLEUM_GAS: "液化石油气",
    Fuel.NATURAL_GAS: "天然气",
    Fuel.COKE_OVEN_GAS: "焦炉煤气",
}
GASES = frozenset({Fuel.NATURAL_GAS, Fuel.COKE_OVEN_GAS})


def fuel_name_en(fuel: Fuel) -> str:
    """Give the English name of a fuel."""
    return fuel.value.replace("_", " ").capitalize()


def fuel_quantity_unit(fuel: Fuel) -> str:
    """Give the unit a fuel is counted in: tonnes of fuel, or 10^4 Nm3 of a gas."""
    return "10^4 Nm3" if fuel in GASES else "t fuel"


@dataclass(frozen=True, slots=True, kw_only=True)
class FuelUse:
    """Fuel burnt in a year: tonnes, or 10^4 Nm3 (万标准立方米) of a gas."""

    fuel: Fuel
    quantity: Decimal

    def __post_init__(self) -> None:
        """Refuse a negative quantity."""
        _not_negative(self.quantity, field=f"fuels/{self.fuel}", label=FUEL_NAMES_ZH[self.fuel])


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityYear:
    """Energy an enterprise used in one calendar year.

    Attributes:
        year: Calendar year.
        electricity_mwh: Purchased electricity; None is not known, which is not zero.
        traded_green_mwh: Part of it bought as market-traded green power; listed, not deducted.
        fuels: Fuels burnt.
        source: Where the figures come from.
    """

    year: int
    electricity_mwh: Decimal | None
    traded_green_mwh: Decimal | None
    fuels: tuple[FuelUse, ...]
    source: str

    def __post_init__(self) -> None:
        """Refuse negative quantities, a fuel named twice and more green power than power."""
        _not_negative(self.electricity_mwh, field="electricity_mwh", label="用电量")
        _not_negative(self.traded_green_mwh, field="traded_green_mwh", label="绿电电量")
        if len({use.fuel for use in self.fuels}) != len(self.fuels):
            raise InvalidInput(
                f"a fuel stands twice in {self.year}", zh=f"{self.year} 年同一燃料重复填报", field="fuels"
            )
        if self.traded_green_mwh and self.electricity_mwh is not None and self.traded_green_mwh > self.electricity_mwh:
            raise InvalidInput(
                f"green power {self.traded_green_mwh} MWh exceeds electricity {self.electricity_mwh} MWh",
                zh="绿电电量大于总用电量",
                field="traded_green_mwh",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class FuelFactor:
    """The three defaults of one fuel: NCV (GJ a unit), CC (tC/GJ) and oxidation ratio."""

    fuel: Fuel
    net_calorific_value: ParameterValue
    carbon_content: ParameterValue
    oxidation: ParameterValue

    @property
    def exact_t_per_unit(self) -> Fraction:
        """Tonnes CO2 a unit of fuel, exact: NCV x CC x OF x 44/12."""
        return (
            Fraction(self.net_calorific_value.decimal)
            * Fraction(self.carbon_content.decimal)
            * Fraction(self.oxidation.decimal)
            * CARBON_TO_CO2
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EmissionPart:
    """Emissions of one energy carrier in one year."""

    carrier: str
    label_zh: str
    label_en: str
    quantity: Decimal
    quantity_unit: str
    emissions_t: Decimal
    figure_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class YearEmissions:
    """Emissions of one year: parts, their sum, and the company in whole tonnes.

    Attributes:
        emissions_t: Sum of the parts, 2 places.
        company_t: The same in whole tonnes.
        traded_green_mwh: Green power listed beside it; not deducted while the formula is unconfirmed.
    """

    year: int
    parts: tuple[EmissionPart, ...]
    emissions_t: Decimal
    company_t: int
    traded_green_mwh: Decimal | None
    figure_name: str
    company_figure_name: str


def year_emissions(
    activity: ActivityYear, *, grid_factor: ParameterValue, fuel_factors: tuple[FuelFactor, ...]
) -> tuple[YearEmissions, tuple[Figure, ...]]:
    """Give the emissions of a year and the figures they come from.

    electricity = MWh x grid factor; fuel = quantity x NCV x CC x OF x 44/12; company = sum of parts, whole tonnes.

    Raises:
        MissingData: The electricity is not known, or a fuel has no factor.
    """
    if activity.electricity_mwh is None:
        raise MissingData(
            f"electricity of {activity.year} is not known",
            zh=f"缺少 {activity.year} 年用电量",
            field="electricity_mwh",
            remedy="Enter the year's electricity in MWh; enter 0 if none was used.",
            remedy_zh="请填报当年用电量（兆瓦时），未用电请填 0。",
        )
    factors = {factor.fuel: factor for factor in fuel_factors}
    part, figures = _electricity(activity, activity.electricity_mwh, grid_factor)
    parts = [part]
    for use in activity.fuels:
        if use.fuel not in factors:
            raise MissingData(
                f"no factor for {use.fuel}", zh=f"缺少{FUEL_NAMES_ZH[use.fuel]}的排放因子", field=f"fuels/{use.fuel}"
            )
        fuel_part, fuel_figures = _fuel(activity, use, factors[use.fuel])
        parts.append(fuel_part)
        figures += fuel_figures
    total_t = sum((part.emissions_t for part in parts), Decimal(0))
    company_t = int(half_up(Fraction(total_t), places=0))
    figures += _totals(activity, parts, total_t, company_t)
    emissions = YearEmissions(
        year=activity.year,
        parts=tuple(parts),
        emissions_t=total_t,
        company_t=company_t,
        traded_green_mwh=activity.traded_green_mwh,
        figure_name=_named(activity, "emissions_t"),
        company_figure_name=_named(activity, "company_t"),
    )
    return emissions, tuple(figures)


def _named(activity: ActivityYear, name: str) -> str:
    return f"{name}.{activity.year}"


def _electricity(
    activity: ActivityYear, electricity_mwh: Decimal, grid_factor: ParameterValue
) -> tuple[EmissionPart, list[Figure]]:
    emissions_t = half_up(Fraction(electricity_mwh) * Fraction(grid_factor.decimal), places=2)
    quantity_name, factor_name, name = (
        _named(activity, text) for text in ("electricity_mwh", "grid_factor_t_per_mwh", "electricity_t")
    )
    figures = [
        Figure(
            name=quantity_name,
            label_zh=f"{activity.year} 年外购电量",
            label_en=f"Purchased electricity {activity.year}",
            value=str(electricity_mwh),
            unit="MWh",
            source=activity.source,
        ),
        Figure.of_parameter(factor_name, grid_factor),
        Figure(
            name=name,
            label_zh=f"{activity.year} 年电力排放",
            label_en=f"Emissions from electricity {activity.year}",
            value=str(emissions_t),
            unit="t",
            formula="round(MWh x grid factor, 2)",
            inputs=(quantity_name, factor_name),
        ),
    ]
    if activity.traded_green_mwh is not None:
        figures.append(_green_power(activity, activity.traded_green_mwh))
    part = EmissionPart(
        carrier="electricity",
        label_zh="外购电力",
        label_en="Electricity",
        quantity=electricity_mwh,
        quantity_unit="MWh",
        emissions_t=emissions_t,
        figure_name=name,
    )
    return part, figures


def _green_power(activity: ActivityYear, traded_green_mwh: Decimal) -> Figure:
    return Figure(
        name=_named(activity, "traded_green_mwh"),
        label_zh=f"{activity.year} 年市场化绿电（未扣减）",
        label_en=f"Market-traded green power {activity.year} (not deducted)",
        value=str(traded_green_mwh),
        unit="MWh",
        source=activity.source,
        confirmed=False,
        note_zh="深圳绿电核减公式未确认，仅列示，不扣减",
        note_en="Shenzhen's deduction formula is unconfirmed: listed, not deducted",
    )


def _fuel(activity: ActivityYear, use: FuelUse, factor: FuelFactor) -> tuple[EmissionPart, list[Figure]]:
    emissions_t = half_up(Fraction(use.quantity) * factor.exact_t_per_unit, places=2)
    label_zh, label_en = FUEL_NAMES_ZH[use.fuel], fuel_name_en(use.fuel)
    prefix = use.fuel.value
    names = {
        text: _named(activity, f"{prefix}_{text}")
        for text in ("quantity", "net_calorific_value", "carbon_content", "oxidation", "factor", "t")
    }
    defaults = {
        "net_calorific_value": factor.net_calorific_value,
        "carbon_content": factor.carbon_content,
        "oxidation": factor.oxidation,
    }
    figures = [
        Figure(
            name=names["quantity"],
            label_zh=f"{activity.year} 年{label_zh}消费量",
            label_en=f"{label_en} used {activity.year}",
            value=str(use.quantity),
            unit=fuel_quantity_unit(use.fuel),
            source=activity.source,
        ),
        *(Figure.of_parameter(names[text], value) for text, value in defaults.items()),
        Figure(
            name=names["factor"],
            label_zh=f"{label_zh}排放因子",
            label_en=f"{label_en} emission factor",
            value=str(half_up(factor.exact_t_per_unit, places=6)),
            unit=f"t/{fuel_quantity_unit(use.fuel)}",
            formula="NCV x CC x OF x 44/12",
            inputs=tuple(names[text] for text in defaults),
            note_zh="显示六位小数，计算不舍入",
            note_en="shown to six places, calculated unrounded",
        ),
        Figure(
            name=names["t"],
            label_zh=f"{activity.year} 年{label_zh}排放",
            label_en=f"Emissions from {label_en.lower()} {activity.year}",
            value=str(emissions_t),
            unit="t",
            formula="round(quantity x factor, 2)",
            inputs=(names["quantity"], names["factor"]),
        ),
    ]
    part = EmissionPart(
        carrier=prefix,
        label_zh=label_zh,
        label_en=label_en,
        quantity=use.quantity,
        quantity_unit=fuel_quantity_unit(use.fuel),
        emissions_t=emissions_t,
        figure_name=names["t"],
    )
    return part, figures


def _totals(activity: ActivityYear, parts: list[EmissionPart], total_t: Decimal, company_t: int) -> list[Figure]:
    total_name = _named(activity, "emissions_t")
    return [
        Figure(
            name=total_name,
            label_zh=f"{activity.year} 年排放量（分项合计）",
            label_en=f"Emissions {activity.year}, sum of parts",
            value=str(total_t),
            unit="t",
            formula="sum of rounded parts",
            inputs=tuple(part.figure_name for part in parts),
        ),
        Figure(
            name=_named(activity, "company_t"),
            label_zh=f"{activity.year} 年企业排放量（整吨）",
            label_en=f"Company emissions {activity.year}, whole tonnes",
            value=str(company_t),
            unit="t",
            formula="round(sum of parts, 0)",
            inputs=(total_name,),
        ),
    ]


def _not_negative(value: Decimal | None, *, field: str, label: str) -> None:
    if value is not None and (not value.is_finite() or value < 0):
        raise InvalidInput(f"{field} is {value}, below zero or not finite", zh=f"{label}不能为负", field=field)

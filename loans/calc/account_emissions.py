"""Emissions of a year of an account: electricity less what is 核减, fuels, heat and process, each with its figures.

Electricity and fuels follow `loans.calc.ratings.emissions`; heat = GJ x factor; process as entered. Each part is
rounded to 2 places half up, the total is their sum.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from carbonfin.kernel.errors import MissingData
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.trace import Figure
from loans.calc.account_facts import YearFacts, missing_month_zh
from loans.calc.ratings.emissions import ActivityYear, EmissionPart, FuelFactor, year_emissions
from loans.calc.rounding import half_up

_KWH_PER_MWH = 1000
_MONTHS_TOLD = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFactors:
    """The factors a year's emissions are taken with.

    Attributes:
        grid: Electricity factor, t/MWh, of one area and year.
        fuels: Defaults of each fuel used.
        heat: t/GJ; None where no heat is bought.
    """

    grid: ParameterValue
    fuels: tuple[FuelFactor, ...]
    heat: ParameterValue | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountEmissions:
    """Emissions of one year.

    Attributes:
        emissions_t: Sum of the parts, 2 places.
        grid_factor_id: Area of the electricity factor, and `grid_factor_year` its year.
    """

    year: int
    parts: tuple[EmissionPart, ...]
    emissions_t: Decimal
    grid_factor_id: str
    grid_factor_year: int
    figure_name: str


def account_emissions(facts: YearFacts, factors: AccountFactors) -> tuple[AccountEmissions, tuple[Figure, ...]]:
    """Give the emissions of a year and the figures they come from.

    electricity = (kWh - kWh 核减) / 1000 x grid factor; heat = GJ x factor; total = sum of the rounded parts.

    Raises:
        MissingData: Electricity is not known, months are missing, or a fuel or heat has no factor.
    """
    if facts.electricity_kwh is None:
        raise _missing("electricity_kwh", f"electricity of {facts.year} is not known", f"缺少 {facts.year} 年用电量")
    if facts.missing_months:
        first = facts.missing_months[:_MONTHS_TOLD]
        more = len(facts.missing_months) - len(first)
        told, told_zh = "; ".join(first), "、".join(missing_month_zh(one) for one in first)
        raise _missing(
            "month", f"{facts.year} lacks months: {told}{f' and {more} more' if more else ''}",
            f"{facts.year} 年缺少月份：{told_zh}{f' 等共 {len(facts.missing_months)} 项' if more else ''}",
        )  # fmt: skip
    used = Decimal(facts.electricity_kwh - (facts.green_deducted_kwh or 0)) / _KWH_PER_MWH
    undeducted = None
    if facts.green_kwh is not None:
        undeducted = Decimal(facts.green_kwh - (facts.green_deducted_kwh or 0)) / _KWH_PER_MWH
    activity = ActivityYear(
        year=facts.year,
        electricity_mwh=used,
        traded_green_mwh=None if undeducted is None else min(undeducted, used),
        fuels=facts.fuels,
        source="、".join(facts.sources),
    )
    energy, figures = year_emissions(activity, grid_factor=factors.grid, fuel_factors=factors.fuels)
    parts, traced = list(energy.parts), list(figures)
    if facts.heat_gj is not None:
        if factors.heat is None:
            raise _missing("heat", "no factor for heat", "缺少热力排放因子")
        parts.append(_heat(facts, facts.heat_gj, factors.heat, traced))
    if facts.process_t is not None:
        parts.append(_process(facts, facts.process_t, traced))
    total_t = sum((part.emissions_t for part in parts), Decimal(0))
    name = f"account_emissions_t.{facts.year}"
    traced.append(
        Figure(
            name=name, label_zh=f"{facts.year} 年排放量（企业碳账户）",
            label_en=f"Emissions {facts.year} by the account", value=str(total_t), unit="t",
            formula="sum of rounded parts", inputs=tuple(part.figure_name for part in parts),
        )
    )  # fmt: skip
    emissions = AccountEmissions(
        year=facts.year, parts=tuple(parts), emissions_t=total_t, grid_factor_id=factors.grid.scope,
        grid_factor_year=factors.grid.valid_from.year, figure_name=name,
    )  # fmt: skip
    return emissions, tuple(traced)


def _heat(facts: YearFacts, heat_gj: Decimal, factor: ParameterValue, figures: list[Figure]) -> EmissionPart:
    emissions_t = half_up(Fraction(heat_gj) * Fraction(factor.decimal), places=2)
    quantity, factor_name, name = (f"{text}.{facts.year}" for text in ("heat_gj", "heat_factor_t_per_gj", "heat_t"))
    figures += [
        Figure(
            name=quantity, label_zh=f"{facts.year} 年外购热力", label_en=f"Heat bought {facts.year}",
            value=str(heat_gj), unit="GJ", source="、".join(facts.sources),
        ),
        Figure.of_parameter(factor_name, factor),
        Figure(
            name=name, label_zh=f"{facts.year} 年热力排放", label_en=f"Emissions from heat {facts.year}",
            value=str(emissions_t), unit="t", formula="round(GJ x factor, 2)", inputs=(quantity, factor_name),
        ),
    ]  # fmt: skip
    return EmissionPart(
        carrier="heat", label_zh="外购热力", label_en="Heat", quantity=heat_gj, quantity_unit="GJ",
        emissions_t=emissions_t, figure_name=name,
    )  # fmt: skip


def _process(facts: YearFacts, process_t: Decimal, figures: list[Figure]) -> EmissionPart:
    emissions_t = half_up(Fraction(process_t), places=2)
    name = f"process_t.{facts.year}"
    figures.append(
        Figure(
            name=name, label_zh=f"{facts.year} 年过程排放", label_en=f"Process emissions {facts.year}",
            value=str(emissions_t), unit="t", source="、".join(facts.sources),
        )
    )  # fmt: skip
    return EmissionPart(
        carrier="process", label_zh="过程排放", label_en="Process", quantity=process_t, quantity_unit="t",
        emissions_t=emissions_t, figure_name=name,
    )  # fmt: skip


def _missing(field: str, detail: str, zh: str) -> MissingData:
    return MissingData(
        detail, zh=zh, field=field, remedy="Enter it; write 0 where none was used.",
        remedy_zh="请补录；确实没有的填 0。",
    )  # fmt: skip

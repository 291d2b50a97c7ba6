"""Emissions a loan finances, by PBoC guide and by PCAF beside each other: different denominators, never added."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.trace import Figure
from loans.calc.missing import MissingField
from loans.calc.rounding import half_up


class AttributionMethod(StrEnum):
    """How emissions are attributed to a loan; figures of different methods are never added."""

    PBOC_GUIDE = "pboc-guide"
    PCAF = "pcaf"


METHOD_NAMES_ZH: dict[AttributionMethod, str] = {
    AttributionMethod.PBOC_GUIDE: "人民银行《金融机构碳核算技术指南（试行）》",
    AttributionMethod.PCAF: "PCAF 标准 A 部分",
}
SHORT_NAMES_ZH: dict[AttributionMethod, str] = {
    AttributionMethod.PBOC_GUIDE: "人行指南",
    AttributionMethod.PCAF: "PCAF",
}
SHORT_NAMES_EN: dict[AttributionMethod, str] = {
    AttributionMethod.PBOC_GUIDE: "PBoC guide",
    AttributionMethod.PCAF: "PCAF",
}
DENOMINATORS_ZH: dict[AttributionMethod, str] = {
    AttributionMethod.PBOC_GUIDE: "主营业务收入",
    AttributionMethod.PCAF: "权益与债务合计",
}
DENOMINATORS_EN: dict[AttributionMethod, str] = {
    AttributionMethod.PBOC_GUIDE: "main-business revenue",
    AttributionMethod.PCAF: "total equity and debt",
}
DENOMINATOR_FIELDS: dict[AttributionMethod, str] = {
    AttributionMethod.PBOC_GUIDE: "revenue_cny",
    AttributionMethod.PCAF: "equity_plus_debt_cny",
}
PCAF_ACTIVITY_SCORE = 2  # PCAF Part A, option 2a: energy use times a supplier's or official factor


@dataclass(frozen=True, slots=True, kw_only=True)
class FinancedEmissions:
    """Emissions attributed to one loan by one method.

    Attributes:
        financed_t: One decimal place, half up.
        data_quality_score: PCAF data quality 1 (best) to 5, where the method has one.
        confirmed: The method's text was read; the PBoC guide's was not.
    """

    method: AttributionMethod
    outstanding_cny: Decimal
    denominator_cny: Decimal
    emissions_t: Decimal
    financed_t: Decimal
    data_quality_score: int | None
    confirmed: bool
    figure_name: str


def attributed_t(*, outstanding_cny: Decimal, denominator_cny: Decimal, emissions_t: Decimal) -> Fraction:
    """Give outstanding / denominator x emissions, exact.

    Raises:
        InvalidInput: The denominator is not above zero, or a value is negative.
    """
    if denominator_cny <= 0:
        raise InvalidInput(
            f"denominator is {denominator_cny}: it must be above zero",
            zh="归因分母须大于零",
            field="denominator_cny",
            remedy="Leave the loan out with that reason, or enter the enterprise's figure.",
            remedy_zh="请补充企业财务数据，或注明原因后不予核算。",
        )
    if outstanding_cny < 0 or emissions_t < 0:
        raise InvalidInput(
            "outstanding and emissions must not be negative", zh="余额与排放量不能为负", field="outstanding_cny"
        )
    return Fraction(outstanding_cny) / Fraction(denominator_cny) * Fraction(emissions_t)


def financed_emissions(
    *,
    outstanding_cny: Decimal,
    company_t: int,
    revenue_cny: Decimal | None,
    equity_plus_debt_cny: Decimal | None,
    outstanding_figure: str,
    emissions_figure: str,
) -> tuple[tuple[FinancedEmissions, ...], tuple[MissingField, ...], tuple[Figure, ...]]:
    """Give the figure of each method whose denominator is known, and name the others as missing."""
    results: list[FinancedEmissions] = []
    missing: list[MissingField] = []
    figures: list[Figure] = []
    for method, denominator in (
        (AttributionMethod.PBOC_GUIDE, revenue_cny),
        (AttributionMethod.PCAF, equity_plus_debt_cny),
    ):
        field = DENOMINATOR_FIELDS[method]
        if denominator is None or denominator <= 0:
            missing.append(
                MissingField.of(
                    field, f"缺少{DENOMINATORS_ZH[method]}（须大于零）", f"{DENOMINATORS_EN[method]} above zero"
                )
            )
            continue
        result = _financed(method, outstanding_cny, denominator, company_t)
        results.append(result)
        figures += _figures(result, field, outstanding_figure, emissions_figure)
    return tuple(results), tuple(missing), tuple(figures)


def _financed(
    method: AttributionMethod, outstanding_cny: Decimal, denominator_cny: Decimal, company_t: int
) -> FinancedEmissions:
    emissions_t = Decimal(company_t)
    exact_t = attributed_t(outstanding_cny=outstanding_cny, denominator_cny=denominator_cny, emissions_t=emissions_t)
    return FinancedEmissions(
        method=method,
        outstanding_cny=outstanding_cny,
        denominator_cny=denominator_cny,
        emissions_t=emissions_t,
        financed_t=half_up(exact_t, places=1),
        data_quality_score=PCAF_ACTIVITY_SCORE if method is AttributionMethod.PCAF else None,
        confirmed=method is AttributionMethod.PCAF,
        figure_name=f"financed_t.{method.value}",
    )


def _figures(result: FinancedEmissions, field: str, outstanding_figure: str, emissions_figure: str) -> list[Figure]:
    method = result.method
    note_zh = "" if result.confirmed else "指南原文未核对"
    note_en = "" if result.confirmed else "the guide's text was not checked"
    return [
        Figure(
            name=field,
            label_zh=DENOMINATORS_ZH[method],
            label_en=DENOMINATORS_EN[method].capitalize(),
            value=str(result.denominator_cny),
            unit="CNY",
            source="企业填报",
        ),
        Figure(
            name=result.figure_name,
            label_zh=f"融资排放（{METHOD_NAMES_ZH[method]}）",
            label_en=f"Financed emissions ({method.value})",
            value=str(result.financed_t),
            unit="t",
            formula=f"round(loan / {DENOMINATORS_EN[method]} x company emissions, 1)",
            inputs=(outstanding_figure, field, emissions_figure),
            confirmed=result.confirmed,
            note_zh=note_zh or "两种口径分母不同，不得相加",
            note_en=note_en or "denominators differ: never add the two",
        ),
    ]

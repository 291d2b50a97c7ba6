"""What a bank discloses of its loans: the facility's quarterly table, green loans by code, financed emissions.

A loan belongs to a field of the facility only where the bank has said so of its product and a person has confirmed it,
and to a code of the green catalogue only where the note itself was recognised; the others stand apart, uncounted.
Figures of different attribution methods are never added.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import round_half_up
from loans.calc.financed import AttributionMethod, FinancedEmissions, financed_emissions
from reporting.calc.quarters import Quarter

FACILITY_FIELDS: dict[str, tuple[str, str]] = {
    "clean_energy": ("清洁能源", "Clean energy"),
    "energy_saving": ("节能环保", "Energy saving and environment"),
    "carbon_reduction": ("碳减排技术", "Carbon-reduction technology"),
}
FACILITY_FIELD_KEY = "reporting.facility_field"
NOT_CLASSED = ""
_ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosedLoan:
    """One loan note as the bank's books have it on the day.

    Attributes:
        catalogue_code: Category by which two people recognised the note as green, of a catalogue that a person has
            confirmed; else empty.
        facility_field: Empty where nobody has said and confirmed that the product is of one.
        emissions_year: Year of the enterprise's emissions and accounts, None where no emissions are known.
        emissions_t: Of the enterprise, whole tonnes.
    """

    note_code: str
    enterprise: str
    enterprise_name: str
    product: str
    drawn_on: date
    principal_cny: Decimal
    balance_cny: Decimal
    rate: Decimal
    catalogue_code: str
    facility_field: str
    emissions_year: int | None
    emissions_t: int | None
    revenue_cny: Decimal | None
    equity_plus_debt_cny: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoanGroup:
    """Loans under one name.

    Attributes:
        rate: Mean rate weighted by what was drawn, decimal, six places; None where nothing was.
    """

    name: str
    count: int
    drawn_cny: Decimal
    balance_cny: Decimal
    rate: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityRow:
    """One field of the facility in the quarter, in the year up to it, and since the first loan."""

    field: str
    quarter: LoanGroup
    year: LoanGroup
    since: LoanGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class FinancedLoan:
    """One loan by one method, or why it has no figure."""

    loan: DisclosedLoan
    method: AttributionMethod
    financed: FinancedEmissions | None
    lacks_zh: str
    lacks_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FinancedTotal:
    """A method's sum over the loans it has figures for.

    Attributes:
        financed_t: None where no loan has a figure: emissions nobody knows are not none.
        covered_share: Their part in all balances; None where there is no balance.
        quality: PCAF data quality, mean weighted by balance, two places; None where the method has none.
    """

    method: AttributionMethod
    loan_count: int
    financed_t: Decimal | None
    covered_cny: Decimal
    covered_share: Decimal | None
    quality: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disclosure:
    """All tables as of a day; balances are those of the books on that day."""

    quarter: str
    as_of: date
    facility: tuple[FacilityRow, ...]
    catalogue: tuple[LoanGroup, ...]
    all_loans: LoanGroup
    green: LoanGroup
    financed: tuple[FinancedLoan, ...]
    totals: tuple[FinancedTotal, ...]


def facility_field(product: str, said: str) -> str:
    """Give the field a product is said to be of, empty where nobody has said.

    Raises:
        InvalidInput: The facility has no such field.
    """
    if said and said not in FACILITY_FIELDS:
        raise InvalidInput(
            f"parameter {FACILITY_FIELD_KEY} of {product} is {said!r}",
            zh=f"产品“{product}”的支持工具领域“{said}”不在可选范围",
            field=FACILITY_FIELD_KEY,
            remedy=f"Use one of {', '.join(FACILITY_FIELDS)}.",
            remedy_zh=f"可选 {'、'.join(FACILITY_FIELDS)}。",
        )
    return said


def disclosure_of(loans: Iterable[DisclosedLoan], *, as_of: date) -> Disclosure:
    """Make all tables of a day, the quarter being that of the day."""
    every = tuple(sorted(loans, key=lambda loan: loan.note_code))
    quarter = Quarter.of(as_of)
    financed = tuple(one for loan in every if loan.balance_cny for one in _financed(loan))
    return Disclosure(
        quarter=str(quarter), as_of=as_of, facility=_facility(every, quarter, as_of),
        catalogue=_by(every, lambda loan: loan.catalogue_code, quarter.start, as_of),
        all_loans=_group("", every, quarter.start, as_of),
        green=_group("", [loan for loan in every if loan.catalogue_code], quarter.start, as_of),
        financed=financed, totals=_totals(every, financed),
    )  # fmt: skip


def _facility(loans: tuple[DisclosedLoan, ...], quarter: Quarter, as_of: date) -> tuple[FacilityRow, ...]:
    rows = []
    for field in (*FACILITY_FIELDS, NOT_CLASSED):
        own = [loan for loan in loans if loan.facility_field == field]
        spans = (quarter.start, date(quarter.year, 1, 1), date.min)
        groups = [_group(field, own, since, as_of) for since in spans]
        rows.append(FacilityRow(field=field, quarter=groups[0], year=groups[1], since=groups[2]))
    return tuple(rows)


def _by(
    loans: Iterable[DisclosedLoan], name_of: Callable[[DisclosedLoan], str], since: date, as_of: date
) -> tuple[LoanGroup, ...]:
    groups: dict[str, list[DisclosedLoan]] = defaultdict(list)
    for loan in loans:
        groups[name_of(loan)].append(loan)
    return tuple(_group(name, group, since, as_of) for name, group in sorted(groups.items(), key=_last_if_empty))


def _last_if_empty(item: tuple[str, list[DisclosedLoan]]) -> tuple[bool, str]:
    return not item[0], item[0]


def _group(name: str, loans: Iterable[DisclosedLoan], since: date, as_of: date) -> LoanGroup:
    own = tuple(loans)
    drawn = [loan for loan in own if since <= loan.drawn_on <= as_of]
    drawn_cny = sum((loan.principal_cny for loan in drawn), _ZERO)
    weighted = sum((loan.principal_cny * loan.rate for loan in drawn), _ZERO)
    return LoanGroup(
        name=name, count=len(drawn), drawn_cny=drawn_cny,
        balance_cny=sum((loan.balance_cny for loan in own), _ZERO),
        rate=round_half_up(weighted / drawn_cny, 6) if drawn_cny else None,
    )  # fmt: skip


def _financed(loan: DisclosedLoan) -> tuple[FinancedLoan, ...]:
    if loan.emissions_t is None:
        return tuple(
            FinancedLoan(
                loan=loan, method=method, financed=None, lacks_zh="企业排放量未知", lacks_en="emissions not known"
            )
            for method in AttributionMethod
        )
    found, missing, _ = financed_emissions(
        outstanding_cny=loan.balance_cny, company_t=loan.emissions_t, revenue_cny=loan.revenue_cny,
        equity_plus_debt_cny=loan.equity_plus_debt_cny, outstanding_figure="balance_cny",
        emissions_figure="emissions_t",
    )  # fmt: skip
    by_method = {one.method: one for one in found}
    words = iter(missing)
    lines = []
    for method in AttributionMethod:
        lacks = None if method in by_method else next(words)
        lines.append(
            FinancedLoan(
                loan=loan, method=method, financed=by_method.get(method),
                lacks_zh="" if lacks is None else lacks.zh, lacks_en="" if lacks is None else lacks.en,
            )
        )  # fmt: skip
    return tuple(lines)


def _totals(loans: Iterable[DisclosedLoan], financed: Iterable[FinancedLoan]) -> tuple[FinancedTotal, ...]:
    balance = sum((loan.balance_cny for loan in loans), _ZERO)
    by_method: dict[AttributionMethod, list[FinancedEmissions]] = defaultdict(list)
    for one in financed:
        if one.financed is not None:
            by_method[one.method].append(one.financed)
    return tuple(_total(method, by_method[method], balance) for method in AttributionMethod)


def _total(method: AttributionMethod, known: list[FinancedEmissions], balance_cny: Decimal) -> FinancedTotal:
    covered = sum((one.outstanding_cny for one in known), _ZERO)
    scored = [one for one in known if one.data_quality_score is not None]
    weights = sum((one.outstanding_cny for one in scored), _ZERO)
    scores = sum((one.outstanding_cny * (one.data_quality_score or 0) for one in scored), _ZERO)
    return FinancedTotal(
        method=method, loan_count=len(known),
        financed_t=sum((one.financed_t for one in known), Decimal("0.0")) if known else None,
        covered_cny=covered, covered_share=round_half_up(covered / balance_cny, 4) if balance_cny else None,
        quality=round_half_up(scores / weights, 2) if weights else None,
    )  # fmt: skip

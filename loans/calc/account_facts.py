"""What the lines of an account come to in a year: sums, months covered, invoices beside meters, green power once.

A sum counts where at least one line stands; what has none is not known, which is never zero. Months that lack a line
are named, since eleven months are no year.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal

from carbonfin.kernel.errors import MissingData
from loans.calc.account_entries import (
    GREEN_KINDS,
    KINDS,
    MONTHS,
    UNRATED_KINDS,
    WHOLE_YEAR,
    AccountEntry,
    EntryKind,
    fuel_of,
    invoiced_fuel_of,
    refusal,
    unit_of,
)
from loans.calc.account_slips import POWER_SIDES
from loans.calc.ratings.emissions import FUEL_NAMES_ZH, FuelUse, fuel_name_en

_CONSUMED = frozenset({EntryKind.ELECTRICITY, EntryKind.FUEL, EntryKind.HEAT, EntryKind.PROCESS})


@dataclass(frozen=True, slots=True, kw_only=True)
class YearFacts:
    """One year of an account, summed; None is not known.

    Attributes:
        grid_area: Area of the electricity factor; empty where no electricity is entered.
        factor_year: Year of that factor; None where no electricity is entered.
        fuels: Sums by fuel.
        green_kwh: Green power with evidence, deducted or not.
        green_deducted_kwh: The part already 核减 in the emissions.
        missing_months: Months without a line, of consumption that is entered by months: eleven months are no year.
        sources: Who gave the lines.
    """

    year: int
    grid_area: str
    factor_year: int | None
    electricity_kwh: int | None
    metered_kwh: int | None
    invoice_kwh: int | None
    bill_months_count: int | None
    fuels: tuple[FuelUse, ...]
    heat_gj: Decimal | None
    process_t: Decimal | None
    green_kwh: int | None
    green_deducted_kwh: int | None
    value_added_cny: Decimal | None
    revenue_cny: Decimal | None
    tax_cny: Decimal | None
    is_key_emitter: int | None
    size_class: int | None
    is_comparable: int | None
    verification_level: int | None
    data_quality_grade: int | None
    target_level: int | None
    management_level: int | None
    false_reporting_count: int | None
    missing_months: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerMonth:
    """Electricity of one month (0 for the year) as three sides state it; a gap is relative to what is reported.

    Attributes:
        gap_ratio: Largest |other - reported| / reported, four places up; None where a side is not known.
    """

    month: int
    reported_kwh: int | None
    metered_kwh: int | None
    invoice_kwh: int | None
    gap_ratio: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicedEnergy:
    """A fuel or heat of one year as reported beside what tax invoices say.

    Attributes:
        carrier: Name of the fuel, or `heat`.
        gap_ratio: |invoiced - reported| / reported, four places up; None where a side is not known.
    """

    carrier: str
    title_zh: str
    title_en: str
    unit: str
    reported: Decimal | None
    invoiced: Decimal | None
    gap_ratio: Decimal | None


def year_facts(lines: Sequence[AccountEntry], year: int) -> YearFacts:
    """Sum the lines of one year.

    Args:
        lines: The latest version of each line of one account, of any years.
        year: Which year.

    Raises:
        MissingData: No line speaks of the year.
    """
    own = [one for one in lines if one.year == year and one.quantity is not None]
    if not own:
        raise MissingData(
            f"the carbon account has no entry for {year}", zh=f"企业碳账户没有 {year} 年的明细", field="year",
            remedy="Enter or upload the year's lines first.", remedy_zh="请先录入或上传该年度明细。",
        )  # fmt: skip
    power = [one for one in own if one.kind is EntryKind.ELECTRICITY]
    bills = {one.month for one in own if one.kind is EntryKind.INVOICE_ELECTRICITY and one.month}
    undeducted, deducted = (_whole(own, kind) for kind in (EntryKind.GREEN_POWER, EntryKind.GREEN_DEDUCTED))
    has_green = undeducted is not None or deducted is not None
    return YearFacts(
        year=year,
        grid_area=power[0].factor_id if power else "",
        factor_year=power[0].factor_year if power else None,
        electricity_kwh=_whole(own, EntryKind.ELECTRICITY),
        metered_kwh=_whole(own, EntryKind.METER),
        invoice_kwh=_whole(own, EntryKind.INVOICE_ELECTRICITY),
        bill_months_count=len(bills) if bills else None,
        fuels=_fuels(own),
        heat_gj=_sum(own, EntryKind.HEAT),
        process_t=_sum(own, EntryKind.PROCESS),
        green_kwh=(undeducted or 0) + (deducted or 0) if has_green else None,
        green_deducted_kwh=(deducted or 0) if has_green else None,
        value_added_cny=_sum(own, EntryKind.VALUE_ADDED),
        revenue_cny=_sum(own, EntryKind.REVENUE),
        tax_cny=_sum(own, EntryKind.TAX),
        is_key_emitter=_whole(own, EntryKind.KEY_EMITTER),
        size_class=_whole(own, EntryKind.SIZE_CLASS),
        is_comparable=_whole(own, EntryKind.COMPARABLE),
        verification_level=_whole(own, EntryKind.VERIFICATION),
        data_quality_grade=_whole(own, EntryKind.DATA_QUALITY),
        target_level=_whole(own, EntryKind.TARGET),
        management_level=_whole(own, EntryKind.MANAGEMENT),
        false_reporting_count=_whole(own, EntryKind.FALSE_REPORTING),
        missing_months=_missing_months(own),
        sources=tuple(sorted({one.source for one in own if one.kind not in UNRATED_KINDS})),
    )


def power_by_month(lines: Sequence[AccountEntry], year: int) -> tuple[PowerMonth, ...]:
    """Set reported, metered and invoiced electricity of a year side by side, by month, the year itself last."""
    own = [one for one in lines if one.year == year and one.quantity is not None and one.kind in POWER_SIDES]
    months = sorted({one.month for one in own if one.month})
    rows = [_power([one for one in own if one.month == month], month) for month in months]
    return (*rows, _power(own, WHOLE_YEAR)) if own else ()


def _power(lines: Sequence[AccountEntry], month: int) -> PowerMonth:
    reported, metered, invoiced = (_whole(lines, kind) for kind in POWER_SIDES)
    gap: Decimal | None = None
    if reported and metered is not None and invoiced is not None:
        # Rounded up: a gap is what worsens.
        off = max(abs(metered - reported), abs(invoiced - reported))
        gap = Decimal(-(-off * 10_000 // reported)).scaleb(-4)
    return PowerMonth(
        month=month, reported_kwh=reported, metered_kwh=metered, invoice_kwh=invoiced, gap_ratio=gap
    )  # fmt: skip


def invoiced_energy(lines: Sequence[AccountEntry], year: int) -> tuple[InvoicedEnergy, ...]:
    """Set each fuel and heat that invoices of a year name beside what is reported of it."""
    own = [one for one in lines if one.year == year and one.quantity is not None]
    sums: dict[str, Decimal] = {}
    for one in own:
        if one.kind is EntryKind.INVOICE_FUEL and one.quantity is not None:
            fuel = invoiced_fuel_of(one.item).value
            sums[fuel] = sums.get(fuel, Decimal(0)) + one.quantity
    reported = {use.fuel.value: use.quantity for use in _fuels(own)}
    rows = [
        _invoiced(
            fuel, (FUEL_NAMES_ZH[fuel_of(fuel)], fuel_name_en(fuel_of(fuel))), unit_of(EntryKind.FUEL, fuel),
            reported.get(fuel), sums[fuel],
        )
        for fuel in sorted(sums)
    ]  # fmt: skip
    heat = _sum(own, EntryKind.INVOICE_HEAT)
    if heat is not None:
        terms = KINDS[EntryKind.HEAT]
        rows.append(_invoiced("heat", (terms.title_zh, terms.title_en), terms.unit, _sum(own, EntryKind.HEAT), heat))
    return tuple(rows)


def _invoiced(
    carrier: str, titles: tuple[str, str], unit: str, reported: Decimal | None, invoiced: Decimal
) -> InvoicedEnergy:
    gap = None
    if reported:
        off = abs(invoiced - reported) / reported
        gap = off.quantize(Decimal("0.0001"), ROUND_UP)
    return InvoicedEnergy(
        carrier=carrier, title_zh=titles[0], title_en=titles[1], unit=unit, reported=reported, invoiced=invoiced,
        gap_ratio=gap,
    )  # fmt: skip


_KIND_NAMES = frozenset(kind.value for kind in EntryKind)


def missing_month_zh(text: str) -> str:
    """Say in Chinese what `YearFacts.missing_months` names by kind, item and month."""
    thing, _, month = text.rpartition(": ")
    kind, _, item = thing.partition(" ")
    if kind not in _KIND_NAMES:  # decisions of before hold words of their own
        return text
    name = FUEL_NAMES_ZH[fuel_of(item)] if kind == EntryKind.FUEL else item
    return f"{KINDS[EntryKind(kind)].title_zh}{f' {name}' if name else ''} {month} 月"


def refuse_clash(line: AccountEntry, others: Sequence[AccountEntry]) -> None:
    """Refuse a line that would count a thing twice beside the other lines of its account.

    A year beside its months, a second grid area or factor year, a certificate in two places.

    Args:
        line: What is to be added.
        others: The latest version of the account's other lines of its kind and year, and those of its certificate.

    Raises:
        InvalidInput: Names the field and the line it clashes with.
    """
    if line.quantity is None:
        return
    for other in others:
        if other.quantity is None or other.key == line.key:
            continue
        same = other.kind is line.kind and other.year == line.year
        if same and bool(other.month) != bool(line.month) and _shares_item(line, other):
            raise refusal(
                "month", f"{other.kind} {line.year} stands by {'months' if other.month else 'the year'} already",
                f"{other.label_zh} 已按{'月' if other.month else '年'}填报，同一年度不得月、年并存",
                remedy=("Strike the other out first, or leave this line out.", "请先将其作废，或不再填报本行。"),
            )  # fmt: skip
        if same and line.kind is EntryKind.ELECTRICITY and _factor(other) != _factor(line):
            raise refusal(
                "factor_id", f"electricity of {line.year} stands under {other.factor_id} {other.factor_year}",
                f"{line.year} 年用电量已按 {other.factor_id} {other.factor_year} 年因子填报，一个年度只用一个电网因子",
                remedy=("Name the factor that stands, or correct the others first.", "请填已用因子，或先更正其他。"),
            )  # fmt: skip
        if line.kind in GREEN_KINDS and other.kind in GREEN_KINDS and other.item == line.item:
            raise refusal(
                "item", f"certificate {line.item} is used already in {other.kind} {other.year}",
                f"凭证 {line.item} 已用于 {other.label_zh}，绿电不得重复计算",
                remedy=("Use it once; strike the other line out if it is wrong.", "凭证只用一次；原明细有误的先作废。"),
            )  # fmt: skip


def _shares_item(line: AccountEntry, other: AccountEntry) -> bool:
    """Whether two lines of a kind speak of one thing: a fuel or meter by itself, invoices and certificates together."""
    apart = {EntryKind.FUEL, EntryKind.ELECTRICITY, EntryKind.METER, EntryKind.HEAT, EntryKind.INVOICE_FUEL}
    return line.kind not in apart or line.series == other.series


def _factor(line: AccountEntry) -> tuple[str, int | None]:
    return line.factor_id, line.factor_year


def _sum(lines: Sequence[AccountEntry], kind: EntryKind) -> Decimal | None:
    found = [one.quantity for one in lines if one.kind is kind and one.quantity is not None]
    return sum(found, Decimal(0)) if found else None


def _whole(lines: Sequence[AccountEntry], kind: EntryKind) -> int | None:
    found = _sum(lines, kind)
    return None if found is None else int(found)


def _fuels(lines: Sequence[AccountEntry]) -> tuple[FuelUse, ...]:
    sums: dict[str, Decimal] = {}
    for one in lines:
        if one.kind is EntryKind.FUEL and one.quantity is not None:
            sums[one.item] = sums.get(one.item, Decimal(0)) + one.quantity
    return tuple(FuelUse(fuel=fuel_of(item), quantity=quantity) for item, quantity in sorted(sums.items()))


def _missing_months(lines: Sequence[AccountEntry]) -> tuple[str, ...]:
    """Name the months that lack a line, by kind and item of consumption that is entered by months."""
    by_thing: dict[tuple[EntryKind, str], set[int]] = {}
    for one in lines:
        if one.month and one.kind in _CONSUMED:
            by_thing.setdefault((one.kind, one.item), set()).add(one.month)
    return tuple(
        f"{kind.value}{f' {item}' if item else ''}: {month}"
        for (kind, item), months in sorted(by_thing.items())
        for month in range(1, MONTHS + 1)
        if month not in months
    )

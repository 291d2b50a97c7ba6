"""The sample bank's parameters and calendar for collateral tests, typed in from the sample scenario."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.dates import Calendar, end_of_china_day
from carbonfin.rules.parameter_files import book_from_toml
from carbonfin.rules.parameters import Grade, ParameterBook, ParameterValue
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.tables import TableBook
from carbonfin.storage.rulebook import builtin_tables
from collateral.calc.coverage import CoverageLines, PledgedLine, PriceUsed
from collateral.calc.haircuts import HAIRCUT_TABLE, Haircut, HaircutFacts, HaircutUse, haircut_for
from collateral.calc.surrender import SafetyTerms, SchemeDepth, VintageUse, trading_days_of

TODAY = date(2025, 6, 30)
KNOWN_AT = end_of_china_day(TODAY)

SAMPLE_VALUES = {
    "collateral.haircut_ratio": (
        "ratio",
        {"CEA": "0.40", "SZA": "0.50", "CCER": "0.60", "repo_SZA": "0.40", "fx_add": "0.08"},
    ),
    "collateral.coverage_line_ratio": ("ratio", {"initial": "1.00", "warning": "0.95", "disposal": "0.85"}),
    "collateral.cure_days": ("days", {"": "5"}),
    "collateral.unfreeze_days": ("days", {"": "5"}),
    "collateral.participation_ratio": ("ratio", {"CEA": "0.10", "SZA": "0.20"}),
    "collateral.surrender_buffer_ratio": ("ratio", {"CEA": "0.01", "SZA": "0.03"}),
    "collateral.true_up_counted_ratio": ("ratio", {"": "0.90"}),
}

AVERAGE_DAILY_VOLUME_T = {Scheme.CEA: 209407, Scheme.SZA: 20000}
PRICES = {"CEA-2023": "74.03", "SZA-2022": "39.00", "SZA-2023": "40.00", "SZA-2024": "41.00"}

# Weekday holidays of the second half of 2025 (国务院办公厅 notice for 2025); exchanges do not work make-up days.
HOLIDAYS_2025 = frozenset(
    date.fromisoformat(day)
    for day in (
        "2025-01-01", "2025-10-01", "2025-10-02", "2025-10-03", "2025-10-06", "2025-10-07", "2025-10-08",
        "2025-04-04", "2025-05-01", "2025-05-02", "2025-05-05", "2025-06-02",
    )
)  # fmt: skip
EXCHANGE = Calendar(
    name="exchange",
    holidays=HOLIDAYS_2025,
    make_up_workdays=frozenset({date(2025, 9, 28), date(2025, 10, 11), date(2025, 4, 27)}),
    known_until=date(2025, 12, 31),
    works_make_up_days=False,
)


def parameter(
    key: str, value: str, *, scope: str = "", unit: str = "", valid_from: date = date(2024, 1, 1)
) -> ParameterValue:
    return ParameterValue(
        key=key,
        scope=scope,
        value=value,
        unit=unit,
        valid_from=valid_from,
        valid_to=None,
        known_from=valid_from,
        document="示例银行押品管理办法（示例）",
        article="",
        grade=Grade.SAMPLE,
        confirmed=True,
        approved_by=("maker", "checker"),
        note="",
    )


def sample_parameters() -> list[ParameterValue]:
    return [
        parameter(key, value, scope=scope, unit=unit)
        for key, (unit, values) in SAMPLE_VALUES.items()
        for scope, value in values.items()
    ]


def builtin_book() -> ParameterBook:
    path = Path(__file__).parents[2] / "pricing" / "parameters" / "vintages.toml"
    return book_from_toml(path.read_text(encoding="utf-8"), file_name=path.name)


def book() -> ParameterBook:
    return ParameterBook(sample_parameters()).merged(builtin_book())


def on(key: str, scope: str = "") -> ParameterValue:
    return book().on(key, valid_on=TODAY, known_at=KNOWN_AT, scope=scope)


def find(key: str, scope: str) -> ParameterValue | None:
    return book().find(key, valid_on=TODAY, known_at=KNOWN_AT, scope=scope)


def price(value: str, *, sample: bool = True) -> PriceUsed:
    return PriceUsed(
        price_cny_per_t=Decimal(value),
        source="test quote",
        price_date=TODAY,
        staleness_days=0,
        level=3 if sample else 1,
        is_sample=sample,
        note_zh="",
        note_en="",
    )


def haircut_table() -> RecordedTable:
    tables = TableBook(builtin_tables("collateral"))
    return RecordedTable.of(tables.on(HAIRCUT_TABLE.name, valid_on=TODAY, known_at=KNOWN_AT))


def haircut(
    unit: Unit,
    *,
    use: HaircutUse = HaircutUse.PLEDGE,
    cross_currency: bool = False,
    table: RecordedTable | None = None,
) -> Haircut:
    facts = HaircutFacts.of(unit, use=use, cross_currency=cross_currency)
    return haircut_for(book(), facts, table=table or haircut_table(), valid_on=TODAY, known_at=KNOWN_AT)


def line(unit: str, quantity_t: int, price_text: str | None = None) -> PledgedLine:
    parsed = Unit.parse(unit)
    return PledgedLine(
        unit=parsed,
        quantity_t=quantity_t,
        price=price(price_text or PRICES[unit]),
        haircut=haircut(parsed),
    )


def thresholds() -> CoverageLines:
    key = "collateral.coverage_line_ratio"
    return CoverageLines(initial=on(key, "initial"), warning=on(key, "warning"), disposal=on(key, "disposal"))


def safety_terms(*units: str, calendar: Calendar = EXCHANGE, valuation_date: date = TODAY) -> SafetyTerms:
    parsed = [Unit.parse(unit) for unit in units]
    schemes = list(dict.fromkeys(unit.scheme for unit in parsed))
    return SafetyTerms(
        depths=tuple(
            SchemeDepth(
                scheme=scheme,
                average_daily_volume_t=AVERAGE_DAILY_VOLUME_T[scheme],
                source="20 trading days to 2025-06-30",
                participation=on("collateral.participation_ratio", scheme),
            )
            for scheme in schemes
        ),
        cure_days=on("collateral.cure_days"),
        unfreeze_days=on("collateral.unfreeze_days"),
        uses=tuple(
            VintageUse(
                unit=unit,
                last_usable=find("pricing.last_usable_date", str(unit)),
                carries_forward=find("pricing.vintage_carries_forward", unit.scheme),
            )
            for unit in parsed
        ),
        trading_days=trading_days_of(calendar, start=valuation_date, end=date(2025, 12, 31)),
    )


NOON = datetime(2025, 6, 30, 4, 0, tzinfo=UTC)

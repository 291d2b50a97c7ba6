"""The project's own table of public figures: exchange bulletins, LPR, reference rates, and the sample quotes.

Each file names its source in its head. The exchange is named wherever the figures are shown.
"""

import csv
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from importlib.resources import files

from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.units import parse_decimal
from carbonfin.rules.parameter_files import book_from_toml
from carbonfin.rules.parameters import Grade, ParameterBook
from pricing.calc.curve_quotes import CurveQuote
from pricing.calc.market import FxQuote, PriceKind, Quote, RateQuote, Settlement
from pricing.feeds.curve_files import CurveFileKind, read_curve_file
from pricing.feeds.tables import DataSource

CEA_EXCHANGE = "上海环境能源交易所（全国碳排放权交易市场）"
CEA_DOCUMENT = "上海环境能源交易所 全国碳市场每日行情公告"
CCER_EXCHANGE = "北京绿色交易所（全国温室气体自愿减排交易市场）"
CCER_DOCUMENT = "北京绿色交易所 CCER 每日成交，二手转录"
LPR_DOCUMENT = "全国银行间同业拆借中心 贷款市场报价利率公告"
FX_DOCUMENT = "欧洲中央银行 欧元参考汇率，交叉计算"
SAMPLE_EXCHANGE = "示例报价（虚构）"
SAMPLE_DOCUMENT = "演示情景 示例报价"
_SAMPLE_CURVES = (
    ("sample_settlement_curve.csv", CurveFileKind.SETTLEMENTS),
    ("sample_rates.csv", CurveFileKind.RATES),
    ("sample_fx.csv", CurveFileKind.FX),
)
_SAMPLE_CURVES_KNOWN_FROM = date(2025, 6, 30)

_PERCENT = Decimal(100)


def _rows(file_name: str) -> Iterator[dict[str, str]]:
    text = (files("pricing") / "parameters" / "quotes" / file_name).read_text(encoding="utf-8")
    return csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))


def _number(row: dict[str, str], field: str) -> Decimal:
    return parse_decimal(row[field], field=field)


def conventions() -> ParameterBook:
    """Give the valuation conventions the project ships."""
    text = (files("pricing") / "parameters" / "valuation.toml").read_text(encoding="utf-8")
    return book_from_toml(text, file_name="pricing/parameters/valuation.toml")


def sample_book() -> ParameterBook:
    """Give the sample bank's assumptions."""
    name = "pricing/parameters/sample/valuation.toml"
    text = (files("pricing") / "parameters" / "sample" / "valuation.toml").read_text(encoding="utf-8")
    return book_from_toml(text, file_name=name)


def cea_quotes() -> tuple[Quote, ...]:
    """Give the national market's days: composite close, listed and block trade apart."""
    return tuple(
        Quote(
            unit=Unit(Scheme.CEA),
            quote_date=date.fromisoformat(row["quote_date"]),
            price_cny_per_t=_number(row, "close_cny_per_t"),
            price_kind=PriceKind.COMPOSITE_CLOSE,
            listed_volume_t=int(row["listed_volume_t"]),
            listed_amount_cny=_number(row, "listed_amount_cny"),
            block_volume_t=int(row["block_volume_t"]),
            block_amount_cny=_number(row, "block_amount_cny"),
            known_from=date.fromisoformat(row["known_from"]),
            exchange=CEA_EXCHANGE,
            document=CEA_DOCUMENT,
            grade=Grade.READ,
            is_sample=False,
        )
        for row in _rows("cea_2025.csv")
    )


def ccer_quotes() -> tuple[Quote, ...]:
    """Give the days of certified reductions: mean, volume, amount; blocks are not published apart."""
    return tuple(
        Quote(
            unit=Unit(Scheme.CCER),
            quote_date=date.fromisoformat(row["quote_date"]),
            price_cny_per_t=_number(row, "mean_cny_per_t"),
            price_kind=PriceKind.DAY_MEAN,
            listed_volume_t=int(row["volume_t"]),
            listed_amount_cny=_number(row, "amount_cny"),
            block_volume_t=None,
            block_amount_cny=None,
            known_from=date.fromisoformat(row["known_from"]),
            exchange=CCER_EXCHANGE,
            document=CCER_DOCUMENT,
            grade=Grade.SECONDARY,
            is_sample=False,
        )
        for row in _rows("ccer_2025.csv")
    )


def sample_quotes() -> tuple[Quote, ...]:
    """Give the invented quotes of Shenzhen vintages; every one is marked 示例."""
    return tuple(
        Quote(
            unit=Unit.parse(row["unit"]),
            quote_date=date.fromisoformat(row["quote_date"]),
            price_cny_per_t=_number(row, "price_cny_per_t"),
            price_kind=PriceKind.VINTAGE_QUOTE,
            listed_volume_t=None,
            listed_amount_cny=None,
            block_volume_t=None,
            block_amount_cny=None,
            known_from=date.fromisoformat(row["quote_date"]),
            exchange=SAMPLE_EXCHANGE,
            document=SAMPLE_DOCUMENT,
            grade=Grade.SAMPLE,
            is_sample=True,
        )
        for row in _rows("sample.csv")
    )


def sample_settlements() -> tuple[Settlement, ...]:
    """Give the invented settlement prices of the synthetic contract."""
    return tuple(
        Settlement(
            contract_code=row["contract_code"],
            settlement_date=date.fromisoformat(row["settlement_date"]),
            price_cny_per_t=_number(row, "price_cny_per_t"),
            known_from=date.fromisoformat(row["settlement_date"]),
            document=SAMPLE_DOCUMENT,
            is_sample=True,
        )
        for row in _rows("sample_settlements.csv")
    )


def sample_curve_quotes() -> tuple[CurveQuote, ...]:
    """Give the invented settlement curve, rates and exchange rates; every one is marked 示例."""
    source = DataSource(
        exchange=SAMPLE_EXCHANGE, document=SAMPLE_DOCUMENT, known_from=_SAMPLE_CURVES_KNOWN_FROM, is_sample=True
    )
    found: list[CurveQuote] = []
    for name, kind in _SAMPLE_CURVES:
        content = (files("pricing") / "parameters" / "quotes" / name).read_bytes()
        file = read_curve_file(content, kind=kind, file_name=name, source=source)
        assert not file.failures, file.failures
        found.extend(file.quotes)
    return tuple(found)


def lpr_rates() -> tuple[RateQuote, ...]:
    """Give each LPR publication for one and for over five years, with its grade."""
    return tuple(
        RateQuote(
            name=name,
            value=_number(row, column) / _PERCENT,
            published_on=date.fromisoformat(row["published_on"]),
            known_from=date.fromisoformat(row["known_from"]),
            document=LPR_DOCUMENT,
            grade=Grade(row["grade"]),
            confirmed=row["confirmed"] == "true",
            note=row["note"],
        )
        for row in _rows("lpr.csv")
        for name, column in (("LPR_1Y", "lpr_1y_percent"), ("LPR_5Y", "lpr_5y_percent"))
    )


def fx_quotes() -> tuple[FxQuote, ...]:
    """Give the reference rates, crosses of the central bank's euro rates."""
    return tuple(
        FxQuote(
            pair=row["pair"],
            quote_date=date.fromisoformat(row["quote_date"]),
            rate=_number(row, "rate"),
            known_from=date.fromisoformat(row["known_from"]),
            document=FX_DOCUMENT,
            grade=Grade(row["grade"]),
            note=row["note"],
        )
        for row in _rows("fx.csv")
    )

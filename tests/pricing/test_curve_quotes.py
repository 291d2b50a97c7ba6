"""Settlement curves, rates and exchange rates: what is read and refused, at rest by both dates, and their digest."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import Currency
from carbonfin.rules.parameters import Grade
from carbonfin.storage.engine import Sessions
from pricing import service
from pricing.calc.curve_quotes import CurveQuote, CurveQuoteKind, CurveQuotes, curve_quote_order
from pricing.feeds.curve_files import CURVE_COLUMNS, CurveFile, CurveFileKind, read_curve_file
from pricing.feeds.tables import DataSource
from pricing.store.curve_quotes import save_curve_quotes
from tests.pricing.workbooks import workbook
from tests.pricing.worlds import BUSINESS_DATE, KNOWN_AT, MarketWorld, make_market_world

SOURCE = DataSource(exchange="发布机构", document="公告", known_from=date(2026, 3, 31), is_sample=False)
DAY, NEXT = date(2025, 6, 26), date(2025, 6, 27)


def quote(name: str, point: str, value: str, day: date = DAY, **changes: object) -> CurveQuote:
    kind, currency = {
        "SHIBOR": (CurveQuoteKind.FIXING, Currency.CNY),
        "EUA": (CurveQuoteKind.SETTLEMENT, Currency.EUR),
        "USDCNY": (CurveQuoteKind.FX, Currency.CNY),
    }[name]
    made = CurveQuote(
        kind=kind, name=name, point=point, expiry_date=date(2025, 12, 15) if name == "EUA" else None, quote_date=day,
        value=Decimal(value), currency=currency, known_from=day, source="发布机构", document="公告", grade=Grade.READ,
        is_sample=False,
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


def read(kind: CurveFileKind, text: str) -> CurveFile:
    return read_curve_file(text.encode(), kind=kind, file_name="曲线.csv", source=SOURCE)


@pytest.mark.parametrize("kind", list(CurveFileKind))
def test_the_examples_we_print_are_readable(kind: CurveFileKind) -> None:
    found = read(kind, CURVE_COLUMNS[kind].example)
    assert found.failures == ()
    assert found.row_count == len(found.quotes) > 0


def test_percent_and_hundreds_become_plain_values() -> None:
    rates = read(CurveFileKind.RATES, "name,tenor,quote_date,rate_percent\nSHIBOR,3M,2026-03-02,1.5830\n").quotes
    assert rates[0].value == Decimal("0.01583")
    fx = read(CurveFileKind.FX, "货币对,日期,汇率（每100外币）\nHKD/CNY,2026-03-02,88.35\n").quotes
    assert (fx[0].name, fx[0].point, fx[0].value, fx[0].currency) == ("HKDCNY", "SPOT", Decimal("0.8835"), Currency.CNY)


def test_a_workbook_with_chinese_heads_and_its_own_days_is_read() -> None:
    content = workbook(
        [
            ["品种", "合约代码", "到期日", "结算日", "结算价", "币种"],
            ["EUA", "EUA-2026-12", date(2026, 12, 14), date(2026, 3, 2), 71.1, "EUR"],
            ["EUA", "EUA-2027-12", "2027/12/20", "2026-03-02", "72.60", "eur"],
        ]
    )
    found = read_curve_file(content, kind=CurveFileKind.SETTLEMENTS, file_name="结算价.xlsx", source=SOURCE)
    assert (found.failures, found.encoding) == ((), "xlsx")
    assert [(one.expiry_date, one.quote_date, one.value) for one in found.quotes] == [
        (date(2026, 12, 14), date(2026, 3, 2), Decimal("71.1")),
        (date(2027, 12, 20), date(2026, 3, 2), Decimal("72.60")),
    ]


_SETTLEMENTS = "scheme,contract_code,expiry_date,settlement_date,price_per_t,currency\n"
_RATES = "name,tenor,quote_date,rate,rate_percent\n"
_FX = "pair,tenor,quote_date,rate\n"


@pytest.mark.parametrize(
    ("kind", "text", "field", "word"),
    [
        (CurveFileKind.SETTLEMENTS, _SETTLEMENTS + "XXX,A,2026-12-14,2026-03-02,71,EUR\n", "scheme", "不是已知的配额品种"),
        (CurveFileKind.SETTLEMENTS, _SETTLEMENTS + "EUA,A B,2026-12-14,2026-03-02,71,EUR\n", "contract_code", "合约代码"),
        (CurveFileKind.SETTLEMENTS, _SETTLEMENTS + "EUA,A,2026-02-14,2026-03-02,71,EUR\n", "expiry_date", "早于结算日"),
        (CurveFileKind.SETTLEMENTS, _SETTLEMENTS + "EUA,A,2026-12-14,2026-04-02,71,EUR\n", "quote_date", "晚于"),
        (CurveFileKind.SETTLEMENTS, _SETTLEMENTS + "EUA,A,2026-12-14,2026-03-02,-1,EUR\n", "value", "正数"),
        (CurveFileKind.SETTLEMENTS, _SETTLEMENTS + "EUA,A,2026-12-14,2026-03-02,NaN,EUR\n", "price_per_t", "数字"),
        (CurveFileKind.SETTLEMENTS, _SETTLEMENTS + "EUA,A,2026-12-14,2026-03-02,71,GBP\n", "currency", "币种"),
        (CurveFileKind.RATES, _RATES + "LIBOR,3M,2026-03-02,0.01,\n", "name", "利率名称"),
        (CurveFileKind.RATES, _RATES + "SHIBOR,3X,2026-03-02,0.01,\n", "tenor", "期限"),
        (CurveFileKind.RATES, _RATES + "SHIBOR,3M,2026-03-02,1.58,\n", "value", "百分数"),
        (CurveFileKind.RATES, _RATES + "SHIBOR,3M,2026-03-02,0.0158,1.58\n", "rate", "只须填写一列"),
        (CurveFileKind.RATES, _RATES + "SHIBOR,3M,2026-03-02,,\n", "rate", "只须填写一列"),
        (CurveFileKind.FX, _FX + "USDUSD,SPOT,2026-03-02,7\n", "pair", "货币对"),
        (CurveFileKind.FX, _FX + "USDCNY,SOON,2026-03-02,7\n", "tenor", "SPOT"),
        (CurveFileKind.FX, _FX + "USDCNY,SPOT,2026-03-02,0\n", "value", "正数"),
    ],
)  # fmt: skip
def test_each_fault_names_line_field_and_reason(kind: CurveFileKind, text: str, field: str, word: str) -> None:
    (fault,) = read(kind, text).failures
    assert (fault.item, fault.field) == ("line 2", field)
    assert word in fault.zh
    assert fault.remedy_zh


def test_a_point_given_twice_names_the_first_line() -> None:
    (fault,) = read(CurveFileKind.FX, _FX + "USDCNY,SPOT,2026-03-02,6.91\nUSDCNY,SPOT,2026-03-02,6.92\n").failures
    assert (fault.item, "第 2 行重复" in fault.zh) == ("line 3", True)


def test_quotes_of_a_day_are_ordered_by_tenor_and_named_by_their_content() -> None:
    quotes = [quote("SHIBOR", point, "0.0150") for point in ("1Y", "3M", "ON", "2W", "1W")]
    ordered = tuple(sorted(quotes, key=curve_quote_order))
    assert [one.point for one in ordered] == ["ON", "1W", "2W", "3M", "1Y"]
    curves = CurveQuotes(valuation_date=DAY, known_at=KNOWN_AT, quotes=ordered)
    assert curves.rates_of("SHIBOR") == ordered
    other = replace(curves, quotes=(replace(ordered[0], value=Decimal("0.0151")), *ordered[1:]))
    assert other.digest != curves.digest == replace(curves).digest
    with pytest.raises(InvalidInput, match="order"):
        replace(curves, quotes=tuple(reversed(ordered)))
    with pytest.raises(InvalidInput, match="later"):
        replace(curves, valuation_date=DAY - timedelta(days=1))
    with pytest.raises(MissingData, match="FR007"):
        curves.rates_of("FR007")


@pytest.fixture
def world(sessions: Sessions) -> MarketWorld:
    with sessions.begin() as session:
        return make_market_world(session)


def test_a_late_correction_leaves_the_curves_as_they_were_known(sessions: Sessions, world: MarketWorld) -> None:
    bank = world.stranger.organization_id
    first = [quote("EUA", "EUA-2025-12", "70.10"), quote("SHIBOR", "3M", "0.0165"), quote("USDCNY", "SPOT", "7.16")]
    with sessions.begin() as session:
        saved = save_curve_quotes(session, first, organization_id=None)
        assert (saved.added_count, saved.unchanged_count, saved.corrected) == (3, 0, ())
    with sessions.read() as session:
        before = service.curves_of(
            session, valuation_date=DAY, known_at=end_of_china_day(DAY), organization_id=bank
        )  # fmt: skip
    corrected = replace(first[1], value=Decimal("0.0170"), known_from=NEXT)
    with sessions.begin() as session:
        assert save_curve_quotes(session, [*first, corrected], organization_id=None).corrected == (corrected,)
        assert save_curve_quotes(session, [corrected], organization_id=None).unchanged_count == 1
    with sessions.read() as session:
        then = service.curves_of(session, valuation_date=DAY, known_at=end_of_china_day(DAY), organization_id=bank)
        now = service.curves_of(session, valuation_date=DAY, known_at=end_of_china_day(NEXT), organization_id=bank)
    assert then == before
    assert then.digest == before.digest
    assert then.rates_of("SHIBOR")[0].value == Decimal("0.0165")
    assert now.rates_of("SHIBOR")[0].value == Decimal("0.0170")
    assert now.digest != then.digest
    assert now.settlements_of(Scheme.EUA) == (first[0],)
    assert now.fx_of("USDCNY") == (first[2],)


def test_a_banks_own_quote_stands_before_the_public_one_and_no_other_bank_sees_it(
    sessions: Sessions, world: MarketWorld
) -> None:
    with sessions.begin() as session:
        save_curve_quotes(session, [quote("SHIBOR", "3M", "0.0165")], organization_id=None)
        own = [quote("SHIBOR", "3M", "0.0180")]
        save_curve_quotes(session, own, organization_id=world.stranger.organization_id)
    with sessions.read() as session:
        values = [
            service.curves_of(
                session, valuation_date=DAY, known_at=KNOWN_AT, organization_id=actor.organization_id
            ).rates_of("SHIBOR")[0].value
            for actor in (world.stranger, world.maker)
        ]  # fmt: skip
    assert values == [Decimal("0.0180"), Decimal("0.0165")]


def test_of_a_curve_only_its_last_day_is_taken(sessions: Sessions, world: MarketWorld) -> None:
    quotes = [quote("SHIBOR", "3M", "0.0165"), quote("SHIBOR", "6M", "0.0168"), quote("SHIBOR", "3M", "0.0160", NEXT)]
    with sessions.begin() as session:
        save_curve_quotes(session, quotes, organization_id=world.stranger.organization_id)
    with sessions.read() as session:
        curves = service.curves_of(
            session, valuation_date=NEXT, known_at=KNOWN_AT, organization_id=world.stranger.organization_id
        )
        with pytest.raises(InvalidInput, match="cannot be known"):
            service.curves_of(
                session, valuation_date=BUSINESS_DATE + timedelta(days=1), known_at=KNOWN_AT,
                organization_id=world.stranger.organization_id,
            )  # fmt: skip
    assert curves.rates_of("SHIBOR") == (quotes[2],)


def test_a_file_is_stored_whole_or_not_at_all_and_a_unit_slip_is_found(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        world = make_market_world(session)

        def send(text: str, *, preview: bool = False) -> service.CurveImport:
            return service.import_curve_file(
                session, world.stranger, kind=CurveFileKind.FX, content=text.encode(), file_name="汇率.csv",
                exchange="中国外汇交易中心", document="中间价公告", known_at=KNOWN_AT, preview=preview,
            )  # fmt: skip

        assert not send(_FX + "HKDCNY,SPOT,2025-06-26,0.9126\n", preview=True).stored
        good = send(_FX + "HKDCNY,SPOT,2025-06-26,0.9126\n")
        assert (good.stored, good.added_count) == (True, 1)
        # Given for 100 units, as the central parity is published.
        slip = send(_FX + "HKDCNY,SPOT,2025-06-27,91.30\nUSDCNY,SPOT,2025-06-27,7.16\n")
        assert (slip.stored, slip.added_count) == (False, 0)
        assert [(fault.item, fault.field) for fault in slip.failures] == [("HKDCNY SPOT 2025-06-27", "rate")]
        assert "每100外币" in slip.failures[0].remedy_zh
        with pytest.raises(MissingData):
            service.curves_of(
                session, valuation_date=NEXT, known_at=KNOWN_AT, organization_id=world.stranger.organization_id
            ).fx_of("USDCNY")
        within = send(_FX + "EURCNY,SPOT,2025-06-26,8.40\nEURCNY,SPOT,2025-06-27,840\n")
        assert [fault.item for fault in within.failures] == ["EURCNY SPOT 2025-06-27"]
        with pytest.raises(InvalidInput, match="not named"):
            service.import_curve_file(
                session, world.stranger, kind=CurveFileKind.FX, content=b"", file_name="a", exchange=" ", document="",
                known_at=KNOWN_AT, preview=True,
            )  # fmt: skip

"""Volatilities by both dates: what was known then stays as it was, and days valued at once do not touch each other."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.storage.engine import Sessions
from pricing import service
from pricing.calc.options.kinds import ExerciseStyle, OptionType
from pricing.calc.portfolio import PortfolioValue
from pricing.calc.positions import LineKind, PortfolioLine
from pricing.feeds.curve_files import CurveFileKind
from tests.pricing.worlds import MarketWorld, make_market_world

FIRST, SECOND = date(2025, 6, 26), date(2025, 6, 30)
BOOK = tuple(
    PortfolioLine(
        line_id=f"O{place}", kind=LineKind.OPTION, unit=Unit.parse("EUA"), quantity_t=1_000 * place,
        option_type=OptionType.CALL if place % 2 else OptionType.PUT, option_style=style,
        strike_per_t=Decimal(60 + 2 * place), expiry_date=date(2025, 12, 15), delivery_date=date(2025, 12, 15),
    )
    for place, style in enumerate((ExerciseStyle.EUROPEAN, ExerciseStyle.AMERICAN) * 2, 1)
)  # fmt: skip


@pytest.fixture
def world(sqlite_sessions: Sessions) -> MarketWorld:
    with sqlite_sessions.begin() as session:
        world = make_market_world(session)
    for day, price, volatility in ((FIRST, "70.00", "38"), (SECOND, "72.00", "45")):
        _store(sqlite_sessions, world, day, price=price, volatility=volatility, known_at=end_of_china_day(day))
    return world


def _store(
    sessions: Sessions, world: MarketWorld, day: date, *, price: str, volatility: str, known_at: datetime
) -> None:
    tables = {
        CurveFileKind.SETTLEMENTS: f"品种,合约代码,到期日,结算日,结算价,币种\n"
        f"EUA,EUA-2025-12,2025-12-15,{day},{price},EUR\nEUA,EUA-2026-12,2026-12-14,{day},{price},EUR\n",
        CurveFileKind.RATES: f"利率名称,期限,日期,利率(%)\nEUR_DEPOSIT,3M,{day},2.10\nEUR_DEPOSIT,1Y,{day},2.20\n",
        CurveFileKind.FX: f"货币对,期限,日期,汇率\nEURCNY,SPOT,{day},8.40\n",
        CurveFileKind.VOLATILITIES: f"品种,到期日,行权价,日期,波动率(%),币种\nEUA,2025-12-15,70,{day},{volatility},EUR\n",
    }
    with sessions.begin() as session:
        for kind, text in tables.items():
            stored = service.import_curve_file(
                session, world.stranger, kind=kind, content=text.encode(), file_name="a.csv", exchange="ICE Endex",
                document="", known_at=known_at, preview=False,
            )  # fmt: skip
            assert stored.stored, stored.failures


def _value(sessions: Sessions, world: MarketWorld, day: date, known_at: datetime) -> PortfolioValue:
    with sessions.read() as session:
        return service.value_inline(
            session, world.stranger, name="期权", lines=BOOK, valuation_date=day, known_at=known_at
        )


def test_a_volatility_corrected_later_leaves_what_was_known_before(
    sqlite_sessions: Sessions, world: MarketWorld
) -> None:
    then, later = end_of_china_day(FIRST), end_of_china_day(SECOND + timedelta(days=2))
    before = _value(sqlite_sessions, world, FIRST, then)
    assert [line.option.volatility for line in before.lines if line.option] == [Decimal("0.38")] * 4
    _store(sqlite_sessions, world, FIRST, price="70.00", volatility="52", known_at=later)
    assert _value(sqlite_sessions, world, FIRST, then) == before
    after = _value(sqlite_sessions, world, FIRST, later)
    assert [line.option.volatility for line in after.lines if line.option] == [Decimal("0.52")] * 4
    assert after.present_value_cny > before.present_value_cny


def test_two_days_valued_at_once_never_leak_into_each_other(sqlite_sessions: Sessions, world: MarketWorld) -> None:
    known_at = end_of_china_day(SECOND)
    alone = {day: _value(sqlite_sessions, world, day, known_at) for day in (FIRST, SECOND)}
    assert alone[FIRST].failures == alone[SECOND].failures == ()
    assert alone[FIRST].present_value_cny != alone[SECOND].present_value_cny
    days = [FIRST, SECOND] * 6
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda day: _value(sqlite_sessions, world, day, known_at), days))
    assert all(value == alone[day] for day, value in zip(days, found, strict=True))

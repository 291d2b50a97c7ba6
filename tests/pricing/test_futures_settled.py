"""A futures-style contract is settled at what a bank imports: file, both dates, and the day's margin to the fen."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.units import Currency
from carbonfin.storage.engine import Sessions
from pricing import service
from pricing.calc.portfolio import PortfolioValue
from pricing.calc.positions import LineKind, PortfolioLine
from pricing.feeds.curve_files import CurveFileKind
from tests.pricing.worlds import MarketWorld, make_market_world

_BEFORE, _DAY = date(2025, 6, 27), date(2025, 6, 30)
_HEAD = "品种,合约代码,到期日,结算日,结算价,币种"
_CONTRACT = PortfolioLine(
    line_id="F1", kind=LineKind.FUTURES, unit=Unit.parse("CEA"), quantity_t=3_000, contract_code="CEA-2025-12",
    strike_cny_per_t=Decimal("70.00"),
)  # fmt: skip


@pytest.fixture
def world(sessions: Sessions) -> MarketWorld:
    with sessions.begin() as session:
        return make_market_world(session)


def _import(sessions: Sessions, world: MarketWorld, day: date, *, price: str, currency: str, known_on: date) -> None:
    content = f"{_HEAD}\nCEA,CEA-2025-12,2025-12-15,{day},{price},{currency}\n".encode()
    with sessions.begin() as session:
        stored = service.import_curve_file(
            session, world.stranger, kind=CurveFileKind.SETTLEMENTS, content=content, file_name="a.csv",
            exchange="示例交易所", document="", known_at=end_of_china_day(known_on), preview=False,
        )  # fmt: skip
        assert stored.stored, stored.failures


def _value(
    sessions: Sessions, world: MarketWorld, *, known_on: date, contract: PortfolioLine = _CONTRACT
) -> PortfolioValue:
    with sessions.read() as session:
        return service.value_inline(
            session, world.stranger, name="期货", lines=[contract], valuation_date=_DAY,
            known_at=end_of_china_day(known_on),
        )  # fmt: skip


def test_imported_settlement_prices_give_the_days_margin(sessions: Sessions, world: MarketWorld) -> None:
    """3,000 t × (72.35 − 71.20) = 3,450.00; a correction known a day later makes it 3,000 × (72.30 − 71.20)."""
    _import(sessions, world, _BEFORE, price="71.20", currency="CNY", known_on=_BEFORE)
    _import(sessions, world, _DAY, price="72.35", currency="CNY", known_on=_DAY)
    _import(sessions, world, _DAY, price="72.30", currency="CNY", known_on=date(2025, 7, 1))
    assert _value(sessions, world, known_on=_DAY).variation_margin_cny == Decimal("3450.00")
    assert _value(sessions, world, known_on=date(2025, 7, 1)).variation_margin_cny == Decimal("3300.00")


def test_a_price_in_another_currency_settles_nothing_in_yuan(sessions: Sessions, world: MarketWorld) -> None:
    _import(sessions, world, _BEFORE, price="71.20", currency="CNY", known_on=_BEFORE)
    _import(sessions, world, _DAY, price="72.35", currency="EUR", known_on=_DAY)
    (failure,) = _value(sessions, world, known_on=_DAY).failures
    assert (failure.item, failure.field) == ("F1", "contract_code")


def test_a_contract_in_euro_settles_at_its_own_prices_by_both_dates(sessions: Sessions, world: MarketWorld) -> None:
    """3,000 t × (72.35 − 71.20) × 8.40 = 28,980.00; as known a day later the rate is 8.41: 29,014.50."""
    _import(sessions, world, _BEFORE, price="71.20", currency="EUR", known_on=_BEFORE)
    _import(sessions, world, _DAY, price="72.35", currency="EUR", known_on=_DAY)
    for rate, known_on in (("8.40", _DAY), ("8.41", date(2025, 7, 1))):
        with sessions.begin() as session:
            stored = service.import_curve_file(
                session, world.stranger, kind=CurveFileKind.FX, file_name="fx.csv", exchange="示例外汇中心", document="",
                content=f"货币对,期限,日期,汇率\nEURCNY,SPOT,{_DAY},{rate}\n".encode(),
                known_at=end_of_china_day(known_on), preview=False,
            )  # fmt: skip
            assert stored.stored, stored.failures
    contract = replace(_CONTRACT, strike_cny_per_t=None, strike_per_t=Decimal("70.00"), currency=Currency.EUR)
    for known_on, margin_cny in ((_DAY, "28980.00"), (date(2025, 7, 1), "29014.50")):
        value = _value(sessions, world, known_on=known_on, contract=contract)
        assert value.failures == ()
        assert value.variation_margin_cny == Decimal(margin_cny)

"""What another process approves or publishes shows in previews within five seconds, whatever kind of database."""

import multiprocessing
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlmodel import Session

from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.rulebook import enter_parameter
from pricing import service
from pricing.calc.contracts import book_of
from pricing.service.previews import KEPT_FOR
from pricing.store.quotes import save_quotes
from tests.pricing.markets import F1, forward_rate, quote, spot
from tests.pricing.worlds import BUSINESS_DATE, KNOWN_AT, MarketWorld, make_market_world

_FIVE_SECONDS = timedelta(seconds=5)
_LINES = (spot("H1", "CEA", 1_000), F1)


def _approve_rate(session: Session, world: MarketWorld) -> None:
    value = replace(forward_rate("0.0400"), valid_from=date(2025, 6, 1), known_from=BUSINESS_DATE)
    enter_parameter(session, world.maker, world.checker, value, reason="利率调整", at=KNOWN_AT)


def _publish_close(session: Session, _: MarketWorld) -> None:
    save_quotes(session, [replace(quote("CEA", BUSINESS_DATE, "80.00"), exchange="更正")], organization_id=None)


_ACTS: dict[str, Callable[[Session, MarketWorld], None]] = {"rate": _approve_rate, "close": _publish_close}


def _act(url: str, name: str, world: MarketWorld) -> None:
    """Do it in a process of its own, which tells this one nothing."""
    engine = open_engine(url)
    with Sessions(engine).begin() as session:
        _ACTS[name](session, world)
    engine.dispose()


def _elsewhere(url: str, name: str, world: MarketWorld) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_act, args=(url, name, world))
    with closing(process):
        process.start()
        process.join()
        assert process.exitcode == 0


def _previewed(
    sessions: Sessions, world: MarketWorld, markets: service.Markets, *, after: timedelta
) -> dict[str, Decimal]:
    preview = service.preview_book(
        sessions, world.maker, markets, book_of(_LINES),
        valuation_date=BUSINESS_DATE, known_at=KNOWN_AT, at=KNOWN_AT + after,
    )  # fmt: skip
    fen = zip(preview.lines.line_id, preview.lines.present_value_fen, strict=True)
    return {line_id: Decimal(value).scaleb(-2) for line_id, value in fen}


@pytest.mark.parametrize(
    ("name", "holding", "forward"),
    [
        # 1,000 t at 75.02; 20,000 t x (75.02 - 77.50 exp(-0.04 x 168/365)).
        ("rate", Decimal("75020.00"), Decimal("-21324.11")),
        # 1,000 t at 80.00; 20,000 t x (80.00 - 77.50 exp(-0.015 x 168/365)).
        ("close", Decimal("80000.00"), Decimal("60664.51")),
    ],
)
def test_what_another_process_does_shows_within_five_seconds(
    sessions: Sessions, database_url: str, name: str, holding: Decimal, forward: Decimal
) -> None:
    assert KEPT_FOR <= _FIVE_SECONDS
    with sessions.begin() as session:
        world = make_market_world(session)
    markets = service.Markets()
    before = _previewed(sessions, world, markets, after=timedelta(0))
    assert before == {"H1": Decimal("75020.00"), "F1": Decimal("-38935.49")}
    _elsewhere(database_url, name, world)
    after = _previewed(sessions, world, markets, after=_FIVE_SECONDS)
    assert after == {"H1": holding, "F1": forward}
    assert _previewed(sessions, world, service.Markets(), after=timedelta(0)) == after, "and to a fresh process at once"

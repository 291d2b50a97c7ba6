"""Stored books from the database: options to the JSON of the preview route, and a million lines to columns and a total.

`python -m benchmarks.stored_books [--runs N] [--scale PART]`. The route is the product's own, asked in this process
with key, access policy and log line, on SQLite in WAL mode; the market of the day is in memory, as it is for every
request but the first of five seconds. Options stand on a grid of 13 expiries, 81 strikes, calls and puts, as listed
ones do: a tonne of each is priced once. The bounds are times, so there is no peer to run beside.
"""

import argparse
import base64
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import msgspec
import structlog
from litestar.testing import TestClient

from benchmarks.harness import Bound, Comparison, Contender, load_stated, measure_all
from benchmarks.http_ratios import book
from carbonfin.app.logs import open_logs
from carbonfin.app.packages import PACKAGES
from carbonfin.kernel.allowances import Unit
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.rows import new_id
from pricing.calc.options.kinds import ExerciseStyle, OptionType
from pricing.calc.positions import LineKind, PortfolioLine
from pricing.models import PortfolioRow
from pricing.schemas.positions import PortfolioLineIn
from pricing.store import portfolios, stored_books
from tests.app.worlds import World, build_world
from tests.conftest import build_schema
from tests.pricing.worlds import add_market

_OPTIONS, _LINES = 100_000, 1_000_000
_DAY = "2025-06-30"
_PREVIEW = "/v1/valuations/preview"
_RUNS = 7
_EXPIRIES = tuple(date(2025, 12, 15) + timedelta(days=28 * number) for number in range(13))
_STRIKES = tuple(Decimal(60) + Decimal(number) / 4 for number in range(81))
_MARKET = {
    "settlements": "品种,合约代码,到期日,结算日,结算价,币种\nEUA,EUA-2025-12,2025-12-15,2025-06-30,70.00,EUR\n"
    "EUA,EUA-2026-12,2026-12-14,2025-06-30,72.00,EUR\n",
    "rates": "利率名称,期限,日期,利率(%)\nEUR_DEPOSIT,3M,2025-06-30,2.10\nEUR_DEPOSIT,1Y,2025-06-30,2.20\n"
    "EUR_SWAP,2Y,2025-06-30,2.25\n",
    "volatilities": "品种,到期日,行权价,日期,波动率(%),币种\n"
    + "".join(
        f"EUA,{expiry},{strike},2025-06-30,{volatility},EUR\n"
        for expiry, volatilities in (("2025-12-15", (40, 38, 39)), ("2026-12-14", (39, 37, 38)))
        for strike, volatility in zip((60, 70, 80), volatilities, strict=True)
    ),
    "fx": "货币对,期限,日期,汇率\nEURCNY,SPOT,2025-06-30,8.40\n",
}


@contextmanager
def comparisons(scale: float) -> Iterator[list[Comparison]]:
    """Give all rows at a part of their full size."""
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        open_logs(stack.enter_context((Path(folder) / "app.jsonl").open("w", encoding="utf-8")))
        stack.callback(structlog.reset_defaults)
        engine = open_engine(f"sqlite:///{Path(folder) / 'books.db'}")
        stack.callback(engine.dispose)
        build_schema(engine)
        world = build_world(Sessions(engine), packages=PACKAGES)
        with world.sessions.begin() as session:
            add_market(session, world.officer)
        client = stack.enter_context(TestClient(world.app))
        client.headers.update(world.key_headers())
        _bring_market(client)
        yield [
            *_options(world, client, max(1_000, int(_OPTIONS * scale))),
            *_lines(world, client, max(1_000, int(_LINES * scale))),
        ]


def _options(world: World, client: TestClient[Any], count: int) -> Iterator[Comparison]:
    portfolio_id = _stored(world, [_option(place) for place in range(count)])

    def asked() -> bytes:
        return _previewed(client, portfolio_id)

    def read_and_asked() -> bytes:
        stored_books.forget()
        return asked()

    answer = msgspec.json.decode(asked())
    assert answer["failures"] == []
    assert len(answer["columns"]["present_value_cny"]) == count
    total = sum(map(Decimal, answer["columns"]["present_value_cny"]))
    assert total == Decimal(answer["present_value_cny"]), "the columns do not add up to the total"
    for name, run in (("read from its blocks", read_and_asked), ("kept in the process", asked)):
        yield Comparison(
            name=f"{count} options from SQLite to the route's JSON, book {name}; 0.1 s for 100,000 are 1,000,000/s",
            unit="options",
            subject=Contender(name="preview as columns", run=run, operation_count=count),
            comparator=Bound(per_s=1_000_000.0),
        )


def _lines(world: World, client: TestClient[Any], count: int) -> Iterator[Comparison]:
    """Give a book that is half spot holdings and half forwards, as `benchmarks.large_book` values from a file."""
    drawn: list[Any] = list(book(min(count, 5_000))["lines"])  # type: ignore[call-overload]
    models = [PortfolioLineIn(**{"line_id": "x", **line}).line(0) for line in drawn]
    portfolio_id = _stored(world, [_renamed(models[place % len(models)], f"L{place}") for place in range(count)])

    def loaded() -> object:
        stored_books.forget()
        with world.sessions.read() as session:
            return portfolios.load_contract_book(session, world.officer, portfolio_id)

    yield Comparison(
        name=f"{count} lines from SQLite to columns; 0.05 s for 1,000,000 are 20,000,000/s",
        unit="lines",
        subject=Contender(name="blocks", run=loaded, operation_count=count),
        comparator=Bound(per_s=20_000_000.0),
    )
    yield Comparison(
        name=f"{count} lines from SQLite to the route's JSON; a second for 1,000,000 beside it, no bound was set",
        unit="lines",
        subject=Contender(
            name="preview as columns", run=lambda: _previewed(client, portfolio_id), operation_count=count
        ),
        comparator=Bound(per_s=1_000_000.0),
    )


def _renamed(line: PortfolioLine, line_id: str) -> PortfolioLine:
    return PortfolioLine(
        line_id=line_id, kind=line.kind, unit=line.unit, quantity_t=line.quantity_t,
        strike_cny_per_t=line.strike_cny_per_t, delivery_date=line.delivery_date,
    )  # fmt: skip


def _option(place: int) -> PortfolioLine:
    return PortfolioLine(
        line_id=f"O{place}",
        kind=LineKind.OPTION,
        unit=Unit.parse("EUA"),
        quantity_t=(1 if place % 2 else -1) * (100 + place % 977),
        option_type=OptionType.CALL if place % 3 else OptionType.PUT,
        option_style=ExerciseStyle.EUROPEAN,
        expiry_date=_EXPIRIES[place % len(_EXPIRIES)],
        delivery_date=_EXPIRIES[place % len(_EXPIRIES)],
        strike_per_t=_STRIKES[place * 7 % len(_STRIKES)],
    )


def _stored(world: World, lines: list[PortfolioLine]) -> str:
    """Keep a book as blocks alone: nothing here reads rows, and a million of them take minutes to write."""
    with world.sessions.begin() as session:
        code = new_id()
        row = PortfolioRow(organization_id=world.officer.organization_id, code=code, name=code, is_sample=True)
        session.add(row)
        session.flush()
        stored_books.save_blocks(session, row.id, lines, first_line_id=None)
        return row.id


def _previewed(client: TestClient[Any], portfolio_id: str) -> bytes:
    body = {"valuation_date": _DAY, "portfolio_id": portfolio_id, "as_columns": True}
    answer = client.post(_PREVIEW, json=body)
    assert answer.status_code == 200, answer.text
    return answer.content


def _bring_market(client: TestClient[Any]) -> None:
    for what, text in _MARKET.items():
        content = base64.b64encode(text.encode()).decode()
        client.post(
            f"/v1/market/{what}",
            json={"file_name": "a.csv", "exchange": "ICE Endex", "content_base64": content},
            headers={"Idempotency-Key": str(uuid4())},
        ).raise_for_status()


def main(arguments: list[str] | None = None) -> int:
    """Print a line a comparison."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.stored_books", description=__doc__)
    parser.add_argument("--runs", type=int, default=_RUNS, help=f"interleaved runs, {_RUNS} unless said")
    parser.add_argument("--scale", type=float, default=1.0, help="part of the full size, 1 unless said")
    given = parser.parse_args(arguments)
    with load_stated() as stated, comparisons(given.scale) as found:
        rows = measure_all(found, runs=given.runs)
        print(f"# stored books: {stated().line()}")
    for row in rows:
        print(row.line())
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Large books as columns: every line has the fen, price and failure that it has when it is valued by itself."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from io import BytesIO
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel.batch import Failure
from carbonfin.kernel.units import Currency, to_decimal
from pricing.calc import contract_lines
from pricing.calc.contract_lines import fen_half_up_all
from pricing.calc.lines import ValuedLine
from pricing.calc.option_market import OptionMarket, OptionPoint, OptionTerms, option_lines_of
from pricing.calc.portfolio import priced_market, value_lines
from pricing.calc.positions import PortfolioLine
from pricing.feeds import book_columns, book_streams
from pricing.feeds.book_files import COLUMNS, read_book, read_positions
from pricing.feeds.book_streams import csv_pieces
from pricing.feeds.tables import read_table
from pricing.service import PieceValue, StreamTotal, value_pieces
from tests.pricing.markets import snapshot_of
from tests.pricing.test_compliance import ends

_NAMES = tuple(COLUMNS.aliases)[:13]  # all but averaging days
HEAD = ",".join(_NAMES) + "\n"
_ALL = snapshot_of()
MARKET = replace(
    _ALL,
    quotes=tuple(quote for quote in _ALL.quotes if quote.quote_date >= date(2025, 6, 1)),
    parameters=(*_ALL.parameters, ends("CEA-2021", "2025-06-29"), ends("CEA-2023", "2025-12-31")),
)

_CODES = st.sampled_from([f"L{number}" for number in range(60)] + ["", " L1 ", "L" * 61])
_TONNES = st.one_of(
    st.integers(1, 100_000_000).map(str),
    st.sampled_from(["-1", "-5000", "0", "", "1.5", "1e3", "007", " 12 ", "+3", "-100000001", "100000001", "1000.0"]),
)
_PRICES = st.one_of(
    st.decimals("0.000001", 90_000, places=6).map(lambda price: format(price, "f")),
    st.sampled_from(["", "77.50", "0", "-1", "90000.01", "77,5", " 80.1 "]),
)
_DAYS = st.sampled_from(
    ["2025-07-01", "2025-12-15", "2026/1/5", "2025-06-30", "2100-12-31", "2101-01-01", "1999-12-31", "", "soon"]
)
_UNITS = st.sampled_from(["CEA", "CEA-2021", "CEA-2023", "CCER", "SZA-2024", "EUA", "EUA-2025", "XX", " CEA-2024 "])


_OPTIONS = st.tuples(
    st.sampled_from(["call", "看跌", "认购", "?"]),
    st.sampled_from(["European", "美式", "average_price", ""]),
    st.sampled_from(["70", "75.25", "0", ""]),
    st.sampled_from(["2025-07-01", "2025-12-10", "2025-06-30"]),
)


@st.composite
def _rows(draw: st.DrawFn) -> str:
    kind = draw(st.sampled_from(["spot", "现货", "forward", " 远期 ", "futures", "option", "swap"]))
    price = draw(_PRICES)
    traded = ("G1", "2025-06-27") if kind == "futures" else ("", "")
    option = draw(_OPTIONS) if kind == "option" else ("", "", "", "")
    agreed = "" if kind in {"option", "spot"} and price != "77.50" else price
    return (
        ",".join((draw(_CODES), kind, draw(_UNITS), draw(_TONNES), "注", agreed, draw(_DAYS), *traded, *option)) + "\n"
    )


_ROWS = _rows()


def _options(lines: Sequence[PortfolioLine]) -> OptionMarket | None:
    """A market of any options by hand: a forward of 71.3 EUR, 38 % and 2 %; terms that expire on 10 December have none."""
    options = [line for line in option_lines_of(lines) if line.expiry_date != date(2025, 12, 10)]
    points = {terms: _point(terms) for terms in map(OptionTerms.of, options)}
    return OptionMarket(
        valuation_date=MARKET.valuation_date, set_digest="s", quotes_digest="q", points=tuple(points.values()), gaps=()
    )


def _point(terms: OptionTerms) -> OptionPoint:
    years = Decimal((terms.expiry_date - MARKET.valuation_date).days) / 365
    return OptionPoint(
        terms=terms, surface="EUA/4", currency=Currency.EUR, forward_per_t=Decimal("71.3"), volatility=Decimal("0.38"),
        years=years if years > 0 else Decimal("0.01"), discount_factor=Decimal("0.991"), cny_per_unit=Decimal("8.4"),
        fx_source="BFIX", quote_date=MARKET.valuation_date, sources=("ICE",), nodes=(), arbitrages=(),
        is_assumption=False, is_sample=True,
    )  # fmt: skip


def _one_by_one(text: str) -> tuple[dict[int, ValuedLine], list[Failure]]:
    """Value a book by reading and valuing each line for itself."""
    file = read_book(text.encode(), file_name="a.csv")
    number_of: dict[str, int] = {}
    for number, line in read_positions(read_table(text.encode(), file_name="a.csv"))[0]:
        number_of.setdefault(line.line_id, number)
    market = priced_market(MARKET, {line.unit for line in file.lines if line.kind != "option"})
    values: dict[int, ValuedLine] = {}
    failures = list(file.failures)
    for line in file.lines:
        number, batch = number_of[line.line_id], value_lines(market, [line], options=_options([line]))
        values.update((number, one) for one in batch.values)
        failures += [book_streams.at_line(number, one) for one in batch.failures]
    return values, sorted(failures, key=lambda failure: (int(failure.item[5:]), failure.field or "", failure.detail))


def _streamed(text: str) -> tuple[list[PieceValue], StreamTotal]:
    values = list(value_pieces(priced_market(MARKET, set()), csv_pieces(BytesIO(text.encode()), file_name="a.csv"),
                               options=_options))  # fmt: skip
    total = values.pop()
    assert isinstance(total, StreamTotal)
    return [value for value in values if isinstance(value, PieceValue)], total


def _check(text: str) -> None:
    expected, failures = _one_by_one(text)
    pieces, total = _streamed(text)
    told = [
        (number, code, price, level, sample, fen, margin)
        for piece in pieces
        for number, code, price, level, sample, fen, margin in zip(
            piece.lines.line_number, piece.lines.line_id, piece.lines.price_cny_per_t, piece.lines.level,
            piece.lines.is_sample, piece.lines.present_value_fen, piece.lines.variation_margin_fen, strict=True,
        )
    ]  # fmt: skip
    assert told == [
        (
            number,
            line.line_id,
            line.price_cny_per_t,
            line.level,
            line.is_sample,
            line.present_value_cny * 100,
            None if line.variation_margin_cny is None else line.variation_margin_cny * 100,
        )
        for number, line in sorted(expected.items())
    ]
    found = [failure for piece in pieces for failure in piece.failures]
    assert sorted(found, key=lambda failure: (int(failure.item[5:]), failure.field or "", failure.detail)) == failures
    assert total.present_value_cny == sum((line.present_value_cny for line in expected.values()), Decimal(0))
    assert total.variation_margin_cny == sum((line.variation_margin_cny or 0 for line in expected.values()), Decimal(0))
    assert total.level_max == max((line.level for line in expected.values()), default=None)
    assert total.is_sample == any(line.is_sample for line in expected.values())
    assert {price.unit for price in total.prices} == {
        line.unit for line in expected.values() if line.kind in {"spot", "forward"}
    }


@given(st.lists(_ROWS, min_size=2, max_size=40), st.integers(1, 15))
def test_a_stream_gives_each_line_the_value_and_the_failure_it_has_by_itself(rows: list[str], a_piece: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(book_streams, "PIECE_ROWS", a_piece)
        _check(HEAD + "".join(rows))


@given(st.lists(_ROWS, min_size=20, max_size=40))
def test_what_was_forgotten_of_contracts_is_made_again(rows: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(book_streams, "PIECE_ROWS", 3)
        patch.setattr(book_columns, "_CONTRACTS_KEPT", 2)
        patch.setattr(contract_lines, "_CONTRACTS_KEPT", 1)
        _check(HEAD + "".join(rows))


def test_every_edge_of_tonnes_and_prices_is_what_it_is_for_a_single_line() -> None:
    tonnes = ("1", "-1", "0", "", "1.5", "007", " 12 ", "100000000", "-100000000", "100000001", "-100000001", "1000.0")
    prices = ("", "77.50", "0", "-1", "90000", "90000.01", "77,5", " 80.1 ")
    kinds = {"spot": ",,,,,,", "forward": "2025-12-15,,,,,,", "futures": ",G1,2025-06-27,,,,"}
    rows = [
        f"{kind}{place},{kind},CEA,{tonne},,{price},{terms}\n"
        for kind, terms in kinds.items()
        for place, (tonne, price) in enumerate(product(tonnes, (f'"{price}"' for price in prices)))
    ]
    assert {len(row.split(",")) for row in rows if "7,5" not in row} == {len(_NAMES)}
    _check(HEAD + "".join(rows))


def test_lines_without_price_are_told_why_and_no_others() -> None:
    rows = "".join(
        f"A{place},spot,EUA-2025,{place},,,,,,,,,\nB{place},spot,CEA,{place},,,,,,,,,\n" for place in (1, 2, 3)
    )
    pieces, total = _streamed(HEAD + rows)
    assert [failure.item for piece in pieces for failure in piece.failures] == ["line 2", "line 4", "line 6"]
    assert (total.valued_count, total.failure_count) == (3, 3)
    assert total.present_value_cny == 6 * Decimal("75.02")  # the close of 2025-06-30


def test_a_vintage_past_use_is_worth_nothing_as_a_column_too() -> None:
    rows = (
        "A,spot,CEA-2021,100,,,,,,,,,\n",
        "B,spot,CEA,100,,,,,,,,,\n",
        "C,forward,CEA-2023,20000,,77.50,2026-01-05,,,,,,\n",
    )
    (piece,), _ = _streamed(HEAD + "".join(rows))
    # 75.02 x 100 t; -77.50 x 20,000 t x exp(-0.015 x 189/365).
    assert piece.lines.present_value_fen == [0, 750_200, -153_800_759]


@given(st.floats(-1e14, 1e14, allow_nan=False), st.integers(-(10**12), 10**12), st.integers(-3, 3))
def test_amounts_are_rounded_as_single_ones_are(amount: float, half_fen: int, steps: int) -> None:
    near = float(Decimal(2 * half_fen + 1) / 200)  # the float nearest to a tie, and its neighbours
    for _ in range(abs(steps)):
        near = float(np.nextafter(near, np.inf if steps > 0 else -np.inf))
    amounts = np.array([amount, near, -near, 0.0, -0.0, 0.005, 0.015, 1.005, 2.675, -2.675])
    assert fen_half_up_all(amounts).tolist() == [int(to_decimal(float(one), places=2) * 100) for one in amounts]


def test_a_forward_worth_more_than_whole_numbers_hold_is_valued_by_itself() -> None:
    parameters = [replace(one, value="-0.2500") for one in MARKET.parameters if one.key == "pricing.forward_rate"]
    others = [one for one in MARKET.parameters if one.key != "pricing.forward_rate"]
    dear = replace(MARKET, parameters=(*others, *parameters))
    text = HEAD + "F,forward,CEA,100000000,,77.50,2100-12-31,,,,,,\nH,spot,CEA,1,,,,,,,,,\n"
    pieces = list(value_pieces(priced_market(dear, set()), csv_pieces(BytesIO(text.encode()), file_name="a.csv")))
    (line,) = [one for one in read_book(text.encode(), file_name="a.csv").lines if one.line_id == "F"]
    (alone,) = value_lines(priced_market(dear, {line.unit}), [line]).values
    assert isinstance(pieces[0], PieceValue)
    assert pieces[0].lines.present_value_fen[0] == alone.present_value_cny * 100

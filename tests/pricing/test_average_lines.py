"""Average-price options as lines of a portfolio: file, inline, stored, traced, measured, and refused with remedy."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import QuantLib as ql  # noqa: N813 - the field's own abbreviation
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.packages import PACKAGES
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.engine import Sessions
from pricing import service
from pricing.calc.fixings import average_values_per_t, fixings_of
from pricing.calc.line_faults import line_fault
from pricing.calc.options.kinds import ExerciseStyle, OptionType
from pricing.calc.positions import Averaging, LineKind, PortfolioLine
from pricing.feeds.book_files import EXAMPLE, book_rows, read_book
from tests.app.worlds import PAGE, World, build_world, signed_in
from tests.pricing.test_api import post
from tests.pricing.test_option_portfolios import _quoted
from tests.pricing.test_options_api import DAY
from tests.pricing.worlds import add_market, make_market_world

ON = date(2025, 6, 30)
DAYS = (date(2025, 10, 15), date(2025, 11, 14), date(2025, 12, 15))
HEAD = "代码,类型,品种,数量(吨),交割日,方向,行权方式,行权价(/吨),到期日,取价日,已定价日数,已定价均价(/吨)\n"
ROW = "A1,期权,EUA,10000,2025-12-15,看涨,平均价,70,2025-12-15,2025-10-15 2025-11-14;2025-12-15,,\n"
LINE = PortfolioLine(
    line_id="A1", kind=LineKind.OPTION, unit=Unit.parse("EUA"), quantity_t=10_000, delivery_date=date(2025, 12, 15),
    option_type=OptionType.CALL, option_style=ExerciseStyle.AVERAGE_PRICE, expiry_date=date(2025, 12, 15),
    strike_per_t=Decimal(70), averaging=Averaging(dates=DAYS),
)  # fmt: skip
INLINE = {
    "line_id": "A1", "kind": "option", "unit": "EUA", "quantity_t": 10_000, "delivery_date": "2025-12-15",
    "option_type": "call", "option_style": "average_price", "strike_per_t": "70", "expiry_date": "2025-12-15",
    "averaging_dates": [day.isoformat() for day in DAYS],
}  # fmt: skip


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    world = build_world(sqlite_sessions, packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        add_market(session, world.officer)
    return world


@pytest.fixture
def client(world: World) -> Iterator[TestClient[Litestar]]:
    with _quoted(world) as client:
        yield client


def _value(
    averaging: Averaging, *, forward: float = 71.0, strike: float = 70.0, sigma: float = 0.4, sign: float = 1.0
) -> float:
    found = average_values_per_t(
        forward_per_t=np.array([forward]), strike_per_t=np.array([strike]), volatility=np.array([sigma]),
        discount_factor=np.array([0.99]), option_sign=np.array([sign]), fixings=fixings_of(averaging, ON),
    )  # fmt: skip
    return float(found[0])


def _by_quadrature(
    years: Sequence[float], *, forward: float, strike: float, sigma: float, fixed: Sequence[float] = ()
) -> float:
    """The discounted mean of max(A - K, 0) over two correlated normals on a grid: no formula of the package."""
    nodes = np.linspace(-8.0, 8.0, 2001)
    weights = np.exp(-(nodes**2) / 2)
    weights = weights / weights.sum()
    first, second = years
    w1 = math.sqrt(first) * nodes[:, None]
    w2 = w1 + math.sqrt(second - first) * nodes[None, :]
    prices = [forward * np.exp(sigma * w - sigma**2 * t / 2) for w, t in ((w1, first), (w2, second))]
    average = (prices[0] + prices[1] + sum(fixed)) / (2 + len(fixed))
    return float(0.99 * weights @ np.maximum(average - strike, 0.0) @ weights)


def test_one_day_is_a_european_option_to_that_day() -> None:
    years = (DAYS[0] - ON).days / 365
    for sign, kind in ((1.0, ql.Option.Call), (-1.0, ql.Option.Put)):
        black = ql.BlackCalculator(ql.PlainVanillaPayoff(kind, 70.0), 71.0, 0.4 * math.sqrt(years), 0.99)
        assert _value(Averaging(dates=DAYS[:1]), sign=sign) == pytest.approx(black.value(), abs=1e-10)


@pytest.mark.parametrize(("forward", "sigma"), [(71.0, 0.4), (60.0, 0.6), (90.0, 0.2)])
def test_two_days_are_what_integration_says(forward: float, sigma: float) -> None:
    years = [(day - ON).days / 365 for day in DAYS[:2]]
    expected = _by_quadrature(years, forward=forward, strike=70.0, sigma=sigma)
    found = _value(Averaging(dates=DAYS[:2]), forward=forward, sigma=sigma)
    assert found == pytest.approx(expected, abs=2e-3 * forward / 70)


def test_what_is_fixed_counts_and_decides_alone_where_nothing_is_left() -> None:
    passed = (date(2025, 6, 27), date(2025, 6, 30))
    years = [(day - ON).days / 365 for day in DAYS[:2]]
    averaging = Averaging(dates=(*passed, *DAYS[:2]), fixed_count=2, fixed_average_per_t=Decimal(68))
    expected = _by_quadrature(years, forward=71.0, strike=70.0, sigma=0.4, fixed=(68.0, 68.0))
    assert _value(averaging) == pytest.approx(expected, abs=2e-3)
    done = Averaging(dates=passed, fixed_count=2, fixed_average_per_t=Decimal("73.5"))
    assert _value(done) == pytest.approx(0.99 * 3.5, abs=1e-12)
    assert _value(done, sign=-1.0) == 0.0
    # Fixed so high that it is exercised whatever comes: 0.99 x ((2 x 150 + 2 x 71) / 4 - 70).
    sure = replace(averaging, fixed_average_per_t=Decimal(150))
    assert _value(sure) == pytest.approx(0.99 * 40.5, abs=1e-12)
    assert _value(sure, sign=-1.0) == 0.0


def test_call_less_put_is_the_discounted_forward_average() -> None:
    averaging = Averaging(dates=(ON, *DAYS), fixed_count=1, fixed_average_per_t=Decimal(66))
    difference = _value(averaging) - _value(averaging, sign=-1.0)
    assert difference == pytest.approx(0.99 * ((66 + 3 * 71) / 4 - 70), abs=1e-9)


def test_days_that_passed_must_be_fixed() -> None:
    for count, average in ((0, None), (2, Decimal(68))):
        averaging = Averaging(dates=(ON, *DAYS), fixed_count=count, fixed_average_per_t=average)
        with pytest.raises(InvalidInput, match="1 averaging days lie up to") as refused:
            fixings_of(averaging, ON)
        assert refused.value.field == "fixed_count"
        assert refused.value.remedy


def test_a_file_says_the_days_and_is_written_as_it_is_read() -> None:
    file = read_book((HEAD + ROW).encode(), file_name="a.csv")
    assert (file.failures, file.lines) == ((), (LINE,))
    fixed = replace(LINE, averaging=Averaging(dates=(ON, *DAYS), fixed_count=1, fixed_average_per_t=Decimal("68.5")))
    text = "\n".join(",".join(row) for row in book_rows([LINE, replace(fixed, line_id="A2")])) + "\n"
    assert read_book(text.encode(), file_name="a.csv").lines == (LINE, replace(fixed, line_id="A2"))
    example = read_book(EXAMPLE.encode(), file_name="a.csv")
    assert example.failures == ()
    assert ExerciseStyle.AVERAGE_PRICE in {line.option_style for line in example.lines}


@pytest.mark.parametrize(
    ("averaging", "field"),
    [
        (None, "averaging_dates"),
        (Averaging(dates=()), "averaging_dates"),
        (Averaging(dates=(DAYS[1], DAYS[0])), "averaging_dates"),
        (Averaging(dates=(DAYS[0], DAYS[0])), "averaging_dates"),
        (Averaging(dates=(*DAYS, date(2025, 12, 16))), "averaging_dates"),
        (Averaging(dates=DAYS, fixed_count=4, fixed_average_per_t=Decimal(70)), "fixed_count"),
        (Averaging(dates=DAYS, fixed_count=-1, fixed_average_per_t=Decimal(70)), "fixed_count"),
        (Averaging(dates=DAYS, fixed_count=1), "fixed_average_per_t"),
        (Averaging(dates=DAYS, fixed_average_per_t=Decimal(70)), "fixed_average_per_t"),
        (Averaging(dates=DAYS, fixed_count=1, fixed_average_per_t=Decimal(0)), "fixed_average_per_t"),
    ],
)
def test_terms_that_cannot_be_are_refused(averaging: Averaging | None, field: str) -> None:
    fault = line_fault(replace(LINE, averaging=averaging))
    assert fault is not None
    assert fault.field == field
    assert fault.remedy_zh


def test_other_lines_take_no_averaging_days() -> None:
    european = replace(LINE, option_style=ExerciseStyle.EUROPEAN)
    holding = PortfolioLine(
        line_id="H", kind=LineKind.SPOT, unit=Unit.parse("CEA"), quantity_t=1, averaging=Averaging(dates=DAYS)
    )
    for line in (european, holding):
        fault = line_fault(line)
        assert fault is not None
        assert fault.field == "averaging_dates"


def test_a_stored_line_comes_back_whole(sessions: Sessions) -> None:
    fixed = Averaging(dates=(ON, *DAYS), fixed_count=1, fixed_average_per_t=Decimal("68.5"))
    lines = (LINE, replace(LINE, line_id="A2", averaging=fixed))
    with sessions.begin() as session:
        world = make_market_world(session)
        saved = service.save_portfolio(session, world.maker, code="A", name="均价", lines=lines)
    with sessions.read() as session:
        assert service.load_portfolio(session, world.maker, saved.id).lines == lines


def _inline(client: TestClient[Litestar], *lines: dict[str, Any]) -> Any:
    answer = post(client, "/v1/valuations", {"valuation_date": DAY, "lines": list(lines)})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_inline_stream_preview_and_options_api_agree_and_the_trace_names_the_days(client: TestClient[Litestar]) -> None:
    stale = {**INLINE, "line_id": "A2", "averaging_dates": ["2025-06-27", "2025-12-15"]}
    body = _inline(client, INLINE, stale)
    (line,) = body["lines"]
    assert [(one["item"], one["field"]) for one in body["failures"]] == [("A2", "fixed_count")]
    alone = client.post("/v1/options/values", json={"valuation_date": DAY, "lines": [{
        "line_id": "A1", "surface": "EUA", "option_type": "call", "style": "average_price", "quantity_t": 10_000,
        "strike_per_t": "70", "expiry_date": "2025-12-15", "delivery_date": "2025-12-15",
        "averaging_dates": INLINE["averaging_dates"],
    }]}).json()["lines"][0]  # fmt: skip
    assert line["option"]["value_per_t"] == alone["value_per_t"]
    european = _inline(
        client, {**{k: v for k, v in INLINE.items() if k != "averaging_dates"}, "option_style": "european"}
    )
    # An average swings less than its last price.
    assert Decimal(line["present_value_cny"]) < Decimal(european["lines"][0]["present_value_cny"])
    assert 0 < Decimal(line["option"]["vega_cny"]) < Decimal(european["lines"][0]["option"]["vega_cny"])
    assert Decimal(line["option"]["theta_cny"]) < 0 < Decimal(line["option"]["delta_t"])
    preview = client.post("/v1/valuations/preview", json={"valuation_date": DAY, "lines": [INLINE, stale]}).json()
    streamed = client.post(
        "/v1/valuations/stream", params={"valuation_date": DAY}, content=(HEAD + ROW + ROW.replace("A1", "B1")).encode(),
        headers={"Content-Type": "text/csv"},
    ).text  # fmt: skip
    assert preview["lines"][0]["present_value_cny"] == line["present_value_cny"]
    assert streamed.count(f'"{line["present_value_cny"]}"') == 2
    trace = {one["name"]: one for one in client.get(f"/v1/decisions/{body['decision_id']}").json()["trace"]}
    assert trace["line.A1.averaging_days"]["value"] == "3"
    assert trace["line.A1.averaging_days"]["source"].endswith("2025-10-15 2025-11-14 2025-12-15")
    assert "line.A1.averaging_days" in trace["line.A1.value_per_t"]["inputs"]
    assert "Curran" in trace["line.A1.value_per_t"]["formula"]


def test_its_risk_is_measured_by_valuing_it_again(client: TestClient[Litestar]) -> None:
    answer = client.post("/v1/risk", json={"valuation_date": DAY, "lines": [INLINE]})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["failures"] == []
    held = Decimal(_inline(client, INLINE)["present_value_cny"])
    # What is bought can lose its whole value and no more.
    assert 0 < Decimal(body["value_at_risk_cny"]) <= Decimal(body["expected_shortfall_cny"]) <= held
    policy = next(one for one in body["stresses"] if one["kind"] == "policy_shock")
    assert -held <= Decimal(policy["pnl_cny"]) < 0


def test_the_line_has_a_page(world: World) -> None:
    with _quoted(world) as client:
        valuation = _inline(client, INLINE)["valuation_id"]
    with signed_in(world) as browser:
        shown = browser.get(f"/valuations/{valuation}/lines/A1?lang=zh", headers=PAGE)
        assert shown.status_code == 200
        for words in ("平均价看涨", "A1 取价日数", "2025-10-15 2025-11-14 2025-12-15"):
            assert words in shown.text, words

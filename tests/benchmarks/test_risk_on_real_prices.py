"""The tables of risk on real prices, on made-up ones: what is skipped, counted and told."""

import csv
from pathlib import Path

import numpy as np
import pytest

from benchmarks.risk_on_real_prices import Series, backtest_lines, main, series_of, volatility_lines


def _write(path: Path, head: str, rows: list[list[str]]) -> None:
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head.split(","), *rows])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("cea", "guangdong", "hubei", "shanghai"):
        _write(
            tmp_path / "china-carbon-close" / f"{name}_close.csv",
            "date,close",
            [["2024-01-02", "70"], ["2024-01-03", "70"]],
        )
    pilots = tmp_path / "china-pilots-ohlcv"
    ranged = [["2024-01-02", "10.0", "11", "9", "5"], ["2024-01-03", "11.0", "12", "10", "0"]]
    _write(pilots / "guangdong_gdea.csv", "date,close,high,low,volume_t", ranged)
    _write(pilots / "hubei_hbea.csv", "date,last,high,low,volume_t", ranged)
    _write(
        pilots / "beijing_bea.csv",
        "date,avg,volume_t,product",
        [["2024-01-02", "50", "1", "BEA"], ["2024-01-03", "9", "1", "CCER"]],
    )
    return tmp_path


def test_without_the_folder_it_says_that_it_is_skipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"skipped: there are no prices at {tmp_path}\n"


def test_series_are_read_as_the_sources_write_them(folder: Path) -> None:
    found = {series.name: series for series in series_of(folder)}
    assert found["cea, closes alone"].traded.tolist() == [True, False]  # a close like the day before counts as carried
    guangdong = found["Guangdong GDEA"]
    assert (guangdong.traded.tolist(), guangdong.at_limit.tolist()) == ([True, False], [False, True])
    assert found["Beijing BEA"].close.tolist() == [50.0]  # another product of the day is no price of it


def _made_up(count: int) -> Series:
    moves = np.random.default_rng(7).normal(0.0, 0.02, count)
    close = 50.0 * np.exp(np.cumsum(moves))
    nothing = np.full(count, np.nan)
    days = tuple(str(day) for day in range(count))
    return Series(name="made up", days=days, close=close, high=nothing, low=nothing, volume_t=np.ones(count))


def test_figures_of_a_known_market_come_back() -> None:
    (line,) = volatility_lines(_made_up(1_500))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert abs(float(cells[5].rstrip("%")) / 100 - 0.02 * 250**0.5) < 0.01
    assert "refused: missing-data" in cells[-1]
    rows = [line.split("|") for line in backtest_lines(_made_up(1_500))]
    assert [row[2].strip() for row in rows] == [
        "historical, 500 days",
        "filtered historical",
        "naive: normal, 250 days",
    ]
    assert not any("rejected" in row[5] for row in rows)  # all three promise a normal market rightly


def test_a_short_series_is_said_to_be_short() -> None:
    (line,) = backtest_lines(_made_up(300))
    assert "too short" in line

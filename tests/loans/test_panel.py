"""The panel method by hand, its percentile beside scipy's, bad rows named, and the study on the installations shared."""

import os
from collections import Counter
from collections.abc import Callable
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import rankdata

from carbonfin.kernel.errors import InvalidInput
from loans.calc.ratings.panel import Panel, PanelTerms, classify_panel, country_percentile
from loans.service import studied_panel
from tests.loans.test_commands import run

__all__ = ["run"]
ON = date(2025, 6, 30)
SHARED = Path(os.environ.get("CARBONFIN_VECTORS", Path(__file__).parents[3] / "shared" / "vectors")).parent / "data"
TERMS = PanelTerms(
    weights={"coverage": 40, "trend": 40, "percentile": 20}, coverage_full=1, trend_limit=0.2,
    class_points_min=(80, 60, 40, 20), country_count_min=2,
)  # fmt: skip


def written(folder: Path, rows: list[str], *, countries: str = "A,X\nB,X\n") -> Path:
    (folder / "installation.csv").write_text(f"id,country_id\n{countries}", encoding="utf-8")
    (folder / "compliance.csv").write_text("\n".join(["installation_id,year,free,emission", *rows]), encoding="utf-8")
    return folder


def panel_of(rows: list[tuple[int, int, int, int, int]]) -> Panel:
    columns = np.array(rows, dtype=np.int64)
    return Panel(
        installation=columns[:, 0], country=columns[:, 1], year=columns[:, 2], free_t=columns[:, 3],
        emission_t=columns[:, 4],
    )  # fmt: skip


def test_points_and_classes_by_hand() -> None:
    found = classify_panel(
        panel_of(
            [
                (0, 0, 2013, 100, 100), (0, 0, 2014, 90, 90), (0, 0, 2015, 90, 0), (0, 0, 2016, 90, 90),
                (1, 0, 2013, 50, 100), (1, 0, 2014, 44, 110), (2, 1, 2013, 1, 1), (2, 1, 2014, 1, 1),
            ]
        ),
        TERMS,
    )  # fmt: skip
    # 0: coverage 1 -> 40; fall 0.1 of 0.2 -> 40 x 0.3/0.4 = 30; second of two by coverage: 1.5/2 -> 15; 85 points.
    # 1: coverage 0.4 -> 16; rise 0.1 -> 40 x 0.1/0.4 = 10; first of two: 0.5/2 -> 5; 31 points, class 4.
    assert found.points.tolist() == [85.0, 31.0]
    assert (found.installation.tolist(), found.year.tolist(), found.band.tolist()) == ([0, 1], [2014, 2014], [0, 3])
    assert found.refused_count == {"no_emissions": 1, "no_year_before": 1, "few_in_country": 1}


def test_an_installation_without_emissions_is_nobody_s_peer() -> None:
    """A row more without emissions, of the same country and year, moves nobody's points nor who has too few peers."""
    rows = [(0, 0, 2013, 100, 100), (0, 0, 2014, 90, 90), (1, 0, 2013, 50, 100), (1, 0, 2014, 44, 110)]
    idle = [(2, 0, 2013, 70, 70), (2, 0, 2014, 70, 0)]
    alone = [(3, 1, 2013, 10, 10), (3, 1, 2014, 10, 9), (4, 1, 2013, 5, 5), (4, 1, 2014, 5, 0)]
    found = classify_panel(panel_of([*rows, *idle, *alone]), TERMS)
    assert found.points.tolist() == [85.0, 31.0]
    assert found.refused_count == {"no_emissions": 2, "no_year_before": 0, "few_in_country": 1}
    assert classify_panel(panel_of(idle[1:]), TERMS).points.tolist() == []


def test_the_percentile_is_scipy_s_mean_rank() -> None:
    rng = np.random.default_rng(5)
    size = 3000
    rows = [(n, int(rng.integers(0, 7)), int(rng.integers(2013, 2017)), 1, 1) for n in range(size)]
    panel, values = panel_of(rows), rng.integers(0, 40, size).astype(np.float64)
    found = country_percentile(panel, values)
    for year in range(2013, 2017):
        for country in range(7):
            of_group = (panel.year == year) & (panel.country == country)
            ranks = rankdata(values[of_group])
            assert np.array_equal(found[of_group], (ranks - 0.5) / of_group.sum())


def test_more_emissions_never_give_a_better_class() -> None:
    rng = np.random.default_rng(6)
    rows = [
        (n, n % 3, year, int(rng.integers(1, 500)), int(rng.integers(1, 500)))
        for n in range(300)
        for year in (2013, 2014)
    ]
    before = classify_panel(panel_of(rows), TERMS)
    for place in rng.choice(300, 60, replace=False):
        worse = list(rows)
        number, country, year, free_t, emission_t = rows[2 * place + 1]
        worse[2 * place + 1] = (number, country, year, free_t, emission_t + int(rng.integers(1, 200)))
        after = classify_panel(panel_of(worse), TERMS)
        assert after.points[place] <= before.points[place]
        assert after.band[place] >= before.band[place]


def test_bad_rows_are_named_and_the_others_counted(tmp_path: Path) -> None:
    countries = "".join(f"I{n},X\n" for n in range(40)) + "N,\n"
    rows = [f"I{n},{year},{100 + n},{100 + n + year - 2013}" for n in range(40) for year in (2013, 2014, 2015)]
    bad = [
        "I1,2013,5,5",
        "I2,2016,-5,5",
        "I3,1999,5,5",
        "Z,2013,5,5",
        "N,2013,5,5",
        "I4,2016,5,99999999999",
        "I5,2016,,5",
    ]
    found = studied_panel(written(tmp_path, rows + bad, countries=countries), on=ON)
    assert (found.row_count, len(found.failures)) == (127, 7)
    assert [(one.item, one.field) for one in found.failures] == [
        ("line 122", "year"), ("line 123", "free"), ("line 124", "year"), ("line 125", "installation_id"),
        ("line 126", "installation_id"), ("line 127", "emission"), ("line 128", "free"),
    ]  # fmt: skip
    assert [(one.year, one.count, one.both_count) for one in found.study.years] == [(2014, 40, 0), (2015, 40, 40)]
    assert found.study.transitions.counts.sum() == 40


def test_a_folder_of_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be read"):
        studied_panel(tmp_path, on=ON)
    (tmp_path / "installation.csv").write_text("id,land\nA,X\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match="no column country_id"):
        studied_panel(tmp_path, on=ON)
    with pytest.raises(InvalidInput, match="no sound row"):
        studied_panel(written(tmp_path, ["A,2013,x,1"]), on=ON)
    with pytest.raises(InvalidInput, match="nobody was rated in both years"):
        studied_panel(written(tmp_path, ["A,2013,1,1", "A,2014,1,1"]), on=ON)


def test_the_command_prints_the_study_and_what_it_cannot_say(tmp_path: Path, run: Callable[[list[str]], Any]) -> None:
    countries = "".join(f"I{n},X\n" for n in range(40))
    rows = [f"I{n},{year},{100 + n},{100 + n * (year - 2012)}" for n in range(40) for year in (2013, 2014, 2015)]
    answer = run(["ratings-panel", str(written(tmp_path, rows, countries=countries))])
    assert "不称 A–E" in answer["method"]
    assert (answer["row_count"], answer["pair_count"], len(answer["transitions"])) == (120, 40, 5)
    assert any("减产" in text for text in answer["limits_zh"])
    assert "A" not in answer["transitions"][0]


def test_the_study_on_shared_installations_beside_a_plain_loop() -> None:
    folder = SHARED / "eutl-panel"
    if not folder.exists():
        pytest.skip(f"no panel of installations at {folder}")
    found = studied_panel(folder, on=ON)
    assert (found.row_count, found.failures) == (68_149, ())
    classes = found.classes
    band_of = dict(
        zip(zip(classes.installation.tolist(), classes.year.tolist(), strict=True), classes.band, strict=True)
    )
    counts = Counter(
        (int(band_of[name, year - 1]), int(band))
        for (name, year), band in band_of.items()
        if (name, year - 1) in band_of
    )
    matrix = found.study.transitions
    assert {(row, column): int(matrix.counts[row, column]) for row in range(5) for column in range(5)} == {
        (row, column): counts[row, column] for row in range(5) for column in range(5)
    }
    assert [one.year for one in found.study.years] == [2014, 2015, 2016, 2017, 2018]
    assert all(after.spread is not None for _, after in pairwise(found.study.years))
    assert np.allclose(matrix.shares.sum(axis=1), 1)
    assert ((matrix.low <= matrix.shares) & (matrix.shares <= matrix.high)).all()

"""Benchmarks of options, of their risk and of large books run at small size; how fast anything is, no test says."""

from types import ModuleType

import numpy as np
import pytest

from benchmarks import pricing_books, pricing_options, pricing_risk, stored_books


@pytest.mark.parametrize("benchmark", [pricing_books, pricing_options, pricing_risk, stored_books])
def test_it_prints_a_line_a_comparison(benchmark: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(["--runs", "1", "--scale", "0.01"]) == 0
    lines = capsys.readouterr().out.splitlines()
    head, *rows = [line for line in lines if "[info" not in line]
    assert head.startswith(("# pricing ", "# stored books"))
    assert rows
    assert all("/s; spread " in row for row in rows)


def test_a_wrong_interpolation_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    right = pricing_risk.exact_pnl
    monkeypatch.setattr(pricing_risk, "exact_pnl", lambda book, scenarios: right(book, scenarios) * (1.0 + 1e-6))
    with pytest.raises(AssertionError, match="true error"), pricing_risk.comparisons(0.01):
        pass


def test_the_comparator_of_values_prices_black_s_options() -> None:
    book = pricing_options._Book(10_000)
    assert np.abs(book.scipy_values() - book.values()).max() < 1e-11

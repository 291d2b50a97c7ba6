"""Traces: a graph by name, in order."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.rules.parameters import Grade, ParameterValue
from carbonfin.rules.record import canonical_json
from carbonfin.rules.trace import Figure, ParameterUse, checked_trace


def _figure(name: str, *inputs: str) -> Figure:
    return Figure(name=name, label_zh=name, label_en=name, value="1", unit="CNY", inputs=inputs)


def test_figures_follow_their_inputs() -> None:
    figures = [_figure("lpr"), _figure("margin"), _figure("rate", "lpr", "margin")]
    assert checked_trace(figures) == tuple(figures)
    assert checked_trace([]) == ()


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ([_figure("rate", "lpr"), _figure("lpr")], "do not stand before"),
        ([_figure("rate", "rate")], "do not stand before"),
        ([_figure("lpr"), _figure("lpr")], "stands twice"),
    ],
)
def test_a_trace_out_of_order_is_our_own_broken_promise(figures: list[Figure], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        checked_trace(figures)


@given(st.integers(1, 20), st.randoms())
def test_any_order_that_respects_the_arrows_is_a_trace(count: int, chance: object) -> None:
    figures = [
        _figure(f"f{place}", *(f"f{i}" for i in range(place) if chance.random() < 0.4))  # type: ignore[attr-defined]
        for place in range(count)
    ]
    assert [figure.name for figure in checked_trace(figures)] == [f"f{place}" for place in range(count)]


def test_a_parameters_figure_carries_its_version_and_its_doubt() -> None:
    value = ParameterValue(
        key="subsidy.cap_cny", scope="南山 2025", value="1000000", unit="CNY", valid_from=date(2025, 1, 1), valid_to=None,
        known_from=date(2025, 9, 1), document="操作规程", article="第四部分", grade=Grade.SECONDARY, confirmed=False,
        approved_by=(), note="上限未确认", title_zh="贴息上限", title_en="Subsidy cap",
    )  # fmt: skip
    figure = Figure.of_parameter("cap", value)
    assert (figure.name, figure.value, figure.unit, figure.label_zh) == (
        "cap",
        "1000000",
        "CNY",
        "贴息上限（南山 2025）",
    )
    assert figure.confirmed is False
    assert figure.parameter == ParameterUse.of(value)
    assert figure.parameter is not None
    assert figure.parameter.digest == value.digest
    assert (figure.source, figure.parameter.article) == ("操作规程", "第四部分")
    assert figure.parameter.clause == "操作规程 第四部分"
    assert "document_number" not in canonical_json(figure), "what was decided before keeps its text"
    numbered = Figure.of_parameter("cap", replace(value, document_number="深南财〔2025〕1号", quote="上限一百万元"))
    assert numbered.parameter is not None
    assert numbered.parameter.clause == "操作规程 深南财〔2025〕1号 第四部分"

"""Shares against limits of their own: each with its mark and both figures in words, whatever the colour."""

import xml.etree.ElementTree as ET
from datetime import date
from decimal import Decimal

import pytest

from carbonfin.documents.charts import LimitBar, Tone, Words, limit_chart
from carbonfin.kernel.errors import InvalidInput

SOURCE = Words(zh="台账", en="ledger")
TITLE = Words(zh="哪些超过上限？", en="Which are above?")


def bar(name: str, share: str, limit: str, *, is_above: bool = False) -> LimitBar:
    said = Words(zh="超过上限", en="above") if is_above else Words(zh="未超上限", en="within")
    text, upper = f"{Decimal(share):.2%}", f"{Decimal(limit):.2%}"
    return LimitBar(
        label=Words(zh=name, en=name), share_ratio=Decimal(share), limit_ratio=Decimal(limit),
        text=Words(zh=text, en=text), limit_text=Words(zh=upper, en=upper), state=said,
        tone=Tone.BREACH if is_above else Tone.PLAIN,
    )  # fmt: skip


def words_of(svg: str) -> str:
    return "".join(ET.fromstring(svg).itertext())  # noqa: S314  the product drew it


def test_each_share_stands_with_its_limit_and_state_in_words_and_as_a_table() -> None:
    bars = [bar("A", "0.631", "0.6", is_above=True), bar("B", "0.2", "0.5")]
    chart = limit_chart(title=TITLE, bars=bars, source=SOURCE, as_of=date(2025, 6, 30), language="zh")
    drawn = words_of(chart.svg)
    for words in ("63.10%", "上限 60.00%", "超过上限", "20.00%", "上限 50.00%", "来源：台账；数据截至 2025-06-30"):
        assert words in drawn, words
    assert chart.rows == (("A", "63.10%", "60.00%", "超过上限"), ("B", "20.00%", "50.00%", "未超上限"))
    assert chart.alt_en == (
        "Which are above?. A 63.10% limit 60.00% above; B 20.00% limit 50.00% within. Source: ledger; as of 2025-06-30."
    )


def marks(*bars: LimitBar) -> int:
    """Count the marks: strokes as wide as a mark and no wider."""
    svg = limit_chart(title=TITLE, bars=bars, source=SOURCE, as_of=date(2025, 6, 30), language="en").svg
    return svg.count("h3v26h-3Z")


def test_a_limit_beyond_the_whole_is_named_and_not_drawn() -> None:
    """Three times the whole would shrink every bar: its words say that the mark lies outside."""
    far = bar("B", "0.2", "3")
    chart = limit_chart(title=TITLE, bars=[far], source=SOURCE, as_of=date(2025, 6, 30), language="zh")
    assert "上限 300.00%（在图外）" in words_of(chart.svg)
    assert (marks(far), marks(bar("A", "0.2", "0.5"), far)) == (0, 1)


def test_no_share_is_no_chart() -> None:
    with pytest.raises(InvalidInput):
        limit_chart(title=TITLE, bars=[], source=SOURCE, as_of=date(2025, 6, 30), language="zh")

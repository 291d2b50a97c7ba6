"""The sheet refuses what a reader would trip over."""

from dataclasses import replace
from decimal import Decimal

import pytest

from carbonfin.documents.pages import term_rows, text_width, with_remarks
from carbonfin.documents.sheets import (
    ChartFigure,
    Column,
    Note,
    Row,
    StepKind,
    Table,
    Term,
    TermGrid,
    Waterfall,
    WaterfallStep,
)
from carbonfin.documents.widths import TEXT_WIDTH_MM, column_widths_mm, padding_mm, text_em
from carbonfin.kernel.errors import InvalidInput
from tests.documents import samples


def test_a_mark_without_a_note_is_refused() -> None:
    with pytest.raises(InvalidInput, match="No note stands for the marks 2"):
        samples.sheet(notes=(Note(mark="1", text="有"),))


def test_two_notes_with_one_mark_are_refused() -> None:
    notes = tuple(Note(mark=mark, text=mark) for mark in ("1", "2", "1"))
    with pytest.raises(InvalidInput, match="share a mark"):
        samples.sheet(notes=notes)


@pytest.mark.parametrize("name", ["title_zh", "number", "version", "digest"])
def test_a_sheet_needs_what_its_footer_says(name: str) -> None:
    with pytest.raises(InvalidInput, match=name):
        samples.sheet(**{name: " "})


def test_a_row_of_another_width_is_refused() -> None:
    columns = (Column(label_zh="甲"), Column(label_zh="乙"))
    with pytest.raises(InvalidInput, match=r"Line 2 .* has 1 cells for 2 columns"):
        Table(title_zh="表", title_en="t", columns=columns, rows=(Row(cells=("1", "2")), Row(cells=("1",))))
    with pytest.raises(InvalidInput, match="has 3 cells for 2 columns"):
        Table(title_zh="表", title_en="t", columns=columns, rows=(), totals=("1", "2", "3"))


def test_a_chart_without_words_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no text alternative"):
        ChartFigure(svg="<svg/>", alt=" ")


@pytest.mark.parametrize("address", ["javascript:alert(1)", "/decisions/1", "file:///etc/passwd"])
def test_a_trace_needs_a_web_address(address: str) -> None:
    with pytest.raises(InvalidInput, match="absolute web address"):
        Term(label_zh="利率", label_en="Rate", value="3.29%", trace_url=address)


def test_a_waterfall_that_does_not_add_up_is_refused() -> None:
    lpr, margin, concession, executed = samples.STEPS
    wrong = replace(executed, amount=Decimal("3.30"))
    with pytest.raises(InvalidInput, match=r"stands at 3.30; the steps before it give 3.29"):
        Waterfall(title_zh="利率", title_en="Rate", unit="%", steps=(lpr, margin, concession, wrong))
    with pytest.raises(InvalidInput, match="must start with a level"):
        Waterfall(title_zh="利率", title_en="Rate", unit="%", steps=(margin,))


def test_a_level_between_changes_must_be_the_running_sum() -> None:
    def step(amount: str, kind: StepKind) -> WaterfallStep:
        return WaterfallStep(label_zh=amount, label_en=amount, amount=Decimal(amount), text=amount, kind=kind)

    steps = (
        step("60", StepKind.LEVEL),
        step("8", StepKind.CHANGE),
        step("68", StepKind.LEVEL),
        step("-3", StepKind.CHANGE),
    )
    Waterfall(title_zh="得分", title_en="Score", unit="分", steps=steps)
    with pytest.raises(InvalidInput):
        Waterfall(title_zh="得分", title_en="Score", unit="分", steps=(*steps, step("66", StepKind.LEVEL)))


def test_terms_stand_two_to_a_line_and_wide_or_lone_ones_alone() -> None:
    first, second, third, wide = (Term(label_zh=name, label_en="", value="", wide=name == "宽") for name in "甲乙丙宽")
    grid = TermGrid(title_zh="", title_en="", items=(first, second, third, wide, first))
    assert term_rows(grid) == ((first, second), (third,), (wide,), (first,))


def test_flags_become_a_column_of_remarks_only_where_there_are_any() -> None:
    shown = with_remarks(samples.schedule())
    assert [column.label_zh for column in shown.columns][-1] == "备注"
    assert [row.cells[-1] for row in shown.rows] == [""] * 6 + ["节假日安排未公布"] * 2
    assert shown.totals is not None
    assert shown.totals[-1] == ""
    bare = replace(samples.schedule(), rows=(Row(cells=("1", "2025-07-21", "20", "0.00", "18,277.78")),))
    assert with_remarks(bare) is bare


def test_a_chinese_character_takes_two_places() -> None:
    assert text_width("元/吨 12") == 8
    assert text_width("短\n长一些") == 6


def table_of(*columns: tuple[Column, tuple[str, ...]]) -> Table:
    heads = tuple(column for column, _cells in columns)
    rows = tuple(Row(cells=cells) for cells in zip(*(cells for _column, cells in columns), strict=True))
    return Table(title_zh="", title_en="", columns=heads, rows=rows)


def test_columns_with_weights_share_the_width_by_them() -> None:
    table = table_of(
        (Column(label_zh="甲", weight=Decimal(1)), ("1",)), (Column(label_zh="乙", weight=Decimal(3)), ("2",))
    )
    assert column_widths_mm(table) == (Decimal("43.5"), Decimal("130.5"))


def test_figures_stay_whole_and_long_texts_share_what_is_left() -> None:
    amounts = tuple((Column(label_zh="应还本息合计", unit="元"), ("10,009,138.89",)) for _ in range(6))
    long = Column(label_zh="备注"), ("节假日安排未公布，公布后重新推算并另行通知借款人",)
    table = table_of(*amounts, long)
    widths = column_widths_mm(table)
    assert sum(widths) == pytest.approx(TEXT_WIDTH_MM)
    figure_mm = text_em("10,009,138.89") * Decimal("3.175")
    assert all(width - padding_mm(7) >= figure_mm for width in widths[:6])
    assert widths[6] > widths[0]


def test_columns_that_cannot_all_stay_whole_still_fill_the_width() -> None:
    table = table_of(*((Column(label_zh="金额", unit="元"), ("10,009,138.89",)) for _ in range(12)))
    assert sum(column_widths_mm(table)) == pytest.approx(TEXT_WIDTH_MM)

"""What a draft does to everything that stands, in values: figures, totals, order and those that cannot be run."""

from decimal import Decimal

import pytest

from carbonfin.kernel.errors import MissingData
from carbonfin.rules.live_impact import (
    LiveFailure,
    LiveFigure,
    LiveImpact,
    LiveMove,
    largest_first,
    moved_figures,
    total_of,
)


def figure(before: str, after: str, *, name: str = "value") -> LiveFigure:
    return LiveFigure(name=name, label_zh="值", label_en="Value", unit="CNY", before=before, after=after)


def move(subject: str, before: str, after: str) -> LiveMove:
    return LiveMove(subject=subject, decision_id="d", figures=(figure(before, after),))


@pytest.mark.parametrize(
    ("before", "after", "difference"), [("3", "4.50", Decimal("1.50")), ("", "4", None), ("covered", "warning", None)]
)
def test_a_difference_is_of_numbers_alone(before: str, after: str, difference: Decimal | None) -> None:
    assert figure(before, after).difference == difference


def test_one_number_written_twice_is_no_move() -> None:
    moved = moved_figures([figure("0.40", "0.4"), figure("", "0"), figure("a", "b"), figure("1", "1")])
    assert [(one.before, one.after) for one in moved] == [("", "0"), ("a", "b")]


def test_totals_are_sums_and_count_who_moves() -> None:
    total = total_of("value", ("值", "Value"), "CNY", [(Decimal(3), Decimal(1)), (Decimal(2), Decimal(2))])
    assert (total.count, total.before, total.after, total.difference) == (1, 5, 3, -2)
    assert total_of("value", ("值", "Value"), "CNY", []).difference == 0


def test_the_greatest_loss_comes_first_and_ties_go_by_subject() -> None:
    moves = [move("c", "5", "6"), move("b", "5", "1"), move("a", "5", "1"), move("d", "9", "2")]
    assert [one.subject for one in largest_first(moves, by="value")] == ["d", "a", "b", "c"]
    assert [one.subject for one in largest_first(moves, by="else")] == ["a", "b", "c", "d"]


def test_who_cannot_be_run_is_counted_apart() -> None:
    error = MissingData("no volume", zh="无成交量", field="volume")
    failures = (
        LiveFailure.of("a", "d", 1, error),
        LiveFailure.of("b", "", error, error),
        LiveFailure.of("c", "", error, 1),
    )
    impact = LiveImpact(
        noun_zh="质押", noun_en="pledges", basis=(), population_count=6, moves=(move("d", "1", "2"),), failures=failures,
        totals=(),
    )  # fmt: skip
    assert [(one.reason_zh, one.is_of_draft) for one in failures] == [
        ("无成交量", True), ("无成交量", False), ("无成交量", False),
    ]  # fmt: skip
    assert (impact.left_unanswered_count, impact.unchanged_count) == (1, 2)

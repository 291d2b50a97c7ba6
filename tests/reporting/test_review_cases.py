"""A case of the bureau's review as its steps come to it: amounts, order of steps, publication, the performance table."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel.dates import Calendar
from carbonfin.kernel.errors import CarbonFinError, Conflict, InvalidInput
from reporting.calc.reviews import (
    REVIEW,
    STEP_TITLES,
    ReviewCase,
    ReviewStep,
    after_step,
    case_of,
    publication_end,
)

GRANTED = Decimal("55086.49")
UNTIL = date(2025, 10, 10)
PAYEE = {"account_name": "甲公司", "bank_name": "示例银行", "account_number": "0123456789"}
# The holidays of October 2025 with the Sunday worked for them, by the State Council's notice.
AUTUMN = Calendar(
    name="bank",
    holidays=frozenset(date(2025, 10, day) for day in range(1, 9)),
    make_up_workdays=frozenset({date(2025, 9, 28), date(2025, 10, 11)}),
    known_until=date(2025, 12, 31),
    works_make_up_days=True,
)


def step(name: str, amount: str | None = None, *, on: date = date(2025, 10, 13), **details: str) -> ReviewStep:
    if name == "publish":
        details = {"published_until": UNTIL.isoformat()} | details
    return ReviewStep(
        name=name, on=on, at=datetime(2025, 10, 13, tzinfo=UTC), amount_cny=None if amount is None else Decimal(amount),
        maker_name="甲", checker_name="乙", reason="核对无误", details=PAYEE if name == "payee" else details,
    )  # fmt: skip


def case(*steps: ReviewStep) -> ReviewCase:
    return case_of("A", "R", granted_cny=GRANTED, steps=steps)


PUBLISHED = (step("review", "55086.49", on=date(2025, 9, 26)), step("publish", on=date(2025, 9, 26)))
PAID = (*PUBLISHED, step("payee"), step("order", "55086.49"), step("pay", "55086.49"))


def test_five_working_days_count_a_sunday_worked_and_no_holiday() -> None:
    """From Friday 26 September: Sunday 28, 29, 30 September, 9 and 10 October."""
    assert publication_end(AUTUMN, date(2025, 9, 26), days=5) == date(2025, 10, 10)


def test_a_case_is_paid_what_was_granted() -> None:
    paid = case(*PAID)
    assert (paid.state, paid.ceiling_cny, paid.paid_cny) == ("PAID", GRANTED, GRANTED)
    assert paid.payee == PAYEE


def test_review_audit_and_objection_only_ever_take_away() -> None:
    steps = (step("review", "50000.00"), step("audit", "48000.50"), step("publish"))
    objected = (*steps, step("object", on=UNTIL), step("reduce", "40000.00"))
    assert [case(*objected[:place]).ceiling_cny for place in range(6)] == [
        GRANTED, Decimal("50000.00"), Decimal("48000.50"), Decimal("48000.50"), Decimal("48000.50"), Decimal("40000.00"),
    ]  # fmt: skip
    for name, before in (("review", ()), ("audit", steps[:1]), ("reduce", objected[:4])):
        above = case(*before).ceiling_cny + Decimal("0.01")
        with pytest.raises(InvalidInput, match="is more than"):
            case(*before, step(name, str(above)))


@pytest.mark.parametrize("amount", ["0.00", "-1.00", "10.001", None])
def test_an_amount_is_whole_fen_above_nothing(amount: str | None) -> None:
    with pytest.raises(InvalidInput, match="whole fen above 0"):
        case(step("review", amount))


def test_nothing_is_paid_before_the_publication_is_over_the_account_checked_and_objections_settled() -> None:
    with pytest.raises(Conflict, match="lasts until 2025-10-10"):
        case(*PUBLISHED, step("payee"), step("order", "55086.49", on=UNTIL))
    with pytest.raises(Conflict, match="account was not checked"):
        case(*PUBLISHED, step("order", "55086.49"))
    with pytest.raises(Conflict, match="does not allow order"):
        case(*PUBLISHED, step("payee"), step("object", on=UNTIL), step("order", "55086.49"))
    with pytest.raises(Conflict, match=r"stands at 55086\.49"):
        case(*PUBLISHED, step("payee"), step("order", "55086.48"))
    with pytest.raises(Conflict, match="was ordered"):
        case(*PAID[:-1], step("pay", "55086.48"))


def test_an_objection_comes_by_the_last_day() -> None:
    assert case(*PUBLISHED, step("object", on=UNTIL)).state == "OBJECTED"
    with pytest.raises(Conflict, match="ended on 2025-10-10"):
        case(*PUBLISHED, step("object", on=date(2025, 10, 11)))


def test_a_payment_that_comes_back_needs_another_account_and_may_go_out_again() -> None:
    back = (*PAID, step("bounce"))
    assert (case(*back).state, case(*back).paid_cny, case(*back).payee) == ("BOUNCED", Decimal("0.00"), {})
    with pytest.raises(Conflict, match="account was not checked"):
        case(*back, step("order", "55086.49"))
    again = (*back, step("payee"), step("order", "55086.49"), step("pay", "55086.49"))
    assert case(*again).paid_cny == GRANTED


def test_recovery_ends_when_all_has_come_back() -> None:
    asked = (*PAID, step("demand", "20000.00"))
    part = (*asked, step("recover", "5000.00"))
    assert (case(*part).state, case(*part).outstanding_cny) == ("RECOVERING", Decimal("15000.00"))
    assert case(*part, step("recover_all", "15000.00")).state == "RECOVERED"
    for wrong in (step("recover", "15000.00"), step("recover_all", "14999.99")):
        with pytest.raises(Conflict, match=r"15000\.00 is outstanding"):
            case(*part, wrong)
    with pytest.raises(InvalidInput, match=r"more than 55086\.49"):
        case(*PAID, step("demand", "55086.50"))


def test_every_step_has_words_and_every_state_a_way_in() -> None:
    assert {name for _, name, _ in REVIEW.edges} == set(STEP_TITLES)
    assert set(REVIEW.states) - {"DECIDED"} == {after for _, _, after in REVIEW.edges} - {"DECIDED"}


@given(st.lists(st.tuples(st.sampled_from(sorted(STEP_TITLES)), st.integers(1, 6_000_000)), max_size=30))
def test_whatever_is_tried_no_more_is_paid_than_granted_and_no_more_comes_back_than_was_paid(
    tried: Sequence[tuple[str, int]],
) -> None:
    now = case()
    for name, fen in tried:
        amounts = {str(now.ceiling_cny), str(now.outstanding_cny), str(Decimal(fen) / 100)}
        for amount in sorted(amounts):
            on = UNTIL if name == "object" else date(2025, 10, 13)
            try:
                now = after_step(now, step(name, amount, on=on))
            except CarbonFinError:
                continue
            break
        assert now.ceiling_cny <= GRANTED
        assert now.paid_cny in {Decimal("0.00"), now.ceiling_cny}
        assert Decimal(0) <= now.recovered_cny <= now.demanded_cny <= max(now.paid_cny, now.demanded_cny)
        assert now.demanded_cny <= GRANTED
        assert case(*now.steps) == now, "the steps alone say where it stands"

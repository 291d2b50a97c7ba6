"""Carry-over by the rule of 2026, typed in with its source, and who may hold what."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.errors import InvalidInput, MissingData, NotPermitted
from carbonfin.rules.parameters import Grade, ParameterValue
from collateral.calc.carry_over import CarryOverInputs, CarryOverRule, decide_carry_over
from collateral.calc.holding_rights import BARRED_KINDS, HolderKind, HoldingRight, require_right, right_scope


def dated(key: str, value: str, unit: str, *, scope: str = "CEA") -> ParameterValue:
    return ParameterValue(
        key=key, scope=scope, value=value, unit=unit, valid_from=date(2026, 1, 1), valid_to=None,
        known_from=date(2026, 1, 1), document="全国碳排放权交易配额总量和分配方案", article="附件5", grade=Grade.READ,
        confirmed=False, approved_by=(), note="",
    )  # fmt: skip


RULE = CarryOverRule(
    base_t=dated("collateral.carry_over_base_t", "10000", "t"),
    factor=dated("collateral.carry_over_factor", "1.5", "ratio"),
    window_start=dated("collateral.carry_over_window_start", "2024-01-01", "date"),
    window_end=dated("collateral.carry_over_window_end", "2025-12-31", "date"),
    apply_by=dated("collateral.carry_over_apply_by", "2026-06-10", "date"),
)
INPUTS = CarryOverInputs(
    rule=RULE, sold_t=30_001, bought_t=10_000, registry_t=60_000, trading_t=5_000, judicially_frozen_t=1_000,
    submitted_t=2_000, is_late=False, applies_on=date(2026, 6, 10), source="登记簿",
)  # fmt: skip


def test_net_sales_carry_over_half_as_much_again_rounded_down() -> None:
    """10,000 + 20,001 x 1.5 = 40,001.5: 40,001 of 64,000 carry over."""
    found = decide_carry_over(INPUTS)
    assert (found.carried_t, found.lapsing_t) == (40_001, 23_999)
    values = {figure.name: figure.value for figure in found.trace}
    assert (values["net_sales"], values["limit"], values["holding"]) == ("20001", "40001", "64000")


def test_only_what_was_granted_counts_and_never_more_than_the_rule_lets() -> None:
    """Nothing without a grant; 30,000 of 40,001 granted counts 30,000; 50,000 granted counts 40,001."""
    counted = [
        decide_carry_over(replace(INPUTS, granted_t=granted_t, granted_source="批准通知")).counted_t
        for granted_t in (None, 0, 30_000, 50_000)
    ]
    assert counted == [0, 0, 30_000, 40_001]
    with pytest.raises(InvalidInput, match="document"):
        replace(INPUTS, granted_t=1)


def test_net_purchases_leave_the_base_and_small_holdings_carry_whole() -> None:
    assert decide_carry_over(replace(INPUTS, bought_t=90_000)).carried_t == 10_000
    small = replace(INPUTS, registry_t=0, trading_t=3_000, judicially_frozen_t=0)
    assert (decide_carry_over(small).carried_t, decide_carry_over(small).lapsing_t) == (1_000, 0)


def test_who_is_late_carries_nothing() -> None:
    for late in (replace(INPUTS, is_late=True), replace(INPUTS, applies_on=date(2026, 6, 11))):
        assert (decide_carry_over(late).carried_t, decide_carry_over(late).lapsing_t) == (0, 64_000)
    with pytest.raises(InvalidInput):
        replace(INPUTS, sold_t=-1)
    with pytest.raises(InvalidInput):
        replace(INPUTS, submitted_t=70_000)


@given(st.integers(0, 10**8), st.integers(0, 10**8), st.integers(0, 10**8))
def test_what_carries_over_and_what_lapses_is_the_holding(sold: int, bought: int, held: int) -> None:
    found = decide_carry_over(
        replace(
            INPUTS, sold_t=sold, bought_t=bought, registry_t=held, trading_t=0, judicially_frozen_t=0, submitted_t=0
        )
    )
    assert found.carried_t + found.lapsing_t == held
    assert found.carried_t == min(held, 10_000 + 3 * max(0, sold - bought) // 2)


TABLE = {
    right_scope(Scheme.SZA, HolderKind.BANK, HoldingRight.TAKE_TITLE): "barred",
    right_scope(Scheme.SZA, HolderKind.FOREIGN, HoldingRight.TAKE_TITLE): "allowed",
    right_scope(Scheme.SZA, HolderKind.VERIFIER, HoldingRight.HOLD): "allowed",
}


def find(scope: str) -> ParameterValue | None:
    return dated("collateral.holding_right", TABLE[scope], "code", scope=scope) if scope in TABLE else None


def test_only_what_the_table_allows_is_allowed() -> None:
    answer = require_right(Scheme.SZA, HolderKind.FOREIGN, HoldingRight.TAKE_TITLE, find=find)
    assert answer.scope == "SZA/foreign/take_title"
    with pytest.raises(NotPermitted, match="barred by") as barred:
        require_right(Scheme.SZA, HolderKind.BANK, HoldingRight.TAKE_TITLE, find=find)
    assert "银行受让所有权 SZA 配额" in barred.value.zh
    with pytest.raises(MissingData, match="does not say"):
        require_right(Scheme.CEA, HolderKind.BANK, HoldingRight.TAKE_TITLE, find=find)


@pytest.mark.parametrize("kind", sorted(BARRED_KINDS))
def test_a_body_that_is_always_barred_is_never_admitted_by_a_row(kind: HolderKind) -> None:
    with pytest.raises(NotPermitted, match="article 31"):
        require_right(Scheme.SZA, kind, HoldingRight.HOLD, find=find)
    with pytest.raises(NotPermitted, match="not confirmed") as elsewhere:
        require_right(Scheme.CEA, kind, HoldingRight.HOLD, find=find)
    assert "343" not in elsewhere.value.zh, "the order of one city bars nobody in another market"

"""What a decision expects of a table it reads: each breach named in both languages, with its place."""

from dataclasses import replace
from decimal import Decimal

import pytest

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.contracts import (
    InputKind,
    InputOffered,
    OutputWanted,
    TableContract,
    contract_findings,
    contract_for,
    faults,
    require_kept,
)
from carbonfin.rules.tables import DecisionTable, HitPolicy, OutputKind
from carbonfin.rules.validate import FindingKind
from tests.rules.samples import output_column, sample_table


def offered(name: str, kind: InputKind, unit: str = "") -> InputOffered:
    return InputOffered(name=name, title_zh=name, title_en=name, kind=kind, unit=unit)


def wanted(*, worst_is_high: bool = True) -> OutputWanted:
    return OutputWanted(
        name="bp", title_zh="优惠", title_en="concession", kind=OutputKind.BP, low=Decimal(-1000), high=Decimal(0),
        worst_is_high=worst_is_high,
    )  # fmt: skip


CONTRACT = TableContract(
    name="sample.table",
    title_zh="示例表",
    title_en="Sample table",
    reads_zh="示例决定",
    reads_en="the sample decision",
    inputs=(
        offered("score", InputKind.NUMBER, "points"),
        offered("age", InputKind.NUMBER, "days"),
        offered("day", InputKind.DATE),
        offered("grade", InputKind.CODE),
        offered("valid", InputKind.BOOLEAN),
    ),
    outputs=(wanted(),),
    is_single=True,
)
SCORES = {"score": "number[0..100] points"}
KEPT = sample_table(SCORES, [("null", "0"), (">=80", "-20"), ("<80", "0")])


def places(table: DecisionTable, contract: TableContract = CONTRACT) -> list[str]:
    return [one.place for one in faults(contract, table)]


def test_a_table_that_asks_part_of_what_is_offered_keeps_the_contract() -> None:
    assert faults(CONTRACT, KEPT) == ()
    require_kept(CONTRACT, KEPT)
    assert contract_findings([CONTRACT], KEPT) == ()
    whole_days = sample_table({"age": "whole[0..] days"}, [(">=0", "-5")])
    assert faults(CONTRACT, whole_days) == ()
    others = {"day": "date[..]", "grade": "code{A}", "valid": "boolean"}
    assert faults(CONTRACT, sample_table(others, [("-", "-", "-", "0")])) == ()


@pytest.mark.parametrize(
    ("columns", "place", "zh", "en"),
    [
        (
            {"colour": "boolean"}, "colour", "没有这项输入，可用的有 score、age、day、grade、valid",
            "no such input; there are score, age, day, grade, valid",
        ),
        ({"score": "number[0..1] ratio"}, "score", "应为 number points，表中为 number ratio",
         "is number points, not number ratio"),
        ({"score": "code{A,B}"}, "score", "应为 number points，表中为 code", "is number points, not code"),
        ({"age": "number[0..] years"}, "age", "应为 number days，表中为 number years",
         "is number days, not number years"),
        ({"valid": "code{yes,no}"}, "valid", "应为 boolean，表中为 code", "is boolean, not code"),
        ({"day": "boolean"}, "day", "应为 date，表中为 boolean", "is date, not boolean"),
    ],
)  # fmt: skip
def test_an_input_that_is_not_known_or_of_another_kind_or_unit_is_a_breach(
    columns: dict[str, str], place: str, zh: str, en: str
) -> None:
    (fault,) = faults(CONTRACT, sample_table(columns, [("-", "0")]))
    assert (fault.place, fault.zh, fault.en) == (place, zh, en)


def test_outputs_are_all_there_and_no_other_and_of_their_kind_and_within_limits() -> None:
    assert places(sample_table(SCORES, [("-", "5")], outputs=[output_column("fee")])) == ["bp", "fee"]
    assert places(sample_table(SCORES, [("-", "0.5")], outputs=[output_column("bp", OutputKind.RATIO)])) == ["bp"]
    assert places(sample_table(SCORES, [("-", "A")], outputs=[output_column("bp", OutputKind.CODE)])) == ["bp"]
    beyond = faults(CONTRACT, sample_table(SCORES, [(">=80", "-1001"), ("<80", "1"), ("<10", "0")]))
    assert [(one.place, one.rows) for one in beyond] == [("R1/bp", ("R1",)), ("R2/bp", ("R2",))]
    assert (beyond[0].zh, beyond[0].en) == ("-1001 超出 -1000 至 0", "-1001 is outside -1000 to 0")


@pytest.mark.parametrize("policy", [policy for policy in HitPolicy if not policy.is_single])
def test_a_policy_by_which_no_single_row_answers_is_a_breach(policy: HitPolicy) -> None:
    outputs = [output_column("bp", ranking=[-20, 0] if policy.is_ranked else [])]
    table = sample_table(SCORES, [(">=80", "-20"), ("<80", "0")], policy=policy, outputs=outputs)
    (fault,) = faults(CONTRACT, table)
    assert fault.place == "hit_policy"
    assert policy in fault.zh
    assert policy in fault.en


@pytest.mark.parametrize(
    ("cell", "answer", "is_breach"),
    [
        ("null", "-5", True),  # leaving the score out would earn what a low score does not
        ("null", "0", False),
        ("null | >=90", "-20", True),
        ("null | -", "-20", False),  # the score makes no difference
        ("-", "-20", False),
    ],
)
def test_a_missing_input_is_answered_by_the_worst_answer_alone(*, cell: str, answer: str, is_breach: bool) -> None:
    table = sample_table(SCORES, [(cell, answer), (">=80", "-20"), ("<80", "0")])
    found = faults(CONTRACT, table)
    assert [one.place for one in found] == (["R1/bp"] if is_breach else [])
    assert all("缺失不得有利" in one.zh and "never favourable" in one.en for one in found)


def test_where_low_is_worst_a_missing_input_is_answered_lowest() -> None:
    contract = TableContract(
        name="sample.table", title_zh="", title_en="", reads_zh="", reads_en="", inputs=CONTRACT.inputs,
        outputs=(wanted(worst_is_high=False),), is_single=True,
    )  # fmt: skip
    assert places(KEPT, contract) == ["R1/bp"]
    assert places(sample_table(SCORES, [("null", "-20"), ("-", "-20")]), contract) == []


def test_every_breach_is_named_in_one_refusal() -> None:
    table = sample_table(
        {"score": "number[0..1] ratio", "colour": "boolean"}, [("-", "-", "5")], policy=HitPolicy.COLLECT
    )
    with pytest.raises(InvalidInput, match="breaks its contract") as refused:
        require_kept(CONTRACT, table)
    for place in ("hit_policy", "score", "colour", "R1/bp"):
        assert f"{place}: " in refused.value.detail
        assert f"{place}：" in refused.value.zh
    findings = contract_findings([CONTRACT], table)
    assert [one.kind for one in findings] == [FindingKind.CONTRACT_BREACH] * 4
    assert all(one.is_fatal for one in findings)


def test_a_table_no_decision_reads_is_said_to_be_so_and_allowed() -> None:
    assert contract_for([CONTRACT], "other.table") is None
    (note,) = contract_findings([], KEPT)
    assert (note.kind, note.is_fatal) == (FindingKind.UNREAD, False)
    assert note.zh == "没有决定读取名为 sample.table 的决策表，发布后不影响任何决定"
    with pytest.raises(AssertionError):
        faults(CONTRACT, replace(KEPT, name="other.table"))

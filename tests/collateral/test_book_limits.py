"""Limits of concentration at an appraisal and a change: shares of the book before and after, by hand.

In force: P1 50,000 t CEA-2023 at 74.03 = 3,701,500; P2 60,000 t SZA-2022 at 39.00 = 2,340,000 and 60,000 t SZA-2023 at
40.00 = 2,400,000; P3 40,000 t SZA-2023 = 1,600,000: together 10,041,500, of which SZA 6,340,000.
"""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict
from carbonfin.kernel.units import Currency
from carbonfin.storage.decisions import replay_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rulebook import enter_parameter
from collateral import jobs, service
from collateral.calc.appraisal import AppraisalOutcome, decide_appraisal
from collateral.calc.book_limits import BookLimit, BookLimits, BookShare, ClassLimit, book_shares, share_notes
from collateral.calc.figures import FigureList
from collateral.calc.pledge_changes import ChangeKind
from collateral.calc.register import ConcentrationBase
from collateral.calc.schedule_limits import ScheduleLimit
from collateral.service.appraisals import appraisal_inputs
from collateral.service.book_limits import BookAsked, book_limits
from collateral.service.lights import desk_lights
from collateral.service.pledge_haircuts import PolicyHaircuts
from collateral.service.register import collateral_register
from collateral.service.view import desk_view, standing_on
from tests.app.worlds import PAGE, form_token
from tests.collateral.changes import change, top_up
from tests.collateral.desk import CLOCK, ENTERPRISES, Desk, draft, repo_r1, take_over_all
from tests.collateral.test_edges import Edge, client_of, command_line, edge, run, signed_in
from tests.collateral.test_eligibility_schedules import put_in_force
from tests.collateral.test_pledge_haircuts import in_force, policy
from tests.collateral.test_repo_contracts import contract
from tests.collateral.world import TODAY, parameter

__all__ = ["command_line", "edge"]

A, B = Unit.parse("SZA-2023"), Unit.parse("SZA-2024")
P4 = {"SZA-2024": 10_000}
END = date(2025, 7, 31)


NO_BOOK = BookLimits(others_cny=Decimal(0), not_priced=(), limits=())


def limited(sessions: Sessions, desk: Desk, **limits: str) -> dict[str, str]:
    """Take the sample pledges over under the bank's dated limits."""
    with sessions.begin() as session:
        for base, value in limits.items():
            entered = parameter("collateral.concentration_limit_ratio", value, scope=base, unit="ratio")
            enter_parameter(session, desk.maker, desk.checker, entered, reason="样例", at=CLOCK.now())
        return take_over_all(session, desk)


def told(shares: tuple[BookShare, ...] | None) -> list[tuple[str, str, str, str, bool]]:
    return [
        (one.name, str(one.before_ratio), str(one.after_ratio), str(one.limit_ratio), one.is_above)
        for one in shares or ()
    ]  # fmt: skip


def of_class(limit: str, *, others: str, units: tuple[Unit, ...] = (B,)) -> BookLimit:
    return BookLimit(
        name="class_X", label_zh="押品类别 X", label_en="class X", units=units, others_cny=Decimal(others), dated=None,
        by_class=ClassLimit(policy="X 第1版", limit_ratio=Decimal(limit)),
    )  # fmt: skip


def shares_of(limit: BookLimit, others: str, before: dict[Unit, str], after: dict[Unit, str]) -> BookShare:
    book = BookLimits(others_cny=Decimal(others), not_priced=(), limits=(limit,))
    figures = FigureList()
    for unit, value in after.items():
        figures.fact(f"market_value_{unit}", ("", ""), value, "CNY", "test")
    (found,) = book_shares(
        book, before={unit: Decimal(value) for unit, value in before.items()},
        after={unit: Decimal(value) for unit, value in after.items()}, figures=figures,
    )  # fmt: skip
    assert figures.trace()[-1].value == str(found.after_ratio)
    return found


def test_a_share_at_its_limit_is_within_it_and_a_hair_above_is_not() -> None:
    """30 of 90 and 10 more: 40 of 100; a part of 40.000 004 shows as 40.01%, and is above."""
    at = shares_of(of_class("0.40", others="30"), "90", {}, {B: "10"})
    assert told((at,)) == [("class_X", "0.3334", "0.4000", "0.40", False)]
    hair = shares_of(of_class("0.40", others="30.00001"), "90", {}, {B: "10"})
    assert told((hair,)) == [("class_X", "0.3334", "0.4001", "0.40", True)]
    ((note,), none) = share_notes((hair,), NO_BOOK), share_notes((at,), NO_BOOK)
    assert (note.code, none) == ("concentration-above-limit", [])
    assert note.zh == "押品类别 X占全部质押押品市值 40.01%，超过集中度上限 40.00%"


def test_a_first_pledge_is_the_whole_and_a_smaller_share_is_nobodys_doing() -> None:
    """A swap of 60 of the class for 50 leaves 80 of 130 where 90 of 140 stood: above still, and smaller."""
    first = shares_of(of_class("0.40", others="0"), "0", {}, {B: "10"})
    assert told((first,)) == [("class_X", "None", "1.0000", "0.40", True)]
    swapped = shares_of(of_class("0.40", others="30", units=(A, B)), "80", {A: "60"}, {B: "50"})
    assert told((swapped,)) == [("class_X", "0.6429", "0.6154", "0.40", False)]


def test_units_of_the_book_without_a_price_are_named() -> None:
    (note,) = share_notes((), replace(NO_BOOK, not_priced=(A, B)))
    assert (note.code, note.zh) == ("concentration-incomplete", "存续押品 SZA-2023、SZA-2024 当日无价格，未计入集中度")


def test_an_appraisal_says_which_limits_it_goes_above_and_keeps_them(desk_sessions: Sessions, desk: Desk) -> None:
    """P4, 10,000 t at 41.00 = 410,000 of then 10,451,500: 3.93%; SZA 6,750,000: 64.59%."""
    limited(desk_sessions, desk, pledgor="0.45", scheme="0.64", unit="0.039")
    in_force(desk_sessions, desk, policy(concentration_ratio="0.70"))
    given = draft(desk, "P4", "E5", P4, principal="100000.00", end=END)
    with desk_sessions.begin() as session:
        kept = service.record_appraisal(session, desk.maker, given, standing=desk.standing)
        outcome = kept.outcome
        assert told(outcome.shares) == [
            ("pledgor", "0.0000", "0.0393", "0.45", False), ("scheme_SZA", "0.6314", "0.6459", "0.64", True),
            ("unit_SZA-2024", "0.0000", "0.0393", "0.039", True), ("class_SZA", "0.6314", "0.6459", "0.70", False),
        ]  # fmt: skip
        assert outcome.is_acceptable, "a limit is said, and two people decide"
        assert [one.zh for one in outcome.notes or ()] == [
            "品种 SZA占全部存续押品（质押与回购）市值 64.59%，超过集中度上限 64.00%", "SZA-2024占全部存续押品（质押与回购）市值 3.93%，超过集中度上限 3.90%",
        ]  # fmt: skip
        assert replay_decision(session, service.DECISION_KINDS, kept.decision_id).same
    figures = {one.name: one for one in outcome.trace}
    assert figures["book_others"].value == "10041500.00"
    assert figures["book_others_scheme_SZA"].value == "6340000.00"
    assert figures["concentration_limit_scheme"].parameter is not None
    assert figures["concentration_limit_class_SZA"].source == "SZA 第1版"
    assert set(figures["concentration_scheme_SZA"].inputs) == {
        "book_others", "book_others_scheme_SZA", "concentration_limit_scheme", "market_value_SZA-2024",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (
            "交易本方",
            [("pledgor", "0.2849", "0.3052", "0.30", True), ("scheme_SZA", "0.7364", "0.7439", "0.80", False)],
        ),
        ("托管行", [("pledgor", "0.0000", "0.0393", "0.30", False), ("scheme_SZA", "0.6314", "0.6459", "0.80", False)]),
    ],
)
def test_units_bought_under_a_repo_are_collateral_of_the_book(
    desk_sessions: Sessions, desk: Desk, role: str, expected: list[tuple[str, str, str, str, bool]]
) -> None:
    """R1, 100,000 t SZA-2023 of E5 at 40.00, adds 4,000,000 where the bank bought them, and nothing where it keeps them.

    E5 has 4,410,000 of 14,451,500 with P4, and SZA 10,750,000; 4,000,000 and 10,340,000 of 14,041,500 without it.
    """
    limited(desk_sessions, desk, pledgor="0.30", scheme="0.80")
    given = draft(desk, "P4", "E5", P4, principal="100000.00", end=END)
    with desk_sessions.begin() as session:
        service.open_repo(session, desk.maker, replace(repo_r1(desk), bank_role=role), standing=desk.standing)
        kept = service.record_appraisal(session, desk.maker, given, standing=desk.standing)
        assert told(kept.outcome.shares) == expected
        assert replay_decision(session, service.DECISION_KINDS, kept.decision_id).same
    figures = {one.name: one.value for one in kept.outcome.trace}
    bought = "4000000.00" if role == "交易本方" else "0.00"
    assert (figures["book_pledges"], figures["book_repos"]) == ("10041500.00", bought)


def test_the_desk_and_the_register_count_units_under_repos(desk_sessions: Sessions, desk: Desk) -> None:
    limited(desk_sessions, desk, scheme="0.80")
    with desk_sessions.begin() as session:
        own = replace(repo_r1(desk), bank_role="交易本方")
        service.open_repo(session, desk.maker, own, standing=desk.standing)
        jobs.revalue(session, desk.maker, TODAY)
    with desk_sessions.read() as session:
        found = service.collateral_desk(session, desk.maker, standing=desk.standing)
        on_desk = desk_lights(session, desk.maker, found, standing=desk.standing).concentrations
        in_register = collateral_register(session, desk.maker, standing=desk.standing).concentrations
    assert on_desk == in_register
    shares = {(one.base, one.name): one.market_value_cny for one in on_desk}
    assert shares[ConcentrationBase.SCHEME, "SZA"] == Decimal("10340000.00")


def test_appraisals_made_when_pledges_alone_were_the_base_keep_their_words() -> None:
    old = shares_of(of_class("0.40", others="30.00001"), "90", {}, {B: "10"})
    assert (old.base, old.base_words[0]) == (None, "全部质押押品")


def test_an_extension_is_counted_once(desk_sessions: Sessions, desk: Desk) -> None:
    """P3 for longer is the same 1,600,000: SZA stays 6,340,000 of 10,041,500."""
    limited(desk_sessions, desk, scheme="0.64")
    longer = replace(
        draft(desk, "P9", "E3", {"SZA-2023": 40_000}, principal="700000.00", end=END), extends_code="P3"
    )  # fmt: skip
    with desk_sessions.read() as session:
        outcome = service.appraise_what_if(session, desk.maker, longer, standing=desk.standing)
    assert told(outcome.shares) == [("scheme_SZA", "0.5616", "0.6314", "0.64", False)]


def test_without_a_limit_nothing_is_measured_and_older_appraisals_replay(desk_sessions: Sessions, desk: Desk) -> None:
    limited(desk_sessions, desk)
    given = draft(desk, "P4", "E5", P4, principal="100000.00", end=END)
    with desk_sessions.read() as session:
        haircuts = PolicyHaircuts.read(session, desk.maker, desk_view(session, desk.standing), keeps=False)
        inputs = appraisal_inputs(session, desk.maker, given, haircuts)
    outcome = decide_appraisal(inputs)
    assert (inputs.book, outcome.shares, outcome.notes) == (None, None, None)
    assert not [one for one in outcome.trace if one.name.startswith("concentration")]


def rule(index: str, *limits: tuple[str, str, bool, str]) -> dict[str, Any]:
    """Write a CDM rule that admits an index, with limits: kind, upper bound, inclusive, currency or nothing."""

    def limit(kind: str, upper: str, currency: str, *, is_inclusive: bool) -> dict[str, Any]:
        criteria = {"concentrationLimitCriteria": {"concentrationLimitType": kind}}
        number = json.loads(upper)
        if not currency:
            return criteria | {"percentageLimit": {"upperBound": {"inclusive": is_inclusive, "number": number}}}
        money = {"unit": {"currency": {"value": currency}}, "value": number}
        return criteria | {"valueLimit": {"upperBound": {"inclusive": is_inclusive, "money": money}}}

    written = [limit(kind, upper, currency, is_inclusive=shut) for kind, upper, shut, currency in limits]
    treatment: dict[str, Any] = {"isIncluded": True} | ({"concentrationLimit": written} if written else {})
    return {"collateralCriteria": {"IndexType": {"equityIndex": index}}, "treatment": treatment}


def shares_under(sessions: Sessions, desk: Desk, *rules: dict[str, Any]) -> AppraisalOutcome:
    """Appraise P4 under a schedule of some rules and keep it."""
    limited(sessions, desk)
    put_in_force(sessions, desk, json.dumps({"criteria": list(rules)}))
    given = draft(desk, "P4", "E5", P4, principal="100000.00", end=END)
    with sessions.begin() as session:
        kept = service.record_appraisal(session, desk.maker, given, standing=desk.standing)
        assert replay_decision(session, service.DECISION_KINDS, kept.decision_id).same
        return kept.outcome


def test_a_schedules_limits_are_measured_against_what_it_admits(desk_sessions: Sessions, desk: Desk) -> None:
    """P4's 410,000 of SZA-2024: 6.08% of the 6,750,000 of SZA that it admits; CEA is no part of it. SZA is the whole."""
    limits = ("ASSET", "0.06", True, ""), ("ISSUER", "1", True, ""), ("ISSUER", "1", False, "")
    outcome = shares_under(desk_sessions, desk, rule("SZA", *limits))
    assert told(outcome.shares) == [
        ("schedule_S1_1_1_SZA-2024", "0.0000", "0.0608", "0.06", True),
        ("schedule_S1_1_2_SZA", "1.0000", "1.0000", "1", False), ("schedule_S1_1_3_SZA", "1.0000", "1.0000", "1", False),
    ]  # fmt: skip
    assert outcome.notes is None
    (refusal,) = outcome.refusals
    assert refusal.code == "concentration-above-limit"
    assert refusal.zh == (
        "担保品清单 S1 第 1 条（品种或指数为 SZA）单一资产：SZA-2024 占该清单合格的全部存续押品（质押与回购）市值 6.08%，"
        "超过集中度上限 6.00%"
    )
    figures = {one.name: one for one in outcome.trace}
    assert figures["book_admitted_schedule_S1_1_1_SZA-2024"].value == "6340000.00"
    assert figures["concentration_limit_schedule_S1_1_1_SZA-2024"].source == "S1（2025-06-30 起）"


def test_a_schedule_that_admits_the_whole_book_has_the_whole_as_its_base(desk_sessions: Sessions, desk: Desk) -> None:
    """410,000 of 10,451,500 is 3.93%, SZA 6,750,000 of it 64.59%; a bound of 0.6314 was passed before, and grows."""
    admits = rule("SZA", ("ASSET", "0.04", True, ""), ("ISSUER", "0.6314", False, "")), rule("CEA")
    outcome = shares_under(desk_sessions, desk, *admits)
    assert told(outcome.shares) == [
        ("schedule_S1_1_1_SZA-2024", "0.0000", "0.0393", "0.04", False),
        ("schedule_S1_1_2_SZA", "0.6314", "0.6459", "0.6314", True),
    ]  # fmt: skip


@pytest.mark.parametrize(("upper", "inclusive", "is_above"), [
    ("410000", True, False), ("410000", False, True), ("409999.99", True, True),
])  # fmt: skip
def test_an_amount_of_a_schedule_is_held_against_the_value_itself(
    desk_sessions: Sessions, desk: Desk, upper: str, *, inclusive: bool, is_above: bool
) -> None:
    outcome = shares_under(desk_sessions, desk, rule("SZA-2024", ("ASSET", upper, inclusive, "CNY")))
    (share,) = outcome.shares or ()
    assert (share.after_cny, share.limit_cny, share.is_above) == (Decimal("410000.00"), Decimal(upper), is_above)
    assert [f"市值 410,000.00 元，超过集中度上限 {Decimal(upper):,.2f} 元" in one.zh for one in outcome.refusals] == (
        [True] if is_above else []
    )


def test_a_limit_that_says_nothing_of_allowances_is_never_taken_as_kept(desk_sessions: Sessions, desk: Desk) -> None:
    limits = ("MARKET_CAPITALISATION", "0.5", True, ""), ("ASSET", "1000", True, "USD")
    outcome = shares_under(desk_sessions, desk, rule("SZA", *limits))
    assert (outcome.shares, [one.code for one in outcome.notes or ()]) == (None, ["concentration-not-measured"] * 2)
    assert [one.zh for one in outcome.notes or ()] == [
        "担保品清单 S1 第 1 条（品种或指数为 SZA）的集中度上限 MARKET_CAPITALISATION ≤ 0.5 未计量：该口径对碳配额没有含义，须人工核对",
        "担保品清单 S1 第 1 条（品种或指数为 SZA）的集中度上限 ASSET ≤ 1000 USD 未计量：金额上限不是人民币，须人工核对",
    ]


def test_a_top_up_is_measured_against_a_schedules_limit_too(desk_sessions: Sessions, desk: Desk) -> None:
    found = limited(desk_sessions, desk)
    put_in_force(desk_sessions, desk, json.dumps({"criteria": [rule("SZA", ("ASSET", "0.06", True, ""))]}))
    with desk_sessions.read() as session:
        outcome = service.preview_change(session, desk.maker, found["P3"], top_up(P4), standing=desk.standing)
    assert told(outcome.shares) == [("schedule_S1_1_1_SZA-2024", "0.0000", "0.0608", "0.06", True)]
    assert "concentration-above-limit" in [one.code for one in outcome.notes]
    assert outcome.refusals == ()


def test_a_pledge_above_a_schedules_limit_is_refused_as_the_repo_of_the_same_units(
    desk_sessions: Sessions, desk: Desk
) -> None:
    """410,000 of 6,750,000, 6.08% above 6%: the same words for both, and no other reason."""
    limited(desk_sessions, desk)
    put_in_force(desk_sessions, desk, json.dumps({"criteria": [rule("SZA", ("ASSET", "0.06", True, ""))]}))
    given = draft(desk, "P4", "E5", P4, principal="100000.00", end=END)
    bought = replace(
        contract(desk, Currency.CNY, "200000.00"), bank_role="principal", unit=Unit.parse("SZA-2024"), quantity_t=10_000
    )
    with desk_sessions.begin() as session:
        applied = service.apply_for_pledge(session, desk.maker, given, standing=desk.standing)
        rejected = service.appraise_pledge(session, desk.maker, applied.id, standing=desk.standing)
        repo = service.preview_repo(session, desk.maker, bought, standing=desk.standing)
    assert rejected.state == "REJECTED"
    assert [one.code for one in rejected.refusals] == ["concentration-above-limit"]
    assert rejected.refusals == repo.start.refusals


def test_a_schedule_that_came_after_the_appraisal_refuses_the_approval(desk_sessions: Sessions, desk: Desk) -> None:
    limited(desk_sessions, desk)
    given = draft(desk, "P4", "E5", P4, principal="100000.00", end=END)
    with desk_sessions.begin() as session:
        applied = service.apply_for_pledge(session, desk.maker, given, standing=desk.standing)
        appraised = service.appraise_pledge(session, desk.maker, applied.id, standing=desk.standing)
        service.complete_diligence(session, desk.maker, appraised.id, standing=desk.standing, finding="权属清晰")
    put_in_force(desk_sessions, desk, json.dumps({"criteria": [rule("SZA", ("ASSET", "0.06", True, ""))]}))
    with desk_sessions.begin() as session, pytest.raises(Conflict, match=r"6\.08% .* above the limit of 6\.00%"):
        service.approve_pledge(
            session, desk.checker, appraised.id, standing=desk.standing, reason="同意",
            accepted_unconfirmed=service.unconfirmed_of(session, desk.checker, appraised),
        )  # fmt: skip


def test_a_substitution_above_a_schedules_limit_is_refused_and_one_that_shrinks_the_share_is_not(
    desk_sessions: Sessions, desk: Desk
) -> None:
    """P2's 60,000 t of SZA-2022 for as many of SZA-2024: 2,460,000 of 6,460,000, 38.08%.

    For 10,000 t of it at a limit of 1% for SZA-2022: 1,950,000 of 6,360,000 stands above, less than 2,340,000 of
    6,340,000 before.
    """
    found = limited(desk_sessions, desk)
    limits = rule("SZA-2024", ("ASSET", "0.38", True, "")), rule("SZA-2022", ("ASSET", "0.01", True, "")), rule("SZA")
    put_in_force(desk_sessions, desk, json.dumps({"criteria": list(limits)}))
    swap = change(ChangeKind.SUBSTITUTION, added={"SZA-2024": 60_000}, freed={"SZA-2022": 60_000})
    small = change(ChangeKind.SUBSTITUTION, added={"SZA-2024": 10_000}, freed={"SZA-2022": 10_000})
    with desk_sessions.read() as session:
        outcome = service.preview_change(session, desk.maker, found["P2"], swap, standing=desk.standing)
        less = service.preview_change(session, desk.maker, found["P2"], small, standing=desk.standing)
    refused = [one for one in outcome.refusals if one.code == "concentration-above-limit"]
    assert [("SZA-2024" in one.zh, "38.09%" in one.zh, "上限 38.00%" in one.zh) for one in refused] == [(True,) * 3]
    assert [one.code for one in outcome.notes] == []
    assert [one for one in less.refusals if one.code == "concentration-above-limit"] == []


def test_a_conversion_above_a_schedules_limit_is_told_and_not_refused_for_it(
    desk_sessions: Sessions, desk: Desk
) -> None:
    """A vintage that lasts takes the place of one that ends: refusing it would leave the bank with the one that ends."""
    found = limited(desk_sessions, desk)
    put_in_force(desk_sessions, desk, json.dumps({"criteria": [rule("SZA", ("ASSET", "0.3", True, ""))]}))
    both = change(ChangeKind.SUBSTITUTION, added={"SZA-2024": 60_000}, freed={"SZA-2022": 60_000})
    asked = replace(both, kind=ChangeKind.CONVERSION, evidence_digest="0" * 64)
    with desk_sessions.read() as session:
        outcome = service.preview_change(session, desk.maker, found["P2"], asked, standing=desk.standing)
    assert "concentration-above-limit" not in [one.code for one in outcome.refusals]
    assert "concentration-above-limit" in [one.code for one in outcome.notes]


def test_of_a_small_book_a_share_is_struck_of_the_least_base_that_the_bank_approved() -> None:
    """10 beside nothing is the whole; of at least 40 it is a quarter, of 5 the whole still."""

    def share(least: str | None, *, others: str = "0") -> BookShare:
        of = ScheduleLimit(
            schedule="S1", rule=1, upper=Decimal("0.30"), is_inclusive=True, is_amount=False,
            base_others_cny=Decimal(others), base_units=(B,),
            base_least=None if least is None else parameter("collateral.schedule_share_base_cny", least, unit="CNY"),
        )  # fmt: skip
        return shares_of(replace(of_class("0.30", others="0"), by_class=None, by_schedule=of), others, {}, {B: "10"})

    assert told((share(None),)) == [("class_X", "None", "1.0000", "0.30", True)]
    small = share("40")
    assert told((small,)) == [("class_X", "0.0000", "0.2500", "0.30", False)]
    assert small.base_words[0].endswith("（不足 40.00 元按其计）")
    assert told((share("5"),)) == [("class_X", "0.0000", "1.0000", "0.30", True)]
    assert told((share("40", others="90"),)) == [("class_X", "0.0000", "0.1000", "0.30", False)]


def test_a_first_pledge_goes_under_the_least_base_with_its_parameter_in_the_trace(
    desk_sessions: Sessions, desk: Desk
) -> None:
    """SZA-2024 alone is admitted: 410,000 are the whole, and 41% of the 1,000,000 that two people approved."""
    outcome = shares_under(desk_sessions, desk, rule("SZA-2024", ("ASSET", "0.41", True, "")))
    assert [(one.code, "100.00%" in one.zh) for one in outcome.refusals] == [("concentration-above-limit", True)]
    with desk_sessions.begin() as session:
        least = parameter("collateral.schedule_share_base_cny", "1000000", scope="S1", unit="CNY")
        enter_parameter(session, desk.maker, desk.checker, least, reason="样例", at=CLOCK.now())
    given = draft(desk, "P5", "E5", P4, principal="100000.00", end=END)
    with desk_sessions.begin() as session:
        kept = service.record_appraisal(session, desk.maker, given, standing=desk.standing)
        assert replay_decision(session, service.DECISION_KINDS, kept.decision_id).same
    assert told(kept.outcome.shares) == [("schedule_S1_1_1_SZA-2024", "0.0000", "0.4100", "0.41", False)]
    assert kept.outcome.refusals == ()
    (figure,) = [one for one in kept.outcome.trace if one.name == "share_base_S1"]
    assert figure.parameter is not None
    assert "share_base_S1" in {
        name
        for one in kept.outcome.trace
        if one.name == "concentration_schedule_S1_1_1_SZA-2024"
        for name in one.inputs
    }


def test_the_book_as_it_stands_is_held_to_the_schedules_each_day(edge: Edge) -> None:
    """Of SZA 2,340,000 and 4,000,000 of 6,340,000: 36.91% and 63.10%, the latter above 60%; P1's CEA is admitted nowhere."""
    put_in_force(
        edge.sessions, edge.desk,
        json.dumps({"criteria": [rule("SZA", ("ASSET", "0.6", True, ""), ("ISSUER", "7000000", True, "CNY"))]}),
    )  # fmt: skip
    body = client_of(edge).get("/v1/eligibility-schedules").json()
    assert [(one["name"], one["after_ratio"], one["after_cny"], one["is_above"]) for one in body["shares"]] == [
        ("schedule_S1_1_1_SZA-2022", "0.3691", None, False), ("schedule_S1_1_1_SZA-2023", "0.6310", None, True),
        ("schedule_S1_1_2_SZA", "1.0000", "6340000.00", False),
    ]  # fmt: skip
    with signed_in(edge) as client:
        text = client.get("/eligibility-schedules", headers=PAGE).text
        desk = client.get("/pledges", headers=PAGE).text
    for words in (
        "第 1.1 项 单一资产 SZA-2023", "上限 60.00%", "超过上限", "来源：本行押品台账与当日价格",
        'href="#figure-concentration_schedule_S1_1_1_SZA-2023"', 'id="figure-concentration_schedule_S1_1_1_SZA-2023"',
        "最低基数",
    ):  # fmt: skip
        assert words in text, words
    assert "/eligibility-schedules#figure-concentration_schedule_S1_1_1_SZA-2023" in desk
    assert "清单 S1（2025-06-30 起）第 1.1 项 单一资产 SZA-2023 63.10%，限额 60.00%" in desk


def test_a_top_up_above_the_limit_is_taken_and_said(desk_sessions: Sessions, desk: Desk) -> None:
    """P3 with 10,000 t of SZA-2024 besides: 64.59% of the book in SZA as above, by a pledge that was in it."""
    found = limited(desk_sessions, desk, scheme="0.64")
    with desk_sessions.read() as session:
        outcome = service.preview_change(session, desk.maker, found["P3"], top_up(P4), standing=desk.standing)
    assert told(outcome.shares) == [("scheme_SZA", "0.6314", "0.6459", "0.64", True)]
    assert "concentration-above-limit" in [one.code for one in outcome.notes]
    assert outcome.refusals == ()


def test_a_substitution_counts_what_leaves_and_a_release_asks_for_no_limit(desk_sessions: Sessions, desk: Desk) -> None:
    """60,000 t at 41.00 for as many at 39.00: SZA 6,460,000 of 10,161,500; of SZA-2024 2,460,000.

    E2 has 4,740,000 of the book before and 4,860,000 after.
    """
    found = limited(desk_sessions, desk, pledgor="0.45", scheme="0.64", unit="0.20")
    swap = change(ChangeKind.SUBSTITUTION, added={"SZA-2024": 60_000}, freed={"SZA-2022": 60_000})
    release = change(ChangeKind.PART_RELEASE, freed={"SZA-2022": 10})
    with desk_sessions.read() as session:
        swapped = service.preview_change(session, desk.maker, found["P2"], swap, standing=desk.standing)
        released = service.preview_change(session, desk.maker, found["P2"], release, standing=desk.standing)
    assert told(swapped.shares) == [
        ("pledgor", "0.4721", "0.4783", "0.45", True), ("scheme_SZA", "0.6314", "0.6358", "0.64", False),
        ("unit_SZA-2024", "0.0000", "0.2421", "0.20", True),
    ]  # fmt: skip
    assert [one.code for one in swapped.notes] == ["concentration-above-limit"] * 2
    assert released.shares is None


def test_a_price_that_is_missing_leaves_a_unit_out_by_name(desk_sessions: Sessions, desk: Desk) -> None:
    """Before its first quote SZA-2022 has none; SZA-2023 stood at 43.00, and 100,000 t of it are pledged."""
    limited(desk_sessions, desk, scheme="0.64")
    with desk_sessions.read() as session:
        view = desk_view(session, standing_on(session, desk.maker, date(2025, 6, 20)))
        haircuts = PolicyHaircuts.read(session, desk.maker, view, keeps=False)
        asked = BookAsked(pledgor_id=desk.parties["E5"], units=(B,), added=(B,))
        found = book_limits(session, desk.maker, haircuts, asked)
    assert found is not None
    assert [str(one) for one in found.not_priced] == ["SZA-2022"]
    assert [one.others_cny for one in found.limits] == [Decimal("4300000.00")]


def test_api_and_pages_show_the_shares(edge: Edge) -> None:
    with edge.sessions.begin() as session:
        entered = parameter("collateral.concentration_limit_ratio", "0.64", scope="scheme", unit="ratio")
        enter_parameter(session, edge.desk.maker, edge.desk.checker, entered, reason="样例", at=CLOCK.now())
    usci = ENTERPRISES["E5"][1]
    body = {
        "code": "P4", "pledgor": usci, "units": [{"unit": "SZA-2024", "quantity_t": 10_000}],
        "principal_cny": "100000.00", "end_date": "2025-07-31",
    }  # fmt: skip
    answered = client_of(edge).post("/v1/pledges/appraisals", json=body, headers={"Idempotency-Key": "a"})
    assert answered.status_code < 300, answered.text
    (share,) = answered.json()["shares"]
    assert (share["name"], share["after_ratio"], share["is_above"]) == ("scheme_SZA", "0.6459", True)
    assert [one["code"] for one in answered.json()["notes"]] == ["concentration-above-limit"]
    form = {
        "action": "appraise", "code": "P4", "pledgor": usci, "unit_1": "SZA-2024", "quantity_1": "10000",
        "principal_cny": "100000.00", "end_date": "2025-07-31",
    }  # fmt: skip
    with signed_in(edge) as client:
        token = form_token(client.get("/pledges/new", headers=PAGE).text)
        shown = client.post("/pledges/new", data=form | {"_csrf_token": token}, headers=PAGE)
        assert all(text in shown.text for text in ("押品集中度", "64.59%", "超过集中度上限 64.00%"))
        kept = client.post("/pledges/new", data=form | {"_csrf_token": token, "action": "apply"}, headers=PAGE)
        assert all(text in kept.text for text in ("押品集中度", "超过集中度上限 64.00%"))


def test_the_page_names_schedule_rule_criterion_and_base(edge: Edge) -> None:
    limits = ("ASSET", "0.06", True, ""), ("ASSET", "400000", True, "CNY"), ("MARKET_CAPITALISATION", "0.5", True, "")
    put_in_force(edge.sessions, edge.desk, json.dumps({"criteria": [rule("SZA", *limits)]}))
    form = {
        "action": "appraise", "code": "P4", "pledgor": ENTERPRISES["E5"][1], "unit_1": "SZA-2024",
        "quantity_1": "10000", "principal_cny": "100000.00", "end_date": "2025-07-31",
    }  # fmt: skip
    with signed_in(edge) as client:
        token = form_token(client.get("/pledges/new", headers=PAGE).text)
        shown = client.post("/pledges/new", data=form | {"_csrf_token": token}, headers=PAGE).text
    for words in (
        "担保品清单 S1 第 1 条（品种或指数为 SZA）单一资产：SZA-2024", "基数：该清单合格的全部存续押品（质押与回购）", "6.08%",
        "410,000.00 元", "400,000.00 元", "MARKET_CAPITALISATION ≤ 0.5 未计量",
    ):  # fmt: skip
        assert words in shown, words
    body = {
        "code": "P4", "pledgor": ENTERPRISES["E5"][1], "units": [{"unit": "SZA-2024", "quantity_t": 10_000}],
        "principal_cny": "100000.00", "end_date": "2025-07-31",
    }  # fmt: skip
    told = client_of(edge).post("/v1/pledges/appraisals", json=body, headers={"Idempotency-Key": "l"}).json()
    assert [(one["after_cny"], one["limit_cny"]) for one in told["shares"]] == [
        (None, None), ("410000.00", "400000"),
    ]  # fmt: skip
    assert told["shares"][0]["base_zh"] == "该清单合格的全部存续押品（质押与回购）"


def test_the_command_says_a_limit_passed(
    command_line: Desk, sqlite_sessions: Sessions, capsys: pytest.CaptureFixture[str]
) -> None:
    limited(sqlite_sessions, command_line, scheme="0.64")
    asked = ("collateral", "appraise", ENTERPRISES["E5"][1], "SZA-2024=10000")
    terms = ("--principal", "100000.00", "--end", "2025-07-31")
    assert run("--json", *asked, *terms) == 0
    assert json.loads(capsys.readouterr().out)["shares"][0]["after_ratio"] == "0.6459"
    assert run(*asked, *terms) == 0
    assert "提示：品种 SZA占全部存续押品（质押与回购）市值 64.59%" in capsys.readouterr().out

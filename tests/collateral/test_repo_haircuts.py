"""Haircuts of repos by the policy of the units' class: the larger of table and policy, the currency added to both."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.errors import Conflict
from carbonfin.storage.decisions import decisions_of, replay_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rulebook import enter_parameter
from collateral import jobs, service
from collateral.calc.haircut_models.stack import HAIRCUT_STACK
from collateral.calc.repo import ExposureMethod
from collateral.calc.repo_event_values import RepoEventDraft, RepoEventKind
from collateral.calc.repo_ratios import exposure_method_a, exposure_method_b
from collateral.service.repo_event_facts import event_inputs
from pricing.service import import_price_file
from tests.app.worlds import PAGE
from tests.collateral.desk import CLOCK, Desk, repo_r1
from tests.collateral.test_default_simulations import load_quotes, quotes
from tests.collateral.test_edges import Edge, edge, signed_in
from tests.collateral.test_pledge_haircuts import in_force, policy
from tests.collateral.world import TODAY, parameter

__all__ = ["edge"]


def test_units_that_count_nothing_leave_all_that_is_owed_open() -> None:
    given = {
        "repurchase_value": Decimal("2200831.14"),
        "market_value": Decimal("4000000.00"),
        "haircut_ratio": Decimal(1),
    }
    assert exposure_method_a(**given) == exposure_method_b(**given) == Decimal("2200831.14")


@pytest.mark.parametrize("method", ["A", "B"])
def test_a_running_repo_whose_units_the_policy_does_not_accept_is_called_for_all(
    desk_sessions: Sessions, desk: Desk, method: str
) -> None:
    with desk_sessions.begin() as session:
        given = replace(repo_r1(desk).terms, method=ExposureMethod(method))
        repo = service.open_repo(session, desk.maker, replace(repo_r1(desk), terms=given), standing=desk.standing)
    in_force(desk_sessions, desk, policy(components=("close_out",), table_ratio="0.57", ceiling_ratio="0.57"))
    with desk_sessions.begin() as session:
        assert jobs.revalue(session, desk.maker, TODAY).failures == ()
        found = service.latest_repo_exposure(session, desk.maker, repo.id, standing=desk.standing)
    assert found is not None
    assert (found.haircut_ratio, found.exposure_b_cny) == (1, found.accrued_value_cny)


def asked_quantity_t(sessions: Sessions, desk: Desk, repo_id: str, draft: RepoEventDraft) -> int:
    """The tonnes whose haircut by policy an event hangs on."""
    with sessions.read() as session:
        repo = service.load_repo(session, desk.maker, repo_id)
        found = event_inputs(session, desk.maker, repo, draft, service.desk_view(session, desk.standing)).haircut
    assert found is not None
    assert found.policy is not None
    return found.policy.quantity_t


def test_an_event_takes_the_haircut_of_the_tonnes_and_the_end_it_leads_to(desk_sessions: Sessions, desk: Desk) -> None:
    """Steps of tonnes tell it: 100,000 t stay 100,000; more go up to the step above.

    At 0.6832 what is owed, 2,200,831.14, takes 173,677 t at 40.00 x 0.3168: 200,000. The price of SZA-2024 by its
    quotes is about that of SZA-2023, and 300,000 t are 320,000.
    """
    with desk_sessions.begin() as session:
        repo = service.open_repo(session, desk.maker, repo_r1(desk), standing=desk.standing)
        report = import_price_file(
            session, desk.maker, content=quotes("SZA-2024"), file_name="b.csv", exchange="示例交易所", document="示例",
            known_at=end_of_china_day(TODAY), preview=False,
        )  # fmt: skip
        assert not report.failures
    load_quotes(desk_sessions, desk)
    in_force(desk_sessions, desk, policy(table_ratio="0.57"))
    new = Unit.parse("SZA-2024")
    drafts = {
        "reprice": RepoEventDraft(kind=RepoEventKind.REPRICE, reason="同意"),
        "adjust": RepoEventDraft(kind=RepoEventKind.ADJUST, reason="同意"),
        "substitute": RepoEventDraft(kind=RepoEventKind.SUBSTITUTE, reason="同意", unit=new),
        "given": RepoEventDraft(kind=RepoEventKind.SUBSTITUTE, reason="同意", unit=new, quantity_t=300_000),
    }
    assert {name: asked_quantity_t(desk_sessions, desk, repo.id, one) for name, one in drafts.items()} == {
        "reprice": 100_000, "adjust": 200_000, "substitute": 200_000, "given": 320_000,
    }  # fmt: skip


def test_a_roll_past_the_last_usable_date_counts_nothing(desk_sessions: Sessions, desk: Desk) -> None:
    """SZA-2023 is last usable on 30 September: to 22 July the dated 0.48 counts, to 29 September no day is left to sell."""
    with desk_sessions.begin() as session:
        repo = service.open_repo(session, desk.maker, repo_r1(desk), standing=desk.standing)
        ends = parameter("pricing.last_usable_date", "2025-09-30", scope="SZA-2023", unit="date")
        enter_parameter(session, desk.maker, desk.checker, ends, reason="样例", at=CLOCK.now())
    load_quotes(desk_sessions, desk)
    in_force(desk_sessions, desk, policy())
    ratios = []
    for day in (date(2025, 7, 22), date(2025, 9, 29)):
        roll = RepoEventDraft(
            kind=RepoEventKind.ROLL, reason="同意", code="R2", repurchase_date=day, rate=Decimal("0.04"),
            purchase_price_amount=Decimal("2000000.00"),
        )  # fmt: skip
        with desk_sessions.read() as session:
            view = service.desk_view(session, desk.standing)
            found = event_inputs(
                session, desk.maker, service.load_repo(session, desk.maker, repo.id), roll, view
            ).haircut
        assert found is not None
        ratios.append(found.ratio)
    assert ratios == [Decimal("0.48"), 1]


def test_a_repo_takes_the_larger_of_table_and_policy_with_the_currency_added(
    desk_sessions: Sessions, desk: Desk
) -> None:
    """0.57 of the class and 0.08 sqrt((1 + 20 - 1) / 10) = 0.1132 of HKD are 0.6832; the dated table says 0.48."""
    load_quotes(desk_sessions, desk)
    with desk_sessions.begin() as session:
        terms = replace(repo_r1(desk).terms, purchase_price_amount=Decimal("1000000.00"))
        repo = service.open_repo(session, desk.maker, replace(repo_r1(desk), terms=terms), standing=desk.standing)
        before = service.repo_exposure_of(session, desk.maker, repo.id, standing=desk.standing)
    assert before.haircut_ratio == Decimal("0.48")
    in_force(desk_sessions, desk, policy(table_ratio="0.57"))
    with desk_sessions.begin() as session:
        tried = service.repo_exposure_of(session, desk.maker, repo.id, standing=desk.standing)
        assert tried.haircut_ratio == Decimal("0.6832")
        worse = tried.market_value_cny * (Decimal("0.6832") - Decimal("0.48"))
        assert abs(tried.exposure_b_cny - before.exposure_b_cny - worse) <= Decimal("0.01")
        assert not decisions_of(session, desk.maker, kind=HAIRCUT_STACK.name), "a trial keeps nothing"
        jobs.revalue(session, desk.maker, TODAY)
        kept = decisions_of(session, desk.maker, kind="collateral.repo_exposure")[-1]
        (stack,) = decisions_of(session, desk.maker, kind=HAIRCUT_STACK.name)
        assert stack.outputs["haircut_ratio"] == "0.6832"
        assert kept.inputs["haircut"]["policy"]["decision_id"] == stack.id
        figures = {one.name: one for one in kept.trace}
        assert (figures["haircut_dated"].value, figures["haircut_policy_SZA-2023"].value) == ("0.48", "0.6832")
        assert figures["haircut"].inputs == ("haircut_ratio_SZA-2023",)
        assert figures["haircut_decision_SZA-2023"].value == stack.id
        assert not figures["haircut"].confirmed, "nobody approved the volume after the surrender"
        assert "按实测最清淡的 60 个交易日" in figures["haircut"].note_zh
        for one in (kept, stack):
            assert replay_decision(session, service.DECISION_KINDS, one.id).same
        wanted = replace(repo_r1(desk), terms=replace(repo_r1(desk).terms, code="R2", purchase_date=TODAY))
        with pytest.raises(Conflict, match="exceeds lendable"):
            service.open_repo(session, desk.maker, wanted, standing=desk.standing)


def test_the_page_of_a_repo_says_which_policy_made_its_haircut_and_what_is_not_confirmed(edge: Edge) -> None:
    load_quotes(edge.sessions, edge.desk)
    in_force(edge.sessions, edge.desk, policy(table_ratio="0.57"))
    with edge.sessions.begin() as session:
        jobs.revalue(session, edge.desk.maker, TODAY)
    with signed_in(edge) as client:
        text = client.get(f"/repos/{edge.repo_id}", headers=PAGE).text
    for words in ("折扣系数由来", "SZA 第1版", "按实测最清淡的 60 个交易日", "未确认"):
        assert words in text, words

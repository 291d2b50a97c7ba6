"""What a draft does to every pledge and repo, worked out by hand.

P1: 50,000 t CEA-2023 at 74.03 = 3,701,500; P2: 60,000 t at 39.00 and at 40.00 = 4,740,000; P3: 40,000 t at 40.00 =
1,600,000. Haircuts 0.40 and 0.50: 2,220,900, 2,370,000 and 800,000. Debts 2,001,700.00, 2,300,661.25 and 855,758.81.
R1: 100,000 t SZA-2023 in Hong Kong dollars at 0.40 + 0.08: 4,000,000 x 0.52 = 2,080,000. Lines 1.00, 0.95, 0.85.
"""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from carbonfin.rules.live_impact import LiveImpact
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.tables import TableVersion
from carbonfin.storage.decisions import decisions_of
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rows import table_of
from collateral import service
from collateral.models import RepoRow
from tests.collateral.desk import Desk, build_desk, repo_r1, take_over_all
from tests.collateral.test_haircut_table import IN_FIGURES, table
from tests.collateral.test_repo_netting import OPINION
from tests.collateral.test_repo_run import add_copies
from tests.collateral.world import TODAY, parameter

HAIRCUT, LINE = "collateral.haircut_ratio", "collateral.coverage_line_ratio"


def revalued(sessions: Sessions, desk: Desk) -> None:
    with sessions.begin() as session:
        take_over_all(session, desk)
        service.open_repo(session, desk.maker, repo_r1(desk), standing=desk.standing)
        service.revalue(session, desk.maker, TODAY)
        service.revalue_repos(session, desk.maker, TODAY)


def tried(sessions: Sessions, desk: Desk, draft: ParameterValue | TableVersion) -> LiveImpact:
    with sessions.read() as session:
        before = decisions_of(session, desk.maker)
        impact = service.collateral_impact(session, desk.maker, draft)
        assert decisions_of(session, desk.maker) == before, "nothing is written"
    assert impact is not None
    assert impact.population_count == len(impact.moves) + len(impact.failures) + impact.unchanged_count
    return impact


def moved(impact: LiveImpact, name: str) -> dict[str, tuple[str, str]]:
    return {move.subject: (one.before, one.after) for move in impact.moves for one in move.figures if one.name == name}


def total(impact: LiveImpact, name: str) -> tuple[int, str, str, str]:
    (one,) = (one for one in impact.totals if one.name == name)
    return one.count, f"{one.before}", f"{one.after}", f"{one.difference}"


def version(made: Any) -> TableVersion:
    return TableVersion(table=made, valid_from=date(2026, 1, 1), known_from=date(2026, 1, 1))


def test_a_greater_haircut_costs_collateral_and_raises_calls(desk_sessions: Sessions, desk: Desk) -> None:
    """At 0.60: P2 4,740,000 x 0.40 = 1,896,000, short of 2,300,661.25 by 404,661.25; P3 640,000, by 215,758.81."""
    revalued(desk_sessions, desk)
    impact = tried(desk_sessions, desk, parameter(HAIRCUT, "0.60", scope="SZA", valid_from=date(2026, 1, 1)))
    assert (impact.population_count, impact.failures) == (4, ())
    assert [move.subject for move in impact.moves] == ["pledge:P2", "pledge:P3"], "the greatest loss first"
    assert moved(impact, "collateral_value") == {
        "pledge:P2": ("2370000.00", "1896000.00"), "pledge:P3": ("800000.00", "640000.00"),
    }  # fmt: skip
    assert moved(impact, "haircut_SZA-2022") == {"pledge:P2": ("0.50", "0.60")}
    assert moved(impact, "call") == {
        "pledge:P2": ("0.00", "404661.25"), "pledge:P3": ("55758.81", "215758.81"),
    }  # fmt: skip
    assert moved(impact, "level") == {"pledge:P2": ("covered", "disposal"), "pledge:P3": ("warning", "disposal")}
    assert total(impact, "collateral_value") == (2, "7470900.00", "6836900.00", "-634000.00")
    assert total(impact, "new_calls") == (1, "0", "1", "1")
    assert total(impact, "new_call_amount") == (1, "0.00", "404661.25", "404661.25")
    # P3 and R1 are called already: 55,758.81 and 120,831.14.
    assert total(impact, "calls") == (1, "2", "3", "1")
    assert total(impact, "call_amount") == (2, "176589.95", "741251.20", "564661.25")
    assert total(impact, "below_warning") == (1, "1", "2", "1")


def test_it_is_the_same_on_both_databases(sessions: Sessions) -> None:
    with sessions.begin() as session:
        desk = build_desk(session)
    revalued(sessions, desk)
    impact = tried(sessions, desk, parameter(HAIRCUT, "0.60", scope="SZA"))
    assert total(impact, "collateral_value") == (2, "7470900.00", "6836900.00", "-634000.00")
    assert total(impact, "new_call_amount") == (1, "0.00", "404661.25", "404661.25")


def test_the_repo_s_part_moves_the_repo_alone(desk_sessions: Sessions, desk: Desk) -> None:
    """At 0.50 + 0.08: 4,000,000 x 0.42 = 1,680,000; the exposure and the call grow by the 400,000 lost."""
    revalued(desk_sessions, desk)
    impact = tried(desk_sessions, desk, parameter(HAIRCUT, "0.50", scope="repo_SZA"))
    assert moved(impact, "collateral_value") == {"repo:R1": ("2080000.00", "1680000.00")}
    assert moved(impact, "call") == {"repo:R1": ("120831.14", "520831.14")}
    assert total(impact, "new_calls") == (0, "0", "0", "0"), "it is called already"


def test_repos_that_are_netted_are_called_net(desk_sessions: Sessions, desk: Desk) -> None:
    """R1 and R2 (110,000 t) owe 2,200,831.14 each: 120,831.14 and -87,168.86 net 33,662.28, under the minimum.

    At 0.42 + 0.08 they are 200,831.14 and 831.14: net 201,662.28, called once, on R1, as 220,949.64 HKD.
    """
    add_copies(desk_sessions, desk, {"R2": {"quantity_t": 110_000}})
    with desk_sessions.begin() as session:
        session.execute(sa.update(table_of(RepoRow)).values(flags=OPINION))
        service.revalue_repos(session, desk.maker, TODAY)
    impact = tried(desk_sessions, desk, parameter(HAIRCUT, "0.42", scope="repo_SZA"))
    assert moved(impact, "exposure") == {
        "repo:R1": ("120831.14", "200831.14"), "repo:R2": ("-87168.86", "831.14"),
    }  # fmt: skip
    assert moved(impact, "call") == {"repo:R1": ("0.00", "201662.28")}
    assert total(impact, "new_call_amount") == (1, "0.00", "201662.28", "201662.28")


def test_a_line_that_rises_calls_whom_it_passes(desk_sessions: Sessions, desk: Desk) -> None:
    """P2 owing 2,420,000.00 covers 0.979: below the initial line, above the warning line of 0.95 and below one of 0.98.

    With the initial line at 1.20 P3 lacks 855,758.81 - 800,000 / 1.2 = 189,092.15, rounded up.
    """
    with desk_sessions.begin() as session:
        take_over_all(session, desk)
        service.record_exposure(
            session, desk.maker, "P2", principal_cny=Decimal("2420000.00"), accrued_cny=Decimal("0.00"),
            exposure_date=TODAY,
        )  # fmt: skip
        service.revalue(session, desk.maker, TODAY)
    warned = tried(desk_sessions, desk, parameter(LINE, "0.98", scope="warning"))
    assert moved(warned, "level") == {"pledge:P2": ("below_initial", "warning")}
    assert moved(warned, "call") == {"pledge:P2": ("0.00", "50000.00")}
    assert total(warned, "new_call_amount") == (1, "0.00", "50000.00", "50000.00")
    assert total(warned, "collateral_value")[3] == "0.00"
    raised = tried(desk_sessions, desk, parameter(LINE, "1.20", scope="initial"))
    assert moved(raised, "level") == {"pledge:P1": ("covered", "below_initial")}
    assert moved(raised, "call")["pledge:P3"] == ("55758.81", "189092.15")


def test_who_cannot_be_run_is_named_with_the_reason_and_counted(desk_sessions: Sessions, desk: Desk) -> None:
    revalued(desk_sessions, desk)
    impact = tried(desk_sessions, desk, parameter(LINE, "1.60", scope="warning"))
    assert [one.subject for one in impact.failures] == ["pledge:P1", "pledge:P2", "pledge:P3"]
    assert impact.left_unanswered_count == 3
    assert all("初始线不低于预警线" in one.reason_zh for one in impact.failures)
    assert total(impact, "collateral_value") == (0, "2080000.00", "2080000.00", "0.00"), "the repo alone was run"


def test_an_agreement_that_is_not_valued_today_is_named_too(desk_sessions: Sessions, desk: Desk) -> None:
    """P0 to P3 taken over; P3's debt of the day is missing only where nobody posted it."""
    with desk_sessions.begin() as session:
        take_over_all(session, desk)
    never = tried(desk_sessions, desk, parameter(HAIRCUT, "0.60", scope="SZA"))
    assert [(one.subject, one.is_of_draft) for one in never.failures] == [
        ("pledge:P1", False), ("pledge:P2", False), ("pledge:P3", False),
    ]  # fmt: skip
    assert never.totals == ()
    with desk_sessions.begin() as session:
        service.open_repo(session, desk.maker, repo_r1(desk), standing=desk.standing)
        service.revalue(session, desk.maker, TODAY)
        service.revalue_repos(session, desk.maker, date(2025, 7, 1))
    later = tried(desk_sessions, desk, parameter(HAIRCUT, "0.60", scope="SZA"))
    assert [one.subject for one in later.failures] == ["pledge:P1", "pledge:P2", "pledge:P3"]
    assert all("没有 2025-07-01 的风险敞口" in one.reason_zh for one in later.failures)
    assert not any(one.is_of_draft for one in later.failures)


def test_a_draft_table_is_run_with_the_parts_the_bank_has(desk_sessions: Sessions, desk: Desk) -> None:
    """P1 at 0.45 and SZA at 0.70; where the currency part counts for pledges too, P1 stands at 0.40 + 0.08."""
    revalued(desk_sessions, desk)
    in_figures = tried(desk_sessions, desk, version(IN_FIGURES))
    assert moved(in_figures, "haircut_CEA-2023") == {"pledge:P1": ("0.40", "0.45")}
    # 3,701,500 x 0.55 + 4,740,000 x 0.30 + 1,600,000 x 0.30 + 4,000,000 x 0.20
    assert total(in_figures, "collateral_value") == (4, "7470900.00", "4737825.00", "-2733075.00")
    crossed = table(
        ("use", "cross_currency"), (("pledge", "-"), ("1", "1", "0")), (("repo", "false"), ("1", "0", "0")),
        (("repo", "true"), ("1", "1", "0.02")),
    )  # fmt: skip
    by_parts = tried(desk_sessions, desk, version(crossed))
    assert moved(by_parts, "haircut_CEA-2023") == {"pledge:P1": ("0.40", "0.48")}
    assert moved(by_parts, "haircut_SZA-2023")["repo:R1"] == ("0.48", "0.50")
    silent = table(("use",), (("repo",), ("1", "0", "0")))
    refused = tried(desk_sessions, desk, version(silent))
    assert [(one.subject, one.is_of_draft) for one in refused.failures] == [
        ("pledge:P1", True), ("pledge:P2", True), ("pledge:P3", True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("draft", "figure"),
    [
        (parameter("collateral.cure_days", "9"), "last_safe_date"),
        (parameter("collateral.participation_ratio", "0.02", scope="SZA"), "closeout_days"),
    ],
)
def test_days_move_without_a_fen(desk_sessions: Sessions, desk: Desk, draft: ParameterValue, figure: str) -> None:
    revalued(desk_sessions, desk)
    impact = tried(desk_sessions, desk, draft)
    assert moved(impact, figure)
    assert total(impact, "collateral_value")[0] == 0


def test_what_it_rests_on_is_named_and_the_decisions_that_stand(desk_sessions: Sessions, desk: Desk) -> None:
    revalued(desk_sessions, desk)
    draft = parameter(HAIRCUT, "0.60", scope="SZA")
    impact = tried(desk_sessions, desk, draft)
    said = {one.label_en: one.text for one in impact.basis}
    assert said["Valued on"] == str(TODAY)
    assert said["In force"].startswith("0.50 ")
    assert said["Draft"] == f"0.60 {draft.digest[:12]}"
    with desk_sessions.read() as session:
        standing = {one.subject: one.id for one in decisions_of(session, desk.maker, kind="collateral.daily_margin")}
        elsewhere = service.collateral_impact(session, desk.stranger, draft)
        foreign = service.collateral_impact(session, desk.maker, parameter("loans.settlement_day", "15", unit="day"))
    assert {one.subject: one.decision_id for one in impact.moves} == {
        subject: standing[subject] for subject in ("pledge:P2", "pledge:P3")
    }
    assert elsewhere is not None
    assert elsewhere.population_count == 0
    assert foreign is None, "no valuation reads it"

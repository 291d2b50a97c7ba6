"""The monthly haircut report: its test against the past, made by API, page and command, kept, replayed, told as PDF."""

import json
import math
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import beta, binom

from carbonfin.app.packages import PACKAGES
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.errors import InvalidInput, NotApplicable, NotFound
from carbonfin.storage.calendars import import_builtin_calendars
from carbonfin.storage.decisions import replay_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.keyset import Place
from collateral import jobs, service
from collateral.calc.haircut_models.sale_backtest import (
    QuotedDays,
    SupposedDefault,
    at_least,
    exceedances,
    rate_interval,
    rejecting_count,
    supposed_defaults,
)
from collateral.calc.haircut_models.seasons import DepthBasis, SeasonDepth
from collateral.calc.haircut_models.stack_terms import ComponentName, HistoryColumns
from collateral.calc.haircut_reports import HaircutReportInputs, decide_haircut_report
from collateral.calc.pledge import IN_FORCE
from collateral.schemas.haircut_reports import month_of
from collateral.service import DECISION_KINDS, haircut_reports
from collateral.service.haircut_reports import ReportRequest
from pricing.service import import_builtin_market, import_price_file
from tests.app.worlds import PAGE, World, build_world, form_token, keyed_client, signed_in
from tests.collateral.desk import Desk, take_over_all
from tests.collateral.haircut_stacks import only, stack_facts, stack_method
from tests.collateral.test_edges import command_line, run
from tests.collateral.test_haircut_policies import price_file, put_in_force
from tests.collateral.test_pledge_haircuts import in_force, policy, struck
from tests.collateral.world import TODAY, parameter

__all__ = ["command_line"]

REPORT = {"month": "2025-06", "unit": "SZA-2024", "quantity_t": 50_000}


def market(
    closes: list[float], volumes: list[int], *, limit_rows: tuple[int, ...] = ()
) -> tuple[HistoryColumns, QuotedDays]:
    days = tuple(date(2020, 1, 1) + timedelta(days=place) for place in range(len(closes)))
    history = HistoryColumns(
        close_per_t=tuple(Decimal(f"{close:.4f}") for close in closes),
        idle_rows=tuple(row for row, volume in enumerate(volumes) if not volume), limit_rows=limit_rows,
        is_composite=False,
    )  # fmt: skip
    return history, QuotedDays(days=days, volumes_t=tuple(volumes))


def test_the_binomial_law_agrees_with_another_implementation() -> None:
    for count, trials in ((0, 14), (1, 25), (2, 77), (10, 10), (3, 400)):
        low, high = rate_interval(count, trials)
        assert low == pytest.approx(0.0 if count == 0 else beta.ppf(0.025, count, trials - count + 1), abs=1e-9)
        assert high == pytest.approx(1.0 if count == trials else beta.ppf(0.975, count + 1, trials - count), abs=1e-9)
    for count, trials, rate in ((1, 10, 0.01), (4, 85, 0.03), (0, 5, 0.2), (6, 5, 0.5), (3, 5, 1.0), (2, 5, 0.0)):
        assert at_least(count, trials, rate) == pytest.approx(binom.sf(count - 1, trials, rate), abs=1e-12)
    assert [rejecting_count(trials, 0.01) for trials in (14, 25, 50, 85)] == [2, 2, 3, 4]


def test_the_sale_that_followed_is_sold_at_the_closes_after_the_wait() -> None:
    """Level at 100 for 510 days, then 90, 80, 0 t, 70 at the lower limit, 60: 10 t a day of 50 t at a fifth.

    The default at row 500 waits 5 + 4 days; rows 510 to 514 sell 10 t at 90, 10 t at 80, none without trade, none at the
    lower limit, 5 t at 60. Loss = 1 - (900 + 800 + 300) / 2,500 = 20%.
    """
    closes = [100.0] * 510 + [90.0, 80.0, 80.0, 70.0, 60.0]
    volumes = [50] * 512 + [0, 50, 50]
    history, quoted = market(closes, volumes, limit_rows=(513,))
    method = only(cure_days=5, notice_days=4)
    facts = stack_facts(history=history, quantity_t=25, daily_volume_t=Decimal(50))
    (found,), unseen = supposed_defaults(method, facts, quoted)
    assert (found.day, found.loss_ratio, unseen) == (quoted.days[500], Decimal("0.2000"), 0)
    assert (found.promised_ratio, found.is_exceeded) == (Decimal("0.30"), False), "the table's value alone"
    assert supposed_defaults(method, replace(facts, quantity_t=31), quoted) == ((), 1), "not seen to its end"
    assert supposed_defaults(method, replace(facts, history=replace(history, is_composite=True)), quoted) == ((), 0)


def test_what_was_promised_knows_nothing_of_the_days_after() -> None:
    draw = np.random.default_rng(5).normal(0, 0.02, 620)
    closes = [80 * math.exp(level) for level in np.cumsum(draw)]
    method = only(ComponentName.EMPIRICAL, fewest_clean_days=2, conservative_ratio=Decimal("0.30"))
    told = []
    for later in (closes[501:], [1.0] * 119):
        history, quoted = market([*closes[:501], *later], [1_000] * 620)
        facts = stack_facts(history=history, quantity_t=100, daily_volume_t=Decimal(1_000))
        told.append(supposed_defaults(method, facts, quoted)[0][0])
    assert told[0].promised_ratio == told[1].promised_ratio
    assert told[0].loss_ratio < told[1].loss_ratio


def test_exceedances_are_counted_with_their_interval_and_the_largest() -> None:
    defaults = tuple(
        SupposedDefault(
            day=date(2024, 1, 1) + timedelta(days=place), promised_ratio=Decimal("0.30"), naive_ratio=Decimal("0.10"),
            loss_ratio=Decimal("0.35") if place in {3, 4} else Decimal("0.05"),
        )
        for place in range(14)
    )  # fmt: skip
    found = exceedances("policy", defaults, (Decimal("0.30"),) * 14, tail_ratio=Decimal("0.01"))
    assert (found.exceeded_count, found.worst_beyond_ratio, found.mean_ratio) == (2, Decimal("0.05"), Decimal("0.30"))
    assert found.is_rejected, "two of fourteen reject one in a hundred"
    assert (found.interval_low_ratio, found.interval_high_ratio) == (Decimal("0.0178"), Decimal("0.4281"))
    assert found.power_triple_ratio == Decimal("0.0645")


def inputs(**given: Any) -> HaircutReportInputs:
    plain: dict[str, Any] = {
        "code": "X", "policy": "X 第1版", "month": "2025-06", "as_of": TODAY, "method": stack_method(),
        "pledge_ratio_max": Decimal("0.60"), "review_by": date(2026, 6, 30), "facts": stack_facts(), "quoted": None,
        "struck": (), "peers": (),
    }  # fmt: skip
    return HaircutReportInputs(**plain | given)


def test_without_a_history_nothing_is_concluded_and_each_worse_fact_is_tried() -> None:
    found = decide_haircut_report(inputs())
    assert (found.defaults, found.tested) == ((), ())
    assert "不足以对折扣系数作任何检验结论" in found.findings[0][0]
    assert {one.name for one in found.sensitivities} == {
        "half_volume", "double_quantity", "more_volatility", "half_trade_days", "longer_cure", "lost_history",
    }  # fmt: skip
    near = decide_haircut_report(inputs(facts=stack_facts(has_last_use=True, days_to_last_use=22)))
    assert {one.name: one.is_accepted for one in near.sensitivities}["nearer_last_use"] is False


def test_a_season_that_nobody_approved_is_told_and_tried_thinner() -> None:
    season = SeasonDepth(basis=DepthBasis.MEASURED, ratio=Decimal("0.4"), parameter=None, source="样例")
    facts = stack_facts(quantity_t=300_000, depth_ratios=(Decimal("0.4"),), season=season)
    found = decide_haircut_report(
        inputs(method=only(ComponentName.CLOSE_OUT, table_ratio=Decimal("0.05"), floor_ratio=Decimal(0)), facts=facts)
    )
    tried = {one.name: one.haircut_ratio for one in found.sensitivities}
    assert tried["half_depth"] > found.stack.haircut_ratio
    assert found.findings[0][0].startswith("清缴后成交量比例未经本行批准，按实测最清淡的")
    assert found.unconfirmed == ("depth_after_surrender",)


def test_a_past_season_is_measured_from_its_own_window_alone() -> None:
    """Sixty days of a tenth fall into the window of 500, and half a season of nought after it into none.

    A season of 60 at 100 t and 440 days at 1,000 t have a mean of 892 t: 0.1121. Without the season it is 1.
    """
    window = parameter("collateral.depth_season_days", "60", unit="days")
    season = SeasonDepth(basis=DepthBasis.MEASURED, ratio=Decimal("0.5"), parameter=window, source="样例")
    facts = stack_facts(quantity_t=2_000, depth_ratios=(Decimal("0.5"),), season=season)
    promised = []
    for thin_t in (1_000, 100):
        volumes = [1_000] * 300 + [thin_t] * 60 + [1_000] * 141 + [0] * 30 + [1_000] * 100
        history, quoted = market([100.0 + (row % 2) for row in range(631)], volumes)
        method = only(ComponentName.CLOSE_OUT, conservative_ratio=Decimal("0.30"), table_ratio=Decimal("0.01"),
                      floor_ratio=Decimal("0.01"), daily_limit_ratio=None)  # fmt: skip
        (first, *_), _ = supposed_defaults(method, replace(facts, history=history), quoted)
        same = replace(facts, depth_ratios=(Decimal("0.1121") if thin_t == 100 else Decimal(1),), history=history)
        approved = replace(same, season=replace(season, basis=DepthBasis.APPROVED, ratio=same.depth_ratios[0]))
        (as_approved, *_), _ = supposed_defaults(method, approved, quoted)
        assert first.promised_ratio == as_approved.promised_ratio
        promised.append(first.promised_ratio)
    assert promised[1] > promised[0]


def test_a_case_that_would_lower_the_haircut_is_named() -> None:
    """The add-on for lost data is 10 points by policy, the computed one near 39: losing the data would pay."""
    found = decide_haircut_report(inputs(method=stack_method(conservative_ratio=Decimal("0.30"))))
    assert any("历史行情与波动率缺失" in zh and "反而低于现状" in zh for zh, _ in found.findings)


def test_a_history_without_its_days_is_refused() -> None:
    history, quoted = market([80.0, 81.0], [5, 6])
    with pytest.raises(InvalidInput, match="other days"):
        inputs(facts=stack_facts(history=history))
    for days, volumes in ((quoted.days[::-1], quoted.volumes_t), (quoted.days, (1,)), (quoted.days, (1, -1))):
        with pytest.raises(InvalidInput):
            QuotedDays(days=days, volumes_t=volumes)


def test_a_month_is_read_or_refused() -> None:
    assert month_of("2025-06") == date(2025, 6, 1)
    for text in ("2025-13", "2025-6", "0000-01", "junk"):
        with pytest.raises(InvalidInput) as refused:
            month_of(text)
        assert refused.value.field == "month"


def test_a_report_holds_what_was_struck_and_replays_on_its_own(desk_sessions: Sessions, desk: Desk) -> None:
    """Struck by a pledge of 10,000 t at the table's 57%; the month's end is not reached, so the business date counts."""
    in_force(desk_sessions, desk, policy(table_ratio="0.57"))
    kept = struck(desk_sessions, desk)
    request = ReportRequest(code="SZA", month=TODAY, unit=struck_unit(), quantity_t=20_000)
    with desk_sessions.begin() as session:
        made = haircut_reports.make_haircut_report(session, desk.maker, request, standing=desk.standing)
        for wrong, error in (
            (replace(request, month=date(2025, 7, 1)), InvalidInput), (replace(request, month=date(2025, 5, 1)), NotFound),
            (replace(request, code="NONE"), NotFound), (replace(request, unit=struck_unit("CEA-2024")), NotApplicable),
        ):  # fmt: skip
            with pytest.raises(error):
                haircut_reports.make_haircut_report(session, desk.maker, wrong, standing=desk.standing)
    with desk_sessions.read() as session:
        report = haircut_reports.load_haircut_report(session, desk.maker, "SZA", made.decision_id)
        (line,) = report.inputs.struck
        assert (line.day, line.unit, line.quantity_t) == (TODAY, "SZA-2024", 10_000)
        assert (line.haircut_ratio, line.decision_id) == (Decimal("0.57"), kept.decision_id)
        assert {one.scope: one.decimal for one in report.inputs.peers} == {
            "ICE": Decimal("0.25"),
            "ECC": Decimal("0.35"),
        }
        assert not any(one.confirmed for one in report.inputs.peers)
        assert replay_decision(session, DECISION_KINDS, made.decision_id).same
        for code, actor in (("OTHER", desk.maker), ("SZA", desk.stranger)):
            with pytest.raises(NotFound):
                haircut_reports.load_haircut_report(session, actor, code, made.decision_id)
        first = haircut_reports.haircut_report_document(session, desk.maker, report, address="http://127.0.0.1")
        assert first[:5] == b"%PDF-"
        assert haircut_reports.haircut_report_document(session, desk.maker, report, address="http://127.0.0.1") == first


def struck_unit(text: str = "SZA-2024") -> Unit:
    return Unit.parse(text)


@pytest.fixture
def world(sessions: Sessions) -> World:
    made = build_world(sessions, packages=PACKAGES)
    with sessions.begin() as session:
        import_builtin_calendars(session)
        import_builtin_market(session)
        report = import_price_file(
            session, made.officer, content=price_file(days=900), file_name="a.csv", exchange="示例交易所",
            document="示例", known_at=end_of_china_day(TODAY), preview=False,
        )  # fmt: skip
        assert not report.failures
    put_in_force(made)
    return made


def test_a_report_is_made_read_and_fetched_by_api_and_page_on_both_databases(world: World) -> None:
    address = "/v1/haircut-policies/SZA-2024-A/reports"
    with keyed_client(world) as client:
        made = client.post(address, json=REPORT, headers={"Idempotency-Key": "r"})
        assert made.status_code == 201, made.text
        body = made.json()
        assert {one["name"]: one["default_count"] for one in body["exceedances"]} == {"policy": 16, "naive": 16}
        assert len(body["findings"]) >= 2
        assert client.post(address, json=REPORT, headers={"Idempotency-Key": "r"}).json() == body
        one = f"{address}/{body['decision_id']}"
        assert client.get(one).json() == body
        assert [each["decision_id"] for each in client.get(address).json()["reports"]] == [body["decision_id"]]
        document = client.get(f"{one}/pdf")
        assert (document.headers["content-type"], document.content[:5]) == ("application/pdf", b"%PDF-")
        for changed, status in (({"month": "2025-07"}, 422), ({"month": "x"}, 422), ({"unit": "CEA-2024"}, 422),
                                ({"quantity_t": 0}, 400)):  # fmt: skip
            refused = client.post(address, json={**REPORT, **changed}, headers={"Idempotency-Key": json.dumps(changed)})
            assert refused.status_code == status, refused.text
        assert client.get(f"{address}/{'0' * 36}").status_code == 404
    with keyed_client(world, "other") as client:
        assert client.get(one).status_code == 404
        assert client.get(address).json() == {"reports": []}
        elsewhere = client.get("/v1/haircut-policies/碳配额/reports")
        assert elsewhere.headers["link"].isascii(), "a header takes no sign beyond latin"
    with signed_in(world) as client:
        text = client.get("/haircut-policies/SZA-2024-A/reports", headers=PAGE).text
        assert all(word in text for word in ("数据能说明什么", "超出检验", "同业公布水平", "未确认", "<svg"))
        drawn = text[text.index("与同业公布水平相差多少？") :]
        assert all(word in drawn for word in ("本行折扣系数", "ICE 2", "ECC 2", "（未确认）"))
        typed = {"month": "2025-06", "unit": "SZA-2024", "quantity_t": "50,000", "_csrf_token": form_token(text)}
        page = "/haircut-policies/SZA-2024-A/reports"
        kept = client.post(page, data=typed, headers=PAGE, follow_redirects=False)
        assert kept.status_code == 303
        assert client.get(kept.headers["location"], headers=PAGE).status_code == 200
        wrong = client.post(page, data={**typed, "month": "June"}, headers=PAGE)
        assert (wrong.status_code, "不是月份" in wrong.text) == (422, True)
        assert client.get(f"{page}/{body['decision_id']}/pdf", headers=PAGE).content == document.content
        assert client.get("/haircut-policies/NONE/reports", headers=PAGE).status_code == 404
        assert f'href="{page}"' in client.get("/haircut-policies/SZA-2024-A", headers=PAGE).text


def test_the_month_past_is_reported_once_by_the_days_end(desk_sessions: Sessions, desk: Desk) -> None:
    """Of the class the unit that most is pledged of, in its largest pledge; on the first day after, and never again."""
    july = date(2025, 7, 1)
    with desk_sessions.begin() as session:
        ids = take_over_all(session, desk)
        pledges = [service.load_pledge(session, desk.maker, one) for one in ids.values()]
        assert jobs.report_haircuts(session, desk.maker, july).done_count == 0, "there is no class yet"
    in_force(desk_sessions, desk, policy())
    in_force(desk_sessions, desk, policy(code="CCER", scheme="CCER", last_vintage=None))
    sizes: dict[str, list[int]] = {}
    for one in (each for each in pledges if each.state in IN_FORCE):
        for held in one.units:
            if held.unit.scheme.value == "SZA":
                sizes.setdefault(str(held.unit), []).append(held.quantity_t)
    most = max(sizes, key=lambda unit: sum(sizes[unit]))
    with desk_sessions.begin() as session:
        assert jobs.report_haircuts(session, desk.maker, TODAY).done_count == 0, "in May there was no class"
        told = jobs.report_haircuts(session, desk.maker, july)
        assert (told.done_count, told.failures) == (1, ()), "of CCER nothing is pledged"
        assert jobs.report_haircuts(session, desk.maker, date(2025, 7, 2)).done_count == 0
    with desk_sessions.read() as session:
        (head,) = haircut_reports.haircut_reports_of(session, desk.maker, "SZA", Place(limit=9)).items
        made = haircut_reports.load_haircut_report(session, desk.maker, "SZA", head.id)
    assert (made.inputs.month, made.inputs.as_of, made.inputs.facts.unit) == ("2025-06", TODAY, most)
    assert made.inputs.facts.quantity_t >= max(sizes[most])
    late = policy(code="SZA-L", review_by="2025-07-01")
    in_force(desk_sessions, desk, late)
    with desk_sessions.begin() as session:
        failed = jobs.report_haircuts(session, desk.maker, date(2025, 8, 1))
    assert (failed.done_count, [one.item for one in failed.failures]) == (1, ["SZA-L 2025-07"]), "its review is overdue"


def test_a_report_is_made_and_written_by_command(
    command_line: Desk, sqlite_sessions: Sessions, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    in_force(sqlite_sessions, command_line, policy(table_ratio="0.57"))
    asked = ("collateral", "haircut-report", "SZA", "2025-06", "--unit", "SZA-2024", "--quantity", "20000")
    assert run("--json", *asked, "--out", str(tmp_path / "report.pdf")) == 0
    assert json.loads(capsys.readouterr().out)["haircut_ratio"] == "0.57"
    assert (tmp_path / "report.pdf").read_bytes()[:5] == b"%PDF-"
    assert run(*asked) == 0
    assert "2025-06 折扣系数 0.57" in capsys.readouterr().out
    assert run("collateral", "haircut-report", "SZA", "June", "--unit", "SZA-2024", "--quantity", "1") == 2

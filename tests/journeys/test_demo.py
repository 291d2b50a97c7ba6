"""The sample world to the fen and the tonne, on both databases.

Each expected number stands in the sample scenario; the comment or test name gives its line there.
"""

import html
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from litestar import Litestar
from litestar.testing import TestClient

from carbonfin.app.decisions.kinds import decision_kinds
from carbonfin.app.demo.papers import write_papers
from carbonfin.app.demo.run import DemoOutcome
from carbonfin.app.factory import create_app
from carbonfin.app.settings import Settings
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.errors import NotFound
from carbonfin.storage.decisions import DecisionRow, load_decision, replay_decision, verify_chain
from carbonfin.storage.engine import Sessions
from loans.service import interest_vouchers_of, load_note
from pricing.service import MarketSnapshot, appraisal_price, average_daily_volume_t, fx_rate_on, lpr_on, market_snapshot
from tests.app.worlds import PAGE, form_token
from tests.journeys.worlds import CLOCK, PASSWORD, SampleCopy, contents_of, move_rows, opened, run_demo
from tests.postgres import Postgres

TODAY = date(2025, 6, 30)
KNOWN_AT = end_of_china_day(TODAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """The main job done over a database, with the application before it."""

    url: str
    folder: Path
    outcome: DemoOutcome
    settings: Settings
    sessions: Sessions
    client: TestClient[Litestar]

    def read(self, path: str, **query: str) -> Any:
        """Ask the API as the bank's system."""
        answer = self.client.get(path, params=query)
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    def snapshot(self) -> MarketSnapshot:
        """The market of the business date as the sample bank knew it."""
        with self.sessions.read() as session:
            return market_snapshot(
                session,
                valuation_date=TODAY,
                known_at=KNOWN_AT,
                organization_id=self.outcome.maker.organization_id,
            )

    def outputs_of(self, subject: str, kind: str, *, number: int = -1) -> Any:
        """The outputs of a recorded decision."""
        return self._record(subject, kind, number).outputs

    def figures_of(self, subject: str, kind: str) -> dict[str, str]:
        """The traced figures of a recorded decision."""
        return {figure.name: figure.value for figure in self._record(subject, kind, -1).trace}

    def _record(self, subject: str, kind: str, number: int) -> Any:
        decisions = self.read("/v1/decisions", subject=subject, kind=kind)["decisions"]
        found = [one["decision_id"] for one in reversed(decisions) if (one["subject"], one["kind"]) == (subject, kind)]
        with self.sessions.read() as session:
            return load_decision(session, self.outcome.maker, found[number])


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    folder = tmp_path_factory.mktemp("demo")
    with ExitStack() as stack:
        if request.param == "sqlite":
            copy: SampleCopy = request.getfixturevalue("sample").copied(folder)
            url, outcome, settings = copy.url, copy.outcome, copy.settings
        else:
            server: Postgres = request.getfixturevalue("postgres")
            url = stack.enter_context(server.database())
            outcome, settings = run_demo(url, folder)
        sessions = stack.enter_context(opened(url))
        client = stack.enter_context(TestClient(create_app(settings, sessions, CLOCK)))
        client.headers["Authorization"] = f"Bearer {outcome.api_key}"
        yield Ran(url=url, folder=folder, outcome=outcome, settings=settings, sessions=sessions, client=client)


def test_market(ran: Ran) -> None:
    snapshot = ran.snapshot()
    (cea,) = ran.read("/v1/market/quotes", unit="CEA", **{"from": "2025-06-30"})["quotes"]
    assert (cea["price_cny_per_t"], cea["listed_volume_t"], cea["block_volume_t"]) == ("75.02", 140694, 300000)
    assert cea["is_sample"] is False
    price = appraisal_price(snapshot, Unit.parse("CEA-2023"), "min_close_listed_vwap")
    assert round(price.price_cny_per_t, 2) == Decimal("74.03")
    assert average_daily_volume_t(snapshot, Unit.parse("CEA-2023")) == 209407
    (ccer,) = ran.read("/v1/market/quotes", unit="CCER", **{"from": "2025-06-30"})["quotes"]
    assert (ccer["price_cny_per_t"], ccer["listed_volume_t"]) == ("88.50", 600)
    shenzhen = {
        (quote["quote_date"], unit): (quote["price_cny_per_t"], quote["is_sample"])
        for unit in ("SZA-2022", "SZA-2023", "SZA-2024")
        for quote in ran.read("/v1/market/quotes", unit=unit)["quotes"]
    }
    assert shenzhen == {
        ("2025-06-30", "SZA-2022"): ("39.00", True),
        ("2025-03-14", "SZA-2023"): ("46.00", True),
        ("2025-05-20", "SZA-2023"): ("43.00", True),
        ("2025-06-30", "SZA-2023"): ("40.00", True),
        ("2025-06-30", "SZA-2024"): ("41.00", True),
    }
    with ran.sessions.read() as session:
        for day, rate in {date(2025, 5, 20): "0.922540", TODAY: "0.912707"}.items():
            assert fx_rate_on(session, "HKDCNY", day, KNOWN_AT).rate == Decimal(rate)
        for day, rate in {date(2024, 2, 20): "0.0345", date(2024, 10, 21): "0.0310", TODAY: "0.0300"}.items():
            assert lpr_on(session, "1Y", day, KNOWN_AT).value == Decimal(rate)


def test_check_emissions(ran: Ran) -> None:
    """`emissions_2024_t` of E2 to E5, `check_emissions` and the years of E4; E1 states no electricity: not rated."""
    found: dict[str, Any] = {}
    for code, party in ran.outcome.parties.items():
        if code in {"E2", "E3", "E4", "E5"}:
            answer = ran.client.post(
                "/v1/ratings", json={"usci": party.code, "year": 2024}, headers={"Idempotency-Key": f"emissions-{code}"}
            )
            assert answer.status_code == 201, answer.text
            found[code] = answer.json()
    assert {code: rating["current"]["company_t"] for code, rating in found.items()} == {
        "E2": 207105, "E3": 28731, "E4": 1845, "E5": 167500,
    }  # fmt: skip
    two, three = (
        {part["carrier"]: Decimal(part["emissions_t"]) for part in found[code]["current"]["parts"]}
        for code in ("E2", "E3")
    )
    assert {carrier: str(value) for carrier, value in two.items()} == {
        "electricity": "198135.00", "natural_gas": "8660.06", "diesel": "309.59",
    }  # fmt: skip
    assert f"{two['electricity'] / sum(two.values()):.1%}" == "95.7%"
    assert {carrier: str(value) for carrier, value in three.items()} == {
        "electricity": "9246.30", "natural_gas": "19485.14",
    }  # fmt: skip
    assert found["E5"]["current"]["traded_green_mwh_not_deducted"] == "30000"
    four = found["E4"]
    assert (four["previous"]["emissions_t"], four["current"]["emissions_t"]) == ("2108.33", "1844.88")


def test_rating_e4(ran: Ran) -> None:
    rating = ran.outputs_of("91440300EXAMPLE466", "loans.rating", number=0)
    assert f"{Decimal(rating['cut_ratio']):.2%}" == "12.50%"
    assert f"{Decimal(rating['intensity_t_per_10k_cny']):.2f}" == "0.30"
    assert f"{Decimal(rating['ratio_to_mean']):.3f}" == "0.714"
    assert (rating["band"], rating["level"], rating["method_zh"]) == ("低碳", 2, "本系统自有方法")


def test_pledges(ran: Ran) -> None:
    lines = {line["pledge"]["code"]: line for line in ran.read("/v1/pledges")["pledges"]}
    assert {code: line["pledge"]["state"] for code, line in lines.items()} == {
        "P0": "RELEASED", "P1": "DRAWN", "P2": "DRAWN", "P3": "MARGIN_CALLED", "P4": "FREEZE_UNKNOWN", "P5": "REJECTED",
    }  # fmt: skip
    one, two, three = (lines[code]["coverage"] for code in ("P1", "P2", "P3"))
    assert (one["market_value_cny"], one["collateral_value_cny"], one["debt_cny"]) == (
        "3701500.00", "2220900.00", "2001700.00",
    )  # fmt: skip
    assert (f"{Decimal(one['coverage_ratio']):.4f}", f"{Decimal(one['ltv_ratio']):.2%}") == ("1.1095", "54.03%")
    assert (one["closeout_days"], one["last_safe_date"]) == (3, "2025-12-12")
    assert (two["collateral_value_cny"], two["debt_cny"], two["closeout_days"]) == ("2370000.00", "2300661.25", 30)
    assert f"{Decimal(two['coverage_ratio']):.4f}" == "1.0301"
    assert (three["debt_cny"], three["collateral_value_cny"]) == ("855758.81", "800000.00")
    assert (f"{Decimal(three['coverage_ratio']):.4f}", three["level"]) == ("0.9348", "warning")
    call = lines["P3"]["call"]
    assert (call["cash_amount"], call["deadline"]) == ("55758.81", "2025-07-07")
    assert {one["unit"]: one["quantity_t"] for one in call["top_ups"]}["SZA-2024"] == 2720
    refusals = {one["code"]: one["detail"] for one in lines["P5"]["pledge"]["refusals"]}
    assert "last safe date 2025-12-12" in refusals["end-after-last-safe-date"]
    assert lines["P5"]["pledge"]["end_date"] == "2026-03-31"
    for code in lines:
        assert lines[code]["pledge"]["is_sample"] is True


def test_notes_behind_the_pledges(ran: Ran) -> None:
    """`interest_vouchers` and `total` of P0, `interest_paid_to` and `accrued` of P1 to P3."""
    lines = {line["pledge"]["code"]: line for line in ran.read("/v1/pledges")["pledges"]}
    with ran.sessions.read() as session:
        vouchers = interest_vouchers_of(session, ran.outcome.maker, "JJ-P0")
        settled = load_note(session, ran.outcome.maker, "JJ-P0")
    amounts = [str(voucher.interest_cny) for voucher in vouchers]
    assert amounts == ["29516.67", "29195.83", "28875.00", "29195.83"]
    assert sum(map(Decimal, amounts)) == Decimal("116783.33")
    assert settled.settled_date == date(2025, 6, 20)
    detail = ran.read(f"/v1/pledges/{lines['P0']['pledge']['pledge_id']}")
    released = [event for event in detail["timeline"] if event["state_after"] == "RELEASED"]
    assert [event["business_date"] for event in released] == ["2025-06-25"]
    accrued = {}
    for code, principal in {"P1": "2000000", "P2": "2300000", "P3": "855000"}.items():
        debt = lines[code]["coverage"]["debt_cny"]
        accrued[code] = str(Decimal(debt) - Decimal(principal))
    assert accrued == {"P1": "1700.00", "P2": "661.25", "P3": "758.81"}


def test_headroom_check(ran: Ran) -> None:
    expected = {
        "E1": {
            "headroom_t": 36310,
            "emissions_t": 796726,
            "true_up_counted_t": 221004,
            "buffer_t": 7968,
            "locked_past_deadline_t": 0,
        },
        "E2": {"headroom_t": 34681, "holdings_t": 368000, "buffer_t": 6214, "locked_past_deadline_t": 120000},
        "E3": {"headroom_t": 5407, "holdings_t": 75000, "buffer_t": 862, "locked_past_deadline_t": 40000},
        "E5": {"headroom_t": 17475, "holdings_t": 200000, "buffer_t": 5025, "locked_past_deadline_t": 10000},
    }
    for code, parts in expected.items():
        (headroom,) = ran.read(f"/v1/parties/{ran.outcome.parties[code].id}/headroom")["headrooms"]
        assert {name: headroom[name] for name in parts} == parts, code


def test_repo_r1(ran: Ran) -> None:
    start = ran.outputs_of("repo:R1", "collateral.repo_start")
    assert (start["market_value_cny"], start["lendable_cny"], start["lendable_amount"]) == (
        "4300000.00", "2236000.00", "2423743.14",
    )  # fmt: skip
    with ran.sessions.read() as session:
        repo_id = session.execute(sa.text("SELECT id FROM repo")).scalar_one()
    repo = ran.read(f"/v1/repos/{repo_id}")
    today = {
        "repurchase_price_amount": "2417122.19", "accrued_value_amount": "2411322.74", "accrued_value_cny": "2200831.14",
        "market_value_cny": "4000000.00", "exposure_b_cny": "120831.14", "exposure_cny": "120831.14",
        "margin_call_amount": "132387.66", "margin_call_units_t": 5810, "exposure_a_cny": "232367.58",
    }  # fmt: skip
    assert {name: repo[name] for name in today} == today
    assert Decimal(repo["haircut_ratio"]) == Decimal("0.48")
    assert len(repo["flags"]) == 3


def test_loan_l1(ran: Ran) -> None:
    sheet = ran.read("/v1/term-sheets/TS-2025-0001")
    rate, schedule = sheet["rate"], sheet["schedule"]
    assert (Decimal(rate["concession_bp"]), rate["executed_rate"]) == (Decimal(-11), "0.0329")
    rows = schedule["rows"]
    assert (len(rows), rows[0]["days"], rows[0]["interest_cny"]) == (13, 20, "18277.78")
    assert schedule["interest_total_cny"] == "333569.49"
    assert sum(Decimal(row["interest_cny"]) for row in rows) == Decimal("333569.49")
    assert sheet["interest_total_without_concession_cny"] == "344722.22"
    assert sheet["saving_cny"] == "11152.73"
    assert [row["provisional"] for row in rows] == [row["contract_date"] > "2025-12-31" for row in rows]
    assert {one["method"]: one["financed_t"] for one in sheet["financed"]} == {"pboc-guide": "99.2", "pcaf": "144.1"}
    words = [line["value_zh"] for group in sheet["groups"] for line in group["lines"]]
    assert any("人民币壹仟万元整" in value for value in words)
    assert sheet["borrower_usci"] == "91440300EXAMPLE466"


def test_portfolio_value(ran: Ran) -> None:
    portfolio_id = ran.outcome.valuation.record.portfolio_id
    figures = ran.figures_of(f"portfolio:{portfolio_id}", "pricing.portfolio")
    assert figures["line.F1.days"] == "168"
    assert figures["line.F1.forward_cny_per_t"] == "75.5397"
    assert figures["line.F1.present_value_cny"] == "-38935.49"
    assert figures["line.G1.variation_margin_cny"] == "4200.00"
    valued = ran.read(f"/v1/valuations/{ran.outcome.valuation.record.id}")
    lines = {line["line_id"]: line for line in valued["lines"]}
    assert "thin" in lines["E1-CCER"]["flags"]
    assert {line["level"] for line in valued["lines"] if line["unit"].startswith("SZA")} == {3}
    assert {line["snapshot_digest"] for line in valued["lines"]} == {valued["snapshot_digest"]}
    # By hand: 60000 and 560000 t CEA at 75.02, 5000 t CCER at 88.50, SZA 70000 at 39, 242000 of 2023 at 40 and 431000
    # of 2024 at 41, and the forward.
    by_hand = 620000 * Decimal("75.02") + 5000 * Decimal("88.5") + 70000 * 39 + 242000 * 40 + 431000 * 41
    assert Decimal(valued["present_value_cny"]) == by_hand - Decimal("38935.49")


def test_subsidy(ran: Ran) -> None:
    report = ran.outcome.report
    lines = {line.application.reference: line for line in report.lines}
    assert report.as_of == date(2025, 9, 26)
    one = lines["A1"].decision
    assert {figure.name: figure.value for figure in one.trace}["vat_cny"] == "6610.36"
    assert (one.outcome, one.net_cny, one.calculated_cny) == ("qualifies", Decimal("110172.97"), Decimal("55086.49"))
    assert one.proposed_cny is None, "the cap is not confirmed"
    assert {"申请条件（第四部分）未确认", "上限未确认"} <= set(one.unconfirmed_zh)
    two, three, four = (lines[code].decision for code in ("A2", "A3", "A4"))
    assert (two.outcome, two.calculated_cny, two.proposed_cny) == ("undecided", None, None)
    assert "参数未确认" in two.reason_zh
    assert (three.outcome, three.reason_zh) == ("refused", "不符合：未结清")
    assert (four.outcome, four.calculated_cny) == ("duplicate", None)
    assert ("A1", "JJ-P0-3") in {(pair.earlier_reference, pair.earlier_item) for pair in four.pairs}


def test_first_screen(ran: Ran) -> None:
    with TestClient(create_app(ran.settings, ran.sessions, CLOCK)) as browser:
        token = form_token(browser.get("/sign-in", headers=PAGE).text)
        form = {"login": "maker", "password": PASSWORD, "next": "/", "_csrf_token": token}
        page = html.unescape(browser.post("/sign-in", data=form, headers=PAGE).text)
    for figure in ("5,155,000.00", "CEA 50,000", "SZA 160,000", "100,000"):
        assert figure in page, figure
    for alert, count in {"预警": 1, "追加担保": 1, "冻结状态未知": 1, "履约倒计时": 4}.items():
        assert page.count(alert) >= count, alert
    assert "TS-2025-0001" in page
    assert "2025-06-30" in page
    assert "演示数据" in page or "示例" in page


def test_a_second_run_changes_nothing(ran: Ran, tmp_path: Path) -> None:
    nothing = frozenset[str]()
    before = contents_of(ran.url, without=nothing)
    first = _papers(ran.outcome, ran.sessions, tmp_path / "first")
    again, _ = run_demo(ran.url, ran.folder)
    assert contents_of(ran.url, without=nothing) == before
    assert again.api_key == ran.outcome.api_key
    assert _papers(again, ran.sessions, tmp_path / "again") == first
    assert {name.rpartition(".")[2] for name in first} == {"pdf", "docx", "xlsx", "csv", "json"}


def _papers(outcome: DemoOutcome, sessions: Sessions, folder: Path) -> dict[str, bytes]:
    files = write_papers(outcome, sessions, clock=CLOCK, folder=folder, address="http://127.0.0.1:8000", verified_at="")
    return {file.name: file.read_bytes() for file in files}


def test_every_decision_replays_here_and_elsewhere(ran: Ran, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    here = _heads_and_replays(ran.sessions, ran.outcome)
    assert len(here[2]) >= 20
    with ExitStack() as stack:
        if ran.url.startswith("sqlite"):
            elsewhere = f"sqlite:///{shutil.copytree(ran.folder, tmp_path / 'moved') / 'carbonfin.db'}"
        else:
            elsewhere = stack.enter_context(request.getfixturevalue("postgres").database())
            move_rows(ran.url, elsewhere)
        with opened(elsewhere) as sessions:
            assert _heads_and_replays(sessions, ran.outcome) == here


def _heads_and_replays(sessions: Sessions, outcome: DemoOutcome) -> tuple[str, str, tuple[str, ...]]:
    """Verify both chains and make every decision again; give heads and the decisions made again."""
    kinds = decision_kinds()
    with sessions.read() as session:
        heads = []
        for organization_id in (outcome.maker.organization_id, outcome.bureau.organization_id):
            chain = verify_chain(session, organization_id)
            assert chain.intact, chain.faults
            assert chain.length > 0
            heads.append(chain.head_digest)
        ids = tuple(sorted(session.scalars(sa.select(DecisionRow.id))))
        for decision_id in ids:
            replay = replay_decision(session, kinds, decision_id)
            assert replay.same, replay.differences
    return heads[0], heads[1], ids


def test_a_changed_figure_is_found(sample: SampleCopy, tmp_path: Path) -> None:
    copy = sample.copied(tmp_path)
    with copy.opened() as sessions:
        with sessions.begin() as session:
            row = session.scalars(sa.select(DecisionRow).where(sa.column("kind") == "loans.rate")).first()
            assert row is not None
            decision_id = row.id
        triggers = _triggers_of(sessions, "decision")
        with sessions.begin() as session:
            for trigger in triggers:
                session.execute(sa.text(f'DROP TRIGGER "{trigger}"'))
            session.execute(
                sa.text("UPDATE decision SET outputs = replace(outputs, '0.0329', '0.0328') WHERE id = :id"),
                {"id": decision_id},
            )
        with sessions.read() as session:
            assert not replay_decision(session, decision_kinds(), decision_id).same
            chain = verify_chain(session, copy.outcome.maker.organization_id)
            assert [fault.decision_id for fault in chain.faults] == [decision_id]


def _triggers_of(sessions: Sessions, table: str) -> list[str]:
    with sessions.read() as session:
        return list(
            session.scalars(
                sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :table"), {"table": table}
            )
        )


def test_nobody_else_sees_the_decisions(sample: SampleCopy) -> None:
    """The bureau does not read the bank's decisions, nor one bank another's."""
    stranger: Actor = replace(sample.outcome.maker, organization_id="another-bank")
    with sample.opened() as sessions, sessions.read() as session:
        for row in session.scalars(sa.select(DecisionRow)):
            for actor in (stranger, sample.outcome.bureau, sample.outcome.maker):
                if row.organization_id != actor.organization_id:
                    with pytest.raises(NotFound):
                        load_decision(session, actor, row.id)

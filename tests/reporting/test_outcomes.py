"""What a bank is told of the applications it filed: its own, to the fen, and nothing of anybody else."""

import dataclasses
import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from litestar.testing import TestClient
from sqlmodel import Session

from carbonfin.app.factory import create_app
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import NotFound
from carbonfin.storage import schema
from carbonfin.storage.engine import Sessions, open_engine
from carbonfin.storage.keyset import Place
from reporting import service
from reporting.calc.dedup import OverlapReason
from reporting.calc.eligibility import Criterion
from reporting.calc.outcomes import ToldOutcome, Verdict, details_of
from reporting.models import SubsidyOutcomeRow
from reporting.service import OutcomesAsked
from tests.app.worlds import PAGE, PASSWORD, PASSWORD_HASH, SETTINGS, form_token
from tests.reporting.samples import AS_OF, KNOWN_AT, application
from tests.reporting.test_review import AT, Bureau, bureau, decide, open_bureau, published, take
from tests.reporting.test_service import QUARTER, built, prepared
from tests.reporting.worlds import Actors, file_samples, make_actors, record_notes

__all__ = ["bureau"]
EVERYTHING = OutcomesAsked()


def told(session: Session, actors: Actors, *, bank: str = "bank") -> dict[str, ToldOutcome]:
    found = service.outcomes_asked(session, getattr(actors, bank), EVERYTHING)
    return {one.reference: one for one in found}


def test_each_application_is_told_with_both_dates_and_its_amount(sessions: Sessions) -> None:
    with sessions.begin() as session:
        actors = prepared(session)
        built(session, actors)
    with sessions.read() as session:
        outcomes = told(session, actors)
        assert told(session, actors, bank="other_bank") == {}
    assert {name: one.verdict for name, one in outcomes.items()} == {
        "A1": Verdict.QUALIFIES,
        "A2": Verdict.UNDECIDED,
        "A3": Verdict.REFUSED,
        "A4": Verdict.DUPLICATE,
    }
    a1 = outcomes["A1"]
    assert (a1.as_of, a1.told_at, a1.quarter) == (AS_OF, KNOWN_AT, "2025Q3")
    assert (a1.calculated_cny, a1.proposed_cny, a1.granted_cny) == (Decimal("55086.49"), None, None)
    assert a1.details.unconfirmed_zh, "conditions and cap were never read: the bank is told which"
    assert all(result.clause for result in a1.details.criteria)
    assert outcomes["A3"].details.remedy_zh.startswith("请在贷款结清后申报")
    a2 = outcomes["A2"].details
    assert a2.remedy_zh.count("由主管部门录入并核准") == 1, "said once, however many rules were not read"
    assert "规则库" not in a2.remedy_zh, "the rulebook is the bureau's"
    a4 = outcomes["A4"].details
    assert a4.pairs[0].earlier_reference == "A1", "its own earlier file is named"
    assert "与 A1 同一凭证" in a4.reason_zh


def cross_bank(session: Session) -> Actors:
    """One firm's note and one pledge announcement, filed by two banks; and one file with another firm's document."""
    actors = make_actors(session)
    first = application("SECRET-7", is_sample=True)
    other = dataclasses.replace(
        first, reference="B1", filed_by_bank="另一示例银行", submitted_at=first.submitted_at + timedelta(hours=1)
    )
    reused = dataclasses.replace(
        other, reference="B2", applicant_usci="91440300EXAMPLE466", applicant_name="另一示例企业",
        submitted_at=first.submitted_at + timedelta(hours=2),
    )  # fmt: skip
    service.file_application(session, actors.bank, first, known_at=KNOWN_AT)
    for one in (other, reused):
        service.file_application(session, actors.other_bank, one, known_at=KNOWN_AT)
    return actors


def test_another_banks_application_is_named_by_no_name(sessions: Sessions) -> None:
    with sessions.begin() as session:
        actors = cross_bank(session)
        report = built(session, actors)
    assert "SECRET-7" in next(one for one in report.lines if one.application.reference == "B1").decision.reason_zh
    with sessions.read() as session:
        outcomes = told(session, actors, bank="other_bank")
        text = json.dumps([dataclasses.asdict(one) for one in outcomes.values()], default=str, ensure_ascii=False)
    b1 = outcomes["B1"]
    assert b1.verdict is Verdict.DUPLICATE
    assert b1.details.pairs[0].reason is OverlapReason.SAME_VOUCHER
    assert {(pair.earlier_reference, pair.earlier_item) for pair in b1.details.pairs} == {(None, None)}
    assert "与 他行申请 同一凭证" in b1.details.reason_zh
    found = {one.criterion: one for one in b1.details.criteria}[Criterion.NOT_CLAIMED]
    assert "他行申请" in found.found_zh
    assert "another bank's application" in found.found_en
    assert "SECRET-7" not in text
    assert "示例银行股份有限公司深圳分行" not in text.replace(b1.details.reporting_body, "")


def test_a_file_that_cannot_be_decided_is_told_without_the_firm_it_collides_with(sessions: Sessions) -> None:
    with sessions.begin() as session:
        actors = cross_bank(session)
        report = built(session, actors)
    assert any("SECRET-7" in failure.zh for failure in report.failures), "the bureau reads whose document it is"
    with sessions.read() as session:
        b2 = told(session, actors, bank="other_bank")["B2"]
    assert (b2.verdict, b2.details.fault_field) == (Verdict.FAILED, "documents")
    assert "他行申请" in b2.details.reason_zh
    assert "示例微电子" not in b2.details.reason_zh + b2.details.reason_en
    assert b2.details.remedy_zh


def test_a_banks_own_document_used_twice_is_named(sessions: Sessions) -> None:
    with sessions.begin() as session:
        actors = make_actors(session)
        first = application("A1")
        twice = dataclasses.replace(
            first, reference="A9", applicant_usci="91440300EXAMPLE466", applicant_name="另一示例企业",
            submitted_at=first.submitted_at + timedelta(hours=1),
        )  # fmt: skip
        for one in (first, twice):
            service.file_application(session, actors.bank, one, known_at=KNOWN_AT)
        built(session, actors)
    with sessions.read() as session:
        assert "的申请 A1 所附文件完全相同" in told(session, actors)["A9"].details.reason_zh


def test_what_the_firm_was_granted_elsewhere_is_not_told(sessions: Sessions) -> None:
    """A cut by the yearly cap says that it is one; how much was granted through another bank stays with the bureau."""
    with sessions.begin() as session:
        actors = prepared(session)
        report = built(session, actors)
        line = next(one for one in report.lines if one.application.reference == "A1")
        cut = dataclasses.replace(
            line,
            cap_text="60000 元／年",
            decision=dataclasses.replace(line.decision, cut_zh="年度上限 60000 元，已资助 58321.07 元"),
        )
        details = details_of(cut, {line.application_id: "x"}, reporting_body="局")
    assert details.is_cut
    assert "58321.07" not in json.dumps(dataclasses.asdict(details), default=str, ensure_ascii=False)


def test_a_later_report_is_the_latest_and_the_earlier_stays(sessions: Sessions) -> None:
    later = KNOWN_AT + timedelta(days=1)
    with sessions.begin() as session:
        actors = prepared(session)
        built(session, actors)
        service.build_report(session, actors.bureau, quarter=QUARTER, as_of=date(2025, 9, 27), told_at=later)
    with sessions.read() as session:
        latest = service.outcomes_asked(session, actors.bank, EVERYTHING)
        every = service.outcomes_asked(session, actors.bank, OutcomesAsked(with_earlier=True))
        a1 = next(one.application_id for one in latest if one.reference == "A1")
        history = service.outcomes_of_application(session, actors.bank, a1)
        since = service.outcomes_asked(session, actors.bank, OutcomesAsked(changed_since=later, with_earlier=True))
    assert (len(latest), len(every), len(since)) == (4, 8, 4)
    assert {one.told_at for one in latest} == {later}
    assert [(one.as_of.day, one.is_latest) for one in history] == [(27, True), (26, False)]


def test_built_again_nothing_is_told_twice_and_what_was_never_told_is(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        actors = prepared(session)
        built(session, actors)
        built(session, actors)
        assert len(told(session, actors)) == 4
        connection = session.connection()
        connection.exec_driver_sql("DROP TRIGGER subsidy_outcome_no_delete")
        connection.execute(sa.delete(SubsidyOutcomeRow))  # as in a report of the release before
        assert told(session, actors) == {}
        built(session, actors)
        assert len(told(session, actors)) == 4


def test_the_review_is_told_as_far_as_it_is_published(bureau: Bureau) -> None:
    """Step by step through the flow: what the bank is told after each, by hand."""

    def state() -> tuple[str, list[str]]:
        with bureau.sessions.read() as session:
            found = service.outcomes_of_application(session, bureau.bank, bureau.application_id)[0]
        return found.state, [step.name for step in found.steps]

    assert state() == ("DECIDED", [])
    published(bureau)
    assert state() == ("PUBLISHED", ["review", "publish"])
    take(bureau, "object", evidence_digest=bureau.evidence)
    assert state() == ("PUBLISHED", ["review", "publish"]), "an objection is the bureau's own until it is settled"
    waiting = take(bureau, "exclude").waiting
    assert waiting is not None
    decide(bureau, waiting.id)
    assert state() == ("REFUSED", ["review", "publish", "exclude"])
    with bureau.sessions.read() as session:
        found = service.outcomes_of_application(session, bureau.bank, bureau.application_id)[0]
    amounts = {step.name: step.amount_cny for step in found.steps}
    assert amounts == {"review": None, "publish": Decimal("55086.49"), "exclude": None}
    assert found.steps[1].published_until is not None
    assert found.granted_cny == Decimal("55086.49")
    text = json.dumps(dataclasses.asdict(found), default=str, ensure_ascii=False)
    assert bureau.maker.name not in text
    assert "依据材料" not in text, "the bureau's reasons stay its own"
    assert bureau.evidence not in text


def test_a_step_told_later_is_a_change(bureau: Bureau) -> None:
    with bureau.sessions.read() as session:
        since = OutcomesAsked(changed_since=KNOWN_AT + timedelta(seconds=1))
        assert service.outcomes_asked(session, bureau.bank, since) == ()
    published(bureau)
    with bureau.sessions.read() as session:
        changed_at = service.outcomes_asked(session, bureau.bank, EVERYTHING)[0].changed_at
        found = service.outcomes_asked(session, bureau.bank, OutcomesAsked(changed_since=changed_at))
    assert bureau.application_id in {one.application_id for one in found}


def test_the_migration_tells_the_steps_taken_before(tmp_path: Path) -> None:
    """Steps that the release before wrote are told as if they had been told then: same rows, by SQL alone."""
    engine = open_engine(f"sqlite:///{tmp_path / 'before.db'}")
    schema.upgrade(engine)
    sessions = Sessions(engine)
    world = open_bureau(sessions)
    published(world)
    take(world, "object", evidence_digest=world.evidence)
    with sessions.read() as session:
        before = service.outcomes_of_application(session, world.bank, world.application_id)[0].steps
    schema.downgrade(engine, to="0049")
    schema.upgrade(engine)
    with sessions.begin() as session:
        built(session, Actors(bank=world.bank, other_bank=world.bank, bureau=world.maker))
    with sessions.read() as session:
        after = service.outcomes_of_application(session, world.bank, world.application_id)[0].steps
    engine.dispose()
    assert [step.name for step in before] == ["review", "publish"]
    assert after == before


def test_another_bank_finds_nothing(sessions: Sessions) -> None:
    with sessions.begin() as session:
        actors = prepared(session)
        built(session, actors)
        application_id = told(session, actors)["A1"].application_id
        with pytest.raises(NotFound):
            service.outcomes_of_application(session, actors.other_bank, application_id)
        page = service.outcome_page(session, actors.other_bank, EVERYTHING, Place(limit=10))
    assert page.items == ()


def signed_in(client: TestClient, login: str) -> None:
    token = form_token(client.get("/sign-in", headers=PAGE).text)
    form = {"login": login, "password": PASSWORD, "next": "/", "_csrf_token": token}
    assert client.post("/sign-in", data=form, headers=PAGE, follow_redirects=False).status_code == 303


def test_over_the_api_and_on_the_pages(sessions: Sessions) -> None:
    with sessions.begin() as session:
        actors = make_actors(session, password_hash=PASSWORD_HASH)
        record_notes(session, actors.bank)
        file_samples(session, actors.bank)
        built(session, actors)
        application_id = told(session, actors)["A1"].application_id
    with TestClient(create_app(SETTINGS, sessions, FixedClock(AT))) as client:
        signed_in(client, "officer-a")
        first = client.get("/v1/subsidies/outcomes", params={"limit": 3})
        assert [len(first.json()["outcomes"]), first.status_code] == [3, 200]
        rest = client.get(first.links["next"]["url"]).json()["outcomes"]
        references = {one["reference"] for one in first.json()["outcomes"] + rest}
        assert references == {"A1", "A2", "A3", "A4"}
        same = client.get(
            "/v1/subsidies/outcomes", params={"limit": 3}, headers={"If-None-Match": first.headers["ETag"]}
        )
        assert same.status_code == 304
        refused = client.get("/v1/subsidies/outcomes", params={"outcome": "refused", "quarter": "2025Q3"}).json()
        assert [one["reference"] for one in refused["outcomes"]] == ["A3"]
        none = client.get("/v1/subsidies/outcomes", params={"changed_since": "2025-09-28"}).json()
        assert none == {"outcomes": []}
        wrong = client.get("/v1/subsidies/outcomes", params={"changed_since": "2025-02-30"})
        assert (wrong.status_code, "changed_since" in wrong.text) == (422, True)
        base = f"/v1/subsidies/applications/{application_id}/outcome"
        one = client.get(base)
        shown = one.json()["outcomes"][0]
        assert (shown["calculated_cny"], shown["granted_cny"], shown["review"]) == ("55086.49", None, "none")
        assert client.get(base, headers={"If-None-Match": one.headers["ETag"]}).status_code == 304
        listed = client.get("/subsidies/outcomes", headers=PAGE).text
        assert "每件申请的最新结果" in listed
        assert "请在贷款结清后申报" in listed
        assert "主管部门审核结果" in client.get(f"/subsidies/{application_id}", headers=PAGE).text
        assert client.get("/subsidies/outcomes?outcome=odd", headers=PAGE).status_code == 422
        empty = client.get("/subsidies/outcomes?quarter=2020Q1", headers=PAGE).text
        assert "还没有审核结果" in empty
    with TestClient(create_app(SETTINGS, sessions, FixedClock(AT))) as client:
        signed_in(client, "officer-b")
        assert client.get(base).status_code == 404
        assert client.get("/v1/subsidies/outcomes").json() == {"outcomes": []}

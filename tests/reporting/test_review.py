"""The bureau's review at rest, over the API and on pages: two people, files, publication, payment, recovery."""

import io
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from litestar.testing import TestClient
from sqlmodel import Session

from carbonfin.app.approvals.kinds import APPROVAL_KINDS
from carbonfin.app.factory import create_app
from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import FixedClock
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound, NotPermitted
from carbonfin.rules.parameters import Grade, ParameterValue
from carbonfin.storage import files
from carbonfin.storage.approvals import Answer, approve
from carbonfin.storage.calendars import import_builtin_calendars
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import DayState, actor_of, add_person, roll_business_date, standing_of
from carbonfin.storage.rulebook import enter_parameter
from reporting import service
from reporting.calc.quarters import Quarter
from reporting.calc.reports import SubsidyReport
from reporting.service import ReviewEntry
from tests.app.worlds import PAGE, PASSWORD, PASSWORD_HASH, SETTINGS, form_token
from tests.reporting.samples import AS_OF, KNOWN_AT
from tests.reporting.worlds import file_samples, make_actors, record_notes

AT = datetime(2025, 9, 26, 2, tzinfo=UTC)
A1_GRANT = "55086.49"
APPLICANT = "示例微电子(深圳)有限公司"
PAYEE = {"account_name": APPLICANT, "bank_name": "示例银行", "account_number": "0044250011"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bureau:
    """Two people of the bureau, the bank, and a report in which A1 is granted its amount."""

    sessions: Sessions
    maker: Actor
    checker: Actor
    bank: Actor
    report: SubsidyReport
    application_id: str
    evidence: str


@pytest.fixture
def bureau(sessions: Sessions) -> Bureau:
    return open_bureau(sessions)


def open_bureau(sessions: Sessions) -> Bureau:
    with sessions.begin() as session:
        import_builtin_calendars(session)
        actors = make_actors(session, password_hash=PASSWORD_HASH)
        record_notes(session, actors.bank)
        file_samples(session, actors.bank)
        second = add_person(
            session, organization_id=actors.bureau.organization_id, login="bureau-b", name="bureau-b(示例)",
            role=Role.BUREAU, password_hash=PASSWORD_HASH,
        )  # fmt: skip
        checker = actor_of(session, second.id)
        for key, unit, value in (
            ("conditions", "text", "已读"),
            ("cap_cny", "code", "none"),
            ("key_emitter_only", "code", "no"),
        ):
            enter_parameter(session, actors.bureau, checker, term(key, unit, value), reason="录入原文", at=AT)
        report = service.build_report(
            session, actors.bureau, quarter=Quarter.parse("2025Q3"), as_of=AS_OF, told_at=KNOWN_AT
        )
        line = next(one for one in report.lines if one.application.reference == "A1")
        assert str(line.granted_cny) == A1_GRANT
        file = files.store_file(session, actors.bureau, files.check_file("凭证".encode(), name="凭证.txt"), at=AT)
    return Bureau(
        sessions=sessions, maker=actors.bureau, checker=checker, bank=actors.bank, report=report,
        application_id=line.application_id, evidence=file.digest,
    )  # fmt: skip


def term(key: str, unit: str, value: str) -> ParameterValue:
    return ParameterValue(
        key=f"reporting.subsidy.{key}", scope="nanshan-2025", value=value, unit=unit, valid_from=date(2025, 1, 1),
        valid_to=None, known_from=date(2025, 9, 13), document="南山区支持绿色融资办法", article="四",
        grade=Grade.SAMPLE, confirmed=True, approved_by=(), note="", title_zh="条款", title_en="term",
    )  # fmt: skip


def move(bureau: Bureau, day: date) -> None:
    with bureau.sessions.begin() as session:
        roll_business_date(session, bureau.maker.organization_id, expected=AS_OF, to=day, state=DayState.OPEN)


def take(bureau: Bureau, name: str, **fields: Any) -> service.ReviewTaken:
    entry = ReviewEntry(name=name, reason="依据材料", **fields)
    work = service.take_review_step if name in service.ALONE else service.propose_review_step
    with bureau.sessions.begin() as session:
        standing = standing_of(session, bureau.maker.organization_id, FixedClock(AT))
        return work(session, bureau.maker, bureau.application_id, entry, standing=standing)


def decide(bureau: Bureau, approval_id: str, *, checker: Actor | None = None) -> None:
    with bureau.sessions.begin() as session:
        standing = standing_of(session, bureau.maker.organization_id, FixedClock(AT))
        approve(
            session, checker or bureau.checker, approval_id, kinds=APPROVAL_KINDS, answer=Answer(reason="同意"),
            at=standing.known_at, business_date=standing.business_date,
        )  # fmt: skip


def batch(bureau: Bureau, name: str, *, only: list[str] | None = None) -> str:
    with bureau.sessions.begin() as session:
        standing = standing_of(session, bureau.maker.organization_id, FixedClock(AT))
        return service.propose_for_report(
            session, bureau.maker, bureau.report.report_id, name, application_ids=only, reason="本批", standing=standing
        ).id


def two(bureau: Bureau, name: str, **fields: Any) -> None:
    waiting = take(bureau, name, **fields).waiting
    assert waiting is not None
    decide(bureau, waiting.id)


def case_now(bureau: Bureau) -> Any:
    with bureau.sessions.read() as session:
        return service.review_case(session, bureau.maker, bureau.application_id)


def published(bureau: Bureau) -> None:
    two(bureau, "review", amount_cny=Decimal(A1_GRANT))
    decide(bureau, batch(bureau, "publish"))


def test_from_decision_to_payment_and_back(bureau: Bureau) -> None:
    published(bureau)
    assert case_now(bureau).published_until == date(2025, 10, 10)
    take(bureau, "payee", payee=PAYEE, evidence_digest=bureau.evidence)
    move(bureau, date(2025, 10, 13))
    decide(bureau, batch(bureau, "order"))
    take(bureau, "pay", amount_cny=Decimal(A1_GRANT), evidence_digest=bureau.evidence)
    two(bureau, "demand", amount_cny=Decimal("10000.00"))
    take(bureau, "recover", amount_cny=Decimal("4000.00"), evidence_digest=bureau.evidence)
    take(bureau, "recover", amount_cny=Decimal("6000.00"), evidence_digest=bureau.evidence)
    done = case_now(bureau)
    assert (done.state, str(done.paid_cny), str(done.recovered_cny)) == ("RECOVERED", A1_GRANT, "10000.00")
    names = [(one.name, one.maker_name, one.checker_name) for one in done.steps]
    maker, checker = bureau.maker.name, bureau.checker.name
    assert names == [
        ("review", maker, checker), ("publish", maker, checker), ("payee", maker, None), ("order", maker, checker),
        ("pay", maker, None), ("demand", maker, checker), ("recover", maker, None), ("recover_all", maker, None),
    ]  # fmt: skip
    with bureau.sessions.read() as session:
        cases = service.cases_of_report(session, bureau.maker, bureau.report)
        rows = service.performance_of(bureau.report, cases)
        content = service.performance_workbook(session, bureau.maker, bureau.report)
        linked = files.links_of(session, bureau.maker, f"application:{bureau.application_id}")
    row = next(one for one in rows if one.paid_count)
    # Filed on 2025-09-18, paid on 2025-10-13: 25 days; P0's principal is 3,000,000.
    assert (row.paid_count, str(row.financed_cny), row.days_to_payment) == (1, "3000000.00", 25)
    assert (str(row.net_paid_cny), str(row.cut_cny)) == ("45086.49", "0.00")
    assert len(linked) == 1
    book = openpyxl.load_workbook(io.BytesIO(content), data_only=True)
    paid = [cell.value for line in book["拨付名单"].iter_rows() for cell in line]
    assert "0044250011" in paid, "an account number keeps its zeros"


def test_statistics_of_a_day_past_hold_what_was_paid_by_then(bureau: Bureau) -> None:
    """Paid on 2025-10-13: nothing is known to be paid at the end of 2025-10-12, the grant is a day later."""
    published(bureau)
    take(bureau, "payee", payee=PAYEE, evidence_digest=bureau.evidence)
    move(bureau, date(2025, 10, 13))
    decide(bureau, batch(bureau, "order"))
    take(bureau, "pay", amount_cny=Decimal(A1_GRANT), evidence_digest=bureau.evidence)
    quarter = Quarter.parse("2025Q3")
    with bureau.sessions.read() as session:
        standing = standing_of(session, bureau.maker.organization_id, FixedClock(AT))
        paid = [
            service.statistics_view(session, bureau.maker, first=quarter, last=quarter, as_of=day, standing=standing)
            .found.subsidies[0]
            .paid_cny
            for day in (date(2025, 10, 12), date(2025, 10, 13))
        ]
    assert paid == [None, Decimal(A1_GRANT)]


def test_nobody_reviews_alone(bureau: Bureau) -> None:
    waiting = take(bureau, "review", amount_cny=Decimal(A1_GRANT)).waiting
    assert waiting is not None
    with pytest.raises(NotPermitted):
        decide(bureau, waiting.id, checker=bureau.maker)
    assert case_now(bureau).state == "DECIDED"
    with pytest.raises(Conflict, match="already before the checkers"):
        take(bureau, "refuse")
    decide(bureau, waiting.id)
    assert case_now(bureau).state == "REVIEWED"


def test_what_stands_against_a_step_changes_nothing(bureau: Bureau) -> None:
    for name, fields, error, words in (
        ("review", {"amount_cny": Decimal("55086.50")}, InvalidInput, "is more than 55086.49"),
        ("review", {}, InvalidInput, "needs amount"),
        ("refuse", {"amount_cny": Decimal("1.00")}, InvalidInput, "takes no amount"),
        ("publish", {}, InvalidInput, "there is no step"),
        ("pay", {"amount_cny": Decimal(A1_GRANT), "evidence_digest": "0" * 64}, Conflict, "does not allow pay"),
        ("review", {"amount_cny": Decimal("1.00"), "on": date(2025, 9, 27)}, InvalidInput, "after the business date"),
    ):
        with pytest.raises(error, match=words):
            take(bureau, name, **fields)
    published(bureau)
    for name, fields, error, words in (
        ("payee", {"payee": PAYEE}, InvalidInput, "a file is needed"),
        ("payee", {"payee": PAYEE, "evidence_digest": "0" * 64}, InvalidInput, "no evidence file"),
        ("payee", {"payee": PAYEE | {"account_name": "别的公司"}, "evidence_digest": bureau.evidence}, InvalidInput,
         "not 示例微电子"),
        ("payee", {"payee": {}, "evidence_digest": bureau.evidence}, InvalidInput, "account_name is missing"),
        ("object", {"evidence_digest": bureau.evidence, "on": date(2025, 9, 25)}, InvalidInput, "before the last step"),
    ):  # fmt: skip
        with pytest.raises(error, match=words):
            take(bureau, name, **fields)
    assert [one.name for one in case_now(bureau).steps] == ["review", "publish"]
    with pytest.raises(Conflict, match="no application of this report"):
        batch(bureau, "order")
    with pytest.raises(Conflict, match="lasts until"):
        batch(bureau, "order", only=[bureau.application_id])
    undecided = next(one for one in bureau.report.lines if one.application.reference == "A2")
    with pytest.raises(InvalidInput, match="not under review"):
        batch(bureau, "publish", only=[undecided.application_id])
    with pytest.raises(NotFound), bureau.sessions.read() as session:
        service.review_case(session, bureau.bank, bureau.application_id)


def test_an_upheld_objection_lowers_what_waits_for_payment(bureau: Bureau) -> None:
    published(bureau)
    take(bureau, "payee", payee=PAYEE, evidence_digest=bureau.evidence)
    take(bureau, "object", evidence_digest=bureau.evidence)
    two(bureau, "reduce", amount_cny=Decimal("30000.00"))
    move(bureau, date(2025, 10, 13))
    waiting = batch(bureau, "order")
    decide(bureau, waiting)
    case = case_now(bureau)
    assert (case.state, str(case.ceiling_cny)) == ("ORDERED", "30000.00")
    with pytest.raises(Conflict, match=r"30000\.00 was ordered"):
        take(bureau, "pay", amount_cny=Decimal(A1_GRANT[:-2] + "00") - 30000, evidence_digest=bureau.evidence)


def test_the_first_screen_lists_an_objection_until_it_is_decided(bureau: Bureau) -> None:
    published(bureau)
    assert "未决异议 0" in home(bureau)
    take(bureau, "object", evidence_digest=bureau.evidence)
    shown = home(bureau)
    assert "未决异议 1" in shown
    assert re.search(rf"A1 {re.escape(APPLICANT)} 异议日期 2025.{{1,6}}9.{{1,4}}26.{{0,3}}：依据材料", shown), shown
    two(bureau, "dismiss")
    assert "未决异议 0" in home(bureau)
    with bureau.sessions.read() as session:
        assert service.open_objections(session, bureau.bank) == ()


def home(bureau: Bureau) -> str:
    with TestClient(create_app(SETTINGS, bureau.sessions, FixedClock(AT))) as client:
        token = form_token(client.get("/sign-in", headers=PAGE).text)
        form = {"login": "bureau-a", "password": PASSWORD, "next": "/", "_csrf_token": token}
        assert client.post("/sign-in", data=form, headers=PAGE, follow_redirects=False).status_code == 303
        page = client.get("/", headers=PAGE).text
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_a_list_whose_amounts_moved_is_not_approved(bureau: Bureau) -> None:
    two(bureau, "review", amount_cny=Decimal(A1_GRANT))
    waiting = batch(bureau, "publish")
    take(bureau, "audit", amount_cny=Decimal("50000.00"), evidence_digest=bureau.evidence)
    with pytest.raises(Conflict, match=r"stands at 50000\.00 now"):
        decide(bureau, waiting)
    assert case_now(bureau).state == "AUDITED"


def test_over_the_api_and_on_the_page(bureau: Bureau) -> None:
    app = create_app(SETTINGS, bureau.sessions, FixedClock(AT))
    base = f"/v1/subsidies/applications/{bureau.application_id}"
    report = f"/v1/subsidies/reports/{bureau.report.report_id}"
    with TestClient(app) as client:
        token = form_token(client.get("/sign-in", headers=PAGE).text)
        form = {"login": "bureau-a", "password": PASSWORD, "next": "/", "_csrf_token": token}
        assert client.post("/sign-in", data=form, headers=PAGE, follow_redirects=False).status_code == 303
        address = f"/subsidies/{bureau.application_id}"
        shown = client.get(address, headers=PAGE).text
        assert "审核与拨付" in shown
        step = {"step": "review", "reason": "材料齐全", "amount_cny": A1_GRANT, "_csrf_token": form_token(shown)}
        sent = client.post(f"{address}/review-steps", data=step, headers=PAGE, follow_redirects=False)
        assert (sent.status_code, sent.headers["location"]) == (303, f"{address}#review")
        review = client.get(f"{base}/review").json()
        assert (review["state"], review["next_steps"]) == ("DECIDED", ["review", "refuse"])
        decide(bureau, review["waiting"]["approval_id"])
        assert client.get(f"{base}/review").json()["steps"][0]["checker"] == bureau.checker.name
        whole = client.get(f"{report}/review").json()
        assert [one["state"] for one in whole["cases"]] == ["REVIEWED"]
        page = client.get(f"/subsidies?report={bureau.report.report_id}", headers=PAGE).text
        assert "绩效评价" in page
        assert client.get(f"{report}/performance.xlsx").status_code == 200
        wrong = {"step": "publish", "reason": "x", "_csrf_token": form_token(page)}
        waits = client.post(
            f"/subsidies/reports/{bureau.report.report_id}/review-steps", data=wrong, headers=PAGE,
            follow_redirects=False,
        )  # fmt: skip
        assert waits.headers["location"].startswith("/approvals/")
        assert "申请（编号、金额）" in client.get(waits.headers["location"], headers=PAGE).text


def test_steps_are_kept_for_good(bureau: Bureau) -> None:
    published(bureau)
    with pytest.raises(Exception, match="append-only"), bureau.sessions.begin() as session:
        _edit(session)


def _edit(session: Session) -> None:
    session.connection().execute(sa.text("UPDATE subsidy_review_step SET reason = 'x'"))

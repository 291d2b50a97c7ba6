"""Bad files land in the failures sheet with reason and remedy, and the rest of the report is right."""

import dataclasses
import io
from datetime import date, datetime
from decimal import Decimal

import openpyxl
import pytest
from sqlmodel import Session

from carbonfin.kernel.actors import Role
from carbonfin.kernel.dates import CHINA
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.parameters import Grade, ParameterValue
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import actor_of, add_person
from carbonfin.storage.rulebook import enter_parameter
from reporting import service
from reporting.calc.eligibility import Criterion
from reporting.calc.facts import CostKind, DocumentKind, LoanStatus, SubsidyApplication
from reporting.calc.file_faults import interest_cny_max, refuse_faulty
from reporting.calc.quarters import Quarter
from reporting.calc.remedies import CRITERION_REMEDIES
from reporting.calc.reports import SubsidyReport
from reporting.calc.subsidies import Outcome
from tests.reporting.samples import (
    ALL_DOCUMENTS,
    AS_OF,
    E2_USCI,
    KNOWN_AT,
    P0,
    P0_VOUCHERS,
    announcement,
    application,
    documents_of,
)
from tests.reporting.worlds import Actors, make_actors

E3_USCI = "91440300EXAMPLE38B"
QUARTER = Quarter.parse("2025Q3")


def bad(**changes: object) -> SubsidyApplication:
    """A second firm's own file, right but for what is changed; filed after the sample firm's."""
    plain = {
        "applicant_usci": E3_USCI,
        "applicant_name": "示例服装(深圳)有限公司",
        "submitted_at": datetime(2025, 9, 18, 15, tzinfo=CHINA),
        "loan_note": dataclasses.replace(P0, note_number="B0", contract_number="示例合同-B0"),
        "vouchers": tuple(dataclasses.replace(one, number=one.number.replace("P0", "B0")) for one in P0_VOUCHERS),
        "announcement": announcement("B0", {"SZA-2023": 60000}, date(2024, 6, 24)),
        "documents": documents_of(E3_USCI),
    }
    return application("B1", **(plain | changes))


def reported(session: Session, actors: Actors, *filed: SubsidyApplication) -> SubsidyReport:
    for one in (application("A1"), *filed):
        service.file_application(session, actors.bank, one, known_at=KNOWN_AT)
    return service.build_report(session, actors.bureau, quarter=QUARTER, as_of=AS_OF, told_at=KNOWN_AT)


def failures_sheet(report: SubsidyReport) -> dict[str, tuple[str, str]]:
    """Give reason and remedy by application, as another program reads the sheet."""
    sheet = openpyxl.load_workbook(io.BytesIO(service.report_workbook(report)))["未通过"]
    rows = [list(row) for row in sheet.iter_rows(values_only=True)]
    top = next(place for place, row in enumerate(rows) if "处理办法" in row)
    return {str(row[1]): (str(row[2]), str(row[3])) for row in rows[top + 1 :] if row[1] is not None}


def rest_is_right(report: SubsidyReport) -> bool:
    """A1 by hand: 110,172.97 net of VAT at 0.5, whatever else was filed."""
    a1 = next(line for line in report.lines if line.application.reference == "A1")
    return (a1.decision.outcome, a1.decision.calculated_cny, report.calculated_cny) == (
        Outcome.QUALIFIES, Decimal("55086.49"), Decimal("55086.49"),
    )  # fmt: skip


TOO_MUCH = (dataclasses.replace(P0_VOUCHERS[0], number="B0-1", gross_cny=Decimal("29516.68")),)
OVERLAPPING = (
    dataclasses.replace(P0_VOUCHERS[0], number="B0-1"),
    dataclasses.replace(P0_VOUCHERS[1], number="B0-2", period_start=date(2024, 9, 20)),
)
REUSED = tuple(
    next(one for one in ALL_DOCUMENTS if one.kind is document.kind)
    if document.kind is DocumentKind.SETTLEMENT_CERTIFICATE
    else document
    for document in documents_of(E3_USCI)
)


@pytest.mark.parametrize(
    ("changes", "reason", "remedy"),
    [
        pytest.param(
            {"loan_note": dataclasses.replace(P0, note_number="4.40301202406211E+17", contract_number="示例合同-B0")},
            "借据号“4.40301202406211E+17”已被电子表格转成数字", "文本格式", id="a code of 18 signs turned into a number",
        ),
        pytest.param(
            {"vouchers": TOO_MUCH}, "高于借据 B0 同期利息上限 29516.67 元", "核对金额、期间、本金和利率",
            id="interest above the note's",
        ),
        pytest.param(
            {"vouchers": OVERLAPPING}, "凭证 B0-1 与 B0-2 计费期间重叠", "每个计费期间只列一次", id="overlapping vouchers",
        ),
        pytest.param(
            {"documents": REUSED}, "与 示例微电子(深圳)有限公司 的申请 A1 所附文件完全相同", "核对两家单位的原件",
            id="a document reused by two firms",
        ),
    ],
)  # fmt: skip
def test_a_file_that_contradicts_itself_or_another_fails_alone(
    sessions: Sessions, changes: dict[str, object], reason: str, remedy: str
) -> None:
    with sessions.begin() as session:
        report = reported(session, make_actors(session), bad(**changes))
    assert [line.application.reference for line in report.lines] == ["A1"]
    assert [failure.item for failure in report.failures] == ["B1（示例银行股份有限公司深圳分行）"]
    said, what_to_do = failures_sheet(report)["B1（示例银行股份有限公司深圳分行）"]
    assert reason in said
    assert remedy in what_to_do
    assert rest_is_right(report)


def test_a_file_outside_the_window_by_one_day(sessions: Sessions) -> None:
    """The window closes on 26 September at 18:00; the same file a day later is refused, a minute before it is not."""
    late = bad(submitted_at=datetime(2025, 9, 27, 17, 59, tzinfo=CHINA))
    in_time = dataclasses.replace(late, reference="B2", submitted_at=datetime(2025, 9, 26, 17, 59, tzinfo=CHINA))
    with sessions.begin() as session:
        actors = make_actors(session)
        for one in (application("A1"), late):
            service.file_application(session, actors.bank, one, known_at=KNOWN_AT)
        report = service.build_report(
            session, actors.bureau, quarter=QUARTER, as_of=date(2025, 9, 27), told_at=KNOWN_AT
        )
    said, what_to_do = failures_sheet(report)["B1"]
    assert "不在申报期内" in said
    assert what_to_do == CRITERION_REMEDIES[Criterion.WINDOW][0]
    assert rest_is_right(report)
    with sessions.begin() as session:
        service.file_application(session, actors.bank, in_time, known_at=KNOWN_AT)
        report = service.build_report(session, actors.bureau, quarter=QUARTER, as_of=AS_OF, told_at=KNOWN_AT)
    assert "B2" not in failures_sheet(report)


def test_a_loan_settled_one_day_after_it_was_filed(sessions: Sessions) -> None:
    late = dataclasses.replace(
        P0, note_number="B0", contract_number="示例合同-B0", end_date=date(2025, 9, 30), settled_on=date(2025, 9, 19),
        status=LoanStatus.SETTLED,
    )  # fmt: skip
    with sessions.begin() as session:
        report = reported(session, make_actors(session), bad(loan_note=late))
    said, what_to_do = failures_sheet(report)["B1"]
    assert "2025-09-19 结清，晚于申报日" in said
    assert what_to_do == CRITERION_REMEDIES[Criterion.SETTLED][0]
    assert rest_is_right(report)


def test_a_scheme_with_a_gap_in_its_dates(sessions: Sessions) -> None:
    """The scheme ends with 2025 and goes on from February 2026: what is filed in January has no terms."""
    goes_on = ParameterValue(
        key="reporting.subsidy.title", scope="nanshan-2025", value="南山区支持绿色融资", unit="text",
        valid_from=date(2026, 2, 1), valid_to=None, known_from=date(2025, 9, 13), document="示例", article="",
        grade=Grade.SAMPLE, confirmed=True, approved_by=(), note="", title_zh="项目名称", title_en="name",
    )  # fmt: skip
    in_the_gap = bad(submitted_at=datetime(2026, 1, 31, 15, tzinfo=CHINA))
    after_it = dataclasses.replace(
        in_the_gap, reference="B2", submitted_at=datetime(2026, 2, 1, 9, tzinfo=CHINA),
        loan_note=dataclasses.replace(P0, note_number="B9", contract_number="示例合同-B9"), announcement=None,
    )  # fmt: skip
    with sessions.begin() as session:
        actors = make_actors(session)
        second = add_person(
            session, organization_id=actors.bureau.organization_id, login="bureau-b", name="bureau-b(示例)",
            role=Role.BUREAU, password_hash="no password",
        )  # fmt: skip
        enter_parameter(session, actors.bureau, actor_of(session, second.id), goes_on, reason="录入", at=KNOWN_AT)
        quarter_before = reported(session, actors, in_the_gap, after_it)
        report = service.build_report(
            session, actors.bureau, quarter=Quarter.parse("2026Q1"), as_of=date(2026, 2, 28), told_at=KNOWN_AT
        )
    sheet = failures_sheet(report)
    assert "2026-01-31 无有效条款" in sheet["B1"][0]
    assert "补录空档期的条款" in sheet["B1"][1]
    assert "无有效条款" not in sheet["B2"][0]
    assert rest_is_right(quarter_before)


def test_a_uniform_code_turned_into_a_number_is_not_even_filed(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        actors = make_actors(session)
        with pytest.raises(InvalidInput) as refused:
            service.file_application(session, actors.bank, bad(applicant_usci="9.144030012345E+17"), known_at=KNOWN_AT)
        assert (refused.value.field, "18 位" in refused.value.remedy_zh) == ("applicant_usci", True)


@pytest.mark.parametrize("code", ["9.14403E+17", "914403001234567000.0", "1E+05"])
def test_what_spreadsheets_make_of_codes(code: str) -> None:
    with pytest.raises(InvalidInput, match="last digits are lost"):
        refuse_faulty(application(loan_note=dataclasses.replace(P0, contract_number=code)))


@pytest.mark.parametrize("code", ["914403001234567890", "E2", "2024E017", "5E-A", "12345.0", "示例"])
def test_codes_that_are_codes(code: str) -> None:
    refuse_faulty(application(loan_note=dataclasses.replace(P0, contract_number=code)))


def test_the_most_interest_of_a_note_by_hand() -> None:
    """3,000,000 × 3.85 % × 92 / 360 = 29,516.666…; without a rate nothing is held against it."""
    assert interest_cny_max(P0, P0_VOUCHERS[0]) == Decimal("29516.67")
    assert interest_cny_max(dataclasses.replace(P0, rate=None), P0_VOUCHERS[0]) is None
    refuse_faulty(application(vouchers=(dataclasses.replace(TOO_MUCH[0], kind=CostKind.GUARANTEE_FEE),)))


def test_periods_that_meet_do_not_overlap_and_kinds_stand_apart() -> None:
    fee = dataclasses.replace(P0_VOUCHERS[0], number="F", kind=CostKind.GUARANTEE_FEE)
    refuse_faulty(application(vouchers=(*P0_VOUCHERS, fee)))


def test_an_announcement_and_other_papers_may_be_shared(sqlite_sessions: Sessions) -> None:
    shared = tuple(
        next(one for one in ALL_DOCUMENTS if one.kind is document.kind)
        if document.kind is DocumentKind.ANNOUNCEMENT_SCREENSHOT
        else document
        for document in documents_of(E3_USCI)
    )
    assert documents_of(E2_USCI) == ALL_DOCUMENTS
    with sqlite_sessions.begin() as session:
        assert reported(session, make_actors(session), bad(documents=shared)).failures == ()


def test_every_criterion_has_a_remedy() -> None:
    assert set(CRITERION_REMEDIES) == set(Criterion)
    assert all(zh and en for zh, en in CRITERION_REMEDIES.values())

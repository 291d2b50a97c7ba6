from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.errors import Conflict, InvalidInput, MissingData, NotFound
from carbonfin.storage.decisions import decisions_of, replay_decision, verify_chain
from carbonfin.storage.engine import Sessions
from loans import jobs, service
from loans.calc.contracts.schedule import PROVISIONAL_ZH
from loans.calc.notes import LoanNoteDraft, NoteState
from loans.calc.ratings.emissions import ActivityYear
from loans.service import DECISION_KINDS, TermSheetDraft
from tests.loans.samples import activity, e4_report, l1_request
from tests.loans.world import BUSINESS_DATE, KNOWN_AT, Bank, account_year, furnished_bank, open_bank

AT = {"valid_on": BUSINESS_DATE, "known_at": KNOWN_AT}
NOW = {"issued_on": BUSINESS_DATE, "known_at": KNOWN_AT}


def l1_draft(bank: Bank, **changes: object) -> TermSheetDraft:
    draft = TermSheetDraft(
        party_id=bank.clothing.id, request=l1_request(), margin_bp=40, lpr_tenor="1Y", number=None, entry={}
    )
    return replace(draft, **changes)  # type: ignore[arg-type]  # values of named fields


def p0_draft(bank: Bank) -> LoanNoteDraft:
    terms = l1_request(
        credit_line_cny=Decimal(3_000_000),
        principal_cny=Decimal(3_000_000),
        drawdown_date=date(2024, 6, 21),
        maturity_date=date(2025, 6, 20),
        interest_period_months=3,
    ).terms_at(Decimal("0.0385"))
    return LoanNoteDraft(
        code="JJ-P0",
        party_id=bank.clothing.id,
        pledge_code=None,
        product="碳配额质押贷款(示例)",
        terms=terms,
        rate_note="LPR 3.45% + 40bp",
        interest_paid_to=date(2024, 6, 21),
        is_sample=True,
    )


def test_rating_is_kept_and_replays(sessions: Sessions) -> None:
    with sessions.begin() as session:
        bank = furnished_bank(session)
        recorded = service.rate_enterprise(session, bank.officer, bank.clothing.id, year=None, **AT)
        assert recorded.outcome.level == 2
        assert recorded.outcome.cut_ratio == Decimal("0.1250")
    with sessions.read() as session:
        found = service.latest_rating(session, bank.officer, bank.clothing.id)
        assert found is not None
        assert found[1] == recorded.outcome
        assert found[0].figure("company_t.2024").value == "1845"
        assert replay_decision(session, DECISION_KINDS, recorded.decision_id).same


def test_corrected_year_is_a_new_version_known_later(sqlite_sessions: Sessions) -> None:
    later = end_of_china_day(date(2025, 7, 10))
    with sqlite_sessions.begin() as session:
        bank = furnished_bank(session)
        again = service.record_account_year(
            session, bank.officer, bank.clothing.id, account_year(2024, "3600", "12"), known_at=later
        )
        assert again.version == 1
        corrected = service.record_account_year(
            session, bank.officer, bank.clothing.id, account_year(2024, "3700", "12"), known_at=later
        )
        assert corrected.version == 2
        before = service.rate_enterprise(session, bank.officer, bank.clothing.id, year=2024, **AT)
        after = service.rate_enterprise(
            session, bank.officer, bank.clothing.id, year=2024, valid_on=date(2025, 7, 10), known_at=later
        )
        assert before.outcome.current.company_t == 1845
        assert after.outcome.current.emissions_t == Decimal("1888.91")  # 3700 x 0.4403 + 259.80


def test_rate_needs_the_banks_own_terms(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        bank = open_bank(session)
        with pytest.raises(MissingData) as refused:
            service.preview_term_sheet(session, bank.officer, l1_draft(bank), **NOW)
        assert refused.value.field == "loans.jiangtandai.base_score"


def test_rate_without_report_is_not_decided_and_kept(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        bank = furnished_bank(session)
        other = service.record_rating_report(
            session,
            bank.officer,
            bank.clothing.id,
            replace(e4_report(score=None), report_date=date(2025, 6, 20)),
            known_at=KNOWN_AT,
        )
        assert other.score is None
        recorded = service.decide_rate(
            session,
            bank.officer,
            bank.clothing.id,
            margin_bp=40,
            lpr_tenor="1Y",
            applies_from=date(2025, 7, 1),
            decided_on=BUSINESS_DATE,
            known_at=KNOWN_AT,
        )
        assert recorded.outcome.executed_rate is None
        assert [missing.field for missing in recorded.outcome.missing] == ["score"]


def test_a_report_of_a_day_to_come_is_refused_and_stands_before_no_rate(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        bank = furnished_bank(session)
        tomorrow = replace(e4_report(), report_date=BUSINESS_DATE + timedelta(days=1))
        with pytest.raises(InvalidInput) as refused:
            service.record_rating_report(session, bank.officer, bank.clothing.id, tomorrow, known_at=KNOWN_AT)
        assert refused.value.field == "report_date"
        kept = service.rating_report_of(session, bank.officer, bank.clothing.id, known_at=KNOWN_AT)
        assert kept == e4_report()


def test_changed_report_of_the_same_day_is_refused(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        bank = furnished_bank(session)
        with pytest.raises(Conflict):
            service.record_rating_report(
                session, bank.officer, bank.clothing.id, e4_report(score="90"), known_at=KNOWN_AT
            )
        with pytest.raises(InvalidInput):
            service.record_rating_report(
                session,
                bank.officer,
                bank.clothing.id,
                replace(e4_report(), usci="91440300EXAMPLE541"),
                known_at=KNOWN_AT,
            )


def test_term_sheet_is_versioned_and_replays(sessions: Sessions) -> None:
    with sessions.begin() as session:
        bank = furnished_bank(session)
        first = service.draft_term_sheet(session, bank.officer, l1_draft(bank, entry={"margin_bp": "40"}), **NOW)
        assert (first.entry.number, first.entry.version) == ("TS-2025-0001", 1)
        assert first.sheet.saving_cny == Decimal("11152.73")
        assert first.entry.executed_rate == Decimal("0.0329")
        assert first.entry.provisional_from == date(2026, 1, 21)
        second = service.draft_term_sheet(
            session, bank.officer, l1_draft(bank, number="TS-2025-0001", margin_bp=35), **NOW
        )
        assert (second.entry.number, second.entry.version) == ("TS-2025-0001", 2)
        other = service.draft_term_sheet(session, bank.officer, l1_draft(bank), **NOW)
        assert other.entry.number == "TS-2025-0002"
    with sessions.read() as session:
        loaded = service.load_term_sheet(session, bank.officer, "TS-2025-0001", version=1)
        assert loaded.sheet == first.sheet
        assert loaded.entry.entry == {"margin_bp": "40"}
        assert service.load_term_sheet(session, bank.officer, "TS-2025-0001").entry.version == 2
        assert [entry.number for entry in service.term_sheets_of(session, bank.officer)] == [
            "TS-2025-0002",
            "TS-2025-0001",
        ]
        for record in decisions_of(session, bank.officer):
            assert replay_decision(session, DECISION_KINDS, record.id).same
        assert verify_chain(session, bank.officer.organization_id).intact


def test_preview_keeps_nothing(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        bank = furnished_bank(session)
        sheet = service.preview_term_sheet(session, bank.officer, l1_draft(bank), **NOW)
        assert sheet.rate.executed_rate == Decimal("0.0329")
        assert decisions_of(session, bank.officer) == ()
        assert service.term_sheets_of(session, bank.officer) == ()


def test_documents_are_the_same_bytes_for_the_same_version(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        bank = furnished_bank(session)
        stored = service.draft_term_sheet(session, bank.officer, l1_draft(bank), **NOW)
    with sqlite_sessions.read() as session:
        pdf = service.term_sheet_pdf(session, bank.officer, stored, address="", verified_at="")
        assert pdf.startswith(b"%PDF-")
        assert pdf == service.term_sheet_pdf(session, bank.officer, stored, address="", verified_at="")
        docx = service.term_sheet_docx(session, bank.officer, stored, address="", verified_at="")
    assert docx[:2] == b"PK"


def test_provisional_days_are_moved_once_the_notice_is_known(sqlite_sessions: Sessions) -> None:
    # 国务院办公厅's notice for 2026 was published in November 2025
    with sqlite_sessions.begin() as session:
        bank = furnished_bank(session)
        first = service.draft_term_sheet(session, bank.officer, l1_draft(bank), **NOW)
        assert jobs.reroll_provisional_schedules(session, bank.officer, date(2025, 9, 30)).done_count == 0
        moved = jobs.reroll_provisional_schedules(session, bank.officer, date(2025, 12, 1))
        assert moved.done_count == 1
        assert jobs.reroll_provisional_schedules(session, bank.officer, date(2025, 12, 1)).done_count == 0
        stored = service.load_term_sheet(session, bank.officer, first.entry.number)
        assert stored.entry.version == 2
        assert stored.sheet.schedule is not None
        assert first.sheet.schedule is not None
        days = {row.number: row.payment_date for row in stored.sheet.schedule.rows}
        assert days[8] == date(2026, 2, 24)  # Saturday in the Spring Festival (15 to 23 February)
        assert days[12] == date(2026, 6, 22)  # Sunday of the Dragon Boat Festival (19 to 21 June)
        assert stored.sheet.schedule.interest_total_cny == first.sheet.schedule.interest_total_cny
        assert not any(PROVISIONAL_ZH in note.zh for note in stored.sheet.notes)


def test_another_bank_sees_nothing(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        bank = furnished_bank(session)
        stranger = open_bank(session, name="别家银行(示例)")
        stored = service.draft_term_sheet(session, bank.officer, l1_draft(bank), **NOW)
        service.record_loan_note(session, bank.officer, p0_draft(bank), known_at=KNOWN_AT)
        for asked in (
            lambda: service.load_term_sheet(session, stranger.officer, stored.entry.number),
            lambda: service.load_note(session, stranger.officer, "JJ-P0"),
            lambda: service.account_years(session, stranger.officer, bank.clothing.id, known_at=KNOWN_AT),
            lambda: service.rate_enterprise(session, stranger.officer, bank.clothing.id, year=None, **AT),
        ):
            with pytest.raises(NotFound):
                asked()
        assert service.notes_of(session, stranger.officer) == ()


def test_settled_note_has_vouchers_with_their_tax(sessions: Sessions) -> None:
    ends = [date(2024, 9, 21), date(2024, 12, 21), date(2025, 3, 21), date(2025, 6, 20)]
    with sessions.begin() as session:
        bank = furnished_bank(session)
        service.record_loan_note(session, bank.officer, p0_draft(bank), known_at=KNOWN_AT)
        for end in ends:
            service.record_interest_payment(
                session, bank.officer, "JJ-P0", period_end=end, paid_date=end, known_at=KNOWN_AT
            )
        service.record_interest_payment(
            session, bank.officer, "JJ-P0", period_end=ends[-1], paid_date=ends[-1], known_at=KNOWN_AT
        )
        note = service.settle_note(session, bank.officer, "JJ-P0", settled_date=date(2025, 6, 20))
        assert (note.state, note.outstanding_cny) == (NoteState.SETTLED, 0)
        assert service.settle_note(session, bank.officer, "JJ-P0", settled_date=date(2025, 6, 20)) == note
    with sessions.read() as session:
        vouchers = service.interest_vouchers_of(session, bank.officer, "JJ-P0")
    assert [voucher.interest_cny for voucher in vouchers] == [
        Decimal(text) for text in ("29516.67", "29195.83", "28875.00", "29195.83")
    ]
    assert sum(voucher.vat_cny for voucher in vouchers) == Decimal("6610.36")
    assert sum(voucher.net_cny for voucher in vouchers) == Decimal("110172.97")


def test_note_is_entered_once(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        bank = furnished_bank(session)
        note = service.record_loan_note(session, bank.officer, p0_draft(bank), known_at=KNOWN_AT)
        assert service.record_loan_note(session, bank.officer, p0_draft(bank), known_at=KNOWN_AT) == note
        with pytest.raises(Conflict):
            service.record_loan_note(
                session, bank.officer, replace(p0_draft(bank), pledge_code="P9"), known_at=KNOWN_AT
            )
        with pytest.raises(Conflict):
            service.settle_note(session, bank.officer, "JJ-P0", settled_date=date(2025, 6, 20))
        with pytest.raises(InvalidInput):
            service.record_interest_payment(
                session,
                bank.officer,
                "JJ-P0",
                period_end=date(2024, 6, 21),
                paid_date=date(2024, 6, 21),
                known_at=KNOWN_AT,
            )


def test_account_without_electricity_names_the_field(sqlite_sessions: Sessions) -> None:
    unknown: ActivityYear = activity(2024, None, natural_gas="12")
    with sqlite_sessions.begin() as session:
        bank = open_bank(session)
        service.record_account_year(
            session,
            bank.officer,
            bank.clothing.id,
            replace(account_year(2024, "1", "12"), activity=unknown),
            known_at=KNOWN_AT,
        )
        with pytest.raises(MissingData) as refused:
            service.rate_enterprise(session, bank.officer, bank.clothing.id, year=None, **AT)
        assert refused.value.field == "electricity_mwh"

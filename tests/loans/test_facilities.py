"""Credit line, contract and loan note: use counted by hand, four eyes, both dates, and the collateral's word."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from carbonfin.app.approvals.kinds import APPROVAL_KINDS
from carbonfin.app.approvals.words import payload_rows
from carbonfin.kernel.dates import FixedClock, end_of_china_day
from carbonfin.kernel.errors import (
    CarbonFinError,
    Conflict,
    InvalidInput,
    MissingData,
    NotApplicable,
    NotFound,
    NotPermitted,
)
from carbonfin.kernel.units import Currency
from carbonfin.storage import approvals
from carbonfin.storage.approvals import ApprovalState
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import DayState, Standing, roll_business_date, standing_of
from collateral import jobs as collateral_jobs
from collateral import service as collateral_service
from collateral.store.repos import change_repo_state
from loans import jobs, service
from loans.calc.facilities import (
    Book,
    DrawdownDraft,
    require_drawable,
    require_room_for,
    totals_by_currency,
    use_of_contract,
    use_of_line,
)
from loans.calc.notes import LoanNote, NoteState
from tests.collateral.desk import CLOCK, Desk, build_desk, repo_r1, take_over_all
from tests.collateral.registries import adapter, simulated
from tests.collateral.test_scenario import freeze_p4
from tests.loans.facility_samples import approved, contract_of, drawdown_of, line_of, put_in_force
from tests.loans.test_accrual import note_draft
from tests.loans.world import BUSINESS_DATE, KNOWN_AT, Bank, approve_product, furnished_bank, open_bank

TOMORROW = BUSINESS_DATE + timedelta(days=1)


def note_of(code: str, principal: str, *, outstanding: str | None = None, contract: str = "HT-2025-001") -> LoanNote:
    draft = drawdown_of(note_code=code, amount_cny=principal)
    left = Decimal(principal if outstanding is None else outstanding)
    return LoanNote(
        id=code, code=code, party_id="p", pledge_code=None, product="降碳贷(示例)",
        terms=contract_of().terms_of(draft, rate=Decimal("0.0329")), rate_note="", outstanding_cny=left,
        interest_paid_to=draft.drawdown_date, state=NoteState.RUNNING if left else NoteState.SETTLED,
        settled_date=None, is_sample=True, contract_number=contract,
    )  # fmt: skip


BOOK = Book(
    contracts=(
        contract_of(),
        contract_of(number="HT-OLD", amount="9000000.00", signed_on="2025-06-01", drawable_from="2025-06-01",
                    drawable_to="2025-06-29", matures_by="2026-05-31"),
    ),
    notes=(
        note_of("A", "5000000.00"),
        note_of("B", "2000000.00", outstanding="0.00"),
        note_of("C", "3000000.00", contract="HT-OLD"),
        replace(note_of("D", "7000000.00"), contract_number=None),
    ),
    waiting=(drawdown_of(note_code="W", amount_cny="1000000.00"),),
)  # fmt: skip


@pytest.mark.parametrize(
    ("is_revolving", "used", "undrawn", "available", "committed"),
    [
        # limit 20 M; A 5 M, B 2 M repaid, C 3 M under a contract past its period, W 1 M waits; D is under no contract
        (False, "10000000.00", "10000000.00", "9000000.00", "15000000.00"),
        (True, "8000000.00", "12000000.00", "11000000.00", "15000000.00"),
    ],
)
def test_a_lines_use_is_counted_by_hand(
    *, is_revolving: bool, used: str, undrawn: str, available: str, committed: str
) -> None:
    line = line_of("p", is_revolving=is_revolving)
    use = use_of_line(line, BOOK, on=BUSINESS_DATE)
    assert (use.used, use.undrawn, use.available) == (Decimal(used), Decimal(undrawn), Decimal(available))
    assert (use.outstanding, use.waiting, use.over) == (Decimal("8000000.00"), Decimal("1000000.00"), 0)
    assert use.committed == Decimal(committed)
    after = use_of_line(line, BOOK, on=date(2026, 6, 1))
    assert (after.undrawn, after.available) == (Decimal(undrawn), 0)


def test_a_contract_offers_no_more_than_its_line_has_left() -> None:
    line = line_of("p", amount="10500000.00")
    use = use_of_contract(contract_of(), line, BOOK, on=BUSINESS_DATE)
    # contract: 12 M - 7 M drawn - 1 M waiting = 4 M; line: 10.5 M - 10 M drawn, 1 M waits, so nothing is left
    assert (use.used, use.undrawn, use.available) == (Decimal("7000000.00"), Decimal("5000000.00"), 0)
    lowered = use_of_line(line_of("p", amount="9000000.00"), BOOK, on=BUSINESS_DATE)
    assert (lowered.undrawn, lowered.over) == (0, Decimal("1000000.00"))


def test_totals_never_add_unlike_currencies() -> None:
    lines = [line_of("p"), line_of("p", number="SX-2"), line_of("p", number="SX-3", currency="HKD", amount="1.00")]
    totals = totals_by_currency((one, use_of_line(one, BOOK, on=BUSINESS_DATE)) for one in lines)
    assert [(one.currency, one.lines_count, one.limit, one.used) for one in totals] == [
        ("CNY", 2, Decimal("40000000.00"), Decimal("10000000.00")),
        ("HKD", 1, Decimal("1.00"), 0),
    ]


@pytest.mark.parametrize(
    ("changed", "kind", "field"),
    [
        ({"amount_cny": "4000000.01"}, Conflict, "amount_cny"),
        ({"drawdown_date": "2025-06-29"}, InvalidInput, "drawdown_date"),
        ({"drawdown_date": "2026-01-01"}, Conflict, "drawdown_date"),
        ({"drawdown_date": "2026-06-01"}, Conflict, "drawdown_date"),
        ({"maturity_date": "2027-01-01"}, InvalidInput, "maturity_date"),
    ],
)
def test_what_may_not_be_drawn_is_refused_by_name(
    changed: dict[str, Any], kind: type[CarbonFinError], field: str
) -> None:
    draft = drawdown_of(amount_cny="4000000.00")
    require_drawable(draft, contract_of(), line_of("p"), BOOK, on=BUSINESS_DATE)
    with pytest.raises(kind) as refused:
        require_drawable(
            drawdown_of(**{"amount_cny": "4000000.00", **changed}), contract_of(), line_of("p"), BOOK, on=BUSINESS_DATE
        )
    assert refused.value.field == field


def test_a_note_is_in_renminbi_alone() -> None:
    with pytest.raises(NotApplicable, match="HKD"):
        require_drawable(drawdown_of(), contract_of(), line_of("p", currency="HKD"), BOOK, on=BUSINESS_DATE)


def test_contracts_of_a_line_together_stay_within_it() -> None:
    """Of 20 M, 12 M are signed and 3 M were drawn under the old one: 5 M are left to sign."""
    fits = contract_of(number="HT-NEW", amount="5000000.00")
    require_room_for(fits, line_of("p"), BOOK, on=BUSINESS_DATE)
    require_room_for(contract_of(amount="17000000.00"), line_of("p"), BOOK, on=BUSINESS_DATE)
    with pytest.raises(Conflict) as refused:
        require_room_for(replace(fits, amount=Decimal("5000000.01")), line_of("p"), BOOK, on=BUSINESS_DATE)
    assert refused.value.field == "amount"
    with pytest.raises(InvalidInput):
        require_room_for(contract_of(drawable_to="2026-06-01"), line_of("p"), BOOK, on=BUSINESS_DATE)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"fixed_rate": "0.03"}, "fixed_rate"),
        ({"lpr_tenor": None}, "fixed_rate"),
        ({"lpr_tenor": None, "margin_bp": None}, "fixed_rate"),
        ({"lpr_tenor": None, "margin_bp": None, "fixed_rate": "0.2401"}, "fixed_rate"),
        ({"pledge_code": "P1", "repo_code": "R1"}, "repo_code"),
        ({"drawable_from": "2025-06-29"}, "drawable_from"),
        ({"matures_by": "2025-12-30"}, "matures_by"),
        ({"amount": "0"}, "amount"),
        ({"purpose": " "}, "purpose"),
    ],
)
def test_contracts_that_cannot_be_are_refused(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        contract_of(**changed)
    assert refused.value.field == field


def _standing(sessions: Sessions, bank: Bank) -> Standing:
    with sessions.read() as session:
        return standing_of(session, bank.officer.organization_id, FixedClock(KNOWN_AT))


@pytest.fixture
def bank(sessions: Sessions) -> Bank:
    with sessions.begin() as session:
        return furnished_bank(session)


def test_a_note_is_drawn_at_the_rate_of_the_day_when_another_person_approved_it(sessions: Sessions, bank: Bank) -> None:
    """LPR 3.00 % + 40 bp - 11 bp of the score of 61 over 50 = 3.29 %, as the sample's rate decision has it."""
    standing = _standing(sessions, bank)
    with sessions.begin() as session:
        put_in_force(
            session, bank.officer, bank.checker, standing, line_of(bank.clothing.id, valid_from="2025-06-30"),
            contract_of(),
        )  # fmt: skip
        waiting = service.propose_drawdown(session, bank.officer, drawdown_of(), standing=standing, reason="按合同提款")
        shown = {name.zh: value for name, value in payload_rows(waiting)}
        assert (shown["提款金额（元）"], shown["执行年利率"]) == ("10,000,000.00", "0.0329")
        assert shown["利率构成"] == "LPR 1Y +40BP，优惠 -11BP"
        with pytest.raises(NotPermitted):
            approved(session, bank.officer, waiting, at=KNOWN_AT)
        use = service.load_credit_line(
            session, bank.officer, "SX-2025-001", valid_on=BUSINESS_DATE, known_at=KNOWN_AT
        ).use
        assert (use.used, use.waiting, use.available) == (0, Decimal("10000000.00"), Decimal("10000000.00"))
        with pytest.raises(Conflict) as beyond:  # 12 M signed, 10 M wait
            service.propose_drawdown(
                session, bank.officer, drawdown_of(note_code="JJ-2", amount_cny="2000000.01"), standing=standing,
                reason="提款",
            )  # fmt: skip
        assert beyond.value.field == "amount_cny"
    with sessions.begin() as session:
        assert approved(session, bank.checker, waiting, at=KNOWN_AT).state is ApprovalState.EFFECTIVE
    with sessions.read() as session:
        note = service.load_note(session, bank.officer, "JJ-2025-001")
        assert (note.terms.rate, note.contract_number) == (Decimal("0.0329"), "HT-2025-001")
        line, contract = service.load_loan_contract(
            session, bank.officer, "HT-2025-001", valid_on=BUSINESS_DATE, known_at=KNOWN_AT
        )
        assert (contract.use.used, contract.use.undrawn) == (Decimal("10000000.00"), Decimal("2000000.00"))
        assert line.terms.number == "SX-2025-001"


def test_another_bank_sees_neither_line_nor_contract(sessions: Sessions, bank: Bank) -> None:
    standing = _standing(sessions, bank)
    with sessions.begin() as session:
        other = open_bank(session, name="另一家银行")
        put_in_force(session, bank.officer, bank.checker, standing, line_of(bank.clothing.id), contract_of())
    with sessions.read() as session:
        assert service.credit_lines(session, other.officer, valid_on=BUSINESS_DATE, known_at=KNOWN_AT) == ()
        with pytest.raises(NotFound):
            service.load_loan_contract(session, other.officer, "HT-2025-001", valid_on=BUSINESS_DATE, known_at=KNOWN_AT)


def test_a_changed_line_leaves_what_was_known_before(sessions: Sessions, bank: Bank) -> None:
    """Raised to 30 M from 10 July, known from 1 July: by both dates each answer is its own."""
    first = _standing(sessions, bank)
    with sessions.begin() as session:
        put_in_force(session, bank.officer, bank.checker, first, line_of(bank.clothing.id), contract_of())
        roll_business_date(
            session, bank.officer.organization_id, expected=BUSINESS_DATE, to=TOMORROW, state=DayState.OPEN
        )
        later = end_of_china_day(TOMORROW)
        standing = standing_of(session, bank.officer.organization_id, FixedClock(later))
        raised = line_of(bank.clothing.id, amount="30000000.00", valid_from="2025-07-10")
        waiting = service.propose_credit_line(session, bank.officer, raised, standing=standing, reason="增额")
        approved(session, bank.checker, waiting, at=later)
        with pytest.raises(Conflict) as refused:
            service.propose_credit_line(
                session, bank.officer, replace(raised, currency=Currency.USD), standing=standing,
                reason="改币种",
            )  # fmt: skip
        assert refused.value.field == "currency"
    with sessions.read() as session:

        def limit(on: date, known_on: date) -> Decimal:
            found = service.load_credit_line(
                session, bank.officer, "SX-2025-001", valid_on=on, known_at=end_of_china_day(known_on)
            )
            return found.use.limit

        low, high = Decimal("20000000.00"), Decimal("30000000.00")
        assert limit(date(2025, 7, 10), TOMORROW) == high
        assert limit(date(2025, 7, 9), TOMORROW) == low
        assert limit(date(2025, 7, 10), BUSINESS_DATE) == low
        with pytest.raises(NotFound):
            limit(date(2025, 5, 31), TOMORROW)


def test_without_a_report_no_rate_and_no_drawdown(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        bank = open_bank(session)
        approve_product(session, bank)
        standing = standing_of(session, bank.officer.organization_id, FixedClock(KNOWN_AT))
        put_in_force(session, bank.officer, bank.checker, standing, line_of(bank.clothing.id), contract_of())
        with pytest.raises(MissingData) as refused:
            service.propose_drawdown(session, bank.officer, drawdown_of(), standing=standing, reason="提款")
        assert refused.value.field == "report"


def test_a_drawdown_approved_for_a_later_day_is_paid_out_on_it(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        bank = furnished_bank(session)
        standing = standing_of(session, bank.officer.organization_id, FixedClock(KNOWN_AT))
        put_in_force(session, bank.officer, bank.checker, standing, line_of(bank.clothing.id), contract_of())
        waiting = service.propose_drawdown(
            session, bank.officer, drawdown_of(drawdown_date="2025-07-01"), standing=standing, reason="提款"
        )
        assert approved(session, bank.checker, waiting, at=KNOWN_AT).state is ApprovalState.APPROVED
        assert service.notes_of(session, bank.officer) == ()
        roll_business_date(
            session, bank.officer.organization_id, expected=BUSINESS_DATE, to=TOMORROW, state=DayState.OPEN
        )
        done = approvals.make_due_effective(
            session, bank.officer, kinds=APPROVAL_KINDS, business_date=TOMORROW, at=end_of_china_day(TOMORROW)
        )
        assert (len(done.values), done.failures) == (1, ())
        (note,) = service.notes_of(session, bank.officer)
        assert note.terms.drawdown_date == TOMORROW


LINE_P4 = {"number": "SX-P4", "amount": "500000.00"}
CONTRACT_P4 = {
    "number": "HT-P4", "line_number": "SX-P4", "amount": "300000.00", "fixed_rate": "0.036", "lpr_tenor": None,
    "margin_bp": None, "pledge_code": "P4", "product": "碳配额质押贷款(示例)",
}  # fmt: skip


def draft_p4(code: str, amount: str, **changed: Any) -> DrawdownDraft:
    terms = {"note_code": code, "amount_cny": amount, "maturity_date": "2025-07-31", **changed}
    return drawdown_of("HT-P4", **terms)


def draw(sessions: Sessions, desk: Desk, draft: DrawdownDraft) -> None:
    with sessions.begin() as session:
        waiting = service.propose_drawdown(session, desk.maker, draft, standing=desk.standing, reason="提款")
        approved(session, desk.checker, waiting, at=desk.standing.known_at)


def test_money_waits_for_the_collateral_and_what_is_owed_is_posted_as_one_sum(sessions: Sessions) -> None:
    """P4 was appraised for 200,000: 150,000 and 50,000 are drawn, each earns 15.00 and 5.00 a day at 3.60 %."""
    with sessions.begin() as session:
        desk = build_desk(session)
    pledge_id = freeze_p4(sessions, desk)
    with sessions.begin() as session:
        put_in_force(
            session, desk.maker, desk.checker, desk.standing, line_of(desk.parties["E5"], **LINE_P4),
            contract_of(**CONTRACT_P4),
        )  # fmt: skip
    with pytest.raises(Conflict, match="P4 is FREEZE_REQUESTED") as refused:
        draw(sessions, desk, draft_p4("N1", "150000.00"))
    assert (refused.value.field, "确认冻结前不得放款" in refused.value.zh) == ("pledge_code", True)
    with simulated() as server, adapter(server) as registry:
        collateral_jobs.dispatch_registry_messages(sessions, desk.maker, registry, clock=CLOCK)
    for draft, field in (
        (draft_p4("N1", "200000.01"), "amount_cny"),
        (draft_p4("N1", "150000.00", maturity_date="2025-08-01"), "maturity_date"),
    ):
        with pytest.raises(Conflict) as refused:
            draw(sessions, desk, draft)
        assert refused.value.field == field
    draw(sessions, desk, draft_p4("N1", "150000.00"))
    with sessions.begin() as session:
        assert collateral_service.load_pledge(session, desk.maker, pledge_id).state == "DRAWN"
        owed = collateral_service.latest_exposure(session, desk.maker, "P4", on=BUSINESS_DATE)
        assert owed is not None
        assert (owed.principal_cny, owed.accrued_cny) == (Decimal("150000.00"), 0)
    draw(sessions, desk, draft_p4("N2", "50000.00"))
    with sessions.begin() as session:
        assert jobs.accrue_interest(session, desk.maker, TOMORROW).done_count == 2
        assert jobs.accrue_interest(session, desk.maker, TOMORROW).done_count == 2
        owed = collateral_service.latest_exposure(session, desk.maker, "P4", on=TOMORROW)
        assert owed is not None
        assert (owed.principal_cny, owed.accrued_cny, owed.revision) == (Decimal("200000.00"), Decimal("20.00"), 0)
        service.record_interest_payment(
            session, desk.maker, "N2", period_end=TOMORROW, paid_date=TOMORROW, known_at=desk.standing.known_at
        )
        service.settle_note(session, desk.maker, "N2", settled_date=TOMORROW)
        owed = collateral_service.latest_exposure(session, desk.maker, "P4", on=TOMORROW)
        assert owed is not None
        assert (owed.principal_cny, owed.accrued_cny) == (Decimal("150000.00"), Decimal("15.00"))


def test_a_note_that_takes_the_coverage_below_the_initial_line_is_not_drawn(sqlite_sessions: Sessions) -> None:
    """P3 is worth 800,000 after its haircut; 800,000 with 710.00 of interest are owed and 50,000 more are asked for."""
    with sqlite_sessions.begin() as session:
        desk = build_desk(session)
        take_over_all(session, desk)
        draft = note_draft("P3", desk.parties["E3"])
        draft = replace(draft, terms=replace(draft.terms, principal_cny=Decimal("800000.00")))
        service.record_loan_note(session, desk.maker, draft, known_at=KNOWN_AT)
        assert jobs.accrue_interest(session, desk.maker, BUSINESS_DATE).done_count == 1
        put_in_force(
            session, desk.maker, desk.checker, desk.standing, line_of(desk.parties["E3"], **LINE_P4),
            contract_of(**{**CONTRACT_P4, "pledge_code": "P3"}),
        )  # fmt: skip
    with pytest.raises(Conflict) as refused:
        draw(sqlite_sessions, desk, draft_p4("N3", "50000.00"))
    assert "缺 50,710.00 元" in refused.value.zh
    with sqlite_sessions.read() as session:
        owed = collateral_service.latest_exposure(session, desk.maker, "P3", on=BUSINESS_DATE)
        assert owed is not None
        assert (owed.principal_cny, owed.accrued_cny) == (Decimal("800000.00"), Decimal("710.00"))
        assert [note.code for note in service.notes_of(session, desk.maker)] == ["JJ-P3"]


def test_a_debt_that_no_note_stands_for_is_not_overwritten(sqlite_sessions: Sessions) -> None:
    """P1 secures 2,000,000 paid out before there were notes: a further note must not make it less."""
    with sqlite_sessions.begin() as session:
        desk = build_desk(session)
        take_over_all(session, desk)
        contract = contract_of(**{**CONTRACT_P4, "pledge_code": "P1"})

        def refusal() -> CarbonFinError | None:
            return service.security_answer(
                session, desk.maker, contract, amount_cny=Decimal("0.00"), maturity_date=BUSINESS_DATE,
                on=BUSINESS_DATE,
            ).refusal  # fmt: skip

        found = refusal()
        assert found is not None
        assert (found.field, "2,000,000.00" in found.zh) == ("pledge_code", True)
        service.record_loan_note(session, desk.maker, note_draft("P1", desk.parties["E1"]), known_at=KNOWN_AT)
        assert refusal() is None


def test_interest_paid_ahead_leaves_the_principal_behind_the_pledge(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        desk = build_desk(session)
        take_over_all(session, desk)
        pledge = collateral_service.pledge_by_code(session, desk.maker, "P1")
        assert pledge is not None
        for code, paid_to in (("P1", date(2025, 7, 21)), ("P2", date(2025, 6, 27))):
            draft = note_draft(code, pledge.pledgor_id)
            service.record_loan_note(
                session, desk.maker, replace(draft, pledge_code="P1", interest_paid_to=paid_to), known_at=KNOWN_AT
            )
        assert jobs.accrue_interest(session, desk.maker, TOMORROW).done_count == 1
        owed = collateral_service.latest_exposure(session, desk.maker, "P1", on=TOMORROW)
        assert owed is not None
        assert (owed.principal_cny, owed.accrued_cny) == (Decimal("4300000.00"), Decimal("881.67"))


def test_a_repo_lets_money_out_while_it_is_open_and_in_renminbi(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        desk = build_desk(session)
        given = repo_r1(desk)
        half = replace(given.terms, quantity_t=60_000, purchase_price_amount=Decimal("1200000.00"))
        for terms in (half, replace(half, code="R2", currency=Currency.CNY)):
            collateral_service.open_repo(session, desk.maker, replace(given, terms=terms), standing=desk.standing)

        def refusal(code: str, amount: str, maturity: date) -> CarbonFinError | None:
            contract = contract_of(repo_code=code)
            return service.security_answer(
                session, desk.maker, contract, amount_cny=Decimal(amount), maturity_date=maturity, on=BUSINESS_DATE
            ).refusal

        last = date(2025, 7, 21)
        assert refusal("R2", "1200000.00", last) is None
        for found, field in (
            (refusal("R1", "1.00", last), "amount_cny"),
            (refusal("R2", "1200000.01", last), "amount_cny"),
            (refusal("R2", "1.00", date(2025, 7, 22)), "maturity_date"),
        ):
            assert found is not None
            assert found.field == field
        open_repo = collateral_service.repo_by_code(session, desk.maker, "R2")
        assert open_repo is not None
        change_repo_state(session, open_repo, state="MARGIN_PENDING")
        called = refusal("R2", "1.00", last)
        assert called is not None
        assert called.field == "repo_code"
        with pytest.raises(NotFound, match="repo R9"):
            refusal("R9", "1.00", last)

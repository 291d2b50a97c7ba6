"""Papers of a loan note in service: the notice of a payment, and the statement of the note, as PDF."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

from carbonfin.documents.pdf import render_pdf
from carbonfin.documents.sheets import Align, Column, Note, Row, Section, Sheet, SignatureBlock, Table, Term, TermGrid
from carbonfin.kernel.parties import Party
from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.record import digest_of
from loans.calc.contracts.schedule import ScheduleRow
from loans.calc.green import GreenCategory, green_words
from loans.calc.notes import LoanNote
from loans.calc.servicing.notices import NOTICE_NAMES, LoanNotice, NoticeKind
from loans.calc.servicing.receipts import Claim, Receipt
from loans.calc.servicing.standing import NoteStanding

SAMPLE_BANNER = "演示数据（示例），不构成报价或承诺"
_PROVISIONAL = "该年节假日安排未公布，还款日可能顺延，以届时通知为准。"


def loan_notice_letter(
    notice: LoanNotice,
    note: LoanNote,
    *,
    overdue_uplift: ParameterValue,
    borrower: Party,
    bank: str,
    created_at: datetime,
) -> bytes:
    """Set a notice with the overdue uplift known on the day it was made; the same notice gives the same bytes."""
    zh, en = NOTICE_NAMES[notice.kind]
    items = [
        Term(label_zh="借据号", label_en="Loan note", value=note.code),
        Term(label_zh="还款日", label_en="Payment day", value=notice.due_on.isoformat()),
        Term(label_zh="应还利息（元）", label_en="Interest (CNY)", value=f"{notice.interest_cny:,}"),
        Term(label_zh="应还本金（元）", label_en="Principal (CNY)", value=f"{notice.principal_cny:,}"),
        Term(label_zh="执行年利率", label_en="Rate", value=f"{notice.rate * 100:.4f}%"),
        Term(label_zh="贷款余额（元）", label_en="Outstanding (CNY)", value=f"{notice.outstanding_cny:,}"),
    ]
    if notice.kind is NoticeKind.OVERDUE:
        items += [
            Term(label_zh="逾期天数", label_en="Days past due", value=str(notice.late_days)),
            Term(label_zh="罚息与复利（元）", label_en="Penalty, compound (CNY)", value=f"{notice.penalty_cny:,}"),
        ]
    items.append(Term(label_zh="合计（元）", label_en="Total (CNY)", value=f"{notice.total_cny:,}", wide=True))
    notes = [Note(text=_PROVISIONAL, unconfirmed=True)] if notice.is_provisional else []
    if notice.kind is NoticeKind.OVERDUE:
        notes.append(_uplift_note(overdue_uplift))
    until = "罚息与复利计至本通知日，此后按日增加。" if notice.kind is NoticeKind.OVERDUE else "请于还款日前备足款项。"
    return set_letter(
        Sheet(
            title_zh=zh,
            title_en=en,
            subtitle=f"致：{borrower.name}",
            number=f"{note.code}-{notice.due_on:%Y%m%d}",
            version="1",
            digest=digest_of(notice),
            banner=SAMPLE_BANNER if note.is_sample else None,
            issued_on=notice.made_on,
            sections=(TermGrid(title_zh="通知事项", title_en="Notice", items=tuple(items)),),
            notes=tuple(notes),
            disclaimer=f"{until}已还款的请忽略本通知；有异议的请与经办行核对。",
            signatures=(SignatureBlock(party_zh="通知方", party_en="The bank", name=bank),),
        ),
        created_at,
    )


def loan_statement(
    note: LoanNote,
    standing: NoteStanding,
    *,
    rows: tuple[ScheduleRow, ...],
    receipts: tuple[tuple[Receipt, str], ...],
    overdue_uplift: ParameterValue,
    green: GreenCategory | None,
    borrower: Party,
    bank: str,
    created_at: datetime,
) -> bytes:
    """Set the statement of a note on a day: what is owed, what was received, the schedule as it is."""
    sections: list[Section] = [_owed(note, standing, green)]
    if receipts:
        sections.append(_received(receipts))
    sections.append(_scheduled(rows))
    provisional = any(row.provisional for row in rows)
    notes = [Note(text=_PROVISIONAL, unconfirmed=True)] if provisional else []
    if standing.late:
        notes.append(_uplift_note(overdue_uplift))
    return set_letter(
        Sheet(
            title_zh="贷款对账单",
            title_en="Loan statement",
            subtitle=f"{borrower.name} {borrower.code}",
            number=f"{note.code}-{standing.on:%Y%m%d}",
            version="1",
            digest=digest_of((note.code, standing, receipts, green)),
            banner=SAMPLE_BANNER if note.is_sample else None,
            issued_on=standing.on,
            sections=tuple(sections),
            notes=tuple(notes),
            disclaimer="金额以本行核心系统入账为准；有异议的请在收到后书面提出。",
            signatures=(
                SignatureBlock(party_zh="贷款人", party_en="Lender", name=bank),
                SignatureBlock(party_zh="借款人", party_en="Borrower", name=borrower.name),
            ),
        ),
        created_at,
    )


def _owed(note: LoanNote, standing: NoteStanding, green: GreenCategory | None) -> TermGrid:
    figures = (
        ("贷款本金（元）", "Principal (CNY)", note.terms.principal_cny),
        ("贷款余额（元）", "Outstanding (CNY)", standing.outstanding_cny),
        ("到期应还利息（元）", "Interest due (CNY)", standing.interest_due_cny),
        ("到期应还本金（元）", "Principal due (CNY)", standing.principal_due_cny),
        ("罚息（元）", "Penalty interest (CNY)", standing.penalty_cny),
        ("复利（元）", "Compound interest (CNY)", standing.compound_cny),
        ("应计未到期利息（元）", "Accrued, not due (CNY)", standing.accrued_cny),
        ("尚未计入的补计利息（元）", "Compensation not used (CNY)", standing.unused_compensation_cny),
        ("当日结清金额（元）", "Payoff (CNY)", standing.payoff_cny),
    )
    items = (
        Term(label_zh="借据号", label_en="Loan note", value=note.code),
        Term(label_zh="截至日期", label_en="As of", value=standing.on.isoformat()),
        *(Term(label_zh=zh, label_en=en, value=f"{amount:,}") for zh, en, amount in figures),
        Term(label_zh="绿色认定", label_en="Green recognition", value=" / ".join(green_words(green)), wide=True),
    )
    return TermGrid(title_zh="余额与应还", title_en="What is owed", items=items)


def _uplift_note(overdue_uplift: ParameterValue) -> Note:
    """Say by how much the rate rises while a payment is overdue; marked where nobody confirmed it."""
    text = f"罚息与复利按执行利率加收 {overdue_uplift.decimal * 100:.2f}% 计算（{overdue_uplift.key}），以合同为准。"
    return Note(text=text, unconfirmed=not overdue_uplift.confirmed)


_PARTS: tuple[tuple[str, str, Callable[[Receipt], Decimal]], ...] = (
    ("费用", "Costs", lambda one: one.sum_of(Claim.FEES)),
    ("利息", "Interest", lambda one: one.sum_of(Claim.INTEREST)),
    ("罚息", "Penalty", lambda one: one.sum_of(Claim.PENALTY)),
    ("复利", "Compound", lambda one: one.sum_of(Claim.COMPOUND)),
    ("补偿金", "Compensation", lambda one: one.compensation_cny),
    ("到期本金", "Principal due", lambda one: one.sum_of(Claim.PRINCIPAL)),
    ("提前还本", "Repaid early", lambda one: one.prepaid_cny),
)
"""Where a receipt went, part by part: the parts sum to what was received."""


def _received(receipts: tuple[tuple[Receipt, str], ...]) -> Table:
    return Table(
        title_zh="还款记录",
        title_en="Receipts",
        columns=(
            Column(label_zh="还款日", label_en="Paid on"),
            Column(label_zh="回单号", label_en="Reference"),
            Column(label_zh="实收", label_en="Received", unit="元", align=Align.RIGHT),
            *(Column(label_zh=zh, label_en=en, unit="元", align=Align.RIGHT) for zh, en, _ in _PARTS),
        ),
        rows=tuple(
            Row(
                cells=(
                    one.paid_on.isoformat(), reference, f"{one.amount_cny:,}",
                    *(f"{part(one):,}" for _, _, part in _PARTS),
                )
            )
            for one, reference in receipts
        ),
    )  # fmt: skip


def _scheduled(rows: tuple[ScheduleRow, ...]) -> Table:
    return Table(
        title_zh="还款计划",
        title_en="Schedule",
        columns=(
            Column(label_zh="期", label_en="No."),
            Column(label_zh="计息期", label_en="Period"),
            Column(label_zh="还款日", label_en="Payment day"),
            *(
                Column(label_zh=zh, label_en=en, unit="元", align=Align.RIGHT)
                for zh, en in (
                    ("期初余额", "Opening"), ("利息", "Interest"), ("本金", "Principal"), ("应还", "Payment"),
                )
            ),
        ),
        rows=tuple(
            Row(
                cells=(
                    str(row.number), f"{row.start} – {row.end}", row.payment_date.isoformat(),
                    f"{row.opening_balance_cny:,}", f"{row.interest_cny:,}", f"{row.principal_cny:,}",
                    f"{row.payment_cny:,}",
                ),
                flag="节假日安排未公布" if row.provisional else "",
            )
            for row in rows
        ),
    )  # fmt: skip


def set_letter(sheet: Sheet, created_at: datetime) -> bytes:
    """Set a paper as PDF without attachments; the same sheet gives the same bytes."""
    return render_pdf(sheet, attachments={}, created_at=created_at.replace(microsecond=0))

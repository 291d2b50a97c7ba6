"""Letters to a borrower about the rate of a note: a reset to the LPR, a concession that stopped or is back, as PDF."""

from datetime import datetime
from decimal import Decimal

from carbonfin.documents.sheets import Note, Sheet, SignatureBlock, Term, TermGrid
from carbonfin.kernel.parties import Party
from carbonfin.rules.record import digest_of
from loans.calc.notes import LoanNote
from loans.calc.servicing.concession_turns import TURN_NAMES, RecordedTurn
from loans.calc.servicing.rate_resets import RateReset
from loans.workbooks.loan_letters import SAMPLE_BANNER, set_letter

_DISCLAIMER = "执行利率以借款合同及本通知所列决定为准；有异议的请在收到后书面提出。"


def reset_letter(
    reset: RateReset,
    note: LoanNote,
    *,
    borrower: Party,
    bank: str,
    lpr_confirmed: bool,
    created_at: datetime,
) -> bytes:
    """Set the notice of a reset from what was decided; the same reset gives the same bytes.

    Args:
        reset: What was decided.
        note: The note.
        borrower: Whom it is addressed to.
        bank: Who writes it.
        lpr_confirmed: Whether somebody checked the LPR taken; where nobody did, the letter says so.
        created_at: When it was decided.
    """
    items = (
        *_about(note),
        Term(label_zh="重定价日", label_en="Reset day", value=reset.reset_date.isoformat()),
        Term(label_zh="定价基准", label_en="Benchmark", value=f"LPR {reset.lpr_tenor}"),
        Term(label_zh="取值截止日", label_en="Fixing day", value=reset.fixing_date.isoformat()),
        Term(label_zh="LPR 公布日", label_en="Published on", value=reset.published_on.isoformat()),
        Term(label_zh="LPR", label_en="LPR", value=_percent(reset.lpr_rate)),
        Term(label_zh="加减点（BP）", label_en="Margin (bp)", value=f"{reset.margin_bp:+d}"),
        Term(label_zh="利率优惠（BP）", label_en="Concession (bp)", value=f"{reset.concession_bp.normalize():f}"),
        Term(label_zh="未含优惠的年利率", label_en="Without concession", value=_percent(reset.rate_without_concession)),
        *_rates(reset.rate_before, reset.rate_after, reset.compensation_cny),
    )
    notes = () if lpr_confirmed else (Note(text="所取 LPR 公布值未经核对。", unconfirmed=True),)
    return set_letter(
        Sheet(
            title_zh="利率重定价通知书",
            title_en="Notice of a rate reset",
            subtitle=f"致：{borrower.name}",
            number=f"{note.code}-R{reset.number}",
            version="1",
            digest=digest_of(reset),
            banner=SAMPLE_BANNER if note.is_sample else None,
            issued_on=reset.known_from,
            sections=(TermGrid(title_zh="重定价", title_en="Reset", items=items),),
            notes=notes,
            disclaimer=_DISCLAIMER,
            signatures=(SignatureBlock(party_zh="通知方", party_en="The bank", name=bank),),
        ),
        created_at,
    )


def concession_letter(
    turn: RecordedTurn,
    note: LoanNote,
    *,
    clause: tuple[str, str],
    borrower: Party,
    bank: str,
    created_at: datetime,
) -> bytes:
    """Set the notice of a concession's turn with the contract's words; the same turn gives the same bytes."""
    last = turn.stops[-1] if turn.stops else None
    stopped = "无" if last is None else f"{last.start} 起，{'尚未恢复' if last.end is None else f'{last.end} 恢复'}"
    missed = "—" if last is None else last.due_on.isoformat()
    items = (
        *_about(note),
        Term(label_zh="合同约定", label_en="The contract says", value=clause[0], wide=True),
        Term(label_zh="未按期清偿的应还日", label_en="Missed payment of", value=missed),
        Term(label_zh="停止期间", label_en="Stopped", value=stopped),
        Term(label_zh="本次生效日", label_en="Effective on", value=turn.effective_on.isoformat()),
        *_rates(turn.rate_before, turn.rate_after, turn.compensation_cny),
    )
    zh, en = TURN_NAMES[turn.turn]
    return set_letter(
        Sheet(
            title_zh=zh,
            title_en=en,
            subtitle=f"致：{borrower.name}",
            number=f"{note.code}-C{turn.number}",
            version="1",
            digest=digest_of(turn),
            banner=SAMPLE_BANNER if note.is_sample else None,
            issued_on=turn.known_from,
            sections=(TermGrid(title_zh="利率优惠", title_en="Concession", items=items),),
            notes=(),
            disclaimer=_DISCLAIMER,
            signatures=(SignatureBlock(party_zh="通知方", party_en="The bank", name=bank),),
        ),
        created_at,
    )


def _about(note: LoanNote) -> tuple[Term, ...]:
    return (
        Term(label_zh="借据号", label_en="Loan note", value=note.code),
        Term(label_zh="合同编号", label_en="Contract", value=note.contract_number or "—"),
    )


def _rates(before: Decimal, after: Decimal, compensation_cny: Decimal) -> tuple[Term, ...]:
    return (
        Term(label_zh="变动前执行年利率", label_en="Rate before", value=_percent(before)),
        Term(label_zh="变动后执行年利率", label_en="Rate after", value=_percent(after)),
        Term(
            label_zh="补计利息（元，负数为应退）", label_en="Compensating accrual (CNY)", value=f"{compensation_cny:,}",
            wide=True,
        ),
    )  # fmt: skip


def _percent(rate: Decimal) -> str:
    return f"{rate * 100:.4f}%"

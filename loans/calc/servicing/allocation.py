"""What a receipt pays: due payments by kind of claim in their order, the oldest first; what is left repays early."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from carbonfin.kernel.errors import Conflict, InvalidInput
from loans.calc.servicing.dues import Segment, SegmentReason
from loans.calc.servicing.receipts import Claim, Receipt, ReceiptDraft, ReceiptLine
from loans.calc.servicing.standing import DueStanding, NoteBook, NoteStanding, standing_on

_NOTHING = Decimal("0.00")
_FEN = Decimal("0.01")
_PARTS = {
    Claim.INTEREST: "interest_unpaid_cny",
    Claim.COMPOUND: "compound_cny",
    Claim.PENALTY: "penalty_cny",
    Claim.PRINCIPAL: "principal_unpaid_cny",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocated:
    """A receipt with what it did to its note.

    Attributes:
        outstanding_cny: Principal still owed after it.
        interest_paid_to: First day whose interest is not paid in full.
        segment: The stretch that begins where principal was repaid early; None where none was, or all was.
        settles: Whether nothing is owed any more.
    """

    receipt: Receipt
    outstanding_cny: Decimal
    interest_paid_to: date
    segment: Segment | None
    settles: bool


def claims_in_order(text: str) -> tuple[Claim, ...]:
    """Read the order in which a receipt pays, such as `fees,interest,compound,penalty,principal`.

    Raises:
        InvalidInput: A kind of claim is missing, twice there or not known.
    """
    names = [part.strip() for part in text.split(",")]
    if sorted(names) != sorted(Claim):
        raise InvalidInput(
            f"order of claims is {text!r}, each of {', '.join(Claim)} stands in it once",
            zh=f"冲抵顺序“{text}”须恰好包含费用、利息、复利、罚息、本金各一次",
            field="allocation_order",
        )
    return tuple(Claim(name) for name in names)


def allocate(book: NoteBook, draft: ReceiptDraft, order: tuple[Claim, ...]) -> Allocated:
    """Give what a receipt pays of a note.

    First what is due on its day, kind by kind in the order given and within a kind the oldest payment first. Where the
    receipt is meant to repay early, periods that ended by its day count as due, and what is left pays the interest of
    the running period up to its day, the compensation agreed, and principal.

    Raises:
        InvalidInput: An amount is no amount of money, or the day lies before an earlier receipt.
        Conflict: More was received than is due, or than would settle the note; the figure is named.
    """
    _require_sound(book, draft)
    standing = standing_on(book, draft.paid_on)
    claimed = tuple(one for one in standing.dues if _is_claimed(one, draft) and not one.is_paid)
    lines, rest = _pay(claimed, draft, order)
    is_all_paid = bool(rest) or sum((one.total_cny for one in lines.values()), start=_NOTHING) >= _sum(claimed)
    prepaid = _NOTHING
    if rest:
        interest, prepaid = _early(standing, claimed, draft, rest)
        bearing = _bearing(standing, draft.paid_on)
        line = lines.get(bearing, _no_line(bearing))
        lines[bearing] = replace(line, interest_cny=line.interest_cny + interest)
    receipt = Receipt(
        number=len(book.receipts) + 1,
        paid_on=draft.paid_on,
        amount_cny=draft.amount_cny,
        fees_cny=draft.fees_cny,
        compensation_cny=draft.compensation_cny,
        prepaid_cny=prepaid,
        lines=tuple(line for start, line in lines.items() if line != _no_line(start)),
    )
    outstanding = standing.outstanding_cny - receipt.principal_cny
    return Allocated(
        receipt=receipt,
        outstanding_cny=outstanding,
        interest_paid_to=_paid_to(book, standing, receipt),
        segment=_segment_after(standing, receipt) if prepaid else None,
        settles=not outstanding and is_all_paid,
    )


def _is_claimed(one: DueStanding, draft: ReceiptDraft) -> bool:
    return one.due.due_on <= draft.paid_on or (draft.prepays and one.due.end <= draft.paid_on)


def _pay(
    claimed: tuple[DueStanding, ...], draft: ReceiptDraft, order: tuple[Claim, ...]
) -> tuple[dict[date, ReceiptLine], Decimal]:
    refunds = {one.due.start: min(one.interest_unpaid_cny, _NOTHING) for one in claimed}
    lines = {start: replace(_no_line(start), interest_cny=refund) for start, refund in refunds.items()}
    rest = draft.amount_cny - sum(refunds.values(), start=_NOTHING)
    for claim in order:
        if claim is Claim.FEES:
            rest = _take_fees(draft, rest)
            continue
        for one in claimed:
            unpaid = getattr(one, _PARTS[claim])
            if unpaid <= 0:
                continue
            part = min(rest, unpaid)
            lines[one.due.start] = replace(lines[one.due.start], **{f"{claim.value}_cny": part})
            rest -= part
    return lines, rest


def _require_sound(book: NoteBook, draft: ReceiptDraft) -> None:
    for name, least in (("amount_cny", _FEN), ("fees_cny", _NOTHING), ("compensation_cny", _NOTHING)):
        amount: Decimal = getattr(draft, name)
        if not amount.is_finite() or amount < least or amount != amount.quantize(_FEN):
            raise InvalidInput(
                f"{name} is {amount}", zh="金额须为正数且最多两位小数" if least else "金额不得为负且最多两位小数",
                field=name,
            )  # fmt: skip
    if draft.compensation_cny and not draft.prepays:
        raise InvalidInput(
            "compensation is for principal repaid early", zh="补偿金仅在提前还本时收取", field="compensation_cny",
            remedy="Say that the receipt repays early, or leave it out.", remedy_zh="请勾选提前还本，或清空补偿金。",
        )  # fmt: skip
    _require_known_rates(book, draft)
    first = max([book.note.terms.drawdown_date, *(one.paid_on for one in book.receipts)])
    if draft.paid_on < first:
        raise InvalidInput(
            f"paid on {draft.paid_on}, before {first}, the day of the drawdown or of the last receipt",
            zh=f"还款日不得早于 {first}（提款日或上一笔还款日）", field="paid_on",
            remedy="Enter receipts in the order of their days.", remedy_zh="请按日期先后录入还款。",
        )  # fmt: skip


def _require_known_rates(book: NoteBook, draft: ReceiptDraft) -> None:
    """Refuse an early repayment on a day before a change of rate was known: its compensation stood on that balance."""
    known_from = max((one.known_from for one in book.note.rate_changes), default=draft.paid_on)
    if draft.prepays and draft.paid_on < known_from:
        raise InvalidInput(
            f"repaid early on {draft.paid_on}, before {known_from}, from which a change of the rate is booked",
            zh=f"提前还本日不得早于 {known_from}：该日已按当时余额登记利率调整及补计利息", field="paid_on",
            remedy=f"Enter the early repayment on {known_from} or later.",
            remedy_zh=f"请以 {known_from} 或以后的日期录入提前还本。",
        )  # fmt: skip


def _take_fees(draft: ReceiptDraft, rest: Decimal) -> Decimal:
    if draft.fees_cny > rest:
        raise Conflict(
            f"{rest} CNY are left for costs of {draft.fees_cny}",
            zh=f"实收金额冲抵在前款项后余 {rest:,} 元，不足以支付费用 {draft.fees_cny:,} 元",
            field="fees_cny",
            remedy="Claim less costs, or receive more.",
            remedy_zh="请调减费用或补足金额。",
        )
    return rest - draft.fees_cny


def _early(
    standing: NoteStanding, claimed: tuple[DueStanding, ...], draft: ReceiptDraft, rest: Decimal
) -> tuple[Decimal, Decimal]:
    """Give what of the rest pays the running period's interest, and the principal it repays early."""
    due = draft.amount_cny - rest
    if not draft.prepays:
        raise Conflict(
            f"{draft.amount_cny} CNY were received and {due} are due on {draft.paid_on}",
            zh=f"{draft.paid_on} 应还合计 {due:,} 元，实收多出 {rest:,} 元",
            field="amount_cny",
            remedy="Say that the rest repays principal early, or enter what was due alone.",
            remedy_zh="请勾选提前还本，或只录入应还金额。",
        )
    taken = {one.due.start for one in claimed}
    ahead = [one for one in standing.dues if one.due.start not in taken]
    accrued = sum((one.accrued_cny for one in ahead), start=_NOTHING)
    settling = sum((one.settling_cny for one in ahead), start=_NOTHING)
    left = standing.outstanding_cny - sum((one.principal_unpaid_cny for one in claimed), start=_NOTHING)
    offered = rest - draft.compensation_cny
    if offered == left + settling:
        return settling, left
    principal = offered - accrued
    if principal <= 0:
        raise Conflict(
            f"{rest} CNY are left; interest accrued is {accrued} and compensation {draft.compensation_cny}",
            zh=f"冲抵到期款项后余 {rest:,} 元，不足以付清截至当日利息 {accrued:,} 元与补偿金并提前还本",
            field="amount_cny",
            remedy="Receive more, or wait for the payment's day.",
            remedy_zh="请提高金额，或等到还款日。",
        )
    if offered > left + settling or principal >= left:
        figure = draft.amount_cny - offered + left + settling
        raise Conflict(
            f"{figure} CNY settle the note on {draft.paid_on}, {draft.amount_cny} were received",
            zh=f"{draft.paid_on} 结清金额为 {figure:,} 元，实收 {draft.amount_cny:,} 元",
            field="amount_cny",
            remedy="Enter the figure that settles the note.",
            remedy_zh="请按结清金额录入。",
        )
    return accrued, principal


def _bearing(standing: NoteStanding, on: date) -> date:
    """Give the payment that bears interest paid early: the last whose interest began before the day."""
    return max((one.due.start for one in standing.dues if one.due.start < on), default=standing.dues[0].due.start)


def _running(standing: NoteStanding, on: date) -> DueStanding | None:
    """Give the payment whose interest period a day lies in."""
    return next((one for one in standing.dues if one.due.start <= on < one.due.end), None)


def _segment_after(standing: NoteStanding, receipt: Receipt) -> Segment:
    """Give the stretch that begins with a repayment made early: the schedule's balance less what was repaid."""
    running = _running(standing, receipt.paid_on)
    assert running is not None, "nothing is repaid early once all is due"
    return Segment(
        start=receipt.paid_on,
        principal_cny=running.due.row.opening_balance_cny - receipt.prepaid_cny,
        rate=running.due.rate,
        reason=SegmentReason.PREPAID,
    )


def _paid_to(book: NoteBook, standing: NoteStanding, receipt: Receipt) -> date:
    """Give the first day whose interest is not paid in full once the receipt is in."""
    if receipt.prepaid_cny:
        return receipt.paid_on
    paid = {line.due_start: line.interest_cny for line in receipt.lines}
    until = book.note.interest_paid_to
    for one in standing.dues:
        if one.due.start > receipt.paid_on or one.interest_unpaid_cny > paid.get(one.due.start, _NOTHING):
            break
        until = max(until, one.due.end)
    return until


def _no_line(start: date) -> ReceiptLine:
    return ReceiptLine(
        due_start=start, interest_cny=_NOTHING, compound_cny=_NOTHING, penalty_cny=_NOTHING, principal_cny=_NOTHING
    )


def _sum(claimed: tuple[DueStanding, ...]) -> Decimal:
    return sum((one.unpaid_cny for one in claimed), start=_NOTHING)

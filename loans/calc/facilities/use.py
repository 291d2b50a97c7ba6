"""How far credit lines and contracts are used on a day, and what may still be drawn under them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from carbonfin.kernel.errors import Conflict, InvalidInput, NotApplicable
from carbonfin.kernel.units import Currency
from loans.calc.facilities.terms import CreditLine, DrawdownDraft, LoanContract
from loans.calc.notes import LoanNote, NoteState

_NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """How far a limit is used on a day; used and undrawn are two figures and are never added into one.

    Attributes:
        limit: The amount approved or signed.
        used: 已用: outstanding where the line revolves, else everything ever drawn.
        outstanding: 贷款余额: principal not yet repaid.
        undrawn: 未用: the limit less what is used, never below zero.
        available: 可提: the undrawn part that may be drawn today; zero outside the availability period.
        waiting: Drawdowns before the checkers; not used yet, but no longer offered to others.
        committed: Signed under the line: contracts that may still be drawn in full, others by what was drawn.
        over: Used beyond the limit, where a later revision lowered it.
    """

    limit: Decimal
    used: Decimal
    outstanding: Decimal
    undrawn: Decimal
    available: Decimal
    waiting: Decimal
    committed: Decimal
    over: Decimal

    @property
    def used_ratio(self) -> Decimal:
        """Used over the limit."""
        return self.used / self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """What was drawn and waits to be drawn, by contract; the facts every use is counted from."""

    contracts: tuple[LoanContract, ...]
    notes: tuple[LoanNote, ...]
    waiting: tuple[DrawdownDraft, ...]

    def under(self, line_number: str) -> "Book":
        """Give the part that belongs to one line."""
        contracts = tuple(one for one in self.contracts if one.line_number == line_number)
        return self._of(contracts)

    def of_contract(self, number: str) -> "Book":
        """Give the part that belongs to one contract."""
        return self._of(tuple(one for one in self.contracts if one.number == number))

    def _of(self, contracts: tuple[LoanContract, ...]) -> "Book":
        numbers = {one.number for one in contracts}
        return Book(
            contracts=contracts,
            notes=tuple(note for note in self.notes if note.contract_number in numbers),
            waiting=tuple(one for one in self.waiting if one.contract_number in numbers),
        )

    def used(self, *, is_revolving: bool) -> Decimal:
        """Sum what counts as used."""
        if is_revolving:
            return self.outstanding
        return sum((note.terms.principal_cny for note in self.notes), start=_NOTHING)

    @property
    def outstanding(self) -> Decimal:
        """Sum the principal not yet repaid."""
        return sum((note.outstanding_cny for note in self.notes if note.state is NoteState.RUNNING), start=_NOTHING)

    @property
    def waiting_amount(self) -> Decimal:
        """Sum what waits for another person."""
        return sum((one.amount_cny for one in self.waiting), start=_NOTHING)


def use_of_line(line: CreditLine, book: Book, *, on: date) -> Use:
    """Count a line's use on a day.

    undrawn = max(0, limit - used); available = max(0, undrawn - waiting) within the availability period, else zero;
    committed = sum of contract amounts still drawable on the day, and of what was drawn under the others.
    """
    own = book.under(line.number)
    return _use(
        line.amount, own, is_revolving=line.is_revolving, is_open=line.available_from <= on <= line.available_to,
        committed=committed_of(line, own, on=on),
    )  # fmt: skip


def use_of_contract(contract: LoanContract, line: CreditLine, book: Book, *, on: date) -> Use:
    """Count a contract's use on a day; what is available is no more than its line has left."""
    own = book.of_contract(contract.number)
    found = _use(
        contract.amount, own, is_revolving=line.is_revolving,
        is_open=contract.drawable_from <= on <= contract.drawable_to, committed=contract.amount,
    )  # fmt: skip
    left = use_of_line(line, book, on=on).available
    return Use(
        limit=found.limit, used=found.used, outstanding=found.outstanding, undrawn=found.undrawn,
        available=min(found.available, left), waiting=found.waiting, committed=found.committed, over=found.over,
    )  # fmt: skip


def _use(limit: Decimal, book: Book, *, is_revolving: bool, is_open: bool, committed: Decimal) -> Use:
    used, waiting = book.used(is_revolving=is_revolving), book.waiting_amount
    undrawn = max(_NOTHING, limit - used)
    return Use(
        limit=limit,
        used=used,
        outstanding=book.outstanding,
        undrawn=undrawn,
        available=max(_NOTHING, undrawn - waiting) if is_open else _NOTHING,
        waiting=waiting,
        committed=committed,
        over=max(_NOTHING, used - limit),
    )


def committed_of(line: CreditLine, book: Book, *, on: date) -> Decimal:
    """Sum what the contracts of a line bind the bank to on a day."""
    return sum(
        (
            one.amount if on <= one.drawable_to else book.of_contract(one.number).used(is_revolving=line.is_revolving)
            for one in book.contracts
            if one.line_number == line.number
        ),
        start=_NOTHING,
    )


def require_room_for(contract: LoanContract, line: CreditLine, book: Book, *, on: date) -> None:
    """Refuse a contract that its line has no room for, or that outlives the availability period.

    Raises:
        Conflict: The contracts together would exceed the line.
        InvalidInput: The drawable period lies outside the line's.
        NotApplicable: The line is in another currency than CNY.
    """
    _require_renminbi(line, field="line_number")
    if not line.available_from <= contract.drawable_from <= contract.drawable_to <= line.available_to:
        raise InvalidInput(
            f"drawable {contract.drawable_from} to {contract.drawable_to}, the line {line.number} is available "
            f"{line.available_from} to {line.available_to}",
            zh=f"合同提款期须在额度可用期 {line.available_from} 至 {line.available_to} 内",
            field="drawable_to",
        )  # fmt: skip
    others = Book(
        contracts=tuple(one for one in book.contracts if one.number != contract.number),
        notes=book.notes, waiting=book.waiting,
    )  # fmt: skip
    committed = committed_of(line, others, on=on)
    if committed + contract.amount > line.amount:
        left = max(_NOTHING, line.amount - committed)
        raise Conflict(
            f"contract {contract.number} of {contract.amount} exceeds the {left} left of line {line.number}",
            zh=f"合同金额 {contract.amount:,} 超过授信 {line.number} 尚可签约的 {left:,}",
            field="amount",
            remedy="Lower the amount or raise the line.",
            remedy_zh="请降低合同金额或先调整授信额度。",
        )


def require_drawable(draft: DrawdownDraft, contract: LoanContract, line: CreditLine, book: Book, *, on: date) -> None:
    """Refuse a drawdown beyond what may be drawn, by amount or by day.

    `book` holds the notes drawn and the drawdowns that wait, without this one.

    Raises:
        Conflict: The amount exceeds what is available, or the period has not begun or is over.
        InvalidInput: The day lies behind, or the note matures later than the contract allows.
        NotApplicable: The line is in another currency than CNY.
    """
    _require_renminbi(line, field="contract_number")
    if draft.drawdown_date < on:
        raise InvalidInput(
            f"drawdown {draft.drawdown_date} lies before the business date {on}",
            zh=f"提款日不得早于业务日期 {on}", field="drawdown_date",
        )  # fmt: skip
    if draft.maturity_date > contract.matures_by:
        raise InvalidInput(
            f"the note matures {draft.maturity_date}, the contract allows {contract.matures_by} at the latest",
            zh=f"借据到期日不得晚于合同约定的 {contract.matures_by}", field="maturity_date",
        )  # fmt: skip
    spans = (
        (f"line {line.number}", f"授信 {line.number} 的可用期", line.available_from, line.available_to),
        (f"contract {contract.number}", f"合同 {contract.number} 的提款期", contract.drawable_from,
         contract.drawable_to),
    )  # fmt: skip
    for name, zh, start, end in spans:
        if not start <= draft.drawdown_date <= end:
            raise Conflict(
                f"{name} may be drawn from {start} to {end}, not on {draft.drawdown_date}",
                zh=f"{zh}为 {start} 至 {end}，{draft.drawdown_date} 不得提款",
                field="drawdown_date",
                remedy="Choose a day within, or have the line or contract changed first.",
                remedy_zh="请选择期内的日期，或先办理额度、合同变更。",
            )
    available = use_of_contract(contract, line, book, on=draft.drawdown_date).available
    if draft.amount_cny > available:
        raise Conflict(
            f"{draft.amount_cny} exceeds the {available} that may be drawn under {contract.number}",
            zh=f"提款金额 {draft.amount_cny:,} 元超过可提金额 {available:,} 元",
            field="amount_cny",
            remedy="Lower the amount, or wait for a repayment where the line revolves.",
            remedy_zh="请降低提款金额；循环额度可待还款后再提。",
        )


def _require_renminbi(line: CreditLine, *, field: str) -> None:
    """Refuse what would be drawn under a line in another currency: LPR, fen and day counts here are of renminbi."""
    if line.currency is not Currency.CNY:
        raise NotApplicable(
            f"line {line.number} is in {line.currency}; contracts and loan notes are kept in CNY alone",
            zh=f"授信 {line.number} 币种为 {line.currency}，合同与借据仅支持人民币", field=field,
            remedy="Sign and draw it in the bank's core system, or name a line in CNY; the line itself is listed here.",
            remedy_zh="请在核心系统签订合同并提款，或改用人民币授信；外币授信在本系统仅列示额度。",
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What lines come to in one currency: used and undrawn apart."""

    currency: Currency
    lines_count: int
    limit: Decimal
    used: Decimal
    outstanding: Decimal
    undrawn: Decimal
    available: Decimal
    waiting: Decimal


def totals_by_currency(uses: Iterable[tuple[CreditLine, Use]]) -> tuple[Totals, ...]:
    """Add uses up by currency; unlike currencies are never added."""
    groups: dict[Currency, list[Use]] = {}
    for line, use in uses:
        groups.setdefault(line.currency, []).append(use)

    def total(found: list[Use], name: str) -> Decimal:
        return sum((getattr(one, name) for one in found), start=_NOTHING)

    return tuple(
        Totals(
            currency=currency, lines_count=len(found), limit=total(found, "limit"), used=total(found, "used"),
            outstanding=total(found, "outstanding"), undrawn=total(found, "undrawn"),
            available=total(found, "available"), waiting=total(found, "waiting"),
        )
        for currency, found in sorted(groups.items())
    )  # fmt: skip

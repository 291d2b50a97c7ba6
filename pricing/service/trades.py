"""Trades that people and systems bring as FpML or CDM: read, labelled, written in the other shape; nothing is kept."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.rules.parameters import ParameterBook
from carbonfin.storage.rulebook import book_for
from pricing.calc.instruments.contracts import AllowanceOption, OtcForward
from pricing.calc.instruments.terms import LegalBasis, Notes, basis_notes
from pricing.calc.positions import LineKind
from pricing.calc.tradability import LEGAL_BASIS, law_notes
from pricing.feeds.trade_documents import ReadTrade, read_trade_document, write_cdm, write_fpml

_FAULTS_TOLD = 20


class TradeShape(StrEnum):
    """The shapes a trade is read from and written in."""

    CDM = "cdm"
    FPML = "fpml"


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeAnswer:
    """One trade of a document in our terms.

    Attributes:
        read: What the document says, with every fault by its path.
        contract: The contract with its legal basis, None where the document has a fault.
        basis: The papers that the document or the caller names.
        notes: 仅估值，不可成交 with its reason, of the trade's papers and of the law; both empty where it may be made.
        written: The contract in the shape asked for, None where none was or it cannot be written.
        unwritten: Why it cannot be written.
    """

    read: ReadTrade
    contract: OtcForward | AllowanceOption | None
    basis: LegalBasis
    notes: Notes
    written: str | None
    unwritten: Failure | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeDocument:
    """The trades of one document, in its order."""

    trades: tuple[TradeAnswer, ...]

    @property
    def faults(self) -> tuple[Failure, ...]:
        """Every fault of every trade: what could not be read, then what could not be written."""
        return tuple(
            fault
            for trade in self.trades
            for fault in (*trade.read.failures, *(() if trade.unwritten is None else (trade.unwritten,)))
        )

    def require_one(self) -> None:
        """Refuse a document of a single trade that has a fault.

        Raises:
            InvalidInput: It has; each path and what was expected there are named.
        """
        if len(self.trades) > 1 or not self.faults:
            return
        told = self.faults[:_FAULTS_TOLD]
        raise InvalidInput(
            f"the trade has {len(self.faults)} faults: " + "; ".join(fault.detail for fault in told),
            zh=f"该交易有 {len(self.faults)} 处问题：" + "；".join(fault.zh for fault in told),
            field="/content_base64",
            remedy=told[0].remedy,
            remedy_zh=told[0].remedy_zh,
            failed_count=len(self.faults),
        )


def read_trades(
    session: Session,
    actor: Actor,
    content: bytes,
    *,
    basis: LegalBasis,
    write_as: TradeShape | None,
    valid_on: date,
    known_at: datetime,
) -> TradeDocument:
    """Read the trades of an FpML or CDM document, say whether each may be made, and write each as asked.

    Args:
        session: An open session, for the organisation's rulebook.
        actor: Who asks.
        content: The document, UTF-8.
        basis: Papers that the document cannot name; they stand in where it is silent.
        write_as: The shape to write each whole trade in.
        valid_on: Day on which the law is read.
        known_at: What counts as known.

    Raises:
        InvalidInput: The document is of neither shape, not well-formed, or too large.
    """
    book = book_for(session, actor.organization_id, packages=("pricing",))
    return TradeDocument(
        trades=tuple(
            _answer(read, place, basis=basis, write_as=write_as, book=book, valid_on=valid_on, known_at=known_at)
            for place, read in enumerate(read_trade_document(content), start=1)
        )
    )


def _answer(
    read: ReadTrade,
    place: int,
    *,
    basis: LegalBasis,
    write_as: TradeShape | None,
    book: ParameterBook,
    valid_on: date,
    known_at: datetime,
) -> TradeAnswer:
    named = replace(basis, master_agreement=read.facts.master_agreement or basis.master_agreement)
    contract = read.contract
    if contract is not None:
        contract = replace(contract, terms=replace(contract.terms, basis=named))
    written, unwritten = _written(contract, write_as, f"trade {place}")
    return TradeAnswer(
        read=read,
        contract=contract,
        basis=named,
        notes=_notes(named, read.facts.unit, book=book, valid_on=valid_on, known_at=known_at),
        written=written,
        unwritten=unwritten,
    )


def _notes(basis: LegalBasis, unit: Unit | None, *, book: ParameterBook, valid_on: date, known_at: datetime) -> Notes:
    papers = basis_notes(basis, is_derivative=True)
    # An option ends in a forward: what bars the one bars the other.
    scope = "" if unit is None else f"{unit.scheme}.{LineKind.FORWARD}"
    law = law_notes(book.find(LEGAL_BASIS, valid_on=valid_on, known_at=known_at, scope=scope) if scope else None)
    return (*papers[0], *law[0]), (*papers[1], *law[1])


def _written(
    contract: OtcForward | AllowanceOption | None, write_as: TradeShape | None, item: str
) -> tuple[str | None, Failure | None]:
    if contract is None or write_as is None:
        return None, None
    try:
        return (write_cdm if write_as is TradeShape.CDM else write_fpml)(contract), None
    except CarbonFinError as error:
        return None, Failure.of(item, error)

"""Loan contracts drawn from term sheets: begun with what was offered, and held to it."""

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import InvalidInput
from loans.calc.facilities import LoanContract
from loans.calc.term_contracts import first_entries, require_as_offered
from loans.service.term_sheets import inputs_of, load_term_sheet


def require_drawn_as_offered(session: Session, actor: Actor, contract: LoanContract, *, party_id: str) -> None:
    """Refuse a contract that says otherwise than the term sheet it names.

    Raises:
        NotFound: The bank has no such term sheet or version.
        InvalidInput: It was drafted for another borrower, or a term differs; the message names it with both values.
    """
    if contract.term_sheet_number is None:
        return
    stored = load_term_sheet(session, actor, contract.term_sheet_number, version=contract.term_sheet_version)
    if stored.entry.party_id != party_id:
        raise InvalidInput(
            f"term sheet {contract.term_sheet_number} was drafted for {stored.sheet.borrower}",
            zh=f"条款清单 {contract.term_sheet_number} 的借款人为 {stored.sheet.borrower}", field="term_sheet_number",
            remedy="Name a term sheet of this borrower.", remedy_zh="请填写该借款人的条款清单。",
        )  # fmt: skip
    require_as_offered(contract, inputs_of(session, actor, stored.entry.decision_id))


def contract_entries(session: Session, actor: Actor, number: str) -> dict[str, str]:
    """Give the entries of a contract's form that the latest version of a term sheet fills in.

    Raises:
        NotFound: The bank has no such term sheet.
    """
    return first_entries(inputs_of(session, actor, load_term_sheet(session, actor, number).entry.decision_id))

"""To whom a letter of an agreement goes: the party as the bank knows it, at the address for notices as agreed."""

from datetime import date

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.storage.parties import load_party
from collateral import workbooks
from collateral.store import margin


def addressee_of(
    session: Session, actor: Actor, party_id: str, *, notice_address: str | None
) -> workbooks.Addressee:  # fmt: skip
    """Give a party as a letter addresses it."""
    party = load_party(session, actor, party_id)
    return workbooks.Addressee(name=party.name, code=party.code, district=party.district, address=notice_address)


def addressee_on(
    session: Session, actor: Actor, party_id: str, *, agreement_code: str, on: date
) -> workbooks.Addressee:  # fmt: skip
    """Give a party of an agreement with the address that was agreed by a day, so that the letter stays as it was."""
    record = margin.terms_in_force(session, actor, agreement_code, on=on)
    agreed = None if record is None else record.terms.notice_address
    return addressee_of(session, actor, party_id, notice_address=agreed)

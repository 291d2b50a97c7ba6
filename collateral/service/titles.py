"""Title passes between accounts: at the start and end of a repo, and where units are exchanged on the way."""

from dataclasses import replace

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.storage.parties import Standing
from collateral.calc.agreements import UnitQuantity
from collateral.calc.ledger import Bucket, Entry, Posting
from collateral.calc.repo import RepoTerms
from collateral.calc.repo_events import substitution_entry
from collateral.service.hold_steps import journal
from collateral.service.ledger import open_account
from collateral.store import ledger as store


def transfer_title(
    session: Session,
    actor: Actor,
    *,
    agreement_code: str,
    from_party_id: str,
    to_party_id: str,
    units: UnitQuantity,
    standing: Standing,
    cause: str,
) -> None:
    """Move free units from one party's account to another's: title passes, as in a repo.

    Raises:
        Conflict: Too little is free.
    """
    unit, quantity_t = units.unit, units.quantity_t
    source_id = open_account(session, actor, from_party_id, unit.scheme, standing=standing)
    target_id = open_account(session, actor, to_party_id, unit.scheme, standing=standing)
    store.ensure_position(session, actor, account_id=target_id, unit=unit)
    store.move_position(session, actor, account_id=source_id, unit=unit, total_t=-quantity_t)
    store.move_position(session, actor, account_id=target_id, unit=unit, total_t=quantity_t)
    entry = Entry(
        postings=(
            Posting(account_id=source_id, unit=unit, bucket=Bucket.FREE, quantity_t=-quantity_t),
            Posting(account_id=target_id, unit=unit, bucket=Bucket.FREE, quantity_t=quantity_t),
        )
    )
    journal(session, actor, entry, kind="transfer", agreement_code=agreement_code, standing=standing, cause=cause)


def substitute_title(
    session: Session, actor: Actor, before: RepoTerms, after: RepoTerms, *, seller_id: str, buyer_id: str,
    standing: Standing, cause: str,
) -> None:  # fmt: skip
    """Pass title to a repo's new units and back to its old ones as one entry, the new before the old.

    Raises:
        Conflict: The seller has too few of the new units free, or the buyer of the old.
    """
    schemes = (before.unit.scheme, after.unit.scheme)
    seller, buyer = (
        {scheme: open_account(session, actor, party_id, scheme, standing=standing) for scheme in dict.fromkeys(schemes)}
        for party_id in (seller_id, buyer_id)
    )
    entry = substitution_entry(
        before, after, seller_account_id=seller[after.unit.scheme], buyer_account_id=buyer[after.unit.scheme]
    )
    if schemes[0] is not schemes[1]:
        entry = Entry(
            postings=tuple(
                one
                if one.unit == after.unit
                else replace(one, account_id=(seller if one.quantity_t > 0 else buyer)[before.unit.scheme])
                for one in entry.postings
            )
        )
    for one in entry.postings:
        store.ensure_position(session, actor, account_id=one.account_id, unit=one.unit)
        store.move_position(session, actor, account_id=one.account_id, unit=one.unit, total_t=one.quantity_t)
    journal(session, actor, entry, kind="transfer", agreement_code=after.code, standing=standing, cause=cause)

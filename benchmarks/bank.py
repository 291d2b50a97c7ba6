"""A bank for a benchmark, with its system as the actor."""

from datetime import date

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.storage.parties import OrganizationDraft, save_organization


def make_bank(session: Session, name: str) -> Actor:
    """Save a bank and give its system as the actor."""
    bank = save_organization(
        session,
        OrganizationDraft(
            kind=OrganizationKind.BANK, name=name, usci=None, business_date=date(2025, 6, 30), is_sample=True
        ),
    )
    return Actor(
        id="bench", name="bench", role=Role.SYSTEM, organization_id=bank.id, organization_kind=bank.kind, is_sample=True
    )

"""People known by their organisation's own identity provider: found by issuer and subject, linked once."""

import secrets

from sqlmodel import Session, select

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties.organizations import actor_from, hash_password
from carbonfin.storage.parties.rows import OrganizationRow, UserRow
from carbonfin.storage.parties.security import note_security_event


def person_of_subject(
    sessions: Sessions, *, organization_usci: str, issuer: str, subject: str, login: str | None, clock: Clock
) -> Actor | None:
    """Give the person a provider vouches for, or nothing; the provider speaks for its own organisation alone.

    A person who is not linked yet is linked at the first sign-in, by the login the provider states, if the account is
    of the provider's organisation. From then on only the subject counts, and the account's password no longer works.

    Args:
        sessions: The database.
        organization_usci: The organisation whose provider it is.
        issuer: The provider's issuer identifier.
        subject: The person at the provider; it never changes and is never given to another.
        login: The account's login as the provider states it; None links nobody.
        clock: When.
    """
    with sessions.begin() as session:
        organization = session.exec(
            select(OrganizationRow).where(OrganizationRow.usci == organization_usci)
        ).one_or_none()
        if organization is None:
            return None
        row = session.exec(
            select(UserRow).where(UserRow.oidc_issuer == issuer, UserRow.oidc_subject == subject).with_for_update()
        ).one_or_none()
        if row is None and login is not None:
            row = _linked(session, organization, issuer=issuer, subject=subject, login=login, clock=clock)
        if row is None or row.organization_id != organization.id or not row.is_active:
            return None
        return actor_from(row, organization)


def _linked(
    session: Session, organization: OrganizationRow, *, issuer: str, subject: str, login: str, clock: Clock
) -> UserRow | None:
    row = session.exec(
        select(UserRow).where(UserRow.organization_id == organization.id, UserRow.login == login).with_for_update()
    ).one_or_none()
    if row is None or row.oidc_subject is not None or not row.is_active:
        return None
    row.oidc_issuer = issuer
    row.oidc_subject = subject
    row.password_hash = hash_password(secrets.token_urlsafe(48))  # a password nobody knows: one way in, not two
    row.must_change_password = False
    row.version += 1
    session.add(row)
    note_security_event(
        session,
        organization_id=organization.id,
        kind="single_sign_on_linked",
        subject=f"person:{row.id}",
        actor=None,
        at=clock.now(),
        detail=issuer,
    )
    return row

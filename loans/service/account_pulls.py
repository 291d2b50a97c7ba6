"""Lines of carbon accounts asked of providers: consent and purpose first, then the answer, then what was taken.

Three steps, so that no transaction waits for a provider: what is to be asked, the asking itself, and keeping what came.
Consent is looked at before the first and within the last; nothing leaves for an enterprise that gave none.
"""

from datetime import datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.storage.parties import Standing, load_party
from loans.calc.account_pulls import AccountPull, DataProvider, PullRequest
from loans.calc.consents import ConsentPurpose
from loans.feeds.providers.lines import read_provider_lines
from loans.feeds.providers.port import FetchedLines
from loans.service.account_entries import keep_entry_file, require_consent
from loans.store import account_pulls as store


def plan_pull(
    session: Session,
    actor: Actor,
    party_id: str,
    *,
    provider: DataProvider,
    purpose: ConsentPurpose,
    from_year: int,
    to_year: int,
    standing: Standing,
) -> PullRequest:
    """Give what a provider is to be asked, with the document of the consent that allows it.

    Raises:
        NotFound: The bank knows no such enterprise.
        NotApplicable: The enterprise's consent for the purpose is not in force.
        InvalidInput: The years are out of order or too many.
    """
    party = load_party(session, actor, party_id)
    consent = require_consent(
        session, actor, party, on=standing.business_date, known_at=standing.known_at, purpose=purpose
    )
    return PullRequest(
        provider=provider, usci=party.code, from_year=from_year, to_year=to_year, purpose=purpose,
        consent=consent.evidence,
    )  # fmt: skip


def keep_pull(
    session: Session, actor: Actor, party_id: str, request: PullRequest, fetched: FetchedLines, *, standing: Standing
) -> AccountPull:
    """Keep the good lines a provider gave, name the bad, and write down the pull.

    Raises:
        NotApplicable: The enterprise withdrew its consent meanwhile: what came is not used.
        UpstreamFailed: The answer is no list of lines.
    """
    party = load_party(session, actor, party_id)
    known_at = standing.known_at
    require_consent(
        session, actor, party, on=standing.business_date, known_at=known_at, purpose=request.purpose
    )  # fmt: skip
    report = keep_entry_file(
        session, actor, read_provider_lines(fetched, request), purpose=request.purpose, on=standing.business_date,
        known_at=known_at, preview=False,
    )  # fmt: skip
    pull = AccountPull(
        number=len(store.pulls_of(session, actor, party_id, known_at=known_at)) + 1,
        request=request,
        address=fetched.address,
        digest=fetched.digest,
        attempt_count=fetched.attempt_count,
        row_count=report.row_count,
        added_count=report.added_count,
        corrected_count=report.corrected_count,
        unchanged_count=report.unchanged_count,
        failures=report.failures,
        pulled_by=actor.id,
        pulled_at=known_at,
    )
    store.add_pull(session, actor, party_id, pull)
    return pull


def pulls_of(session: Session, actor: Actor, party_id: str, *, known_at: datetime) -> tuple[AccountPull, ...]:
    """Give what was asked of providers for an enterprise, the latest first.

    Raises:
        NotFound: The bank knows no such enterprise.
    """
    load_party(session, actor, party_id)
    return store.pulls_of(session, actor, party_id, known_at=known_at)

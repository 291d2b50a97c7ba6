"""The room of carbon accounts and ratings in the sample world: lines of three years, peers, two ratings each.

The files it brings are uploaded as a bank would upload them. What an earlier run has left stays as it is.
"""

from datetime import date
from importlib import resources

import msgspec
from sqlmodel import Session

from carbonfin.app.demo.world import SampleEnterprise
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.parties import Party, PartyKind
from carbonfin.storage.engine import Sessions
from carbonfin.storage.learned_types import learned
from carbonfin.storage.parties import PartyDraft, Standing, parties_of, save_party, standing_of
from loans import service
from loans.calc.consents import Consent, ConsentPurpose, ConsentState
from loans.calc.ratings.objections import ObjectionDraft

_FOLDER = "carbonfin.app.demo"
_LINES = "sample_account_lines.csv"
_PEERS = "sample_peers.csv"


class SampleObjection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An objection that waits for its answer."""

    enterprise: str
    ground: str
    received_on: date
    evidence: str


class SampleRatings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is rated for which years, and among whom."""

    years: tuple[int, ...]
    consent: str
    consent_given_on: date
    benchmark: str
    benchmark_released_on: date
    benchmark_source: str
    objection: SampleObjection
    enterprise: tuple[SampleEnterprise, ...]


def sample_ratings() -> SampleRatings:
    """Read the sample that ships with the package."""
    return msgspec.toml.decode(_content("sample_ratings.toml"), type=learned(SampleRatings))


def fill_rating_room(sessions: Sessions, maker: Actor, borrower: Party, *, clock: Clock) -> None:
    """Enter accounts with their consents, freeze the peers, rate every enterprise for each year, file an objection.

    Args:
        sessions: The sample database.
        maker: The officer of the sample bank.
        borrower: The enterprise of the 降碳贷, whose lines stand among the others'.
        clock: What the bank's standing is read by.
    """
    sample = sample_ratings()
    with sessions.within(maker).begin() as session:
        standing = standing_of(session, maker.organization_id, clock)
        parties = _parties(session, sample, maker)
        rated = [borrower, *parties.values()]
        for party in rated:
            _consent(session, sample, maker, party, standing)
        report = service.import_entry_file(
            session, maker, content=_content(_LINES), file_name=_LINES, on=standing.business_date,
            known_at=standing.known_at, preview=False,
        )  # fmt: skip
        assert not report.failures, report.failures
        service.freeze_benchmark_file(
            session, maker, content=_content(_PEERS), file_name=_PEERS, benchmark_id=sample.benchmark,
            released_on=sample.benchmark_released_on, source=sample.benchmark_source, standing=standing,
        )  # fmt: skip
        for party in rated:
            _rate(session, sample, maker, party, standing)
        _object(session, sample.objection, maker, parties[sample.objection.enterprise], standing)


def _content(name: str) -> bytes:
    return resources.files(_FOLDER).joinpath(name).read_bytes()


def _parties(session: Session, sample: SampleRatings, actor: Actor) -> dict[str, Party]:
    known = {party.code: party for party in parties_of(session, actor)}
    return {
        one.code: known.get(one.usci)
        or save_party(
            session,
            actor,
            PartyDraft(
                kind=PartyKind.ENTERPRISE, name=one.name, usci=one.usci, lei=None, industry=one.industry,
                district=one.district, scheme=one.scheme, key_emitter=one.key_emitter, is_sample=True,
            ),
        )
        for one in sample.enterprise
    }  # fmt: skip


def _consent(session: Session, sample: SampleRatings, actor: Actor, party: Party, standing: Standing) -> None:
    if service.consents_of(session, actor, party.id, known_at=standing.known_at):
        return
    given = Consent(
        purpose=ConsentPurpose.RATING, state=ConsentState.GIVEN, given_on=sample.consent_given_on, valid_to=None,
        evidence=sample.consent,
    )  # fmt: skip
    service.record_consent(session, actor, party.id, given, on=standing.business_date, known_at=standing.known_at)


def _rate(session: Session, sample: SampleRatings, actor: Actor, party: Party, standing: Standing) -> None:
    if service.scorecard_ratings_of(session, actor, party.id):
        return
    for year in sample.years:
        service.rate_by_scorecard(session, actor, party, year=year, standing=standing)


def _object(session: Session, objection: SampleObjection, actor: Actor, party: Party, standing: Standing) -> None:
    if service.objections_of(session, actor, party.id):
        return
    draft = ObjectionDraft(
        ground=objection.ground, received_on=objection.received_on, evidence=objection.evidence
    )  # fmt: skip
    service.file_objection(session, actor, party, draft, standing=standing)

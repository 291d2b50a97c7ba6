"""The collateral desk: every pledge by its distance to the line, calls, unknown freezes, repos and deadlines ahead."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.storage.keyset import Place, Slice
from carbonfin.storage.parties import Standing, parties_of
from collateral.calc.agreements import (
    CoverageRecord,
    Exposure,
    HeadroomRecord,
    MarginCall,
    Pledge,
    Repo,
    RepoExposureRecord,
)
from collateral.calc.coverage_rules import CoverageLevel
from collateral.calc.pledge import IN_FORCE
from collateral.service import calls, headroom, pledges, repos, valuations
from collateral.service.repo_run import NetMargin, net_margins, net_of_exposure

UNKNOWN_STATES = headroom.UNCERTAIN_STATES
_NAMED_MOST = 500
"""Up to so many pledges are asked for by name; beyond, the whole bank is."""
_ENDED = frozenset({"RELEASED", "REJECTED", "CANCELLED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskPledge:
    """One pledge on the desk."""

    pledge: Pledge
    pledgor_name: str
    exposure: Exposure | None
    coverage: CoverageRecord | None
    call: MarginCall | None

    @property
    def needs_action(self) -> bool:
        """Whether somebody must act: a freeze unknown, a call open, or coverage below the warning line."""
        breached = self.coverage is not None and self.coverage.level in {CoverageLevel.WARNING, CoverageLevel.DISPOSAL}
        return self.pledge.state in UNKNOWN_STATES or self.call is not None or breached


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskRepo:
    """One repo on the desk; `net` where its exposure is netted with the counterparty's others on its day."""

    repo: Repo
    seller_name: str
    buyer_name: str
    exposure: RepoExposureRecord | None
    call: MarginCall | None
    net: NetMargin | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskHeadroom:
    """One emitter's headroom on the desk."""

    party_name: str
    record: HeadroomRecord
    days_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything the desk must see on a business date.

    Attributes:
        loans_outstanding_cny: Principal behind pledges in force, 元.
        pledged_t: Tonnes under pledges in force, by scheme.
        repo_t: Tonnes whose title has passed under repos.
    """

    business_date: date
    pledges: tuple[DeskPledge, ...]
    repos: tuple[DeskRepo, ...]
    headrooms: tuple[DeskHeadroom, ...]
    loans_outstanding_cny: Decimal
    pledged_t: tuple[tuple[str, int], ...]
    repo_t: int

    @property
    def unknown(self) -> tuple[DeskPledge, ...]:
        """Pledges whose freeze or unfreeze is unknown."""
        return tuple(one for one in self.pledges if one.pledge.state in UNKNOWN_STATES)

    @property
    def called(self) -> tuple[DeskPledge, ...]:
        """Pledges with an open call."""
        return tuple(one for one in self.pledges if one.call is not None)

    @property
    def called_repos(self) -> tuple[DeskRepo, ...]:
        """Repos with an open call."""
        return tuple(one for one in self.repos if one.call is not None)


def collateral_desk(session: Session, actor: Actor, *, standing: Standing) -> Desk:
    """Load the desk: running pledges nearest to the line first, then those on their way, then those ended."""
    names = {party.id: party.name for party in parties_of(session, actor)}
    open_calls = {call.agreement_code: call for call in calls.live_calls(session, actor)}
    lines = _lines(
        session, actor, pledges.pledges_of(session, actor), names=names, open_calls=open_calls, standing=standing
    )
    running = [line for line in lines if line.pledge.state in IN_FORCE]
    return Desk(
        business_date=standing.business_date,
        pledges=tuple(sorted(lines, key=_nearest_first)),
        repos=_repos(session, actor, names, open_calls, standing),
        headrooms=_headrooms(session, actor, names, standing),
        loans_outstanding_cny=sum(
            (line.exposure.principal_cny for line in running if line.exposure is not None), Decimal("0.00")
        ),
        pledged_t=_by_scheme(running),
        repo_t=sum(repo.terms.quantity_t for repo in repos.repos_of(session, actor) if repo.state not in _REPO_ENDED),
    )


def desk_page(session: Session, actor: Actor, place: Place, *, standing: Standing) -> Slice[DeskPledge]:
    """Give a page of pledges by code as the desk sees them."""
    found = pledges.pledge_page(session, actor, place)
    names = {party.id: party.name for party in parties_of(session, actor)}
    open_calls = {call.agreement_code: call for call in calls.live_calls(session, actor)}
    lines = _lines(session, actor, found.items, names=names, open_calls=open_calls, standing=standing)
    return Slice(items=tuple(lines), last=found.last)


def _lines(
    session: Session,
    actor: Actor,
    found: Collection[Pledge],
    *,
    names: dict[str, str],
    open_calls: dict[str, MarginCall],
    standing: Standing,
) -> list[DeskPledge]:
    asked = {pledge.id for pledge in found} if len(found) <= _NAMED_MOST else None
    coverages = valuations.latest_coverages(session, actor, standing=standing, pledge_ids=asked)
    exposures = valuations.latest_exposures(session, actor, standing=standing, pledge_ids=asked)
    return [
        DeskPledge(
            pledge=pledge,
            pledgor_name=names[pledge.pledgor_id],
            exposure=exposures.get(pledge.code),
            coverage=coverages.get(pledge.id),
            call=open_calls.get(pledge.code),
        )
        for pledge in found
    ]


_REPO_ENDED = frozenset({"AGREED", "CLOSED", "ROLLED", "CLOSED_OUT", "START_FAILED"})


def _nearest_first(line: DeskPledge) -> tuple[int, Decimal, str]:
    """Order by urgency, then by distance to the warning line, then by code."""
    if line.pledge.state in _ENDED:
        return 3, Decimal(0), line.pledge.code
    distance = line.coverage.distance_ratio if line.coverage is not None else None
    if line.pledge.state in IN_FORCE and distance is not None:
        return 0, distance, line.pledge.code
    return (1 if line.pledge.state in UNKNOWN_STATES else 2), Decimal(0), line.pledge.code


def _by_scheme(running: list[DeskPledge]) -> tuple[tuple[str, int], ...]:
    totals: dict[str, int] = {}
    for line in running:
        for one in line.pledge.units:
            totals[str(one.unit.scheme)] = totals.get(str(one.unit.scheme), 0) + one.quantity_t
    return tuple(sorted(totals.items()))


def _repos(
    session: Session, actor: Actor, names: dict[str, str], open_calls: dict[str, MarginCall], standing: Standing
) -> tuple[DeskRepo, ...]:
    found, nets = [], net_margins(session, actor)
    for repo in repos.repos_of(session, actor):
        exposure = repos.latest_repo_exposure(session, actor, repo.id, standing=standing)
        found.append(
            DeskRepo(
                repo=repo, seller_name=names[repo.seller_id], buyer_name=names[repo.buyer_id], exposure=exposure,
                call=open_calls.get(repo.terms.code), net=net_of_exposure(nets, repo, exposure),
            )
        )  # fmt: skip
    return tuple(found)


def _headrooms(session: Session, actor: Actor, names: dict[str, str], standing: Standing) -> tuple[DeskHeadroom, ...]:
    found = [
        DeskHeadroom(
            party_name=names[record.party_id],
            record=record,
            days_left=(record.surrender_date - standing.business_date).days,
        )
        for record in headroom.latest_headrooms(session, actor, standing=standing)
    ]
    return tuple(sorted(found, key=lambda one: (one.days_left, one.record.headroom_t)))

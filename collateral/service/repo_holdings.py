"""What the bank holds under repos in which it deals for itself: collateral beside its pledges."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from collateral.calc.agreements import Repo
from collateral.store import repos as store

HOLDING = frozenset({
    "OPEN", "MARGIN_PENDING", "SUBSTITUTING", "REPRICING", "EARLY_TERM_NOTICED", "END_SETTLING", "END_FAILED",
    "DEFAULTED",
})  # fmt: skip
"""States in which the first leg is settled and the units have not gone back or been sold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepoHolding:
    """Units held under a repo, margin in units among them, and who sold them."""

    repo_id: str
    code: str
    seller_id: str
    unit: Unit
    quantity_t: int


def repo_holdings(session: Session, actor: Actor) -> tuple[RepoHolding, ...]:
    """Give what the bank holds under its own repos; where it arranges or keeps, the units are another's security."""
    return tuple(
        RepoHolding(
            repo_id=one.id, code=one.terms.code, seller_id=one.seller_id, unit=one.terms.unit,
            quantity_t=one.terms.quantity_t + one.margin_units_t,
        )
        for one in held_repos(store.repos_of(session, actor, states=HOLDING))
    )  # fmt: skip


def held_repos(repos: Iterable[Repo]) -> Iterator[Repo]:
    """Give the repos under which the bank itself holds units."""
    return (one for one in repos if one.state in HOLDING and one.is_own)

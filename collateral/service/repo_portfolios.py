"""Reconciliation of the repos with one counterparty: its list against ours, kept as a decision of the day."""

from dataclasses import dataclass

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.cryptography import sha256_hex
from carbonfin.storage.decisions import record_decision
from carbonfin.storage.parties import Standing, load_party
from collateral.calc.agreements import Repo
from collateral.calc.repo_events import rate_on
from collateral.calc.repo_portfolio import REPO_PORTFOLIO, ListedRepo, PortfolioInputs, PortfolioOutcome
from collateral.feeds.portfolio_files import read_portfolio_file
from collateral.store import repos as store

_OVER = frozenset({"CLOSED", "CLOSED_OUT", "ROLLED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioReport:
    """What a reconciliation found; where rows could not be read, nothing was compared and nothing is kept."""

    counterparty: str
    file_name: str
    row_count: int
    failures: tuple[Failure, ...]
    decision_id: str | None
    outcome: PortfolioOutcome | None


def reconcile_portfolio(
    session: Session, actor: Actor, party_id: str, *, content: bytes, file_name: str, standing: Standing
) -> PortfolioReport:
    """Compare a counterparty's list with the repos that stand between it and others in this bank's books.

    Raises:
        NotFound: The party is not known.
        InvalidInput: The file as a whole cannot be read.
    """
    party = load_party(session, actor, party_id)
    file = read_portfolio_file(content, file_name=file_name)
    if file.failures:
        return PortfolioReport(
            counterparty=party.name, file_name=file_name, row_count=file.row_count, failures=file.failures,
            decision_id=None, outcome=None,
        )  # fmt: skip
    ours = tuple(
        _listed(repo, standing)
        for repo in store.repos_of(session, actor)
        if party.id in {repo.seller_id, repo.buyer_id} and repo.state not in _OVER
    )
    recorded = record_decision(
        session, actor, REPO_PORTFOLIO,
        PortfolioInputs(
            counterparty=party.name, on=standing.business_date, file_name=file_name, file_digest=sha256_hex(content),
            ours=ours, theirs=file.repos,
        ),
        subject=f"party:{party.id}", valid_on=standing.business_date, known_at=standing.known_at,
    )  # fmt: skip
    return PortfolioReport(
        counterparty=party.name, file_name=file_name, row_count=file.row_count, failures=(),
        decision_id=recorded.decision_id, outcome=recorded.outcome,
    )  # fmt: skip


def _listed(repo: Repo, standing: Standing) -> ListedRepo:
    terms = repo.terms
    day = max(standing.business_date, terms.purchase_date)
    return ListedRepo(
        code=terms.code, unit=str(terms.unit), quantity_t=terms.quantity_t, purchase_date=terms.purchase_date,
        repurchase_date=terms.repurchase_date, currency=str(terms.currency),
        purchase_price_amount=terms.purchase_price_amount, rate=rate_on(terms, day),
        margin_cash_amount=repo.margin_cash_amount,
    )  # fmt: skip

"""Repos and headroom as the API shows them."""

from msgspec import Struct

from collateral.calc.headroom import HeadroomOutcome
from collateral.calc.repo import RepoExposureOutcome
from collateral.service import Repo


class RepoOut(Struct, frozen=True, kw_only=True):
    """A repo with its exposure as of the business date."""

    repo_id: str
    code: str
    state: str
    seller_id: str
    buyer_id: str
    bank_role: str
    unit: str
    quantity_t: int
    purchase_date: str
    repurchase_date: str
    currency: str
    purchase_price_amount: str
    repurchase_price_amount: str
    rate: str
    haircut_ratio: str
    method: str
    accrued_value_amount: str
    accrued_value_cny: str
    market_value_cny: str
    exposure_a_cny: str
    exposure_b_cny: str
    exposure_cny: str
    margin_call_amount: str
    margin_call_units_t: int
    flags: list[str]

    @classmethod
    def of(cls, repo: Repo, exposure: RepoExposureOutcome) -> "RepoOut":
        """Copy the domain values."""
        terms = repo.terms
        return cls(
            repo_id=repo.id,
            code=terms.code,
            state=repo.state,
            seller_id=repo.seller_id,
            buyer_id=repo.buyer_id,
            bank_role=repo.bank_role,
            unit=str(terms.unit),
            quantity_t=terms.quantity_t,
            purchase_date=terms.purchase_date.isoformat(),
            repurchase_date=terms.repurchase_date.isoformat(),
            currency=str(terms.currency),
            purchase_price_amount=str(terms.purchase_price_amount),
            repurchase_price_amount=str(exposure.repurchase_price_amount),
            rate=str(terms.rate),
            haircut_ratio=str(exposure.haircut_ratio),
            method=str(terms.method),
            accrued_value_amount=str(exposure.accrued_value_amount),
            accrued_value_cny=str(exposure.accrued_value_cny),
            market_value_cny=str(exposure.market_value_cny),
            exposure_a_cny=str(exposure.exposure_a_cny),
            exposure_b_cny=str(exposure.exposure_b_cny),
            exposure_cny=str(exposure.exposure_cny),
            margin_call_amount=str(exposure.margin_call_amount),
            margin_call_units_t=exposure.margin_call_units_t,
            flags=list(repo.flags),
        )


class HeadroomOut(Struct, frozen=True, kw_only=True):
    """Headroom of one scheme still to be surrendered, with its parts in tonnes."""

    surrender_date: str
    days_to_surrender: int
    holdings_t: int
    true_up_counted_t: int
    locked_past_deadline_t: int
    emissions_t: int
    buffer_t: int
    headroom_t: int
    unconfirmed: list[str]

    @classmethod
    def of(cls, outcome: HeadroomOutcome) -> "HeadroomOut":
        """Copy the domain value."""
        return cls(
            surrender_date=outcome.surrender_date.isoformat(),
            days_to_surrender=outcome.days_to_surrender,
            holdings_t=outcome.holdings_t,
            true_up_counted_t=outcome.true_up_counted_t,
            locked_past_deadline_t=outcome.locked_past_deadline_t,
            emissions_t=outcome.emissions_t,
            buffer_t=outcome.buffer_t,
            headroom_t=outcome.headroom_t,
            unconfirmed=list(outcome.unconfirmed),
        )


class HeadroomListOut(Struct, frozen=True, kw_only=True):
    """Headroom of an emitter, by scheme."""

    party_id: str
    business_date: str
    headrooms: list[HeadroomOut]

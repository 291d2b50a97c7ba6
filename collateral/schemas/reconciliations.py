"""Reconciliations with the registry as the API shows them."""

from msgspec import Struct

from collateral.calc.reconciliation import NAMES, REMEDIES, Difference
from collateral.service import Reconciliation


class DifferenceOut(Struct, frozen=True, kw_only=True):
    """One difference between ledger and registry; tonnes on both sides, and the serial range where it is about one."""

    kind: str
    title: str
    title_zh: str
    account_id: str
    unit: str
    agreement_code: str
    ledger_t: int
    asked_t: int
    registry_t: int
    serials: str | None
    since: str
    age_days: int
    remedy: str
    remedy_zh: str

    @classmethod
    def of(cls, one: Difference) -> "DifferenceOut":
        """Show a difference with what to do about it."""
        title_zh, title = NAMES[one.kind]
        remedy_zh, remedy = REMEDIES[one.kind]
        return cls(
            kind=one.kind,
            title=title,
            title_zh=title_zh,
            account_id=one.account_id,
            unit=one.unit,
            agreement_code=one.agreement_code,
            ledger_t=one.ledger_t,
            asked_t=one.asked_t,
            registry_t=one.registry_t,
            serials=one.serials,
            since=one.since.isoformat(),
            age_days=one.age_days,
            remedy=remedy,
            remedy_zh=remedy_zh,
        )


class ReconciliationOut(Struct, frozen=True, kw_only=True):
    """The reconciliation of a business date; its decision has the figures of both sides."""

    business_date: str
    decision_id: str
    compared_count: int
    breach_count: int
    differences: list[DifferenceOut]

    @classmethod
    def of(cls, found: Reconciliation) -> "ReconciliationOut":
        """Show a reconciliation."""
        return cls(
            business_date=found.outcome.business_date.isoformat(),
            decision_id=found.decision_id,
            compared_count=found.outcome.compared_count,
            breach_count=found.outcome.breach_count,
            differences=[DifferenceOut.of(one) for one in found.outcome.differences],
        )


class ReconciliationListOut(Struct, frozen=True, kw_only=True):
    """Reconciliations, the newest business date first."""

    reconciliations: list[ReconciliationOut]

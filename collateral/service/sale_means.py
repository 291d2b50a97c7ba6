"""The means of an enforcement: weighed with the day's bands, put before another person, and asked of every sale."""

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import Conflict
from carbonfin.storage.approvals import Agreed
from carbonfin.storage.decisions import Recorded, record_decision
from carbonfin.storage.parties import Standing
from collateral.calc.agreements import Pledge
from collateral.calc.enforcement import METHOD_NAMES, SaleMethod
from collateral.calc.pledge import PLEDGE
from collateral.calc.sale_means import SALE_MEANS, MeansInputs, MeansOutcome, UnitForSale, weigh_means
from collateral.service.valuations import required_exposure
from collateral.service.view import DeskView, desk_view, price_used
from collateral.store import enforcements as store
from collateral.store import pledges as pledge_store
from collateral.store.enforcements import Enforcement, EnforcementStep

SALE_BAND = "collateral.sale_band_ratio"
MEANS_STEP = "means"


def preview_means(
    session: Session, actor: Actor, pledge_id: str, method: SaleMethod, *, standing: Standing
) -> MeansOutcome:
    """Give the bands of the day by one means; nothing is kept.

    Raises:
        Conflict: The pledge is not being enforced.
        MissingData: A price, the band or what is owed is not known.
    """
    pledge = pledge_store.load_pledge(session, actor, pledge_id)
    PLEDGE.after(pledge.state, "sale settled")
    return weigh_means(_inputs(session, actor, pledge, method, desk_view(session, standing)))


def choose_means(
    session: Session, checker: Actor, pledge: Pledge, payload: Mapping[str, Any], *, standing: Standing, agreed: Agreed
) -> Recorded[MeansOutcome]:
    """Choose the means that another person proposed, with the bands of this day."""
    PLEDGE.after(pledge.state, "sale settled")
    enforcement = store.enforcement_of(session, checker, pledge.id, lock=True)
    method = SaleMethod(payload["method"])
    view = desk_view(session, standing)
    recorded = record_decision(
        session, checker, SALE_MEANS, _inputs(session, checker, pledge, method, view),
        subject=f"pledge:{pledge.code}", valid_on=view.day, known_at=standing.known_at,
    )  # fmt: skip
    store.add_step(
        session, checker, enforcement, MEANS_STEP, standing=standing, cause=f"{payload['ground']}；{agreed.reason}",
        evidence_digest=payload["evidence_digest"], decision_id=recorded.decision_id,
        details={
            "method": method.value,
            "bands": [
                [str(one.unit), one.quantity_t, str(one.reference_cny_per_t), str(one.floor_cny_per_t),
                 str(one.cap_cny_per_t), str(one.floor_proceeds_cny), str(one.cap_proceeds_cny)]
                for one in recorded.outcome.bands
            ],
        },
    )  # fmt: skip
    return recorded


def chosen_means(steps: tuple[EnforcementStep, ...]) -> EnforcementStep | None:
    """Give the last choice of means among the steps of an enforcement; None where none was made."""
    return next((one for one in reversed(steps) if one.kind == MEANS_STEP), None)


def require_means(session: Session, actor: Actor, enforcement: Enforcement, method: SaleMethod) -> None:
    """Hold that a sale goes by the means that two people chose.

    Raises:
        Conflict: None was chosen, or another.
    """
    chosen = chosen_means(store.steps_of(session, actor, enforcement.id))
    if chosen is not None and chosen.details["method"] == method:
        return
    zh, en = METHOD_NAMES[method]
    raise Conflict(
        f"{en} is not the means chosen for this enforcement",
        zh=f"尚未审批以{zh}处置",
        field="method",
        remedy="Propose the means; another person approves it.",
        remedy_zh="请先提请处置方式，由另一人复核。",
    )


def _inputs(session: Session, actor: Actor, pledge: Pledge, method: SaleMethod, view: DeskView) -> MeansInputs:
    owed = required_exposure(session, actor, pledge, view.day)
    return MeansInputs(
        agreement_code=pledge.code,
        valuation_date=view.day,
        method=method,
        units=tuple(
            UnitForSale(
                unit=one.unit,
                quantity_t=one.quantity_t,
                reference=price_used(view, one.unit),
                band=view.on(SALE_BAND, f"{one.unit.scheme}/{method}"),
            )
            for one in pledge.units
        ),
        claim_cny=owed.principal_cny + owed.accrued_cny + owed.costs_cny,
    )

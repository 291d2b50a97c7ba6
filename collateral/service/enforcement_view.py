"""One enforcement as pages, systems and commands see it: where it stands, what is next and who must do it."""

from dataclasses import dataclass
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import Conflict, NotFound
from carbonfin.storage.approvals import Approval
from carbonfin.storage.parties import Standing
from collateral.calc.agreements import Pledge
from collateral.calc.enforcement import DistributionOutcome, SaleOutcome, decide_distribution, decide_sale
from collateral.calc.enforcement_acts import NextAct, next_act
from collateral.calc.pledge import PLEDGE
from collateral.service.defaults import default_event
from collateral.service.enforcement import SaleDraft, distribution_inputs, sale_inputs
from collateral.service.enforcement_approvals import waiting_enforcement_approval
from collateral.service.sale_means import chosen_means
from collateral.service.sold_units import transfer_of
from collateral.service.view import desk_view
from collateral.store import enforcements as store
from collateral.store import pledges as pledge_store
from collateral.store.enforcements import Enforcement, EnforcementStep
from collateral.store.registry import AskedRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class EnforcementView:
    """The latest enforcement of a pledge with its steps; None where there was none yet."""

    pledge: Pledge
    enforcement: Enforcement | None
    steps: tuple[EnforcementStep, ...]
    transfer: AskedRequest | None
    waiting: Approval | None
    next_act: NextAct

    def last(self, kind: str) -> EnforcementStep | None:
        """Give the last step of a kind."""
        return next((one for one in reversed(self.steps) if one.kind == kind), None)


def view_enforcement(session: Session, actor: Actor, pledge_id: str) -> EnforcementView:
    """Give where the enforcement of a pledge stands.

    Raises:
        NotFound: There is no such pledge.
    """
    pledge = pledge_store.load_pledge(session, actor, pledge_id)
    try:
        enforcement = store.enforcement_of(session, actor, pledge.id)
        steps = store.steps_of(session, actor, enforcement.id)
    except NotFound:
        enforcement, steps = None, ()
    transfer = transfer_of(session, actor, pledge.id)
    waiting = waiting_enforcement_approval(session, actor, pledge.id)
    return EnforcementView(
        pledge=pledge, enforcement=enforcement, steps=steps, transfer=transfer, waiting=waiting,
        next_act=next_act(
            pledge_state=pledge.state, has_waiting=waiting is not None, has_means=chosen_means(steps) is not None,
            transfer_state=None if transfer is None else transfer.state, may_default=_may_default(pledge),
        ),
    )  # fmt: skip


def preview_sale(
    session: Session, actor: Actor, pledge_id: str, draft: SaleDraft, *, standing: Standing
) -> SaleOutcome:
    """Hold a sale against band, pledge and buyer's right without recording it.

    Raises:
        Conflict: The pledge is not being enforced.
        NotPermitted: The buyer may not hold the units, with the clause.
        MissingData: The table of holding rights, the band or a price does not say.
    """
    pledge = pledge_store.load_pledge(session, actor, pledge_id)
    PLEDGE.after(pledge.state, "sale settled")
    return decide_sale(sale_inputs(session, actor, pledge, draft, desk_view(session, standing)))


def preview_distribution(
    session: Session, actor: Actor, pledge_id: str, *, costs_cny: Decimal, standing: Standing
) -> DistributionOutcome:
    """Give the waterfall of what was sold after some costs; nothing is kept.

    Raises:
        Conflict: Nothing was sold, or it was shared out already.
        InvalidInput: The costs are no amount.
    """
    pledge = pledge_store.load_pledge(session, actor, pledge_id)
    PLEDGE.after(pledge.state, "distribute")
    return decide_distribution(distribution_inputs(session, actor, pledge, costs_cny=costs_cny, standing=standing))


def _may_default(pledge: Pledge) -> bool:
    try:
        default_event(pledge)
    except Conflict:
        return False
    return True

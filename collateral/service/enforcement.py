"""Enforcement (违约处置): default and waterfall by two people, sale within the band; each step with its file.

Until a sale the debtor may still repay everything; nothing passes to the bank by default alone (民法典第四百二十八条).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.kernel.units import cny
from carbonfin.rules.parameters import ParameterValue
from carbonfin.storage.approvals import Agreed
from carbonfin.storage.decisions import Recorded, record_decision
from carbonfin.storage.files.evidence import require_evidence
from carbonfin.storage.parties import Standing, load_party
from collateral.calc.agreements import Exposure, Pledge
from collateral.calc.coverage_rules import CoverageLevel
from collateral.calc.enforcement import (
    DISTRIBUTION,
    SALE,
    BandedLot,
    DistributionInputs,
    DistributionOutcome,
    LotSold,
    SaleInputs,
    SaleMethod,
    SaleOutcome,
)
from collateral.calc.freezes import Operation
from collateral.calc.holding_rights import HolderKind, HoldingRight
from collateral.calc.pledge import PLEDGE
from collateral.calc.refusals import Refusal
from collateral.service import ledger
from collateral.service.holding import holder_kind, require_rights
from collateral.service.pledges import require_words, take_step
from collateral.service.registry_requests import ask_registry
from collateral.service.restriking import strike_coverage
from collateral.service.sale_means import SALE_BAND, require_means
from collateral.service.sold_units import SoldLot, ask_transfer, require_handed_over
from collateral.service.valuations import post_exposure, required_exposure
from collateral.service.view import DeskView, desk_view, price_used
from collateral.store import enforcements as store
from collateral.store import pledges as pledge_store
from collateral.store.authority_acts import attached_to
from collateral.store.enforcements import Enforcement, EnforcementStep

BANK = "本行"


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleDraft:
    """A sale as it was struck.

    Attributes:
        buyer_id: The party that bought; None where the bank itself takes the units by title.
        buyers: Who bought each lot, in their order; empty where all went to `buyer_id`.
    """

    method: SaleMethod
    lots: tuple[LotSold, ...]
    buyer_id: str | None
    evidence_digest: str
    buyers: tuple[str | None, ...] = ()

    def __post_init__(self) -> None:
        """Refuse nothing sold, and a buyer with a unit twice: what one buyer takes of a unit is one lot."""
        assert len(self.buyers) in {0, len(self.lots)}, "each lot has its buyer, or none is named"
        named = [(buyer_id, lot.unit) for buyer_id, lot in self.bought()]
        if not named or len(set(named)) < len(named):
            raise InvalidInput(
                "each buyer takes each unit once",
                zh="请填写成交品种；同一买方的同一品种填写一行",
                field="lots",
                remedy="Give one line for each buyer and unit.",
                remedy_zh="每个买方的每个品种填写一行。",
            )

    def bought(self) -> tuple[tuple[str | None, LotSold], ...]:
        """Give each lot with its buyer, in the order sold."""
        buyers = self.buyers or (self.buyer_id,) * len(self.lots)
        return tuple(zip(buyers, self.lots, strict=True))

    def lots_by_buyer(self) -> dict[str | None, tuple[LotSold, ...]]:
        """Give what each buyer bought, in the order sold."""
        found: dict[str | None, list[LotSold]] = {}
        for buyer_id, lot in self.bought():
            found.setdefault(buyer_id, []).append(lot)
        return {buyer_id: tuple(lots) for buyer_id, lots in found.items()}


def record_failed_sale(
    session: Session, actor: Actor, pledge_id: str, *, reason: str, evidence_digest: str, standing: Standing
) -> Enforcement:
    """Note a sale that found no buyer; the pledge stays in enforcement."""
    require_words(reason, "reason", "请填写流拍情况")
    pledge, enforcement = _locked(session, actor, pledge_id)
    _evidence(session, actor, pledge, evidence_digest, standing)
    take_step(session, actor, pledge, "sale_failed", standing=standing, cause=reason)
    store.add_step(
        session, actor, enforcement, "sale_failed", standing=standing, cause=reason, evidence_digest=evidence_digest
    )
    return store.enforcement_of(session, actor, pledge_id)


def sale_inputs(session: Session, actor: Actor, pledge: Pledge, draft: SaleDraft, view: DeskView) -> SaleInputs:
    """Collect everything a sale hangs on.

    Raises:
        NotPermitted: A buyer may not hold the units there, or the bank may not take them by title.
        MissingData: The table of holding rights, the band or a price does not say.
    """
    names: dict[str | None, str] = {}
    rights: dict[ParameterValue, None] = {}
    for buyer_id, lots in draft.lots_by_buyer().items():
        buyer, answers = _buyer_of(session, actor, buyer_id, tuple(lot.unit for lot in lots), view)
        names[buyer_id] = buyer
        rights |= dict.fromkeys(answers)
    buyers = tuple(dict.fromkeys(names.values()))
    owed = required_exposure(session, actor, pledge, view.day)
    return SaleInputs(
        agreement_code=pledge.code,
        valuation_date=view.day,
        method=draft.method,
        buyer="、".join(buyers),
        lots=tuple(
            BandedLot(
                lot=lot,
                reference=price_used(view, lot.unit),
                band=view.on(SALE_BAND, f"{lot.unit.scheme}/{draft.method}"),
                buyer=names[buyer_id] if len(buyers) > 1 else None,
            )
            for buyer_id, lot in draft.bought()
        ),
        pledged=pledge.units,
        rights=tuple(rights),
        claim_cny=owed.principal_cny + owed.accrued_cny + owed.costs_cny,
    )


def _buyer_of(
    session: Session, actor: Actor, buyer_id: str | None, units: tuple[Unit, ...], view: DeskView
) -> tuple[str, tuple[ParameterValue, ...]]:
    """Give a buyer's name and the dated answers that let it take the units; the bank's own where none is named."""
    if buyer_id is None:
        kinds = {unit.scheme: HolderKind.BANK for unit in units}
        return BANK, require_rights(view, kinds, units, HoldingRight.TAKE_TITLE)
    party = load_party(session, actor, buyer_id)
    kinds = {unit.scheme: holder_kind(party, unit.scheme) for unit in units}
    return party.name, require_rights(view, kinds, units, HoldingRight.HOLD)


def settle_sale(
    session: Session, actor: Actor, pledge_id: str, draft: SaleDraft, *, standing: Standing
) -> Recorded[SaleOutcome]:
    """Record a settled sale: units leave the pledgor's account, and go to the buyer's where it is kept here.

    The registry is asked in the same transaction to hand them over, which ends their freeze there.

    Raises:
        Conflict: A price lies outside its band, more is sold than pledged, units would be left with the claim unmet, an
            authority has frozen units, the means was not chosen, or the pledge is not in enforcement.
        NotPermitted: The buyer may not hold the units.
    """
    pledge, enforcement = _locked(session, actor, pledge_id)
    PLEDGE.after(pledge.state, "sale settled")
    require_means(session, actor, enforcement, draft.method)
    _evidence(session, actor, pledge, draft.evidence_digest, standing)
    _refuse_attached(session, actor, pledge, {lot.unit for lot in draft.lots})
    view = desk_view(session, standing)
    inputs = sale_inputs(session, actor, pledge, draft, view)
    recorded = record_decision(
        session, actor, SALE, inputs, subject=f"pledge:{pledge.code}", valid_on=view.day, known_at=standing.known_at
    )
    _refuse_against(pledge, recorded.outcome.refusals)
    cause = f"向{inputs.buyer}成交 {recorded.outcome.proceeds_cny:,.2f} 元"
    sold: list[SoldLot] = []
    for buyer_id, lots in draft.lots_by_buyer().items():
        numbers = ledger.sell(
            session, actor, pledge_id=pledge.id, buyer_id=buyer_id,
            lots=tuple((lot.unit, lot.quantity_t) for lot in lots), standing=standing, cause=cause,
        )  # fmt: skip
        sold += [
            SoldLot(unit=lot.unit, quantity_t=lot.quantity_t, buyer_id=buyer_id, ranges=numbers.get(lot.unit, ()))
            for lot in lots
        ]
    ask_transfer(session, actor, pledge, tuple(sold), standing=standing, cause=cause)
    if recorded.outcome.units_left:
        pledge_store.change_units(session, actor, pledge, recorded.outcome.units_left)
    store.change_enforcement(session, enforcement, state="SOLD")
    store.add_step(
        session, actor, enforcement, "sold", standing=standing, cause=cause, evidence_digest=draft.evidence_digest,
        decision_id=recorded.decision_id,
        details={
            "method": draft.method.value,
            "buyer": inputs.buyer,
            "proceeds_cny": str(recorded.outcome.proceeds_cny),
            "lots": [[str(one.unit), one.quantity_t, str(one.price_cny_per_t)] for one in draft.lots],
            "units_left": [[str(one.unit), one.quantity_t] for one in recorded.outcome.units_left],
            **_buyers_told(inputs),
        },
    )  # fmt: skip
    take_step(session, actor, pledge, "sale settled", standing=standing, cause=cause, decision_id=recorded.decision_id)
    return recorded


def _buyers_told(inputs: SaleInputs) -> dict[str, dict[str, str] | list[str]]:
    """Tell who bought where there were several: of each lot in order, and of each unit in words."""
    told: dict[str, list[tuple[str, int]]] = {}
    for one in inputs.lots:
        if one.buyer is not None:
            told.setdefault(str(one.lot.unit), []).append((one.buyer, one.lot.quantity_t))
    if not told:
        return {}
    words = {
        unit: parts[0][0] if len(parts) == 1 else "、".join(f"{name} {sold_t:,} 吨" for name, sold_t in parts)
        for unit, parts in told.items()
    }
    return {"buyers": words, "lot_buyers": [one.buyer or "" for one in inputs.lots]}


def distribution_inputs(
    session: Session, actor: Actor, pledge: Pledge, *, costs_cny: Decimal, standing: Standing
) -> DistributionInputs:
    """Collect what is shared out: the proceeds of the sale against costs and the day's debt.

    Raises:
        InvalidInput: The costs are no amount.
    """
    if costs_cny < 0 or costs_cny != cny(costs_cny):
        raise InvalidInput(f"costs are {costs_cny}", zh="费用不能为负，且最多两位小数", field="costs_cny")
    enforcement = store.enforcement_of(session, actor, pledge.id)
    sale = sale_step(session, actor, enforcement)
    owed = required_exposure(session, actor, pledge, standing.business_date)
    return DistributionInputs(
        agreement_code=pledge.code,
        business_date=standing.business_date,
        proceeds_cny=Decimal(sale.details["proceeds_cny"]),
        costs_cny=costs_cny + owed.costs_cny,
        interest_cny=owed.accrued_cny,
        principal_cny=owed.principal_cny,
    )


def sale_step(session: Session, actor: Actor, enforcement: Enforcement) -> EnforcementStep:
    """Give the settled sale of an enforcement.

    Raises:
        Conflict: Nothing has been sold yet.
    """
    for step in store.steps_of(session, actor, enforcement.id):
        if step.kind == "sold":
            return step
    raise Conflict(
        "nothing has been sold yet",
        zh="尚未成交，无价款可分配",
        field="pledge_id",
        remedy="Record the settled sale first.",
        remedy_zh="请先登记成交。",
    )


def distribute(
    session: Session, checker: Actor, pledge: Pledge, payload: Mapping[str, Any], *, standing: Standing, agreed: Agreed
) -> DistributionOutcome:
    """Share the proceeds out as proposed: the pledgor gets what is left, what is not met stays a claim."""
    enforcement = store.enforcement_of(session, checker, pledge.id, lock=True)
    require_handed_over(session, checker, pledge)
    left = sale_step(session, checker, enforcement).details["units_left"]
    PLEDGE.after(pledge.state, "units_left" if left else "distribute")
    inputs = distribution_inputs(session, checker, pledge, costs_cny=Decimal(payload["costs_cny"]), standing=standing)
    recorded = record_decision(
        session, checker, DISTRIBUTION, inputs, subject=f"pledge:{pledge.code}", valid_on=standing.business_date,
        known_at=standing.known_at,
    )  # fmt: skip
    found = recorded.outcome
    cause = f"退还出质人 {found.surplus_cny:,.2f} 元；未受清偿 {found.shortfall_cny:,.2f} 元；{agreed.reason}"
    store.add_step(
        session, checker, enforcement, "distributed", standing=standing, cause=cause,
        evidence_digest=payload["evidence_digest"], decision_id=recorded.decision_id,
        details={
            "shares": [[one.name, str(one.owed_cny), str(one.paid_cny)] for one in found.shares],
            "surplus_cny": str(found.surplus_cny),
            "shortfall_cny": str(found.shortfall_cny),
        },
    )  # fmt: skip
    store.change_enforcement(session, enforcement, state="ENDED")
    _post_what_is_open(session, checker, pledge, found, standing=standing)
    event = "units_left" if left else "distribute"
    moved = take_step(session, checker, pledge, event, standing=standing, cause=cause, decision_id=recorded.decision_id)
    if left:
        ledger.ask_release(session, checker, pledge_id=pledge.id)
        ask_registry(session, checker, moved, Operation.UNFREEZE)
    else:
        pledge_store.change_pledge(session, moved, released_on=standing.business_date)
    return found


def _post_what_is_open(
    session: Session, actor: Actor, pledge: Pledge, found: DistributionOutcome, *, standing: Standing
) -> None:
    left = found.open_by_name
    post_exposure(
        session,
        actor,
        Exposure(
            agreement_code=pledge.code, exposure_date=standing.business_date, revision=0,
            principal_cny=left["principal"], accrued_cny=left["interest"], costs_cny=left["costs"], source="处置分配",
        ),
    )  # fmt: skip


def accept_late_cure(
    session: Session, checker: Actor, pledge: Pledge, payload: Mapping[str, Any], *, standing: Standing, agreed: Agreed
) -> Pledge:
    """Take a pledge whose cure has expired back, once its coverage stands at the initial line again.

    Raises:
        Conflict: The cure has not expired, or the coverage of the day is still below the initial line.
    """
    PLEDGE.after(pledge.state, "late cure accepted")
    _evidence(session, checker, pledge, payload["evidence_digest"], standing)
    coverage = strike_coverage(session, checker, pledge.id, desk_view(session, standing))
    if coverage.level is not CoverageLevel.COVERED:
        raise Conflict(
            f"coverage of {coverage.business_date} is {coverage.coverage_ratio}, still below the initial line",
            zh=f"{coverage.business_date} 担保覆盖率 {coverage.coverage_ratio:.4f}，仍低于初始线",
            field="pledge_id",
            remedy="Have units added or the loan repaid first.",
            remedy_zh="请先追加押品或还款。",
        )
    cause = f"{payload['ground']}；{agreed.reason}"
    return take_step(
        session, checker, pledge, "late cure accepted", standing=standing, cause=cause,
        decision_id=coverage.decision_id,
    )  # fmt: skip


def enforcement_of(session: Session, actor: Actor, pledge_id: str) -> tuple[Enforcement, tuple[EnforcementStep, ...]]:
    """Give the latest enforcement of a pledge with its steps."""
    found = store.enforcement_of(session, actor, pledge_id)
    return found, store.steps_of(session, actor, found.id)


def _locked(session: Session, actor: Actor, pledge_id: str) -> tuple[Pledge, Enforcement]:
    pledge = pledge_store.load_pledge(session, actor, pledge_id, lock=True)
    return pledge, store.enforcement_of(session, actor, pledge_id, lock=True)


def _evidence(session: Session, actor: Actor, pledge: Pledge, digest: str, standing: Standing) -> None:
    require_evidence(session, actor, digest, subject=f"pledge:{pledge.id}", at=standing.known_at)


def _refuse_attached(session: Session, actor: Actor, pledge: Pledge, units: set[Unit]) -> None:
    for act in attached_to(session, actor, pledge.id):
        if act.draft.unit in units:
            raise Conflict(
                f"{act.outstanding_t} t of {act.draft.unit} are frozen by {act.draft.authority} ({act.draft.document})",
                zh=f"{act.draft.unit} 有 {act.outstanding_t} 吨被{act.draft.authority}冻结，不得处置",
                field="lots",
                remedy="Have the freeze lifted first.",
                remedy_zh="请先解除冻结。",
            )


def _refuse_against(pledge: Pledge, refusals: tuple[Refusal, ...]) -> None:
    if refusals:
        raise Conflict(
            f"the sale of pledge {pledge.code} is refused: {'; '.join(one.detail for one in refusals)}",
            zh=f"质押 {pledge.code} 的处置不予受理：{'；'.join(one.zh for one in refusals)}",
            field="lots",
            refusals=[one.code for one in refusals],
        )

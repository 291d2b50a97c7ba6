"""Holdings, compliance positions, pledges through the registry over HTTP, and the repo."""

from datetime import date

from sqlmodel import Session

from carbonfin.app.demo.world import SamplePledge, SampleRepo, SampleWorld
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.dates import DayCount
from carbonfin.kernel.parties import Party
from carbonfin.kernel.units import Currency
from carbonfin.storage import approvals
from carbonfin.storage.approvals import Answer
from carbonfin.storage.parties import Standing
from collateral import service
from collateral.calc.repo import ExposureMethod, RepoTerms
from collateral.service import (
    CompliancePosition,
    Pledge,
    PledgeDraft,
    PledgeStep,
    PledgeTakeover,
    RepoDraft,
    UnitQuantity,
)

COMPLIANCE_KNOWN_FROM = date(2025, 6, 1)
EVIDENCE = "业务档案（示例）"


def record_holdings(
    session: Session, world: SampleWorld, actor: Actor, parties: dict[str, Party], *, standing: Standing
) -> None:
    """Enter what each enterprise holds and must surrender; only where nothing is held yet."""
    for enterprise in world.enterprise:
        party = parties[enterprise.code]
        if not service.holdings_of(session, actor, party.id):
            for unit, quantity_t in enterprise.holdings.items():
                service.record_holding(
                    session,
                    actor,
                    party.id,
                    Unit.parse(unit),
                    quantity_t=quantity_t,
                    standing=standing,
                    cause="登记簿持仓（示例）",
                )
        if enterprise.emissions_t is not None and enterprise.scheme is not None:
            position = CompliancePosition(
                party_id=party.id,
                scheme=Scheme(enterprise.scheme),
                compliance_year=world.business_date.year - 1,
                emissions_t=enterprise.emissions_t,
                emissions_source="核查报告（示例）",
                allocation_t=enterprise.allocation_t,
                issued_t=enterprise.issued_t,
                true_up_expected_t=enterprise.true_up_expected_t,
                true_up_source="分配方案（示例）",
                unconfirmed=enterprise.unconfirmed,
                known_from=COMPLIANCE_KNOWN_FROM,
            )
            service.record_compliance_position(session, actor, position, standing=standing)


def pledge_draft(pledge: SamplePledge, parties: dict[str, Party], *, extends: str = "") -> PledgeDraft:
    """Give the terms of a sample pledge as applied for."""
    return PledgeDraft(
        code=pledge.code,
        pledgor_id=parties[pledge.pledgor].id,
        units=tuple(UnitQuantity(unit=Unit.parse(unit), quantity_t=tonnes) for unit, tonnes in pledge.units.items()),
        principal_cny=pledge.principal_cny,
        end_date=pledge.maturity,
        extends_code=extends,
    )


def take_over(
    session: Session,
    pledge: SamplePledge,
    parties: dict[str, Party],
    *,
    maker: Actor,
    checker: Actor,
    standing: Standing,
) -> Pledge:
    """Enter a pledge that ran before the sample bank came to this system."""
    assert pledge.drawn is not None
    takeover = PledgeTakeover(
        draft=pledge_draft(pledge, parties),
        drawn_on=pledge.drawn,
        registration_number=f"示例登记-{pledge.code}",
        freeze_reference=f"示例冻结-{pledge.code}",
        settled_on=pledge.settled,
        released_on=pledge.released,
        evidence=EVIDENCE,
    )
    return service.take_over_pledge(session, maker, takeover, checker=checker, standing=standing)


def apply_and_freeze(
    session: Session,
    pledge: SamplePledge,
    parties: dict[str, Party],
    *,
    maker: Actor,
    checker: Actor,
    standing: Standing,
) -> Pledge:
    """Take a pledge from application to the message that asks the registry to freeze its units."""
    applied = service.apply_for_pledge(session, maker, pledge_draft(pledge, parties), standing=standing)
    appraised = service.appraise_pledge(session, maker, applied.id, standing=standing)
    service.complete_diligence(
        session, maker, appraised.id, standing=standing, finding="权属清晰，两处登记均无在先权利（示例）"
    )
    service.approve_pledge(
        session,
        checker,
        appraised.id,
        standing=standing,
        reason="同意（示例）",
        accepted_unconfirmed=service.unconfirmed_of(session, checker, appraised),
    )
    signing = PledgeStep(name="sign", words=f"示例合同-{pledge.code}")
    take_agreed_step(session, appraised.id, signing, maker=maker, checker=checker, standing=standing)
    service.register_pledge(
        session, maker, appraised.id, standing=standing, registration_number=f"示例登记-{pledge.code}"
    )
    return service.request_freeze(session, maker, appraised.id, standing=standing)


def take_agreed_step(
    session: Session, pledge_id: str, step: PledgeStep, *, maker: Actor, checker: Actor, standing: Standing
) -> None:
    """Have the maker propose a step of a pledge and the checker agree."""
    waiting = service.take_pledge_step(session, maker, pledge_id, step, standing=standing).waiting
    assert waiting is not None, f"{step.name} waits for nobody"
    approvals.approve(
        session,
        checker,
        waiting.id,
        kinds=(service.PLEDGE_STEP_APPROVAL,),
        answer=Answer(reason="同意（示例）"),
        at=standing.known_at,
        business_date=standing.business_date,
    )


def apply_and_be_refused(
    session: Session, pledge: SamplePledge, parties: dict[str, Party], *, maker: Actor, standing: Standing, extends: str
) -> Pledge:
    """Apply for a pledge that must be refused: its end lies past the last safe date."""
    applied = service.apply_for_pledge(
        session, maker, pledge_draft(pledge, parties, extends=extends), standing=standing
    )
    return service.appraise_pledge(session, maker, applied.id, standing=standing)


def open_sample_repo(
    session: Session, repo: SampleRepo, parties: dict[str, Party], *, maker: Actor, standing: Standing
) -> None:
    """Open the cross-border repo as of its purchase date."""
    ((unit, quantity_t),) = repo.units.items()
    service.open_repo(
        session,
        maker,
        RepoDraft(
            terms=RepoTerms(
                code=repo.code,
                unit=Unit.parse(unit),
                quantity_t=quantity_t,
                purchase_date=repo.purchase_date,
                repurchase_date=repo.repurchase_date,
                currency=Currency(repo.currency),
                purchase_price_amount=repo.purchase_price,
                rate=repo.rate,
                basis=DayCount.ACT_365,
                method=ExposureMethod(repo.method),
                minimum_transfer_amount=repo.minimum_transfer,
            ),
            seller_id=parties[repo.seller].id,
            buyer_id=parties[repo.buyer].id,
            bank_role=repo.bank_role,
            flags=repo.flags,
        ),
        standing=standing,
    )

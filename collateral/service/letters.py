"""The letter of a call: the amount with the figures behind it, as they stand in its decision."""

from zoneinfo import ZoneInfo

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.storage.decisions import load_decision
from carbonfin.storage.parties import Standing, load_organization
from collateral import workbooks
from collateral.calc.agreements import MarginCall
from collateral.service.addressees import addressee_of
from collateral.service.calls import terms_of_call, timeline_of_call
from collateral.service.margin_terms import agreement_address
from collateral.store import margin, pledges, repos

_PLEDGE_FIGURES: tuple[str, ...] = (
    "market_value", "collateral_value", "debt", "coverage", "line_warning", "line_initial", "gap", "independent",
    "threshold", "margin_held", "in_transit", "shortfall", "minimum_transfer", "rounding", "delivery", "returned",
)  # fmt: skip
_REPO_FIGURES: tuple[str, ...] = (
    "market_value", "haircut", "accrued_value", "fx", "exposure_a", "exposure_b", "minimum_transfer", "margin_call",
    "margin_cash", "net_exposure", "margin_posted", "threshold", "independent", "shortfall", "rounding",
    "margin_return",
)  # fmt: skip


def call_letter_pdf(session: Session, actor: Actor, call_id: str, *, standing: Standing) -> bytes:
    """Set the letter of a call as PDF.

    Raises:
        NotFound: There is no such call.
    """
    call = margin.load_call(session, actor, call_id)
    kind, _, agreement_id = agreement_address(session, actor, call.agreement_code).partition(":")
    if kind == "pledge":
        pledge = pledges.load_pledge(session, actor, agreement_id)
        party_id, is_sample, names = pledge.pledgor_id, pledge.is_sample, _PLEDGE_FIGURES
    else:
        repo = repos.load_repo(session, actor, agreement_id)
        party_id, is_sample, names = (
            repo.seller_id,
            repo.is_sample,
            (*_REPO_FIGURES, f"margin_return_{repo.terms.code}"),
        )
    trace = {figure.name: figure for figure in load_decision(session, actor, call.decision_id).trace}
    told = [trace[name] for name in names if name in trace]
    events = timeline_of_call(session, actor, call.id)
    agreed = terms_of_call(session, actor, call, standing)
    facts = workbooks.LetterFacts(
        addressee=addressee_of(session, actor, party_id, notice_address=agreed.notice_address),
        bank=load_organization(session, actor.organization_id).name,
        figures=tuple((one.label_zh, f"{one.value} {one.unit}".strip(), one.formula or one.source) for one in told),
        unconfirmed=tuple(f"{one.label_zh}：{one.note_zh or '未确认'}" for one in trace.values()
                          if not one.confirmed and not one.inputs),
        zone=ZoneInfo(agreed.zone),
        is_sample=is_sample,
        created_at=events[0].happened_at if events else standing.known_at,
    )  # fmt: skip
    return workbooks.call_letter(call, facts)


def call_letter_name(call: MarginCall) -> str:
    """Name the file of a call's letter by what it asks, the agreement and the day."""
    asks = "退还保证金通知" if call.direction == "return" else "追加担保通知"
    return f"{asks}-{call.agreement_code}-{call.issued_on}"

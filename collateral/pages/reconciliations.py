"""Reconciliation with the registry for people: every open difference with its age, and the days before."""

from dataclasses import dataclass

from litestar import get
from litestar.params import FromPath
from litestar.response import Response, Template
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import InvalidInput, NotFound
from carbonfin.storage.engine import Sessions
from carbonfin.storage.keyset import Place
from carbonfin.storage.parties import parties_of, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import download
from carbonfin.web.pages import Text, page
from collateral import service
from collateral.calc.reconciliation import NAMES, REMEDIES, Difference, DifferenceKind
from collateral.workbooks import differences_csv, differences_table, reconciliation_workbook

_DAYS_SHOWN = 30
_LEVELS: dict[DifferenceKind, str] = {
    DifferenceKind.LOCKED_NOT_FROZEN: "breach",
    DifferenceKind.FROZEN_NOT_BOUND: "warning",
    DifferenceKind.UNANSWERED: "warning",
    DifferenceKind.HOLDING: "warning",
    DifferenceKind.SERIALS_NOT_FROZEN: "breach",
    DifferenceKind.SERIALS_NOT_BOUND: "warning",
    DifferenceKind.SERIALS_NOT_HELD: "warning",
    DifferenceKind.SERIALS_NOT_KNOWN: "warning",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceLine:
    """One difference with whose account and which pledge it is; empty where the ledger knows neither.

    Attributes:
        number: Its place in the decision's trace, from 1.
    """

    number: int
    difference: Difference
    holder_name: str
    pledge_id: str


@get("/registry/reconciliations", sync_to_thread=True)
def reconciliation_page(*, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template:
    """Show the last reconciliation with its differences, and those of the business dates before."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        found = service.reconciliations_page(session, actor, Place(limit=_DAYS_SHOWN)).items
        lines = _lines(session, actor, found[0].outcome.differences) if found else ()
    return page(
        request,
        "collateral/reconciliation.html",
        title=Text("登记机构对账", "Registry reconciliation"),
        business_date=standing.business_date,
        latest=found[0] if found else None,
        days=found,
        lines=lines,
        names={kind: Text(*names) for kind, names in NAMES.items()},
        remedies={kind: Text(*remedies) for kind, remedies in REMEDIES.items()},
        levels=_LEVELS,
    )


@get("/registry/reconciliations/export/{ending:str}", sync_to_thread=True)
def export_reconciliation(*, sessions: Sessions, actor: Actor, clock: Clock, ending: FromPath[str]) -> Response[bytes]:
    """Give the differences of the last reconciliation as a workbook or as CSV."""
    if ending not in {"csv", "xlsx"}:
        raise InvalidInput(
            f"tables are offered as xlsx and csv, not {ending!r}",
            zh=f"不提供“{ending}”格式",
            field="ending",
            remedy="Choose xlsx or csv.",
            remedy_zh="可选 xlsx 或 csv。",
        )
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        found = service.reconciliations_page(session, actor, Place(limit=1)).items
        if not found:
            raise NotFound(
                "no reconciliation with the registry is kept",
                zh="尚无登记机构对账记录",
                remedy="Run carbonfin collateral reconcile.",
                remedy_zh="请先运行 carbonfin collateral reconcile。",
            )
        names = [line.holder_name for line in _lines(session, actor, found[0].outcome.differences)]
    table = differences_table(found[0].outcome, holder_names=names)
    stem = f"登记机构对账-{found[0].outcome.business_date}"
    if ending == "csv":
        return download(differences_csv(table), stem=stem, ending="csv")
    content = reconciliation_workbook(
        table,
        difference_count=len(found[0].outcome.differences),
        decision_id=found[0].decision_id,
        created_at=standing.known_at,
    )
    return download(content, stem=stem, ending="xlsx")


def _lines(session: Session, actor: Actor, differences: tuple[Difference, ...]) -> tuple[DifferenceLine, ...]:
    holders = service.account_holders(session, actor)
    names = {party.id: party.name for party in parties_of(session, actor)}
    pledge_ids = {pledge.code: pledge.id for pledge in service.pledges_of(session, actor)}
    return tuple(
        DifferenceLine(
            number=number,
            difference=one,
            holder_name=names.get(holders.get(one.account_id, ""), ""),
            pledge_id=pledge_ids.get(one.agreement_code, ""),
        )
        for number, one in enumerate(differences, start=1)
    )

"""A bank's disclosures for systems."""

from litestar import get
from litestar.response import Response

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.downloads import XLSX, download
from carbonfin.web.preconditions import IfNoneMatch, tagged
from carbonfin.web.problems import problem_responses
from reporting import service
from reporting.schemas import BankDisclosureOut


@get("/v1/bank-disclosures", sync_to_thread=True, responses=problem_responses(409, 422), tags=["reporting"])
def read_disclosures(
    *, sessions: Sessions, actor: Actor, clock: Clock, if_none_match: IfNoneMatch = None
) -> Response[BankDisclosureOut]:
    """Give the facility's quarterly table, green loans by code, key figures and financed emissions, with an ETag."""
    with sessions.read() as session:
        view = service.disclosure_view(session, actor, standing=standing_of(session, actor.organization_id, clock))
    return tagged(BankDisclosureOut.of(view), if_none_match)


@get(
    "/v1/bank-disclosures/workbook.xlsx",
    sync_to_thread=True,
    media_type=XLSX,
    responses=problem_responses(409, 422),
    tags=["reporting"],
)
def read_disclosure_workbook(*, sessions: Sessions, actor: Actor, clock: Clock) -> Response[bytes]:
    """Give all tables of the disclosures as a workbook."""
    with sessions.read() as session:
        view = service.disclosure_view(session, actor, standing=standing_of(session, actor.organization_id, clock))
    return download(service.disclosure_workbook(view), stem=service.disclosure_stem(view), ending="xlsx")


routes = [read_disclosures, read_disclosure_workbook]

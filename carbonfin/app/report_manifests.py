"""The signed manifest of a subsidy report: here, because the key that signs is the application's."""

from litestar import get
from litestar.params import FromPath
from litestar.response import Response
from msgspec import Struct

from carbonfin.app.signing import signing_of
from carbonfin.kernel.actors import Actor
from carbonfin.storage.engine import Sessions
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import download
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import IdText
from reporting import service
from reporting.calc.reports import SubsidyReport


class SignedManifestOut(Struct, frozen=True, kw_only=True):
    """A manifest and its signature; the signature is over the UTF-8 bytes of `manifest`, which is JSON itself."""

    manifest: str
    signature: str


@get(
    "/v1/subsidies/reports/{report_id:str}/manifest.json",
    sync_to_thread=True,
    responses=problem_responses(404, 409),
    tags=["subsidies"],
)
def read_report_manifest(
    request: WebRequest, sessions: Sessions, actor: Actor, report_id: FromPath[IdText]
) -> SignedManifestOut:
    """Give the digests of a report's workbook, CSV and JSON, signed by the installation's key."""
    _, signed = _signed(request, sessions, actor, report_id)
    return SignedManifestOut(manifest=signed.manifest, signature=signed.signature)


@get("/subsidies/reports/{report_id:str}/manifest.json", sync_to_thread=True)
def download_report_manifest(
    request: WebRequest, sessions: Sessions, actor: Actor, report_id: FromPath[str]
) -> Response[bytes]:
    """Give the digests of a report's workbook, CSV and JSON, signed by the installation's key."""
    report, signed = _signed(request, sessions, actor, report_id)
    return download(signed.file, stem=f"{service.file_stem(report)}-manifest", ending="json")


def _signed(
    request: WebRequest, sessions: Sessions, actor: Actor, report_id: str
) -> tuple[SubsidyReport, service.SignedManifest]:
    with sessions.read() as session:
        report = service.load_report(session, actor, report_id)
    return report, service.signed_manifest(report, signing_of(request).signer())


routes = [download_report_manifest]
api_routes = [read_report_manifest]

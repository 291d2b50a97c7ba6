"""Trades in the field's documents for systems."""

from litestar import post

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.problems import problem_responses
from carbonfin.web.sent_files import bytes_of
from pricing import service
from pricing.calc.instruments.terms import LegalBasis
from pricing.schemas import TradeDocumentIn, TradeDocumentOut


@post(
    "/v1/trades/read",
    sync_to_thread=True,
    status_code=200,
    responses=problem_responses(400, 413, 422),
    tags=["pricing"],
)
def read_trades(*, sessions: Sessions, actor: Actor, clock: Clock, data: TradeDocumentIn) -> TradeDocumentOut:
    """Read the forwards and options of an FpML or CDM document and write them in the shape asked for; nothing is kept.

    A document of a single trade with a fault is refused; of several, the faulty ones list theirs by path. As nothing
    is written, no idempotency key is asked for.
    """
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        document = service.read_trades(
            session,
            actor,
            bytes_of(data.content_base64),
            basis=LegalBasis() if data.legal_basis is None else data.legal_basis.value(),
            write_as=None if data.write_as is None else service.TradeShape(data.write_as),
            valid_on=standing.business_date,
            known_at=standing.known_at,
        )
    document.require_one()
    return TradeDocumentOut.of(document, file_name=data.file_name)


routes = [read_trades]

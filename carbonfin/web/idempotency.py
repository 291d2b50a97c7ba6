"""Writing requests that may be sent twice: the same key and body give the first answer again."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec
from litestar.params import HeaderParameter
from litestar.response import Response
from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.rules.record import digest_of
from carbonfin.storage.decisions import AskedDecision, KeyedRequest, MadeDecision, Recorded, decided_once
from carbonfin.storage.engine import Sessions
from carbonfin.storage.idempotency import OnceReply, StoredReply, earlier_reply, once
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.problems import EdgeProblem

IDEMPOTENCY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name=IDEMPOTENCY_HEADER,
        description="Made by the caller for one piece of business, such as a UUID; the same when repeating it.",
    ),
]
"""The header as a route's parameter; it is required, and `idempotently` says so in our own words."""

S = TypeVar("S", bound=msgspec.Struct)
O = TypeVar("O")  # noqa: E741 - outcomes


def idempotently(  # noqa: PLR0917 - what every writing route has at hand, in the order it reads
    sessions: Sessions,
    actor: Actor,
    request: WebRequest,
    key: str | None,
    body: msgspec.Struct | None,
    work: Callable[[Session], S],
    *,
    status_code: int = 201,
) -> Response[S]:
    """Do the work of a writing request once, and answer a repetition with the first answer.

    Key, work and answer are kept in one transaction. A repetition carries `Idempotent-Replayed: true`.

    Args:
        sessions: Opens the transaction.
        actor: Whose key it is.
        request: Its method and path are part of what the key stands for.
        key: The `Idempotency-Key` header.
        body: The parsed body; None where the route has none.
        work: Gives the answer the first time.
        status_code: Of the answer.

    Raises:
        EdgeProblem: There is no key.
        Conflict: The key was used for another request.
    """
    named, digest = _key_of(request, key), request_digest(request.method, request.scope["path"], body)

    def done(session: Session) -> StoredReply:
        answer = work(session)
        return StoredReply(status_code=status_code, reply=msgspec.json.encode(answer).decode())

    return _answer(sessions.together(lambda session: once(session, actor, key=named, input_digest=digest, work=done)))


async def answered_by_decision(  # noqa: PLR0917 - as `idempotently`
    sessions: Sessions,
    actor: Actor,
    request: WebRequest,
    key: str | None,
    body: msgspec.Struct | None,
    prepare: Callable[[Session], MadeDecision[O]],
    answer: Callable[[Recorded[O]], S],
    *,
    is_of_today: Callable[[Session, MadeDecision[O]], bool],
    status_code: int = 201,
) -> Response[S]:
    """Answer a request by one decision as `idempotently` does, made before the writing transaction begins.

    SQLite has one writer at a time in all processes; what is only read and calculated need not keep the others waiting.
    A repetition is answered without deciding anything.

    Args:
        sessions: Opens the transactions, one for reading before the one for writing.
        actor: Whose key it is.
        request: Its method and path are part of what the key stands for.
        key: The `Idempotency-Key` header.
        body: The parsed body; None where the route has none.
        prepare: Reads and decides; who sends to the same path at the same time may have it done in one session.
        answer: Gives the answer of the decision once it has its identifier.
        is_of_today: Whether the business date is still the decision's; if not, it is made again while it is written.
        status_code: Of the answer.

    Raises:
        EdgeProblem: There is no key.
        Conflict: The key was used for another request.
    """
    path = request.scope["path"]
    keyed = KeyedRequest(
        key=_key_of(request, key), input_digest=request_digest(request.method, path, body), address=path
    )

    def reply(recorded: Recorded[O]) -> StoredReply:
        return StoredReply(status_code=status_code, reply=msgspec.json.encode(answer(recorded)).decode())

    asked = AskedDecision(actor, keyed, prepare, reply, is_of_today=is_of_today)
    return _answer(await decided_once(sessions, asked))


def still_today(actor: Actor, clock: Clock) -> Callable[[Session, MadeDecision[Any]], bool]:
    """Ask of a decision whether it is of the organisation's business date: a day closed meanwhile gets no more."""

    def is_of_today(session: Session, made: MadeDecision[Any]) -> bool:
        return made.valid_on == standing_of(session, actor.organization_id, clock).business_date

    return is_of_today


def answered_earlier(
    sessions: Sessions, actor: Actor, request: WebRequest, key: str | None, body: msgspec.Struct | None
) -> Response[Any] | None:
    """Give the first answer to a repetition, None where this is the first: asked before another system is.

    What comes of that system is then written by `idempotently`; so no transaction waits for it.

    Raises:
        EdgeProblem: There is no key.
        Conflict: The key was used for another request.
    """
    named, digest = _key_of(request, key), request_digest(request.method, request.scope["path"], body)
    with sessions.read() as session:
        earlier = earlier_reply(session, actor, key=named, input_digest=digest)
    return None if earlier is None else _answer(earlier)


def _key_of(request: WebRequest, key: str | None) -> str:
    if not key:
        raise EdgeProblem(
            "idempotency-key-required",
            f"{request.method} {request.scope['path']} needs an {IDEMPOTENCY_HEADER} header",
            zh="写入请求须带 Idempotency-Key 请求头",
            field=IDEMPOTENCY_HEADER,
        )
    return key


def _answer(reply: OnceReply) -> Response[Any]:
    headers = {REPLAYED_HEADER: "true"} if reply.repeated else {}
    return _Kept(reply.stored.reply.encode(), status_code=reply.stored.status_code, headers=headers)


def request_digest(method: str, path: str, body: msgspec.Struct | None) -> str:
    """Give the digest of what a key stands for: method, path and the body's values, not its spelling."""
    plain: Any = None if body is None else msgspec.to_builtins(body)
    return digest_of({"method": method, "path": path, "body": plain})


class _Kept(Response[Any]):
    """An answer that is JSON already."""

    def render(self, content: Any, *_: Any, **__: Any) -> bytes:
        """Give the kept bytes as they are."""
        return bytes(content)

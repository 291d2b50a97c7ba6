"""The chain of decisions for an auditor: whole or where it is broken, what is not sealed, and the signed heads."""

from typing import Annotated, Any

from litestar import get
from litestar.params import QueryParameter
from litestar.response import Response, Template

from carbonfin.app.signing import signing_of
from carbonfin.kernel.actors import Actor
from carbonfin.storage.decisions import (
    all_signed_heads,
    chain_state,
    head_line,
    signed_heads_of,
    verify_signed_chain,
)
from carbonfin.storage.engine import Sessions
from carbonfin.storage.keyset import Place
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import download
from carbonfin.web.pages import Text, page

_HEADS_SHOWN = 50
_FAULTS_SHOWN = 50
_UNASKED_MAX = 20_000
"""A longer chain is verified when somebody asks for it: that takes minutes."""


@get("/decisions/chain", sync_to_thread=True)
def chain_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    verify: Annotated[bool, QueryParameter(description="Verify a long chain too.")] = False,
) -> Template:
    """Show whether the chain is whole, or the first broken link, what is not sealed yet, and the signed heads."""
    with sessions.read() as session:
        state = chain_state(session, actor)
        heads = signed_heads_of(session, actor, Place(limit=_HEADS_SHOWN))
        report = None
        if verify or state.length <= _UNASKED_MAX:
            report = verify_signed_chain(session, actor.organization_id, signing_of(request).trusted())
    return page(
        request,
        "app/chain.html",
        title=Text("决定链", "Chain of decisions"),
        state=state,
        report=report,
        faults=() if report is None else report.faults[:_FAULTS_SHOWN],
        heads=heads.items,
        has_more=heads.last is not None,
    )


@get("/decisions/chain/heads.jsonl", sync_to_thread=True)
def download_heads(sessions: Sessions, actor: Actor) -> Response[Any]:
    """Give the signed heads as JSON lines that anyone can verify offline."""
    with sessions.read() as session:
        heads = all_signed_heads(session, actor.organization_id)
    content = "".join(head_line(head) + "\n" for head in heads)
    return download(content.encode(), stem="签名链头", ending="jsonl")


routes = [chain_page, download_heads]

"""The auditor's registers for systems: the lines of the pages, in pages."""

from typing import Annotated

from litestar import get
from litestar.params import FromPath, QueryParameter
from litestar.response import Response
from msgspec import Meta, Struct

from carbonfin.app.audit.lines import Asked
from carbonfin.app.audit.registers import SAMPLE_MAX, register_named
from carbonfin.app.signing import signing_of
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.storage.keyset import Slice
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.paging import Paging
from carbonfin.web.problems import problem_responses
from carbonfin.web.wire import DayText, day_of

_Name = Annotated[str, Meta(min_length=1, max_length=40)]
_On = Annotated[DayText | None, QueryParameter(description="Day of the sample; left out, the business date.")]
_Count = Annotated[int, QueryParameter(ge=1, le=SAMPLE_MAX, description="Decisions in the sample.")]
_Population = Annotated[
    int | None, QueryParameter(ge=1, le=2**53, description="Draw from the first so many decisions; left out, from all.")
]
_Fact = Annotated[str, QueryParameter(max_length=200, description="Only the uses of this unconfirmed fact.")]
_Verify = Annotated[bool, QueryParameter(description="Verify a long chain too, which takes minutes.")]


class RegisterOut(Struct, frozen=True, kw_only=True):
    """A page of a register: heads and lines in Chinese, and what was looked at."""

    register: str
    title_zh: str
    title: str
    note_zh: str
    note: str
    heads: list[str]
    lines: list[list[str]]


@get(
    "/v1/decisions/registers/{register:str}",
    sync_to_thread=True,
    responses=problem_responses(404, 422),
    tags=["decisions"],
)
def read_register(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    paging: Paging,
    register: FromPath[_Name],
    on: _On = None,
    count: _Count = 25,
    population: _Population = None,
    fact: _Fact = "",
    verify: _Verify = False,
) -> Response[RegisterOut]:
    """Read a register: sample, overrides, parameter-changes, table-changes, unconfirmed or chain."""
    kind = register_named(register)
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        asked = Asked(
            place=paging.place, on=day_of(on, field="on") if on else standing.business_date, count=count,
            population=population, fact=fact.strip(),
            trusted=signing_of(request).trusted(), verifies=verify,
        )  # fmt: skip
        found = kind.read(session, actor, asked)
    body = RegisterOut(
        register=kind.name,
        title_zh=kind.title.zh,
        title=kind.title.en,
        note_zh=found.note.zh,
        note=found.note.en,
        heads=[head.zh for head in found.heads],
        lines=[[cell.text.zh for cell in line] for line in found.lines],
    )
    return paging.answer(body, Slice(items=(), last=found.last))


routes = [read_register]

"""The page by which a stranger verifies a document: it tells who knows its four facts whether it is on record.

Who does not know all four is told one thing, in one shape, whatever of them is wrong, after as many questions to the
database; the digest has 256 bits, so that nobody finds a document by trying. Each look-up is in the scope of the
issuer's own rows, so that PostgreSQL shows no other bank's even if a condition were forgotten.
"""

import re
from dataclasses import dataclass
from typing import Annotated

from litestar import get
from litestar.params import QueryParameter
from litestar.response import Template

from carbonfin.kernel.dates import Clock
from carbonfin.kernel.enterprises import Usci
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing, standing_by_code
from carbonfin.web.connections import WebRequest
from carbonfin.web.language import Text
from carbonfin.web.pages import page
from loans import service
from loans.calc.issued_documents import DocumentClaim, DocumentRecord, DocumentState

_NOBODY = "00000000-0000-4000-8000-000000000000"
"""Whose rows are asked for where there is no such issuer, so that an answer takes the same time."""
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NUMBER = re.compile(r"[0-9A-Za-z-]{1,64}")
_VERSION = re.compile(r"[1-9][0-9]{0,4}")
_FIELD_LENGTH_MAX = 100
_STATES = {
    DocumentState.CURRENT: ("good", Text("在册，有效", "on record, stands")),
    DocumentState.SUPERSEDED: ("warning", Text("在册，已被替代", "on record, superseded")),
    DocumentState.EXPIRED: ("warning", Text("在册，已过有效期", "on record, no longer valid")),
}
_Asked = Annotated[str, QueryParameter(max_length=_FIELD_LENGTH_MAX)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What the page tells of a document that was asked for; without a record it is the same for everyone."""

    standing: Standing | None
    record: DocumentRecord | None


@get("/verify", sync_to_thread=True)
def verification_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    clock: Clock,
    issuer: _Asked = "",
    number: _Asked = "",
    version: _Asked = "",
    digest: _Asked = "",
) -> Template:
    """Show the form, and the answer where all four are given."""
    typed = {"issuer": issuer, "number": number, "version": version, "digest": digest}
    typed = {name: text.strip() for name, text in typed.items()}
    errors: dict[str, Text] = {}
    answer = None
    if any(typed.values()):
        errors = _faults(typed)
        answer = None if errors else _answer(sessions, clock, typed)
    record = None if answer is None else answer.record
    return page(
        request,
        "loans/verification.html",
        title=Text("文件核验", "Verification of a document"),
        status_code=422 if errors else 200,
        typed=typed,
        errors={name: errors.get(name, "") for name in typed},
        answer=answer,
        record=record,
        state=None
        if answer is None or record is None or answer.standing is None
        else _STATES[record.state_on(answer.standing.business_date)],
    )


def _faults(typed: dict[str, str]) -> dict[str, Text]:
    """Give what is no code, number, version or digest at all; it says nothing of what is on record."""
    errors = {}
    try:
        Usci.parse(typed["issuer"], field="issuer")
    except InvalidInput as fault:
        errors["issuer"] = Text(fault.zh, fault.detail)
    if not _NUMBER.fullmatch(typed["number"]):
        errors["number"] = Text("编号由字母、数字与连字符组成", "A number has letters, digits and hyphens")
    if not _VERSION.fullmatch(typed["version"]):
        errors["version"] = Text("版本应为正整数", "A version is a whole number from 1 on")
    if not _DIGEST.fullmatch(typed["digest"].lower()):
        errors["digest"] = Text("摘要应为 64 位十六进制字符", "A digest has 64 hexadecimal digits")
    return errors


def _answer(sessions: Sessions, clock: Clock, typed: dict[str, str]) -> _Answer:
    """Ask for the document among the rows of the issuer alone."""
    claim = DocumentClaim(number=typed["number"], version=int(typed["version"]), digest=typed["digest"].lower())
    with sessions.at_the_door().read() as session:
        standing = standing_by_code(session, typed["issuer"].upper(), clock)
    organization_id = _NOBODY if standing is None else standing.organization_id
    with sessions.within(organization_id).read() as session:
        record = service.issued_document(session, organization_id, claim, standing=standing)
    return _Answer(standing=standing, record=record)


routes = [verification_page]

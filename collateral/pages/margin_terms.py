"""Margin terms for people: what holds for an agreement, what waits, and the form that proposes a change."""

import base64
import re
from typing import Annotated, Any, Literal

import msgspec
from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct
from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput, NotFound
from carbonfin.kernel.units import parse_decimal
from carbonfin.storage.engine import Sessions
from carbonfin.storage.learned_types import converted
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from collateral import service
from collateral.calc.agreed_terms import TermsRecord
from collateral.schemas import MarginTermsIn
from collateral.schemas.margin import CsaIn

Entry = Annotated[str, Meta(max_length=500)]
_FIELD = re.compile(r"\$\.([a-z_]+)")
_COUNTS = ("days_on_time", "days_late", "resolution_days", "grace_days")
_NOT_READ = frozenset({"action", "csa", "csa_party"})
_NOT_TERMS = _NOT_READ | {"reason"}
_OPTIONAL = (
    "threshold", "independent", "initial_ratio", "warning_ratio", "disposal_ratio", "eligible_currencies",
    "notice_address",
)  # fmt: skip
_BETWEEN_CODES = re.compile(r"[\s,，、;；]+")


class TermsForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form sends; an empty threshold means that none is ever due, an empty independent amount that none is."""

    agreement_code: Entry = ""
    agreement_kind: Entry = "pledge"
    currency: Entry = "CNY"
    threshold: Entry = "0.00"
    minimum_transfer: Entry = "0.00"
    rounding: Entry = "0.01"
    delivery_direction: Entry = "up"
    return_direction: Entry = "down"
    independent: Entry = ""
    initial_ratio: Entry = ""
    warning_ratio: Entry = ""
    disposal_ratio: Entry = ""
    calendar: Entry = "bank"
    zone: Entry = "Asia/Shanghai"
    notification_time: Entry = ""
    transfer_time: Entry = ""
    resolution_time: Entry = ""
    days_on_time: Entry = "1"
    days_late: Entry = "2"
    resolution_days: Entry = "1"
    grace_days: Entry = "0"
    eligible_currencies: Entry = ""
    notice_address: Entry = ""
    document: Entry = ""
    valid_from: Entry = ""
    reason: Entry = ""
    action: Entry = "propose"
    csa: Annotated[str, Meta(max_length=1_000_000)] = ""
    csa_party: Entry = "PARTY_1"

    @classmethod
    def of(cls, record: TermsRecord) -> "TermsForm":
        """Begin a change with the terms that hold."""
        terms = record.terms
        told = {name: getattr(terms, name) for name in cls.__struct_fields__ if name not in _NOT_TERMS}
        hours = {name: f"{told[name]:%H:%M}" for name in ("notification_time", "transfer_time", "resolution_time")}
        listed = {"eligible_currencies": "、".join(terms.eligible_currencies or ())}
        return cls(**{name: "" if value is None else str(value) for name, value in told.items()} | hours | listed)

    def read(self) -> MarginTermsIn:
        """Read the entries as the API reads them.

        Raises:
            InvalidInput: An entry reads what it cannot; the field is named.
        """
        names = [name for name in self.__struct_fields__ if name not in _NOT_READ]
        given: dict[str, object] = {name: getattr(self, name).strip() for name in names}
        given |= {name: None for name in _OPTIONAL if not given[name]}
        given |= {name: int(text) for name in _COUNTS if (text := str(given[name])).isdecimal()}
        if codes := given["eligible_currencies"]:
            given["eligible_currencies"] = [one for one in _BETWEEN_CODES.split(str(codes)) if one]
        try:
            return converted(given, MarginTermsIn)
        except msgspec.ValidationError as error:
            found = _FIELD.search(str(error))
            field = found[1] if found else ""
            raise InvalidInput(
                f"{field or 'an entry'} cannot be read: {error}", zh="该项填写格式不正确", field=field,
                remedy="Write amounts with at most two places, hours as HH:MM, days as YYYY-MM-DD.",
                remedy_zh="金额最多两位小数；时刻写作 HH:MM；日期写作 YYYY-MM-DD。",
            ) from error  # fmt: skip

    def filled(self) -> "TermsForm":
        """Give the form with what the annex says; what it leaves open stays as it was typed.

        Raises:
            InvalidInput: It is no annex, or a figure of it cannot be kept here.
            MissingData: A rating, a centre or an independent amount agreed in words is not known.
        """
        annex = CsaIn(content_base64=base64.b64encode(self.csa.encode()).decode(), party=_party_of(self.csa_party))
        typed = self.independent.strip()
        found = annex.figures(independent=parse_decimal(typed, field="independent") if typed else None)
        notification = self.notification_time if found.notification_time is None else f"{found.notification_time:%H:%M}"
        return msgspec.structs.replace(
            self, currency=found.currency.value, threshold="" if found.threshold is None else str(found.threshold),
            minimum_transfer=str(found.minimum_transfer), rounding=str(found.rounding),
            delivery_direction=found.delivery_direction.value, return_direction=found.return_direction.value,
            independent=str(found.independent), zone=found.zone, notification_time=notification,
            resolution_time=f"{found.resolution_time:%H:%M}",
            eligible_currencies="、".join(found.eligible_currencies or ()),
        )  # fmt: skip


def _party_of(text: str) -> Literal["PARTY_1", "PARTY_2"]:
    if text == "PARTY_1":
        return "PARTY_1"
    if text == "PARTY_2":
        return "PARTY_2"
    raise InvalidInput(f"there is no party {text!r} in an annex", zh="请选择出质方", field="csa_party")


@get("/margin-terms", sync_to_thread=True)
def terms_page(
    *, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, agreement: FromQuery[str] = ""
) -> Template:
    """Show the terms of an agreement and the form for others."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        form = TermsForm(agreement_code=agreement[:64], valid_from=standing.business_date.isoformat())
        revisions = service.terms_of(session, actor, agreement)
        if revisions:
            begun = TermsForm.of(revisions[-1])
            form = msgspec.structs.replace(begun, valid_from=max(begun.valid_from, form.valid_from))
    return _shown(request, sessions, actor, form=form, failure=None)


@post("/margin-terms", sync_to_thread=True, status_code=303)
def send_terms(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[TermsForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Propose margin terms, or show again what was entered with the reason against it."""
    try:
        if data.action == "read":
            return _shown(request, sessions, actor, form=data.filled(), failure=None, is_read=True)
        given = data.read()
        with sessions.begin() as session:
            standing = standing_of(session, actor.organization_id, clock)
            service.propose_terms(session, actor, given.terms(), standing=standing, reason=given.reason)
    except CarbonFinError as failure:
        return _shown(request, sessions, actor, form=data, failure=failure)
    return Redirect(f"/margin-terms?agreement={given.agreement_code}", status_code=303)


def _shown(
    request: WebRequest, sessions: Sessions, actor: Actor, *, form: TermsForm, failure: CarbonFinError | None,
    is_read: bool = False,
) -> Template:  # fmt: skip
    with sessions.read() as session:
        context: dict[str, Any] = {
            "revisions": service.terms_of(session, actor, form.agreement_code),
            "waiting": service.waiting_terms(session, actor, form.agreement_code),
            "address": _address(session, actor, form.agreement_code),
        }
    errors = {}
    if failure is not None and failure.field:
        errors[failure.field] = Text(failure.zh, failure.detail)
    return page(
        request,
        "collateral/margin_terms.html",
        title=Text(f"保证金条款 {form.agreement_code}".strip(), f"Margin terms {form.agreement_code}".strip()),
        status_code=200 if failure is None else 422,
        form=form,
        is_read=is_read,
        errors=errors,
        failure=None
        if failure is None
        else Text(
            f"{failure.zh}。{failure.remedy_zh}".rstrip("。") + "。", f"{failure.detail} {failure.remedy}".strip()
        ),
        may_propose=actor.role is Role.OFFICER,
        **context,
    )


def _address(session: Session, actor: Actor, code: str) -> str:
    try:
        return "/" + service.agreement_address(session, actor, code).replace(":", "s/", 1)
    except NotFound:
        return ""

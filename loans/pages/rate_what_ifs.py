"""Trying rates over scores and an LPR path: what is asked stands in the address, nothing is kept."""

import re
from typing import Any

import msgspec
from litestar import get
from litestar.response import Template

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.kernel.parties import PartyKind
from carbonfin.storage.engine import Sessions
from carbonfin.storage.learned_types import converted
from carbonfin.storage.parties import parties_of, party_by_code, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from carbonfin.web.problems import status_of
from loans import service
from loans.calc.jiangtandai import REASONS_EN, REASONS_ZH, LprStep
from loans.pages.forms import METHODS, PERIODS, TENORS, error_words
from loans.schemas.rate_what_ifs import RateWhatIfIn

_NAMES = (
    "usci", "margin_bp", "lpr_tenor", "applies_from", "scores", "lpr_path", "principal_cny", "maturity_date", "method",
    "interest_period_months",
)  # fmt: skip
_LOAN = ("principal_cny", "maturity_date", "method", "interest_period_months")
_PLACE = re.compile(r"\$\.(?:loan\.)?([a-z_]+)")
_REASONS = {one: Text(REASONS_ZH[one], REASONS_EN[one]) for one in REASONS_ZH}
_MOST = 2_000


@get("/loans/what-if", sync_to_thread=True)
def rate_what_if_page(request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template:
    """Show the form, and below it the rate of each score on each step of the path."""
    asked = {name: request.query_params.get(name, "").strip()[:_MOST] for name in _NAMES}
    found, failure = None, None
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        parties = parties_of(session, actor, kind=PartyKind.ENTERPRISE)
        if asked["usci"]:
            try:
                given = _read(asked)
                party = party_by_code(session, actor, given.usci)
                found = service.rate_what_if(session, actor, party, given.request(), standing=standing)
            except CarbonFinError as error:
                failure = error
    usual = {
        "applies_from": standing.business_date.isoformat(), "scores": "60, 70, 80, 90", "lpr_tenor": "1Y",
        "method": "bullet", "interest_period_months": "1",
    }  # fmt: skip
    return page(
        request,
        "loans/rate_what_if.html",
        title=Text("利率情景试算", "Rates tried"),
        status_code=200 if failure is None else status_of(failure),
        standing=standing,
        form={name: value or usual.get(name, "") for name, value in asked.items()},
        borrowers=[(one.code, Text(f"{one.name} {one.code}", f"{one.name} {one.code}")) for one in parties],
        choices={"lpr_tenor": TENORS, "method": METHODS, "interest_period_months": PERIODS},
        reasons=_REASONS,
        rate_heads=[] if found is None else [(_head(one), "number") for one in found.path],
        found=found,
        failure=None if failure is None else error_words(failure),
        failed_field="" if failure is None else (failure.field or ""),
    )


def _read(asked: dict[str, str]) -> RateWhatIfIn:
    body: dict[str, Any] = {name: asked[name] for name in ("usci", "lpr_tenor", "applies_from")}
    body["margin_bp"] = _whole(asked["margin_bp"])
    body["scores"] = [one for one in re.split("[,，、\\s]+", asked["scores"]) if one]
    steps = [re.split("[,，\\s]+", line.strip()) for line in asked["lpr_path"].splitlines() if line.strip()]
    body["lpr_path"] = [{"start": one[0], "rate": one[1] if len(one) > 1 else ""} for one in steps]
    if asked["principal_cny"]:
        body["loan"] = {name: asked[name] for name in _LOAN} | {
            "interest_period_months": _whole(asked["interest_period_months"])
        }
    try:
        return converted(body, RateWhatIfIn)
    except msgspec.ValidationError as error:
        match = _PLACE.search(str(error))
        field = match[1] if match else ""
        raise InvalidInput(
            f"{field or 'an entry'} cannot be read: {error}", zh="填写格式不正确", field=field,
            remedy="Write figures as plain decimals, days as YYYY-MM-DD; a path as one day and rate a line.",
            remedy_zh="数字不带千分位，日期写作 YYYY-MM-DD；LPR 路径每行写“日期 利率”，例如 2025-07-21 0.030。",
        ) from error  # fmt: skip


def _head(step: LprStep) -> Text:
    text = f"{step.start} LPR {step.rate * 100:.2f}%"
    return Text(text, text)


def _whole(text: str) -> object:
    return int(text) if re.fullmatch(r"[+-]?[0-9]{1,5}", text) else text


routes = [rate_what_if_page]

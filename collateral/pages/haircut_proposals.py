"""The form that proposes the haircut policy of a class; another person approves it."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromQuery
from litestar.response import Redirect, Response, Template

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput
from carbonfin.storage.engine import Sessions
from carbonfin.storage.learned_types import converted
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from collateral.calc.haircut_models.stack import TITLES
from collateral.calc.haircut_models.stack_terms import CHOSEN, Measure
from collateral.calc.haircut_policies import FREQUENCY_WORDS, LIQUIDITY_WORDS, POLICY_NAMES, policy_payload
from collateral.pages.haircuts import MEASURES
from collateral.schemas.haircuts import HaircutPolicyIn
from collateral.service import haircut_policies

_JUMP, _WRONG_WAY, _PART = "jump_", "wrong_way_", "component_"
_WHOLE = frozenset({
    "first_vintage", "last_vintage", "holding_days", "remargin_days", "cure_days", "notice_days", "fewest_clean_days",
    "path_count", "seed", "stack_version", "wrong_way_surrender_season", "wrong_way_horizon_days",
})  # fmt: skip
_OPTIONAL = frozenset({
    "first_vintage", "last_vintage", "daily_limit_ratio", "jump_expected_loss_ratio", "wrong_way_surrender_season",
})  # fmt: skip
_DAYS = frozenset({"review_by", "valid_from"})
_LONG = frozenset({"stress", "backtest"})
_AT_TOP = (
    "code", "scheme", "first_vintage", "last_vintage", "liquidity", "pledge_ratio_max", "valuation_frequency",
    "valued_by", "concentration_ratio", "stress", "backtest", "review_by", "document", "valid_from",
)  # fmt: skip
_IN_METHOD = tuple(
    name for name in POLICY_NAMES if name not in (*_AT_TOP, "components") and not name.startswith((_JUMP, _WRONG_WAY))
)
_STARTING = {"path_count": "20000", "seed": "1", "stack_version": "2", "measure": Measure.VALUE_AT_RISK.value}
_HELP = {
    "first_vintage": Text("不填表示不限；核证减排量两项均不填", "empty: no end; credits leave both empty"),
    "tail_ratio": Text("比例以小数填写，例如 0.01", "ratios as decimals, for example 0.01"),
    "stack_version": Text(
        "第 2 版：波动率上升或数据缺失均不会降低错向附加；第 1 版供原有政策沿用",
        "2: neither a wilder price nor lost data lowers the joint risk; 1 is that of older policies",
    ),
    "conservative_ratio": Text("不低于表值", "not below the table's value"),
    "daily_limit_ratio": Text("不填表示无涨跌幅限制", "empty: no price limit"),
    "jump_expected_loss_ratio": Text(
        "不填表示不设；填写后取满足目标与风险计量两者中较高的折扣系数，例如 0.0001",
        "empty: none; the haircut meets it as well as the measure, for example 0.0001",
    ),
    "wrong_way_default_ratios": Text(
        "按时段以逗号分隔，例如 0.01,0.01", "by season, with commas, for example 0.01,0.01"
    ),
    "wrong_way_surrender_season": Text("不填表示未知", "empty: not known"),
}
_FIELD = re.compile(r"\$\.([a-z_.]+)")
_FORM_MOST = 2_000


@get("/haircut-policies/new", sync_to_thread=True)
def haircut_policy_form(
    *, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, start: FromQuery[str] = ""
) -> Template:
    """Show the form, begun with the policy in force of a class where one is named."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        form = {**_STARTING, "valid_from": standing.business_date.isoformat()}
        known = haircut_policies.haircut_policy_revisions(session, actor, start, known_at=standing.known_at)
    if known:
        form |= _begun(policy_payload(known[-1].policy)) | {"valid_from": form["valid_from"]}
    return _shown(request, form, failure=None)


@post("/haircut-policies/new", sync_to_thread=True, status_code=303)
def send_haircut_policy(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[Any]:
    """Propose the policy, or show again what was entered with the reason against it."""
    try:
        given = _read(data)
        policy = given.policy()
        with sessions.begin() as session:
            standing = standing_of(session, actor.organization_id, clock)
            haircut_policies.propose_haircut_policy(session, actor, policy, standing=standing, reason=given.reason)
    except CarbonFinError as failure:
        return _shown(request, data, failure=failure)
    return Redirect(f"/haircut-policies/{policy.code}", status_code=303)


def _begun(payload: Mapping[str, Any]) -> dict[str, str]:
    parts = payload["components"]
    found = {f"{_PART}{one.value}": "yes" if one.value in parts else "no" for one in CHOSEN}
    for name, value in payload.items():
        if name != "components":
            listed = ",".join(value) if isinstance(value, list) else value
            found[name] = "" if listed is None else str(listed)
    return found


def _read(form: Mapping[str, str]) -> HaircutPolicyIn:
    """Read the entries as the API reads them.

    Raises:
        InvalidInput: An entry reads what it cannot; the field is named.
    """
    parts = [one.value for one in CHOSEN if form.get(f"{_PART}{one.value}") == "yes"]
    method = {name: _entry(form, name) for name in _IN_METHOD} | {"components": parts}
    if not method["stack_version"]:
        del method["stack_version"]  # the newest
    for prefix, part, field in ((_JUMP, "jump_diffusion", "jumps"), (_WRONG_WAY, "wrong_way", "wrong_way")):
        names = [name for name in POLICY_NAMES if name.startswith(prefix)]
        method[field] = {name.removeprefix(prefix): _entry(form, name) for name in names} if part in parts else None
    body = {name: _entry(form, name) for name in _AT_TOP} | {
        "method": method,
        "reason": form.get("reason", "").strip(),
    }
    try:
        return converted(body, HaircutPolicyIn)
    except msgspec.ValidationError as error:
        found = _FIELD.search(str(error))
        field = _form_name(found[1]) if found else ""
        name = POLICY_NAMES.get(field, ("", ""))[0]
        raise InvalidInput(
            f"{field or 'an entry'} cannot be read: {error}", zh=f"{name or '该项'}填写格式不正确", field=field,
            remedy="Write ratios as decimals, days as YYYY-MM-DD, counts as whole numbers.",
            remedy_zh="比例以小数填写，日期写作 YYYY-MM-DD，天数与次数填整数。",
        ) from error  # fmt: skip


def _entry(form: Mapping[str, str], name: str) -> object:
    text = form.get(name, "").strip()[:_FORM_MOST]
    if not text and name in _OPTIONAL:
        return None
    if name in _WHOLE and text.isascii() and text.isdecimal() and len(text) < len("2000000000"):
        return int(text)
    if name == "wrong_way_default_ratios":
        return [one.strip() for one in re.split("[,，、]", text)]
    return text


def _form_name(path: str) -> str:
    """Give the form's name of a field of the body, such as `method.jumps.up_ratio`."""
    *above, last = path.split(".")
    prefix = _JUMP if "jumps" in above else _WRONG_WAY if "wrong_way" in above else ""
    return f"{prefix}{last}"


def _shown(request: WebRequest, form: Mapping[str, str], *, failure: CarbonFinError | None) -> Template:
    field = "" if failure is None else failure.field or ""
    prefixed = (field, f"{_JUMP}{field}", f"{_WRONG_WAY}{field}")
    at_fault = next((name for name in prefixed if name in POLICY_NAMES), field)
    words = None
    if failure is not None:
        words = Text(f"{failure.zh} {failure.remedy_zh}".strip(), f"{failure.detail} {failure.remedy}".strip())
    return page(
        request,
        "collateral/haircut_policy_form.html",
        title=Text("提交折扣系数政策", "Propose a haircut policy"),
        status_code=200 if failure is None else 422,
        form=form,
        groups=_groups(),
        parts_chosen=[(f"{_PART}{one.value}", Text(*TITLES[one])) for one in CHOSEN],
        names={name: Text(*both) for name, both in POLICY_NAMES.items()},
        options=_options(),
        help=_HELP,
        optional=_OPTIONAL | {name for name in POLICY_NAMES if name.startswith((_JUMP, _WRONG_WAY))},
        whole=_WHOLE,
        days=_DAYS,
        long=_LONG,
        failed_field=at_fault,
        failure_text=words,
    )


def _groups() -> list[tuple[Text, list[str]]]:
    return [
        (Text("类别与准入", "Class and acceptance"), list(_AT_TOP)),
        (Text("折扣系数方法", "Method of the haircut"), list(_IN_METHOD)),
        (Text("跳跃扩散模型（选用时填写）", "Jump diffusion, where chosen"),
         [name for name in POLICY_NAMES if name.startswith(_JUMP)]),
        (Text("错向与清缴风险（选用时填写）", "Wrong-way and surrender risk, where chosen"),
         [name for name in POLICY_NAMES if name.startswith(_WRONG_WAY)]),
    ]  # fmt: skip


def _options() -> dict[str, list[tuple[str, Text]]]:
    return {
        "scheme": [(one.value, Text(one.value, one.value)) for one in Scheme],
        "liquidity": [(one.value, Text(*words)) for one, words in LIQUIDITY_WORDS.items()],
        "valuation_frequency": [(one.value, Text(*words)) for one, words in FREQUENCY_WORDS.items()],
        "measure": [(name, Text(*words)) for name, words in MEASURES.items()],
    }


routes = [haircut_policy_form, send_haircut_policy]

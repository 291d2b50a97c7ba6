"""Haircut policies for people: what is in force, each class with its terms, and a haircut with its components drawn."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath
from litestar.response import Redirect, Response, Template
from msgspec import Meta, Struct

from carbonfin.documents.charts import Bar, Chart, Language, Words, bar_chart
from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, InvalidInput, NotFound
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.filters import percent
from carbonfin.web.language import language_of
from carbonfin.web.pages import Text, page
from carbonfin.web.wire import day_of
from collateral.calc.haircut_models.components import Standing as ComponentStanding
from collateral.calc.haircut_models.stack import SEASON_FIGURE, TITLES, season_words
from collateral.calc.haircut_models.stack_terms import ComponentName, Measure
from collateral.calc.haircut_models.wrong_way import BorrowerUnits
from collateral.calc.haircut_policies import (
    FREQUENCY_WORDS,
    LIQUIDITY_WORDS,
    POLICY_NAMES,
    HaircutPolicy,
    policy_payload,
)
from collateral.service import computed_haircuts, haircut_policies
from collateral.service.computed_haircuts import HaircutAnswer, HaircutRequest

Entry = Annotated[str, Meta(max_length=40)]
_SHOWN = 20
STANDINGS = {
    ComponentStanding.COMPUTED.value: ("good", Text("已计算", "computed")),
    ComponentStanding.CONSERVATIVE.value: ("warning", Text("保守值", "conservative")),
    ComponentStanding.UNSALEABLE.value: ("breach", Text("不可变现", "not saleable")),
}
MEASURES = {
    Measure.VALUE_AT_RISK.value: ("分位数（VaR）", "value at risk"),
    Measure.EXPECTED_SHORTFALL.value: ("预期损失（ES）", "expected shortfall"),
}
_WORDS: dict[str, tuple[str, str]] = {
    **{name.value: words for name, words in TITLES.items()},
    **MEASURES,
    **{one.value: words for one, words in LIQUIDITY_WORDS.items()},
    **{one.value: words for one, words in FREQUENCY_WORDS.items()},
}
_EXACT = ("_ratio", "_ratios", "_ratio_max", "_share")


class HaircutForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the form sends; the borrower's three figures are given together or left out."""

    unit: Entry = ""
    quantity_t: Entry = ""
    ends_on: Entry = ""
    is_cross_currency: Entry = "no"
    emissions_t: Entry = ""
    allocation_t: Entry = ""
    free_holding_t: Entry = ""
    action: Entry = "preview"

    def request(self, code: str) -> HaircutRequest:
        """Read the entries.

        Raises:
            InvalidInput: An entry cannot be read; the field is named.
        """
        quantity_t = _tonnes(self.quantity_t, "quantity_t")
        held = (self.emissions_t, self.allocation_t, self.free_holding_t)
        borrower = None
        if any(text.strip() for text in held):
            borrower = BorrowerUnits(
                emissions_t=_tonnes(self.emissions_t, "emissions_t"),
                allocation_t=_tonnes(self.allocation_t, "allocation_t"),
                free_holding_t=_tonnes(self.free_holding_t, "free_holding_t"),
                pledged_t=quantity_t,
            )
        return HaircutRequest(
            policy=code, unit=Unit.parse(self.unit.strip()), quantity_t=quantity_t,
            ends_on=day_of(self.ends_on, field="ends_on"), is_cross_currency=self.is_cross_currency == "yes",
            borrower=borrower,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownHaircut:
    """A haircut to show, of a trial or of a kept decision, in one shape."""

    haircut_ratio: str
    is_accepted: bool
    binding: str
    refusal: Text
    components: list[dict[str, Any]]
    decision_id: str | None
    season: Text


def _tonnes(text: str, field: str) -> int:
    plain = text.replace(",", "").strip()
    if not plain.isdecimal() or not plain.isascii() or len(plain) > 10:
        raise InvalidInput(f"{text!r} is not whole tonnes", zh="请填写整数吨，不得为负", field=field)
    return int(plain)


@get("/haircut-policies", sync_to_thread=True)
def haircut_policies_page(*, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock) -> Template:
    """List the policies in force, one a class."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        found = haircut_policies.haircut_policies(
            session, actor, valid_on=standing.business_date, known_at=standing.known_at
        )
    return page(
        request,
        "collateral/haircut_policies.html",
        title=Text("折扣系数政策", "Haircut policies"),
        business_date=standing.business_date,
        records=found,
        liquidity={one: Text(*words) for one, words in LIQUIDITY_WORDS.items()},
        frequency={one: Text(*words) for one, words in FREQUENCY_WORDS.items()},
        may_propose=actor.role is Role.OFFICER,
    )


@get("/haircut-policies/{code:str}", sync_to_thread=True)
def haircut_policy_page(
    *, request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, code: FromPath[str]
) -> Template:
    """Show a class: its policy, its revisions, the last kept haircut, and the form to calculate one."""
    return _show(request, sessions, actor, clock, code)


@post("/haircut-policies/{code:str}", sync_to_thread=True, status_code=200)
def calculate_haircut(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    code: FromPath[str],
    data: Annotated[HaircutForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Response[None] | Template:
    """Calculate a haircut, and keep it when asked to."""
    keeps = data.action == "record"
    try:
        asked = data.request(code)
        with sessions.begin() if keeps else sessions.read() as session:
            standing = standing_of(session, actor.organization_id, clock)
            make = computed_haircuts.record_haircut if keeps else computed_haircuts.try_haircut
            answer = make(session, actor, asked, standing=standing)
    except CarbonFinError as error:
        return _show(request, sessions, actor, clock, code, form=data, failure=error)
    if keeps:
        return Redirect(f"/haircut-policies/{code}", status_code=303)
    return _show(request, sessions, actor, clock, code, form=data, answer=answer)


def _show(
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    code: str,
    *,
    form: HaircutForm | None = None,
    answer: HaircutAnswer | None = None,
    failure: CarbonFinError | None = None,
) -> Template:
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        revisions = haircut_policies.haircut_policy_revisions(session, actor, code, known_at=standing.known_at)
        waiting = haircut_policies.waiting_haircut_policy(session, actor, code)
        kept = computed_haircuts.haircuts_on_record(session, actor, code)
    if not revisions and waiting is None:
        raise NotFound(f"there is no haircut policy {code}", zh=f"没有折扣系数政策 {code}", field="code")
    in_force = [one for one in revisions if one.policy.valid_from <= standing.business_date]
    shown = _of_answer(answer) if answer else _of_record(kept[0]) if kept else None
    language: Language = "en" if language_of(request).value == "en" else "zh"
    return page(
        request,
        "collateral/haircut_policy.html",
        title=Text(f"折扣系数政策 {code}", f"Haircut policy {code}"),
        status_code=422 if failure else 200,
        code=code,
        business_date=standing.business_date,
        revisions=revisions,
        waiting=waiting,
        record=in_force[-1] if in_force else None,
        rows=_rows(in_force[-1].policy) if in_force else [],
        form=form or HaircutForm(ends_on=standing.business_date.isoformat()),
        failed_field=failure.field if failure else "",
        failure_text=Text(failure.zh, f"{failure.detail} {failure.remedy}".strip()) if failure else None,
        shown=shown,
        lendable=None if shown is None or not in_force else _lendable(in_force[-1].policy, shown),
        chart=None if shown is None else _chart(shown, code, as_of=standing.business_date, language=language),
        standings=STANDINGS,
        titles={name.value: Text(*words) for name, words in TITLES.items()},
        kept=kept[:_SHOWN],
        may_record=actor.role in {Role.OFFICER, Role.SYSTEM},
    )


def _lendable(policy: HaircutPolicy, shown: ShownHaircut) -> Decimal:
    return min(policy.pledge_ratio_max, 1 - Decimal(shown.haircut_ratio))


def _rows(policy: HaircutPolicy) -> list[tuple[Text, Text]]:
    payload = policy_payload(policy)
    return [
        (Text(*POLICY_NAMES[name]), _in_words(name, payload[name]))
        for name in POLICY_NAMES
        if name in payload and payload[name] not in (None, "", [])
    ]


def _in_words(name: str, value: Any) -> Text:
    if isinstance(value, list):
        words = [_in_words(name, one) for one in value]
        return Text("、".join(one.zh for one in words), ", ".join(one.en for one in words))
    text = str(value)
    if text in _WORDS:
        return Text(*_WORDS[text])
    if name.endswith(_EXACT):
        shown = percent(Decimal(text))
        return Text(shown, shown)
    return Text(text, text)


def _of_answer(answer: HaircutAnswer) -> ShownHaircut:
    outcome = answer.outcome
    return ShownHaircut(
        haircut_ratio=str(outcome.haircut_ratio), is_accepted=outcome.is_accepted, binding=outcome.binding.value,
        refusal=Text(outcome.refusal_zh, outcome.refusal_en), decision_id=answer.decision_id,
        season=Text(*season_words(answer.inputs, outcome.components)),
        components=[
            {"name": one.name.value, "ratio": str(one.ratio), "standing": one.standing.value,
             "reason": Text(one.reason_zh, one.reason_en), "evidence": _evidence(
                 [{"label_zh": item.label_zh, "label_en": item.label_en, "value": item.value, "unit": item.unit}
                  for item in one.evidence])}
            for one in outcome.components
        ],
    )  # fmt: skip


def _of_record(record: Any) -> ShownHaircut:
    outputs = record.outputs
    return ShownHaircut(
        haircut_ratio=outputs["haircut_ratio"], is_accepted=outputs["is_accepted"], binding=outputs["binding"],
        refusal=Text(outputs["refusal_zh"], outputs["refusal_en"]), decision_id=record.id, season=_season_of(record),
        components=[
            {"name": one["name"], "ratio": one["ratio"], "standing": one["standing"],
             "reason": Text(one["reason_zh"], one["reason_en"]), "evidence": _evidence(one["evidence"])}
            for one in outputs["components"]
        ],
    )  # fmt: skip


def _season_of(record: Any) -> Text:
    """Give what a kept haircut says of a season that nobody confirmed, by its trace."""
    one = next((one for one in record.trace if one.name.startswith(SEASON_FIGURE) and not one.confirmed), None)
    if one is None:
        return Text("", "")
    if one.parameter is None:
        return Text(one.note_zh, one.note_en)
    return Text(f"{one.label_zh} {one.value}，未确认", f"{one.label_en} {one.value}: not confirmed")


def _evidence(items: list[dict[str, str]]) -> list[Text]:
    units = {"days": (" 日", " days"), "t": (" 吨", " t")}
    found = []
    for one in items:
        zh, en = units.get(one["unit"], ("", ""))
        value = percent(Decimal(one["value"])) if one["unit"] == "ratio" else one["value"]
        found.append(Text(f"{one['label_zh']} {value}{zh}", f"{one['label_en']} {value}{en}"))
    return found


def _chart(shown: ShownHaircut, code: str, *, as_of: Any, language: Language) -> Chart:
    bars = [
        Bar(
            label=Words(zh=TITLES[ComponentName(one["name"])][0], en=TITLES[ComponentName(one["name"])][1]),
            amount=Decimal(one["ratio"]) * 100,
            text=percent(Decimal(one["ratio"])),
        )
        for one in shown.components
    ]
    bars.append(
        Bar(
            label=Words(zh="折扣系数", en="Haircut"), amount=Decimal(shown.haircut_ratio) * 100,
            text=percent(Decimal(shown.haircut_ratio)),
        )
    )  # fmt: skip
    return bar_chart(
        title=Words(zh="哪一项决定折扣系数？", en="Which component decides the haircut?"),
        unit=Words(zh="%", en="%"), bars=bars, source=Words(zh=f"折扣系数政策 {code}", en=f"haircut policy {code}"),
        as_of=as_of, language=language, width_px=420,
    )  # fmt: skip


routes = [haircut_policies_page, haircut_policy_page, calculate_haircut]

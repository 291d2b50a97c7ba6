"""Structured trades for people: a form by kind, the value with its parts and cautions, kept on demand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, QueryParameter
from litestar.response import Redirect, Template

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock, DayCount
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.kernel.units import Currency, parse_decimal
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from carbonfin.web.wire import day_of
from pricing import service
from pricing.calc.structured.trades import (
    NEEDED,
    SIDE_LABELS,
    STRUCTURE_LABELS,
    Side,
    StructuredTrade,
    StructureKind,
)
from pricing.pages.trials import KEEP, filled, kind_named, read_form
from pricing.schemas.structures import StructuredTradeIn

_PERCENT = Decimal(100)
_SHOWN_MAX = 20
_CURRENCIES = [(one.value, one.value) for one in Currency]
_DAY_COUNTS = [(one.value, one.value) for one in DayCount]
_BEARERS = [("lender", Text("借出方", "lender")), ("borrower", Text("借入方", "borrower"))]
_OPTION_TYPES = [("call", Text("看涨（价差扩大）", "call")), ("put", Text("看跌（价差缩小）", "put"))]
_DATE_WORDS: Mapping[StructureKind, Text] = {
    StructureKind.SWAP: Text("结算日", "Settlement days"),
    StructureKind.SPREAD_SWAP: Text("结算日", "Settlement days"),
    StructureKind.LENDING: Text("归还日", "Return day"),
    StructureKind.REPO: Text("购回日", "Repurchase day"),
    StructureKind.CARBON_BOND: Text("付息日（末日还本）", "Coupon days; the last repays"),
    StructureKind.SPREAD_OPTION: Text("到期日", "Expiry"),
    StructureKind.QUANTO_FORWARD: Text("交割日", "Delivery day"),
}
_PRICE_WORDS: Mapping[StructureKind, Text] = {
    StructureKind.SWAP: Text("固定价格", "Fixed price"),
    StructureKind.SPREAD_SWAP: Text("约定价差", "Agreed spread"),
    StructureKind.LENDING: Text("计费基准价", "Price the fee is counted on"),
    StructureKind.REPO: Text("首期价格", "Price of the first leg"),
    StructureKind.SPREAD_OPTION: Text("行权价差", "Strike"),
    StructureKind.QUANTO_FORWARD: Text("约定价格（汇率按 1 计）", "Strike at a rate of one"),
}
_RATE_WORDS: Mapping[StructureKind, Text] = {
    StructureKind.LENDING: Text("借碳费率", "Fee rate"),
    StructureKind.REPO: Text("回购利率", "Repo rate"),
    StructureKind.CARBON_BOND: Text("固定票面利率", "Base coupon"),
}
_OTHER_WORDS: Mapping[StructureKind, Text] = {
    StructureKind.LENDING: Text("归还品种", "Unit returned"),
    StructureKind.SPREAD_SWAP: Text("另一腿品种", "Unit of the other leg"),
    StructureKind.SPREAD_OPTION: Text("另一腿品种", "Unit of the other leg"),
}
_PARTY_FIELDS = frozenset({"buyer_code", "buyer_name", "seller_code", "seller_name"})
_PERCENTS = frozenset({"rate", "link_slope_rate", "link_floor_rate", "link_cap_rate"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """A field of the form of one kind, as the template draws it."""

    name: str
    label: Text
    kind: str = "text"
    unit: str = ""
    help: Text | str = ""
    required: bool = True
    options: Sequence[tuple[str, Text | str]] | None = None


def _own_fields(kind: StructureKind) -> Mapping[str, FormField]:
    """Give the fields that only some kinds have, worded for one."""
    price = _PRICE_WORDS.get(kind, Text("价格", "Price"))
    return {
        one.name: one
        for one in (
            FormField(name="quantity_t", label=Text("数量", "Quantity"), unit="t"),
            FormField(name="price_per_t", label=price, help=Text("每吨，交易币种", "a tonne, in the trade's currency")),
            FormField(name="rate", label=_RATE_WORDS.get(kind, Text("利率", "Rate")), unit="%"),
            FormField(name="day_count", label=Text("计息基准", "Day count"), options=_DAY_COUNTS),
            FormField(name="other_unit", label=_OTHER_WORDS.get(kind, Text("另一品种", "Other unit"))),
            FormField(name="ratio", label=Text("每吨对应另一腿吨数", "Tonnes of the other leg for one")),
            FormField(name="option_type", label=Text("方向", "Type"), options=_OPTION_TYPES),
            FormField(name="price_currency", label=Text("计价币种", "Currency of the price"), options=_CURRENCIES),
            FormField(name="face_amount", label=Text("面值", "Face")),
            FormField(name="link_reference_per_t", label=Text("挂钩基准价（每吨）", "Reference price, a tonne")),
            FormField(
                name="link_slope_rate", label=Text("每变动 1 货币单位的利率变动", "Rate for one unit a tonne"), unit="%"
            ),
            FormField(name="link_floor_rate", label=Text("挂钩下限", "Floor"), unit="%", required=False),
            FormField(name="link_cap_rate", label=Text("挂钩上限", "Cap"), unit="%", required=False),
            FormField(name="vintage_risk", label=Text("年度价差风险承担方", "Vintage risk"), options=_BEARERS),
            FormField(name="surrender_risk", label=Text("逾期清缴风险承担方", "Surrender risk"), options=_BEARERS),
        )
    }


def form_fields(kind: StructureKind) -> list[FormField]:
    """Give the fields of the form of a kind in the order people fill them in."""
    buyer, seller = SIDE_LABELS[kind]
    code_help = Text("统一社会信用代码 18 位，或法人识别编码（LEI）20 位", "USCI of 18 characters, or LEI of 20")
    sides = [("buyer", Text(*buyer)), ("seller", Text(*seller))]
    own = _own_fields(kind)
    too = ("link_floor_rate", "link_cap_rate") if kind is StructureKind.CARBON_BOND else ()
    return [
        FormField(name="trade_id", label=Text("交易编号", "Trade number")),
        FormField(name="side", label=Text("本行方向", "Our side"), options=sides),
        FormField(name="unit", label=Text("品种", "Unit"), help=Text("例如 CEA-2024、EUA", "CEA-2024, EUA")),
        FormField(name="currency", label=Text("交易币种", "Currency"), options=_CURRENCIES),
        FormField(name="trade_date", label=Text("成交（起始）日", "Trade day"), kind="date"),
        FormField(
            name="dates", label=_DATE_WORDS[kind], kind="textarea", help=Text("每行一个 YYYY-MM-DD", "one a line")
        ),
        *(own[name] for name in (*NEEDED[kind], *too)),
        FormField(
            name="buyer_code", label=Text(f"{buyer[0]}代码", f"Code: {buyer[1]}"), required=False, help=code_help
        ),
        FormField(name="buyer_name", label=Text(f"{buyer[0]}名称", f"Name: {buyer[1]}"), required=False),
        FormField(
            name="seller_code", label=Text(f"{seller[0]}代码", f"Code: {seller[1]}"), required=False, help=code_help
        ),
        FormField(name="seller_name", label=Text(f"{seller[0]}名称", f"Name: {seller[1]}"), required=False),
        FormField(
            name="master_agreement", label=Text("主协议", "Master agreement"), required=False,
            help=Text("缺少所需文件即标注“仅估值，不可成交”", "without its papers a trade is for valuation only"),
        ),
        FormField(name="derivatives_licence", label=Text("衍生产品交易资格", "Derivatives licence"), required=False),
    ]  # fmt: skip


def read_trade(kind: StructureKind, form: Mapping[str, str]) -> StructuredTrade:
    """Read the form of a kind as the API reads a trade; a field of another kind is passed over.

    Raises:
        InvalidInput: A field cannot be read; its name stands in `field`.
    """
    own = [one.name for one in form_fields(kind) if one.name not in _PARTY_FIELDS]
    texts = {name: form.get(name, "").strip() for name in own}
    plain: dict[str, Any] = {name: text for name, text in texts.items() if text}
    plain |= {name: _part_of_one(name, plain[name]) for name in _PERCENTS & plain.keys()}
    if "quantity_t" in plain:
        plain["quantity_t"] = int(plain["quantity_t"]) if plain["quantity_t"].isdecimal() else plain["quantity_t"]
    plain["dates"] = texts["dates"].replace("，", " ").replace(",", " ").split()
    plain |= {side: _party(form, side) for side in ("buyer", "seller") if form.get(f"{side}_code", "").strip()}
    return read_form(StructuredTradeIn, {**plain, "kind": kind.value}).trade()


def _party(form: Mapping[str, str], side: str) -> dict[str, str]:
    return {"code": form.get(f"{side}_code", "").strip(), "name": form.get(f"{side}_name", "").strip()}


def _part_of_one(name: str, text: str) -> str:
    return format((parse_decimal(text, field=name) / _PERCENT).normalize(), "f")


@get("/structures", sync_to_thread=True)
def structure_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    kind: Annotated[str, QueryParameter(max_length=20)] = StructureKind.SWAP,
) -> Template:
    """Show the form of a kind and the values kept last."""
    with sessions.read() as session:
        business_date = standing_of(session, actor.organization_id, clock).business_date
        kept = service.structure_values_kept(session, actor, limit=_SHOWN_MAX)
    given = {"valuation_date": business_date.isoformat(), "currency": Currency.CNY.value}
    return _form(request, _kind(kind), given, kept=kept)


@post("/structures", sync_to_thread=True, status_code=200)
def value_structure_now(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    data: Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Template | Redirect:
    """Value the trade of the form; keep the decision and go there, or show the value and keep nothing."""
    kind = _kind(data.get("kind", ""))
    work = service.record_structure_value if data.get("action") == KEEP else service.structure_value_of
    try:
        trade = read_trade(kind, data)
        with sessions.begin() as session:
            standing = standing_of(session, actor.organization_id, clock)
            answer = work(
                session,
                actor,
                trade,
                valuation_date=day_of(data.get("valuation_date", ""), field="valuation_date"),
                known_at=standing.known_at,
            )
    except CarbonFinError as error:
        return _form(request, kind, data, failure=error)
    if answer.decision_id is not None:
        return Redirect(f"/structures/{answer.decision_id}", status_code=303)
    return _form(request, kind, data, answer=answer)


@get("/structures/{decision_id:str}", sync_to_thread=True)
def structure_value_page(
    *, request: WebRequest, sessions: Sessions, actor: Actor, decision_id: FromPath[str]
) -> Template:
    """Show a value on record with its trace."""
    with sessions.read() as session:
        answer = service.load_structure_value(session, actor, decision_id)
    return page(
        request,
        "pricing/structure.html",
        title=Text(*(f"{words} {answer.trade.trade_id}" for words in STRUCTURE_LABELS[answer.trade.kind])),
        answer=answer,
        words=_words(answer),
        labels={figure.name: figure for figure in answer.value.trace},
    )


def _kind(text: str) -> StructureKind:
    return kind_named(StructureKind, text, what=Text("交易", "trade"))


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerWords:
    """What is said of a value in words."""

    kind: Text
    side: Text
    parties: tuple[tuple[Text, str, str], ...]
    notes: tuple[Text, ...]
    cautions: tuple[Text, ...]


def _words(answer: service.StructureAnswer) -> AnswerWords:
    value = answer.value
    return AnswerWords(
        kind=Text(*STRUCTURE_LABELS[value.kind]),
        side=Text(*SIDE_LABELS[value.kind][value.side is Side.SELLER]),
        parties=tuple(
            (Text(*words), party.name, party.code)
            for words, party in zip(SIDE_LABELS[value.kind], (answer.trade.buyer, answer.trade.seller), strict=True)
            if party is not None
        ),
        notes=tuple(Text(zh, en) for zh, en in zip(value.notes_zh, value.notes_en, strict=True)),
        cautions=tuple(Text(one.zh, one.en) for one in value.cautions),
    )


def _form(
    request: WebRequest,
    kind: StructureKind,
    given: Mapping[str, str],
    *,
    answer: service.StructureAnswer | None = None,
    failure: CarbonFinError | None = None,
    kept: Sequence[service.StructureSummary] = (),
) -> Template:
    fields = form_fields(kind)
    return page(
        request,
        "pricing/structures.html",
        title=Text("结构化交易估值", "Structured trades"),
        kind=kind,
        kinds=[(one, Text(*STRUCTURE_LABELS[one])) for one in StructureKind],
        fields=fields,
        answer=answer,
        words=None if answer is None else _words(answer),
        kept=kept,
        **filled(given, failure, names=["valuation_date", *(one.name for one in fields)]),
        kind_words={one: Text(*labels) for one, labels in STRUCTURE_LABELS.items()},
    )

"""The curves of a day: one drawn with its nodes, the quotes it was built of, and which curves could not be built."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated

from litestar import get
from litestar.params import QueryParameter
from litestar.response import Template

from carbonfin.documents.charts import Chart, CurvePoint, Language, Words, curve_chart
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import SCHEME_NAMES_ZH, Scheme
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import Currency, round_half_up
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.filters import number, percent
from carbonfin.web.language import language_of
from carbonfin.web.pages import Text, page
from carbonfin.web.wire import day_of
from pricing import service
from pricing.calc.curves.origins import CurveBuild, CurveKind
from pricing.calc.curves.reading import CURVE_KIND_LABELS, INTERPOLATION_LABELS, CurveFigures, CurveReading

_PERCENT = Decimal(100)
_UNCONFIRMED_LABELS = {
    "pricing.rate_convention": Text("利率约定", "rate convention"),
    "pricing.trading_phase": Text("交易阶段", "trading phase"),
    "pricing.fx_spot_days": Text("即期外汇交割天数", "days to spot settlement"),
}
_CURRENCY_NAMES_ZH = {
    Currency.CNY: "元",
    Currency.CNH: "离岸人民币元",
    Currency.HKD: "港元",
    Currency.USD: "美元",
    Currency.EUR: "欧元",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """What of a curve's figures one chart shows."""

    label: Words
    unit: Words
    value_of: Callable[[CurveFigures], Decimal | None]
    is_rate: bool


@get("/curves", sync_to_thread=True)
def curve_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    curve: Annotated[str, QueryParameter(max_length=60)] = "",
    on: Annotated[str | None, QueryParameter(max_length=10)] = None,
) -> Template:
    """Show one curve of a day with its nodes and quotes, and which curves there are."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        day = standing.business_date if not on else day_of(on, field="on")
        found = service.curve_set(session, actor, valuation_date=day, known_at=standing.known_at)
    chosen = _chosen(curve, found.build)
    answer = None if chosen is None else service.curve_in(found, kind=chosen[0], name=chosen[1])
    language: Language = "en" if language_of(request).value == "en" else "zh"
    reading = None if answer is None else answer.reading
    return page(
        request,
        "pricing/curves.html",
        title=Text("曲线", "Curves"),
        valuation_date=day,
        known_at=standing.known_at,
        answer=answer,
        reading=reading,
        choices=[(f"{origin.kind}:{origin.name}", _title(origin.kind, origin.name)) for origin in found.build.origins],
        chosen="" if chosen is None else f"{chosen[0]}:{chosen[1]}",
        failures=[(_title_of_item(failure.item), failure) for failure in found.build.failures],
        unconfirmed=[] if reading is None else [_unconfirmed(item) for item in reading.origin.unconfirmed],
        heading=None if reading is None else _title(reading.kind, reading.name),
        interpolation=None if reading is None else Text(*INTERPOLATION_LABELS[reading.interpolation]),
        charts=[] if reading is None else _charts(reading, day, language),
        unit=None if reading is None else _text(_unit_of(reading)),
        bounds=[] if reading is None else [_bound(item.residual) for item in reading.inputs],
        carry_note=None if reading is None or reading.carry_note is None else Text(*reading.carry_note),
    )


def _chosen(curve: str, build: CurveBuild) -> tuple[CurveKind, str] | None:
    """Give the curve asked for, or the first there is: forward prices before rates."""
    if not curve:
        first = sorted(build.origins, key=lambda origin: origin.kind is not CurveKind.FUTURES)
        return (first[0].kind, first[0].name) if first else None
    kind, _, name = curve.partition(":")
    if kind not in set(CurveKind) or not name:
        raise InvalidInput(
            f"{curve!r} names no curve",
            zh=f"“{curve}”不是曲线名称",
            field="curve",
            remedy="Write kind and name: discount:CNY, futures:EUA, fx:EURCNY.",
            remedy_zh="请按“类别:名称”填写，如 discount:CNY、futures:EUA、fx:EURCNY。",
        )
    return CurveKind(kind), name


def _title(kind: CurveKind, name: str) -> Text:
    """Name a curve as people say it."""
    label_zh, label_en = CURVE_KIND_LABELS[kind]
    scheme = name.split("/", 1)[0]
    spoken = f"{SCHEME_NAMES_ZH[Scheme(scheme)]} {name}" if kind is CurveKind.FUTURES else name
    return Text(f"{spoken} {label_zh}", f"{name} {label_en}")


def _title_of_item(item: str) -> Text:
    kind, _, name = item.partition(" ")
    return _title(CurveKind(kind), name)


def _unconfirmed(item: str) -> Text:
    """Name a parameter and its scope as people say them."""
    key, _, scope = item.partition(" ")
    label = _UNCONFIRMED_LABELS[key]
    return Text(f"{label.zh} {scope}".strip(), f"{label.en} {scope}".strip())


def _bound(residual: float) -> str:
    """Give the least power of ten that a residual does not exceed; exact repricing is 0."""
    return "0" if residual == 0 else f"1e{math.ceil(math.log10(abs(residual)))}"


def _text(words: Words) -> Text:
    return Text(words.zh, words.en)


def _unit_of(reading: CurveReading) -> Words:
    """Give the unit of what the curve's quotes are in."""
    if reading.kind is CurveKind.DISCOUNT:
        return Words(zh="%", en="%")
    if reading.kind is CurveKind.FUTURES:
        return Words(zh=f"{_CURRENCY_NAMES_ZH[reading.currency]}/吨", en=f"{reading.currency}/t")
    priced = Currency(reading.name[:3])
    return Words(zh=f"{reading.currency}/{priced}", en=f"{reading.currency} per {priced}")


def _charts(reading: CurveReading, day: date, language: Language) -> list[Chart]:
    unit = _unit_of(reading)
    price = _Drawn(
        label=Words(zh="远期价格", en="Forward price"), unit=unit, value_of=lambda one: one.forward_price_per_t,
        is_rate=False,
    )  # fmt: skip
    carry = _Drawn(
        label=Words(zh="净持有成本", en="Net carry"), unit=Words(zh="%", en="%"),
        value_of=lambda one: one.net_carry_rate, is_rate=True,
    )  # fmt: skip
    zero = _Drawn(
        label=Words(zh="零息利率", en="Zero rate"), unit=unit, value_of=lambda one: one.zero_rate, is_rate=True
    )
    rate = _Drawn(
        label=Words(zh="远期汇率", en="Forward rate"), unit=unit, value_of=lambda one: one.exchange_rate, is_rate=False
    )
    wanted = {CurveKind.DISCOUNT: (zero,), CurveKind.FUTURES: (price, carry), CurveKind.FX: (rate,)}[reading.kind]
    made = (_chart(reading, day, drawn, language) for drawn in wanted)
    return [chart for chart in made if chart is not None]


def _chart(reading: CurveReading, day: date, drawn: _Drawn, language: Language) -> Chart | None:
    """Draw what one column of the figures shows, or nothing where the curve does not give it."""
    nodes = {figures.day for figures in reading.nodes}
    points = [
        CurvePoint(
            day=figures.day,
            years=figures.years,
            value=value * _PERCENT if drawn.is_rate else value,
            text=percent(value, 4) if drawn.is_rate else number(round_half_up(value, 4)),
            is_node=figures.day in nodes,
        )
        for figures in reading.between
        if (value := drawn.value_of(figures)) is not None
    ]
    if not any(point.is_node for point in points):
        return None
    sample_zh, sample_en = ("（示例）", " (sample)") if reading.is_sample else ("", "")
    sources = "；".join(reading.sources)
    return curve_chart(
        title=Words(
            zh=f"{reading.name} {drawn.label.zh}{sample_zh}", en=f"{reading.name}: {drawn.label.en}{sample_en}"
        ),
        line_label=drawn.label,
        unit=drawn.unit,
        points=points,
        source=Words(zh=sources, en=sources),
        as_of=day,
        language=language,
        width_px=900,
    )

"""The market of one unit: price with flagged points, volumes apart, what the checks found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby, pairwise
from typing import Annotated, Any

from litestar import get
from litestar.params import FromPath, QueryParameter
from litestar.response import Response, Template
from sqlmodel import Session

from carbonfin.documents.charts import Chart, PointFlag, SeriesPoint, Tone, VolumeBar, Words, time_series_chart
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import SCHEME_NAMES_ZH, Unit
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.kernel.units import round_half_up
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import download
from carbonfin.web.language import language_of
from carbonfin.web.pages import Text, page
from carbonfin.web.wire import day_of
from pricing import service, workbooks
from pricing.calc.liquidity import WindowStatistics, window_statistics
from pricing.calc.market import PRICE_KIND_LABELS, Quote
from pricing.calc.quality import FINDING_LABELS, GRAVE, VALUE_LABELS, Finding, FindingKind, QualityReport

_FIRST_UNIT = "CEA"
_RECENT_DAYS = 12
_FLAGS: tuple[tuple[FindingKind, Words, Tone], ...] = (
    (FindingKind.LIMIT_LOCKED, Words(zh="封于涨跌停价", en="limit-locked"), Tone.BREACH),
    (FindingKind.LIMIT_MOVE, Words(zh="触及涨跌幅", en="limit-size move"), Tone.BREACH),
    (FindingKind.JUMP, Words(zh="价格跳变", en="jump"), Tone.BREACH),
    (FindingKind.CARRIED_CLOSE, Words(zh="沿用前收盘价", en="carried close"), Tone.WARNING),
    (FindingKind.SMALL_PRINT, Words(zh="成交量过小", en="small print"), Tone.WARNING),
    (FindingKind.BLOCK_APART, Words(zh="大宗均价偏离", en="block apart"), Tone.PLAIN),
)
_SHOWN_DAYS = 20

_UnitQuery = Annotated[str, QueryParameter(max_length=20)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """One day of the table: the quote, its move against the quote before, and what the checks found."""

    quote: Quote
    move_ratio: Decimal | None
    flags: tuple[FindingKind, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """What the page and its exports show of one unit."""

    unit: Unit
    unit_name: str
    from_date: date | None
    to_date: date
    standing: Standing
    units: tuple[str, ...]
    quotes: tuple[Quote, ...]
    report: QualityReport | None
    window: WindowStatistics | None

    @property
    def last(self) -> Quote | None:
        """The last day shown."""
        return self.quotes[-1] if self.quotes else None

    @property
    def change_ratio(self) -> Decimal | None:
        """The last day's move against the day before."""
        if len(self.quotes) < 2:
            return None
        before, last = self.quotes[-2:]
        return round_half_up(last.price_cny_per_t / before.price_cny_per_t - 1, 4)

    @property
    def recent(self) -> list[DayRow]:
        """The last days shown, latest first, each with its move and flags."""
        rows = []
        for before, quote in pairwise((None, *self.quotes)):
            assert quote is not None
            move = None if before is None else round_half_up(quote.price_cny_per_t / before.price_cny_per_t - 1, 4)
            flags = () if self.report is None else self.report.flags_on(quote.quote_date)
            rows.append(DayRow(quote=quote, move_ratio=move, flags=flags))
        return rows[: -_SHOWN_DAYS - 1 : -1]

    @property
    def is_sample(self) -> bool:
        """Whether any price shown is invented."""
        return any(quote.is_sample for quote in self.quotes)

    @property
    def exchanges(self) -> str:
        """The venues, named beside every chart and table."""
        return "；".join(sorted({quote.exchange for quote in self.quotes}))

    @property
    def query(self) -> str:
        """The query that shows the same again."""
        first = f"&from={self.from_date}" if self.from_date else ""
        return f"unit={self.unit}{first}&to={self.to_date}"


@get("/market", sync_to_thread=True)
def market_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    unit: _UnitQuery = _FIRST_UNIT,
    from_date: Annotated[str | None, QueryParameter(name="from", max_length=10)] = None,
    to_date: Annotated[str | None, QueryParameter(name="to", max_length=10)] = None,
) -> Template:
    """Show price with flags, volume listed and block apart, and what is stale."""
    with sessions.read() as session:
        view = _view(session, actor, clock, unit=unit, from_date=from_date, to_date=to_date)
    language = language_of(request).value
    return page(
        request,
        "pricing/market.html",
        title=Text("市场行情", "Market"),
        view=view,
        chart=_chart(view, "en" if language == "en" else "zh") if view.quotes else None,
        finding_days=_finding_days(view),
        recent_count=_RECENT_DAYS,
        grave=GRAVE,
        finding_labels={kind: Text(*labels) for kind, labels in FINDING_LABELS.items()},
        value_labels={name: Text(*labels) for name, labels in VALUE_LABELS.items()},
        price_kind=Text(*PRICE_KIND_LABELS[view.last.price_kind]) if view.last else None,
    )


def _finding_days(view: MarketView) -> list[tuple[date, list[Finding]]]:
    """Give the findings by day, last day first."""
    findings = view.report.findings if view.report else ()
    return [(day, list(found)) for day, found in groupby(reversed(findings), key=lambda item: item.quote_date)]


@get("/market/export/{ending:str}", sync_to_thread=True)
def export_market(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    ending: FromPath[str],
    unit: _UnitQuery = _FIRST_UNIT,
    from_date: Annotated[str | None, QueryParameter(name="from", max_length=10)] = None,
    to_date: Annotated[str | None, QueryParameter(name="to", max_length=10)] = None,
) -> Response[bytes]:
    """Give the days shown as a workbook, with the findings, or as CSV."""
    check_ending(ending)
    with sessions.read() as session:
        view = _view(session, actor, clock, unit=unit, from_date=from_date, to_date=to_date)
    table = workbooks.quote_table(view.quotes, unit_name=view.unit_name, to_date=view.to_date, report=view.report)
    stem = f"行情-{view.unit}-{view.to_date}"
    if ending == "csv":
        return download(workbooks.csv_of(table), stem=stem, ending="csv")
    tables = [table] if view.report is None else [table, workbooks.quality_table(view.report)]
    content = workbooks.workbook_of(*tables, title=table.title, created_at=view.standing.known_at)
    return download(content, stem=stem, ending="xlsx")


def check_ending(ending: str) -> None:
    """Refuse file types that are not offered."""
    if ending not in {"csv", "xlsx"}:
        raise InvalidInput(
            f"tables are offered as xlsx and csv, not {ending!r}",
            zh=f"不提供“{ending}”格式",
            field="ending",
            remedy="Choose xlsx or csv.",
            remedy_zh="可选 xlsx 或 csv。",
        )


def _view(
    session: Session, actor: Actor, clock: Clock, *, unit: str, from_date: str | None, to_date: str | None
) -> MarketView:
    standing = standing_of(session, actor.organization_id, clock)
    chosen = Unit.parse(unit)
    first = day_of(from_date, field="from") if from_date else None
    last = day_of(to_date, field="to") if to_date else standing.business_date
    if first is not None and first > last:
        raise InvalidInput(
            f"{first} lies after {last}",
            zh=f"起始日 {first} 晚于截止日 {last}",
            field="from",
            remedy="Choose an earlier first day.",
            remedy_zh="请选择更早的起始日。",
        )
    asked: dict[str, Any] = {
        "unit": chosen,
        "from_date": first,
        "to_date": last,
        "known_at": standing.known_at,
    }
    days = service.market_days(session, actor, **asked)
    return MarketView(
        unit=chosen,
        unit_name=f"{SCHEME_NAMES_ZH[chosen.scheme]} {chosen}",
        from_date=first,
        to_date=last,
        standing=standing,
        units=tuple(service.quoted_units(session, actor, on=last, known_at=standing.known_at)),
        quotes=days,
        report=_report(session, actor, asked) if days else None,
        window=_window(session, actor, standing, chosen, days),
    )


def _report(session: Session, actor: Actor, asked: dict[str, Any]) -> QualityReport | None:
    """Check the days shown, or give nothing where no limits are set for the scheme."""
    try:
        return service.quality_of(session, actor, **asked)
    except MissingData:
        return None


def _window(
    session: Session, actor: Actor, standing: Standing, unit: Unit, days: Sequence[Quote]
) -> WindowStatistics | None:
    """Give the statistics of the window that ends with the last day shown, where volumes are published."""
    if not days or days[-1].listed_volume_t is None:
        return None
    try:
        snapshot = service.market_snapshot(
            session,
            valuation_date=days[-1].quote_date,
            known_at=standing.known_at,
            organization_id=actor.organization_id,
        )
        return window_statistics(snapshot, unit)
    except MissingData:
        return None


def _chart(view: MarketView, language: Any) -> Chart:
    findings = view.report.findings if view.report else ()
    flag_of: dict[date, str] = {}
    for kind, _, _ in reversed(_FLAGS):
        flag_of.update({found.quote_date: kind for found in findings if found.kind is kind})
    has_volumes = any(quote.listed_volume_t is not None for quote in view.quotes)
    name_zh, name_en = PRICE_KIND_LABELS[view.quotes[-1].price_kind]
    sample_zh, sample_en = ("（示例）", " (sample)") if view.is_sample else ("", "")
    return time_series_chart(
        title=Words(zh=f"{view.unit} 价格与成交量{sample_zh}", en=f"{view.unit}: price and volume{sample_en}"),
        line_label=Words(zh=name_zh, en=name_en),
        unit=Words(zh="元/吨", en="CNY/t"),
        points=[
            SeriesPoint(day=quote.quote_date, value=quote.price_cny_per_t, flag=flag_of.get(quote.quote_date))
            for quote in view.quotes
        ],
        source=Words(zh=view.exchanges, en=view.exchanges),
        as_of=view.quotes[-1].quote_date,
        language=language,
        flags=[PointFlag(code=kind, label=words, tone=tone) for kind, words, tone in _FLAGS],
        volumes=[
            VolumeBar(day=quote.quote_date, listed_t=quote.listed_volume_t or 0, block_t=quote.block_volume_t or 0)
            for quote in view.quotes
        ]
        if has_volumes
        else (),
        width_px=900,
    )

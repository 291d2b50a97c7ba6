"""LPR, DR001 and HIBOR from files, API and feed: by both dates, within their bank, and never a curve by themselves."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from io import BytesIO

import httpx
import openpyxl
import pytest

from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.units import Currency
from carbonfin.rules.parameters import Grade
from carbonfin.storage.engine import Sessions
from pricing import service
from pricing.calc.curve_quotes import CurveQuote, CurveQuoteKind
from pricing.feeds.curve_files import CurveFileKind
from pricing.feeds.http import HttpMarketFeed
from pricing.feeds.port import FeedResource
from pricing.feeds.simulator import running_feed
from pricing.service.curve_quotes import CurveImport
from pricing.store.curve_quotes import save_curve_quotes
from tests.pricing.worlds import BUSINESS_DATE, KNOWN_AT, MarketWorld, make_market_world

HEAD = "利率名称,期限,日期,利率(%)\n"


@pytest.fixture
def world(sessions: Sessions) -> MarketWorld:
    with sessions.begin() as session:
        return make_market_world(session)


def _import(sessions: Sessions, world: MarketWorld, content: bytes, *, name: str = "lpr.csv") -> CurveImport:
    with sessions.begin() as session:
        return service.import_curve_file(
            session, world.stranger, kind=CurveFileKind.RATES, content=content, file_name=name,
            exchange="全国银行间同业拆借中心", document="公告", known_at=KNOWN_AT, preview=False,
        )  # fmt: skip


def _lpr(sessions: Sessions, organization_id: str | None, on: date, tenor: str = "1Y") -> tuple[Decimal, date]:
    with sessions.read() as session:
        rate = service.lpr_on(session, tenor, on, KNOWN_AT, organization_id=organization_id)
    return rate.value, rate.published_on


def test_an_imported_publication_stands_for_its_bank_alone(sessions: Sessions, world: MarketWorld) -> None:
    """The public table has 3.00 % of 2025-05-20; the bank imports the publication of 2025-06-20."""
    report = _import(sessions, world, (HEAD + "LPR,1Y,2025-06-20,2.95\nLPR,5Y,2025-06-20,3.45\n").encode())
    assert report.stored, report.failures
    bank = world.stranger.organization_id
    assert _lpr(sessions, bank, BUSINESS_DATE) == (Decimal("0.0295"), date(2025, 6, 20))
    assert _lpr(sessions, bank, BUSINESS_DATE, "5Y") == (Decimal("0.0345"), date(2025, 6, 20))
    assert _lpr(sessions, bank, date(2025, 6, 19)) == (Decimal("0.0300"), date(2025, 5, 20))
    for other in (None, world.maker.organization_id):
        assert _lpr(sessions, other, BUSINESS_DATE) == (Decimal("0.0300"), date(2025, 5, 20))
    with sessions.read() as session:
        before = service.lpr_on(
            session, "1Y", date(2025, 6, 20), end_of_china_day(date(2025, 6, 29)), organization_id=bank
        )
        imported = service.lpr_on(session, "1Y", BUSINESS_DATE, KNOWN_AT, organization_id=bank)
    assert before.value == Decimal("0.0300")  # the import was known on the 30th
    assert (imported.confirmed, imported.document) == (False, "全国银行间同业拆借中心 公告")


def test_a_workbook_brings_the_other_rates_too(sessions: Sessions, world: MarketWorld) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ("name", "tenor", "quote_date", "rate"), ("DR001", "ON", "2025-06-30", "0.0137"),
        ("HIBOR", "3M", "2025-06-30", "0.0170"), ("CNH_HIBOR", "1M", "2025-06-30", "0.0165"),
    ):  # fmt: skip
        sheet.append(row)
    content = BytesIO()
    book.save(content)
    report = _import(sessions, world, content.getvalue(), name="rates.xlsx")
    assert report.stored, report.failures
    with sessions.read() as session:
        found = service.curve_quotes_of(
            session, world.stranger, kind=None, name=None, from_date=BUSINESS_DATE, to_date=BUSINESS_DATE,
            known_at=KNOWN_AT,
        )  # fmt: skip
    assert {(one.name, one.point, one.value, str(one.currency)) for one in found} == {
        ("DR001", "ON", Decimal("0.0137"), "CNY"), ("HIBOR", "3M", Decimal("0.0170"), "HKD"),
        ("CNH_HIBOR", "1M", Decimal("0.0165"), "CNH"),
    }  # fmt: skip


def test_what_banks_lend_by_makes_no_discount_curve(sessions: Sessions, world: MarketWorld) -> None:
    text = HEAD + "LPR,1Y,2025-06-20,3.00\nDR001,ON,2025-06-30,1.37\nHIBOR,3M,2025-06-30,1.70\n"
    assert _import(sessions, world, text.encode()).stored
    with sessions.read() as session:
        found = service.curve_set(session, world.stranger, valuation_date=BUSINESS_DATE, known_at=KNOWN_AT)
    assert found.build.curves.discount == ()
    assert found.build.failures == ()


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("LPR,3Y,2025-06-20,3.00", "tenor"),
        ("LPR,1Y,2025-06-20,0.0300", "rate"),  # percent written as a decimal: a hundredth of the last
        ("LPR,1Y,2025-06-20,30.0", "rate"),
        ("LPRX,1Y,2025-06-20,3.00", "name"),
        ("LPR,1Y,2025-07-20,3.00", "quote_date"),
    ],
)
def test_a_row_that_cannot_be_stores_nothing(sessions: Sessions, world: MarketWorld, row: str, field: str) -> None:
    report = _import(sessions, world, f"{HEAD}LPR,5Y,2025-06-20,3.50\n{row}\n".encode())
    assert not report.stored
    assert [failure.field for failure in report.failures] == [field]
    assert all(failure.remedy_zh for failure in report.failures)
    assert _lpr(sessions, world.stranger.organization_id, BUSINESS_DATE, "5Y")[1] == date(2025, 5, 20)


@contextmanager
def _feed(rows: list[dict[str, str]]) -> Iterator[HttpMarketFeed]:
    with (
        running_feed({FeedResource.RATES: rows}) as server,
        httpx.Client(base_url=server.address, timeout=5.0, trust_env=False) as client,
    ):
        yield HttpMarketFeed(client)


def test_a_feed_brings_lpr(sessions: Sessions, world: MarketWorld) -> None:
    rows = [{"name": "LPR", "tenor": "1Y", "quote_date": "2025-06-20", "rate_percent": "2.95"}]
    with _feed(rows) as feed, sessions.begin() as session:
        service.fetch_market(
            session, world.stranger, feed, resources=(FeedResource.RATES,), exchange="示例行情商",
            from_date=date(2025, 6, 1), to_date=BUSINESS_DATE, known_at=KNOWN_AT, preview=False,
        )  # fmt: skip
    assert _lpr(sessions, world.stranger.organization_id, BUSINESS_DATE) == (Decimal("0.0295"), date(2025, 6, 20))


def test_of_a_day_the_last_revision_known_counts_and_an_own_figure_before_the_public(
    sessions: Sessions, world: MarketWorld
) -> None:
    """By hand: 2.90 corrects 2.95 of the day, but is known from July; public 2.80 of the same day stands behind both."""
    day, bank = date(2025, 6, 20), world.stranger.organization_id
    own = CurveQuote(
        kind=CurveQuoteKind.FIXING, name="LPR", point="1Y", expiry_date=None, quote_date=day, value=Decimal("0.0295"),
        currency=Currency.CNY, known_from=BUSINESS_DATE, source="全国银行间同业拆借中心", document="公告",
        grade=Grade.READ, is_sample=False,
    )  # fmt: skip
    correction = replace(own, value=Decimal("0.0290"), known_from=date(2025, 7, 1))
    with sessions.begin() as session:
        save_curve_quotes(session, [own], organization_id=bank)
        save_curve_quotes(session, [correction], organization_id=bank)
        save_curve_quotes(session, [replace(own, value=Decimal("0.0280"))], organization_id=None)
        save_curve_quotes(session, [replace(own, point="5Y", value=Decimal("0.0345"))], organization_id=bank)
    assert _lpr(sessions, bank, BUSINESS_DATE) == (Decimal("0.0295"), day)
    assert _lpr(sessions, bank, BUSINESS_DATE, "5Y") == (Decimal("0.0345"), day)
    with sessions.read() as session:
        later = service.lpr_on(
            session, "1Y", BUSINESS_DATE, end_of_china_day(date(2025, 7, 1)), organization_id=bank
        )  # fmt: skip
    assert later.value == Decimal("0.0290")
    assert _lpr(sessions, world.maker.organization_id, BUSINESS_DATE) == (Decimal("0.0280"), day)

"""The pricing pages: what they say, what they link to, and what they let people take away."""

import csv
import io
from dataclasses import replace
from datetime import date
from decimal import Decimal

import openpyxl
import pypdf
import pytest

from carbonfin.app.packages import PACKAGES
from carbonfin.kernel.allowances import Unit
from carbonfin.storage.engine import Sessions
from pricing import service
from pricing.calc.market import PriceKind
from pricing.calc.portfolio import PricedMarket
from pricing.store.quotes import save_quotes
from tests.app.worlds import PAGE, World, build_world, form_token, signed_in
from tests.pricing.markets import quote
from tests.pricing.worlds import BOOK, BUSINESS_DATE, KNOWN_AT, add_market


@pytest.fixture
def world(sqlite_sessions: Sessions) -> World:
    world = build_world(sqlite_sessions, packages=PACKAGES)
    with sqlite_sessions.begin() as session:
        add_market(session, world.officer)
        service.save_portfolio(session, world.officer, code="B1", name="示例组合", lines=BOOK)
    return world


def test_market_page_shows_flags_volumes_apart_and_names_the_exchange(world: World) -> None:
    with signed_in(world) as client:
        text = client.get("/market?unit=CEA", headers=PAGE).text
        assert "75.02" in text
        assert "74.03" in text
        assert "209,407" in text
        assert "上海环境能源交易所" in text
        assert "综合价格，非分年度" in text
        assert "收盘价沿用前一日 14" in text
        assert "大宗成交量" in text
        assert "<svg" in text
        english = client.get("/market?unit=CCER&lang=en", headers=PAGE).text
        assert "mean of the day" in english
        assert "listed volume too small to speak" in english


def test_sample_quotes_are_never_drawn_without_their_mark(world: World) -> None:
    with signed_in(world) as client:
        text = client.get("/market?unit=SZA-2023&lang=zh", headers=PAGE).text
    assert "SZA-2023 价格与成交量（示例）" in text


def test_market_without_quotes_and_wrong_asks(world: World) -> None:
    with signed_in(world) as client:
        assert "没有该品种的行情" in client.get("/market?unit=GDEA-2024", headers=PAGE).text
        assert client.get("/market?unit=nonsense", headers=PAGE).status_code == 422
        assert client.get("/market?from=2025-07-01&to=2025-06-30", headers=PAGE).status_code == 422
        assert client.get("/market/export/pdf", headers=PAGE).status_code == 422


def test_market_exports_are_what_is_shown_with_the_exchange(world: World) -> None:
    with signed_in(world) as client:
        text = client.get("/market/export/csv?unit=CEA&from=2025-06-03&to=2025-06-30").content.decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text)))
        book = openpyxl.load_workbook(
            io.BytesIO(client.get("/market/export/xlsx?unit=CEA&from=2025-06-03&to=2025-06-30").content)
        )
    assert len(rows) == 1 + 20 + 1
    assert all("上海环境能源交易所" in ",".join(row) for row in rows[1:21])
    assert rows[-1][5] == "4188135"
    assert {"行情", "质量检查"} <= set(book.sheetnames)


def test_a_portfolio_is_valued_by_a_button_and_every_figure_opens_its_trace(world: World) -> None:
    with signed_in(world) as client:
        listed = client.get("/portfolios", headers=PAGE).text
        address = listed.split('<a href="/portfolios/')[1].split('"')[0]
        empty = client.get(f"/portfolios/{address}", headers=PAGE).text
        assert "尚未估值" in empty
        answer = client.post(
            f"/portfolios/{address}/valuations",
            data={"_csrf_token": form_token(empty)},
            headers=PAGE,
            follow_redirects=True,
        )
        assert answer.status_code == 200, answer.text
        text = answer.text
        for figure in ("46,915,964.51", "4,200.00", "-38,935.49", "75.5397", "4,501,200.00"):
            assert figure in text
        assert "仅估值，不可成交" in text
        assert "假设" in text
        decision = text.split('href="/decisions/')[1].split("#")[0].split('"')[0]
        trace = client.get(f"/decisions/{decision}", headers=PAGE).text
        links = {part.split('"')[0] for part in text.split(f"/decisions/{decision}#")[1:]}
        assert len(links) >= 15
        for link in links:
            assert f'id="{link}"' in trace, link
        valuation = str(answer.url).rsplit("/", 1)[1]
        rows = list(
            csv.reader(io.StringIO(client.get(f"/valuations/{valuation}/export/csv").content.decode("utf-8-sig")))
        )
        assert [row[1] for row in rows[1:6]] == ["H1", "H2", "H3", "F1", "G1"]
        assert rows[-1][11] == "46915964.51"
        assert client.get(f"/valuations/{valuation}/export/xlsx").status_code == 200


def test_upload_previews_refuses_and_stores(world: World) -> None:
    bad = '品种,日期,收盘价（元/吨）\nCEA,2025-06-28,"1,075.40"\n'.encode("gbk")
    good = "品种,日期,收盘价（元/吨）\nCEA,2025-06-28,75.40\n".encode("gbk")
    with signed_in(world) as client:
        token = form_token(client.get("/market/upload", headers=PAGE).text)

        def send(content: bytes, action: str, exchange: str = "上海环境能源交易所") -> tuple[int, str]:
            answer = client.post(
                "/market/upload",
                data={"_csrf_token": token, "exchange": exchange, "document": "公告", "action": action},
                files={"file": ("行情.csv", content, "text/csv")},
                headers=PAGE,
            )
            return answer.status_code, answer.text

        status, text = send(bad, "store")
        assert status == 422
        assert "未存入任何一行" in text
        assert "千分位" in text
        assert 'value="上海环境能源交易所"' in text
        status, text = send(good, "preview")
        assert status == 200
        assert "尚未存入" in text
        status, text = send(good, "store", exchange=" ")
        assert status == 422
        assert "交易所" in text
        status, text = send(good, "store")
        assert status == 200, text
        assert "已存入 1 行" in text


def test_a_unit_without_limits_is_shown_unchecked(world: World) -> None:
    kept = quote("GDEA-2024", date(2025, 6, 30), "35.00", kind=PriceKind.VINTAGE_QUOTE)
    with world.sessions.begin() as session:
        save_quotes(session, [kept], organization_id=world.officer.organization_id)
    with signed_in(world) as client:
        answer = client.get("/market?unit=GDEA-2024", headers=PAGE)
    assert answer.status_code == 200
    assert "未作检查" in answer.text


def test_an_auditor_sees_no_way_to_value(world: World) -> None:
    with signed_in(world, "auditor") as client:
        assert client.get("/market", headers=PAGE).status_code == 200
        assert client.get("/market/upload", headers=PAGE).status_code == 403


def test_the_quality_page_counts_by_unit_and_filters_by_kind(world: World) -> None:
    """Three days of the national table trade fewer than 100 t: 6 and 10 January and 3 March."""
    with signed_in(world) as client:
        assert 'href="/market/quality"' in client.get("/market?unit=CEA", headers=PAGE).text
        whole = client.get("/market/quality?lang=zh", headers=PAGE).text
        assert "挂牌成交量过小 3" in whole
        assert "跨年度综合价格，不得用于估计波动率" in whole
        chosen = client.get("/market/quality?unit=CEA&kind=small_print", headers=PAGE).text
        findings = chosen.split("逐项发现", 2)[-1]
        assert findings.count("<tr><td") == 3
        assert "2025-03-03" in findings
        assert "listed volume too small" in client.get("/market/quality?lang=en", headers=PAGE).text
        assert client.get("/market/quality?kind=nonsense", headers=PAGE).status_code == 422
        chosen_all = client.get("/market/quality?unit=&kind=&from=&to=2025-06-30", headers=PAGE)
        assert chosen_all.status_code == 200
        content = client.get("/market/quality/export/xlsx").content
        rows = list(csv.DictReader(io.StringIO(client.get("/market/quality/export/csv").content.decode("utf-8-sig"))))
        printed = client.get("/market/quality/export/pdf?to=2025-06-30")
        again = client.get("/market/quality/export/pdf?to=2025-06-30")
        assert client.get("/market/quality/export/docx").status_code == 404
    assert printed.headers["content-type"] == "application/pdf"
    shown = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(printed.content)).pages)
    flat = "".join(shown.split())
    assert "行情质量报告" in flat
    assert "挂牌成交量过小" in flat
    assert "2025-03-03" in flat
    assert len(printed.content) == len(again.content)
    assert {"CEA", "CCER"} <= {row["品种"] for row in rows}
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert {"质量检查 CEA", "质量检查 CCER"} <= set(book.sheetnames)


def test_days_show_what_is_known_of_their_range_and_a_dash_for_the_rest(world: World) -> None:
    ranged = replace(
        quote("SZA-2023", date(2025, 6, 29), "43.50", volume_t=1000, amount="43370", kind=PriceKind.VINTAGE_QUOTE),
        open_cny_per_t=Decimal("43.31"), high_cny_per_t=Decimal("43.62"), low_cny_per_t=Decimal("43.21"),
        vwap_cny_per_t=Decimal("43.37"),
    )  # fmt: skip
    with world.sessions.begin() as session:
        save_quotes(session, [ranged], organization_id=world.officer.organization_id)
    with signed_in(world) as client:
        text = client.get("/market?unit=SZA-2023", headers=PAGE).text
        rows = client.get("/market/export/csv?unit=SZA-2023").content.decode("utf-8-sig")
    days = text.split("近期每日行情", 2)[-1].split("行情质量检查")[0]
    assert all(figure in days for figure in ("43.31", "43.62", "43.21", "43.37", "—", "周末交易日", "▲"))
    assert "43.31,43.62,43.21,43.37,周末交易日" in rows


def test_a_reader_chooses_the_colour_of_a_rise_and_it_is_kept(world: World) -> None:
    with signed_in(world) as client:
        assert 'data-rise="red"' in client.get("/market?lang=zh", headers=PAGE).text
        assert 'data-rise="green"' in client.get("/market?rise=green", headers=PAGE).text
        assert 'data-rise="green"' in client.get("/market", headers=PAGE).text
        assert 'data-rise="red"' in client.get("/market?rise=red", headers=PAGE).text
        assert 'data-rise="red"' in client.get("/market?lang=en", headers=PAGE).text


def test_a_price_file_stored_on_the_page_is_in_the_next_preview(world: World) -> None:
    day, known_at = BUSINESS_DATE, KNOWN_AT
    markets, units = service.markets_in(world.app.state), frozenset({Unit.parse("SZA-2022")})

    def market() -> PricedMarket:
        return markets.market(
            world.sessions, world.officer, units, valuation_date=day, known_at=known_at, at=known_at
        )  # fmt: skip

    kept = market()
    assert market() is kept
    with signed_in(world) as client:
        token = form_token(client.get("/market/upload", headers=PAGE).text)
        for action in ("preview", "store"):
            stored = client.post(
                "/market/upload",
                data={"_csrf_token": token, "exchange": "深圳排放权交易所", "action": action},
                files={"file": ("a.csv", "日期,品种,收盘价\n2025-06-27,SZA-2022,39.50\n".encode(), "text/csv")},
                headers=PAGE,
            )
            assert stored.status_code == 200, stored.text
        assert market() is not kept

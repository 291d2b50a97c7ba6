"""Price files: what is read, what is refused and how precisely, and that nothing is stored when a row fails."""

from datetime import date
from decimal import Decimal

import pytest

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.engine import Sessions
from pricing import service
from pricing.calc.quality import FindingKind
from pricing.feeds.price_files import EXAMPLE, PriceFile, read_price_file
from pricing.feeds.tables import DataSource
from tests.pricing.workbooks import workbook
from tests.pricing.worlds import KNOWN_AT, make_market_world

SOURCE = DataSource(exchange="上海环境能源交易所", document="公告", known_from=date(2025, 7, 31), is_sample=False)
HEAD = "品种,日期,收盘价（元/吨）,挂牌成交量（吨）,挂牌成交额（元）\n"


def read(text: str, encoding: str = "utf-8") -> PriceFile:
    return read_price_file(text.encode(encoding), file_name="行情.csv", source=SOURCE)


def fault(text: str) -> tuple[str, str | None, str]:
    found = read(text)
    assert len(found.failures) == 1, found.failures
    assert not found.quotes or len(found.quotes) < found.row_count or "重复" in found.failures[0].zh
    return found.failures[0].item, found.failures[0].field, found.failures[0].zh


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_reads_chinese_heads_in_both_encodings(encoding: str) -> None:
    found = read(HEAD + "CEA,2025/7/15,73.10,35000,2558500.00\n\nCEA,2025-07-16,73.00,0,0\n", encoding)
    assert found.failures == ()
    assert found.encoding == ("utf-8" if encoding.startswith("utf") else "gb18030")
    assert [quote.quote_date for quote in found.quotes] == [date(2025, 7, 15), date(2025, 7, 16)]
    assert found.quotes[0].price_cny_per_t == Decimal("73.10")
    assert found.quotes[0].listed_volume_t == 35_000


def test_a_workbook_with_chinese_heads_days_and_formatted_numbers_is_read() -> None:
    rows: list[list[object]] = [
        ["品种", "交易日期", "开盘价", "最高价", "最低价", "收盘价", "均价", "成交量（吨）", "成交额（元）"],
        ["CEA", date(2025, 7, 15), 73, 73.2, 73, 73.1, 73.1, 35_000, 2_558_500],
        ["CEA", "2025/7/16", "73.10", "73.10", "72.90", "73.00", None, 0, 0],
    ]
    found = read_price_file(workbook(rows), file_name="行情.xlsx", source=SOURCE)
    assert (found.failures, found.encoding, found.row_count) == ((), "xlsx", 2)
    first, second = found.quotes
    assert (first.quote_date, first.price_cny_per_t, first.open_cny_per_t) == (
        date(2025, 7, 15), Decimal("73.1"), Decimal(73),
    )  # fmt: skip
    assert (first.high_cny_per_t, first.low_cny_per_t, first.vwap_cny_per_t) == (
        Decimal("73.2"), Decimal(73), Decimal("73.1"),
    )  # fmt: skip
    assert (first.listed_volume_t, first.listed_amount_cny) == (35_000, Decimal(2_558_500))
    assert second.vwap_cny_per_t is None


def test_of_a_workbook_faults_name_the_row_of_the_sheet() -> None:
    rows: list[list[object]] = [
        ["品种", "日期", "收盘价"],
        [],
        ["CEA", "七月十五日", 73.1],
        ["CEA", date(2025, 7, 15), "#N/A"],
    ]
    found = read_price_file(workbook(rows), file_name="行情.xlsx", source=SOURCE)
    assert [(fault.item, fault.field) for fault in found.failures] == [
        ("line 3", "quote_date"), ("line 4", "price_cny_per_t"),
    ]  # fmt: skip
    with pytest.raises(InvalidInput, match="several sheets"):
        read_price_file(workbook(rows, [["品种"]]), file_name="行情.xlsx", source=SOURCE)


def test_a_mean_without_a_close_is_the_price_and_beside_a_close_the_vwap() -> None:
    alone = read("品种,日期,均价\nCCER,2025-07-15,88.50\n").quotes[0]
    assert (alone.price_cny_per_t, alone.vwap_cny_per_t) == (Decimal("88.50"), None)
    beside = read("品种,日期,均价,收盘价\nSZA-2023,2025-07-15,40.10,40.50\n").quotes[0]
    assert (beside.price_cny_per_t, beside.vwap_cny_per_t) == (Decimal("40.50"), Decimal("40.10"))
    with pytest.raises(InvalidInput, match="twice"):
        read("品种,日期,收盘价,均价,加权均价\nSZA-2023,2025-07-15,40.50,40.10,40.10\n")


@pytest.mark.parametrize(
    ("row", "field", "word"),
    [
        ("SZA-2023,2025-07-15,40.50,40,41,42", "high_cny_per_t", "最高价低于最低价"),
        ("SZA-2023,2025-07-15,40.50,43,42,40", "open_cny_per_t", "开盘价超出"),
        ("SZA-2023,2025-07-15,40.50,0,42,40", "open_cny_per_t", "正数"),
        ("SZA-2023,2025-07-15,40.50,,1e3,40", "high_cny_per_t", "数字"),
    ],
)
def test_a_range_that_is_none_is_refused(row: str, field: str, word: str) -> None:
    found = read("品种,日期,收盘价,开盘价,最高价,最低价\n" + row + "\n")
    assert [(fault.item, fault.field) for fault in found.failures] == [("line 2", field)]
    assert word in found.failures[0].zh


def test_two_products_of_a_day_are_no_duplicate_and_the_same_one_twice_is() -> None:
    head = "品种,产品,日期,收盘价\n"
    assert read(head + "SZA-2023,SZEA,2025-07-15,40\nSZA-2023,SZEB,2025-07-15,41\n").failures == ()
    found = read(head + "SZA-2023,SZEA,2025-07-15,40\nSZA-2023,SZEA,2025-07-15,41\n")
    assert [fault.item for fault in found.failures] == ["line 3"]


def test_the_example_we_print_is_readable() -> None:
    assert read(EXAMPLE).failures == ()


def test_thousands_separators_in_a_gbk_file_are_refused_by_line_and_column() -> None:
    found = read(HEAD + 'CEA,2025-07-15,73.10,"35,000","2,558,500.00"\nCEA,2025-07-16,73.10,100,7310\n', "gbk")
    assert [(failure.item, failure.field) for failure in found.failures] == [
        ("line 2", "listed_volume_t"), ("line 2", "listed_amount_cny"),
    ]  # fmt: skip
    assert "第 2 行" in found.failures[0].zh
    assert "千分位" in found.failures[0].remedy_zh
    assert len(found.quotes) == 1


def test_unquoted_thousands_separators_split_cells_and_are_said_so() -> None:
    item, field, zh = fault(HEAD + "CEA,2025-07-15,73.10,35,000,2,558,500.00\n")
    assert (item, field) == ("line 2", None)
    assert "单元格" in zh


@pytest.mark.parametrize(
    ("row", "field", "word"),
    [
        ("XYZ,2025-07-15,73.10,100,7310", "unit", "不是已知的配额品种"),
        ("CEA-2023,2025-07-15,73.10,100,7310", "unit", "综合价格"),
        ("SZA,2025-07-15,40,100,4000", "unit", "缺少配额年度"),
        ("CEA,2025-02-30,73.10,100,7310", "quote_date", "不是日期"),
        ("CEA,15/07/2025,73.10,100,7310", "quote_date", "不是日期"),
        ("CEA,2025-08-01,73.10,100,7310", "quote_date", "晚于"),
        ("CEA,2025-07-15,,100,7310", "price_cny_per_t", "不是规范的数字"),
        ("CEA,2025-07-15,NaN,100,7310", "price_cny_per_t", "不是规范的数字"),
        ("CEA,2025-07-15,7.31e1,100,7310", "price_cny_per_t", "不是规范的数字"),
        ("CEA,2025-07-15,-73.10,100,7310", "price_cny_per_t", "正数"),
        ("CEA,2025-07-15,73.10,3.5,255.85", "listed_volume_t", "整吨"),
        ("CEA,2025-07-15,73.10,35000,255.85", "listed_amount_cny", "疑似单位错误"),
        ("CEA,2025-07-15,73.10,35000,", "listed_amount_cny", "同时给出"),
        ("CEA,2025-07-15,73.10,0,7310", "listed_amount_cny", "矛盾"),
    ],
)
def test_each_fault_names_line_column_and_reason(row: str, field: str, word: str) -> None:
    item, found_field, zh = fault(HEAD + row + "\n")
    assert (item, found_field) == ("line 2", field)
    assert word in zh


def test_a_day_given_twice_names_the_first_line() -> None:
    item, field, zh = fault(HEAD + "CEA,2025-07-15,73.10,100,7310\nCEA,2025-07-15,73.20,100,7320\n")
    assert (item, field) == ("line 3", "quote_date")
    assert "第 2 行重复" in zh


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "没有内容"),
        (b"\xff\xfe\x00\x01\x02", "UTF-8"),
        ("品种,日期\nCEA,2025-07-15\n".encode(), "缺少列"),
        ("品种,日期,收盘价,涨跌\n".encode(), "不认识的列"),
        ("品种,日期,收盘价,挂牌成交量（万吨）\n".encode(), "应为吨或元"),
        ("品种,日期,收盘价,收盘价\n".encode(), "重复"),
        (b'unit,date,close_cny_per_t\n"CEA,2025-07-15,1\n', "CSV"),
        (b"x" * 5_000_001, "5 MB"),
    ],
)
def test_a_file_that_cannot_be_read_as_a_whole_is_refused(content: bytes, word: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        read_price_file(content, file_name="行情.csv", source=SOURCE)
    assert word in raised.value.zh


def test_import_stores_all_rows_or_none(sqlite_sessions: Sessions) -> None:
    bad = HEAD + "CEA,2025-06-28,75.50,1000,75500\nCEA,2025-06-29,75.60,1,200\nCEA,2025-06-29,75.60,100,7560\n"
    good = HEAD + "CEA,2025-06-28,75.50,1000,75500\nCEA,2025-06-27,76.54,384460,29807053.90\n"
    with sqlite_sessions.begin() as session:
        world = make_market_world(session)

        def send(text: str, *, preview: bool) -> service.ImportReport:
            return service.import_price_file(
                session, world.stranger, content=text.encode("gbk"), file_name="行情.csv", exchange="上海环境能源交易所",
                document="公告", known_at=KNOWN_AT, preview=preview,
            )  # fmt: skip

        def own_days() -> int:
            days = service.market_days(
                session,
                world.stranger,
                unit=Unit.parse("CEA"),
                from_date=date(2025, 6, 28),
                to_date=date(2025, 6, 29),
                known_at=KNOWN_AT,
            )
            return len(days)

        refused = send(bad, preview=False)
        assert not refused.stored
        assert refused.failures
        assert own_days() == 0
        preview = send(good, preview=True)
        assert not preview.stored
        assert not preview.failures
        assert FindingKind.WEEKEND_SESSION in dict(preview.quality[0].counts)
        assert own_days() == 0
        stored = send(good, preview=False)
        assert (stored.stored, stored.added_count, stored.unchanged_count) == (True, 2, 0)
        assert own_days() == 1
        again = send(good, preview=False)
        assert (again.added_count, again.unchanged_count) == (0, 2)
        with pytest.raises(InvalidInput):
            service.import_price_file(
                session,
                world.stranger,
                content=b"x",
                file_name="x",
                exchange=" ",
                document="",
                known_at=KNOWN_AT,
                preview=True,
            )

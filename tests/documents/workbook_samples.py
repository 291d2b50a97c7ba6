"""A quarter's subsidy report as a bureau's clerk would print it."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from carbonfin.documents.workbooks import CellKind, CodeList, Provenance, SheetColumn, SheetTable, Workbook

COLUMNS = (
    SheetColumn(label="申报单位", kind=CellKind.TEXT),
    SheetColumn(label="统一社会信用代码", kind=CellKind.CODE),
    SheetColumn(label="贷款账号", kind=CellKind.CODE),
    SheetColumn(label="结清日", kind=CellKind.DAY),
    SheetColumn(label="利率", kind=CellKind.RATIO),
    SheetColumn(label="质押配额", kind=CellKind.TONNES, unit="吨", totalled=True),
    SheetColumn(label="实付利息（不含税）", kind=CellKind.MONEY, unit="元", totalled=True),
    SheetColumn(label="测算金额", kind=CellKind.MONEY_10K, unit="万元", totalled=True),
    SheetColumn(label="审核意见", kind=CellKind.CODE, choices="审核结论"),
)
ROWS = (
    (
        "示例微电子（深圳）有限公司",
        "91440300EXAMPLE2XB",
        "6222020200112233445",
        date(2025, 6, 20),
        Decimal("0.0385"),
        150000,
        Decimal("110172.97"),
        Decimal("5.508649"),
        "10",
    ),
    (
        '=HYPERLINK("http://evil.example","点我")',
        "91440300EXAMPLE38B",
        "0012345678901234567",
        None,
        Decimal("0.0345"),
        120000,
        Decimal("0.10"),
        Decimal("0.000010"),
        "21",
    ),
    (
        "示例啤酒（深圳）有限公司",
        "91440300EXAMPLE11K",
        "1",
        date(2025, 3, 31),
        Decimal("0.0355"),
        40000,
        Decimal("0.20"),
        None,
        None,
    ),
)


def table(**changes: Any) -> SheetTable:
    values: dict[str, Any] = {
        "name": "贴息明细",
        "title": "绿色信贷贴息申报明细表",
        "columns": COLUMNS,
        "rows": ROWS,
        "reported_on": date(2025, 9, 26),
        "unit": "单位：元",
        "reporting_body": "示例银行股份有限公司深圳分行",
        "prepared_by": "客户经理甲（示例）",
        "telephone": "0755-00000000",
        "banner": "演示数据（示例），不构成报价或承诺",
        "notes": ("注：利息按凭证逐张剔除增值税并四舍五入至分。",),
    }
    return SheetTable(**(values | changes))


def workbook(**changes: Any) -> Workbook:
    values: dict[str, Any] = {
        "title": "贴息申报",
        "sheets": (table(),),
        "created_at": datetime(2025, 9, 26, 9, 0, tzinfo=UTC),
        "code_lists": (
            CodeList(
                name="审核结论",
                entries=(("10", "符合"), ("20", "不符合"), ("21", "重复申报"), ("90", "未决定：参数未确认")),
            ),
        ),
        "guide": ("本表由系统按已确认参数生成，编码列为文本。", "测算金额单位为万元，保留六位小数。"),
        "provenance": (
            Provenance(subject="市场快照", value="2025-06-30", source="上海环境能源交易所", digest="9f2c4b6d8e0a1c3f"),
            Provenance(subject="资助比例", value="50%", source="南山区支持绿色融资 2025", confirmed=False),
        ),
    }
    return Workbook(**(values | changes))

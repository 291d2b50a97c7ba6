"""The workbook of a bank's disclosures: the facility's table, green loans by code, the summary, financed emissions."""

from collections.abc import Callable

from carbonfin.documents.workbooks import (
    CellKind,
    CellValue,
    Provenance,
    SheetColumn,
    SheetTable,
    Workbook,
    write_workbook,
)
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.units import round_half_up
from carbonfin.rules.parameters import ParameterValue
from loans.calc.financed import METHOD_NAMES_ZH
from reporting.calc.disclosure import FACILITY_FIELDS, Disclosure, LoanGroup
from reporting.workbooks.subsidies import SAMPLE_BANNER

NOT_CLASSED_ZH = "未归类（不计入）"
NOT_RECOGNISED_ZH = "未认定（不计入）"
BASIS_TITLES: dict[str, tuple[str, str]] = {
    "facility": ("碳减排支持工具季度情况表", "Facility, quarterly table"),
    "catalogue": ("绿色贷款统计（按目录代码）", "Green loans by catalogue code"),
    "summary": ("环境信息披露主要指标", "Key figures of environmental disclosure"),
    "financed": ("投融资活动碳排放", "Financed emissions"),
}
_TEXT, _CODE, _MONEY, _COUNT, _RATIO = CellKind.TEXT, CellKind.CODE, CellKind.MONEY, CellKind.COUNT, CellKind.RATIO
_Tables = Callable[..., SheetTable]
_GUIDE = (
    "贷款归入目录代码或支持工具领域，须由本行按原文认定产品并经核实；未认定或已录入未核实的列在“未归类”，不计入绿色贷款。",
    "带动的年度碳减排量须以项目可行性研究、环评或第三方核查数据填列，系统未取得，留空待填。",
    "余额为截至日账面余额；发放额与加权平均利率按借据本金计。",
    "投融资排放按两种方法分列，分母不同，不得相加；无数据的逐笔列明原因，不作估计。",
    "依据标注“未确认”的，表式或原文未经核对，报送前请经办人核对。",
)


def disclosure_xlsx(
    found: Disclosure,
    bases: tuple[tuple[str, ParameterValue | None], ...],
    classes: tuple[ParameterValue, ...],
    *,
    body: str,
    is_sample: bool,
) -> bytes:
    """Write the workbook; equal disclosures give equal bytes."""

    def table(name: str, columns: tuple[SheetColumn, ...], rows: list[tuple[CellValue, ...]]) -> SheetTable:
        title = BASIS_TITLES[name][0]
        return SheetTable(
            name=title[:31], title=f"{title}（{found.quarter}，截至 {found.as_of}）", columns=columns,
            rows=tuple(rows), reported_on=found.as_of, unit="单位：元", reporting_body=body,
            banner=SAMPLE_BANNER if is_sample else None,
        )  # fmt: skip

    return write_workbook(
        Workbook(
            title=f"环境信息披露 {found.quarter}",
            sheets=(_facility(found, table), _catalogue(found, table), _summary(found, table), _financed(found, table)),
            created_at=end_of_china_day(found.as_of),
            guide=_GUIDE,
            provenance=(*(_basis(name, value) for name, value in bases), *(_class(value) for value in classes)),
        )
    )


def _basis(name: str, value: ParameterValue | None) -> Provenance:
    if value is None:
        return Provenance(subject=BASIS_TITLES[name][0], value="未确认", source="", confirmed=False)
    source = "；".join(part for part in (f"{value.document} {value.article}".strip(), value.note) if part)
    return Provenance(
        subject=BASIS_TITLES[name][0], value=value.value, source=source, digest=value.digest, confirmed=value.confirmed
    )


def _class(value: ParameterValue) -> Provenance:
    words = value.value if value.confirmed else f"{value.value}（未核实，不计入）"
    source = "；".join(part for part in (f"{value.document} {value.article}".strip(), value.note) if part)
    return Provenance(
        subject=f"{value.title_zh} {value.scope}", value=words, source=source, digest=value.digest,
        confirmed=value.confirmed,
    )  # fmt: skip


def field_title(field: str) -> str:
    """Name a field of the facility in Chinese."""
    return FACILITY_FIELDS[field][0] if field else NOT_CLASSED_ZH


def _column(label: str, kind: CellKind, *, unit: str = "", totalled: bool = False) -> SheetColumn:
    return SheetColumn(label=label, kind=kind, unit=unit, totalled=totalled)


def _facility(found: Disclosure, table: _Tables) -> SheetTable:
    spans = ("本季", "本年累计", "累计")
    columns = [_column("领域", _TEXT)]
    for span in spans:
        columns += [
            _column(f"{span}项目数", _COUNT), _column(f"{span}贷款金额", _MONEY, unit="元"),
            _column(f"{span}加权平均利率", _RATIO), _column(f"{span}带动年度碳减排量", CellKind.TONNES, unit="吨"),
        ]  # fmt: skip
    columns.append(_column("贷款余额", _MONEY, unit="元"))
    rows: list[tuple[CellValue, ...]] = []
    for row in found.facility:
        cells: list[CellValue] = [field_title(row.field)]
        for group in (row.quarter, row.year, row.since):
            cells += [group.count, group.drawn_cny, group.rate, None]
        rows.append((*cells, row.since.balance_cny))
    return table("facility", tuple(columns), rows)


def _catalogue(found: Disclosure, table: _Tables) -> SheetTable:
    columns = (
        _column("目录代码", _CODE), _column("本季发放笔数", _COUNT), _column("本季发放", _MONEY, unit="元"),
        _column("本季加权平均利率", _RATIO), _column("余额", _MONEY, unit="元"),
        _column("余额折", CellKind.MONEY_10K, unit="万元"),
    )  # fmt: skip
    rows = [
        (
            group.name or NOT_RECOGNISED_ZH, group.count, group.drawn_cny, group.rate, group.balance_cny,
            round_half_up(group.balance_cny / 10_000, 6),
        )
        for group in found.catalogue
    ]  # fmt: skip
    return table("catalogue", columns, rows)


def _summary(found: Disclosure, table: _Tables) -> SheetTable:
    columns = (_column("指标", _TEXT), _column("数值", _CODE), _column("说明", _TEXT))
    return table("summary", columns, [(label, text, note) for label, text, note in summary_lines(found)])


def summary_lines(found: Disclosure) -> list[tuple[str, str, str]]:
    """Give the key figures as name, value with its unit, and what it leaves out."""
    share = _share(found.green, found.all_loans)
    lines = [
        ("碳金融贷款余额", f"{found.all_loans.balance_cny:,.2f} 元", "本系统登记的借据"),
        ("其中绿色贷款余额", f"{found.green.balance_cny:,.2f} 元", "只计本行已认定并核实目录代码的产品"),
        ("绿色贷款占比", share, ""),
        ("本季发放", f"{found.all_loans.drawn_cny:,.2f} 元", f"{found.all_loans.count} 笔"),
    ]
    for total in found.totals:
        covered = "—" if total.covered_share is None else f"{total.covered_share * 100:.2f}%"
        quality = "" if total.quality is None else f"，数据质量 {total.quality} 分（1 最好，5 最差，按余额加权）"
        lines.append(
            (
                f"投融资排放（{METHOD_NAMES_ZH[total.method]}）",
                "未知" if total.financed_t is None else f"{total.financed_t:,} 吨",
                f"{total.loan_count} 笔，覆盖余额 {covered}{quality}",
            )
        )  # fmt: skip
    return lines


def _share(part: LoanGroup, whole: LoanGroup) -> str:
    return "—" if not whole.balance_cny else f"{part.balance_cny / whole.balance_cny * 100:.2f}%"


def _financed(found: Disclosure, table: _Tables) -> SheetTable:
    columns = (
        _column("借据号", _CODE), _column("企业", _TEXT), _column("统一社会信用代码", _CODE), _column("方法", _TEXT),
        _column("余额", _MONEY, unit="元"), _column("排放年度", _COUNT),
        _column("企业排放", CellKind.TONNES, unit="吨"),
        _column("归因分母", _MONEY, unit="元"), _column("投融资排放", CellKind.PRICE, unit="吨"),
        _column("数据质量", _COUNT), _column("方法核实", _TEXT), _column("缺失原因", _TEXT),
    )  # fmt: skip
    rows: list[tuple[CellValue, ...]] = [
        (
            one.loan.note_code, one.loan.enterprise_name, one.loan.enterprise, METHOD_NAMES_ZH[one.method],
            one.loan.balance_cny, one.loan.emissions_year, one.loan.emissions_t,
            None if one.financed is None else one.financed.denominator_cny,
            None if one.financed is None else one.financed.financed_t,
            None if one.financed is None else one.financed.data_quality_score,
            None if one.financed is None else "已核实" if one.financed.confirmed else "未核实",
            one.lacks_zh or None,
        )
        for one in found.financed
    ]  # fmt: skip
    return table("financed", columns, rows)

"""The workbook of statistics: financing, subsidies, cuts and the carbon budget, each with the lines it adds up."""

from collections.abc import Callable, Sequence
from datetime import date

from carbonfin.documents.workbooks import (
    CellKind,
    CellValue,
    Provenance,
    SheetColumn,
    SheetTable,
    Workbook,
    write_workbook,
)
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.units import round_half_up
from carbonfin.rules.record import digest_of
from reporting.calc.statistics import DIMENSION_TITLES, KIND_TITLES, NOT_STATED, Statistics, StatisticsInputs
from reporting.calc.statistics_selection import KnownFinancing, Selection, SeriesPoint
from reporting.workbooks.subsidies import SAMPLE_BANNER

_TEXT, _CODE, _MONEY, _DAY, _COUNT = CellKind.TEXT, CellKind.CODE, CellKind.MONEY, CellKind.DAY, CellKind.COUNT
_WORDS_WIDTH = 40
"""Of columns of sentences, so that title and reporting line keep their room over an empty sheet."""
_Tables = Callable[..., SheetTable]
_GUIDE = (
    "授信与贷款投放分列，不得相加；按产品、银行、区、行业四种口径各自加总均等于明细合计。",
    "明细未载明的归入“未说明”，不作分摊。授信按额度起始日、贷款按投放日归入季度。",
    "补贴按提交日归入季度；金额为空的，系尚无一件申请有该金额。未能处理的申请不在其中，另表列明原因。",
    "年度减排量只计两个年度排放量均已知且口径一致的企业，两年同用后一年度的电网因子；增排为负数，计入合计。",
    "季度序列每季两行：季末当日所知，与认知日（现在）所知；授信与贷款分列，季度尚未结束的，季末所知一行为空。",
    "碳预算为本单位可见企业的配额、排放与清缴；全市总量未录入的为空，已录入未经核实的标注“未核实”。",
)


def statistics_xlsx(
    inputs: StatisticsInputs,
    found: Statistics,
    failures: Sequence[Failure],
    series: Sequence[SeriesPoint],
    *,
    as_of: date,
    known_on: date,
    only: Selection,
    body: str,
    is_sample: bool,
) -> bytes:
    """Write the workbook; equal statistics give equal bytes."""
    known = "" if known_on == as_of else f"，按 {known_on} 所知"
    counted = f"截至 {as_of}{known}{_part(only)}"

    def table(
        name: str, columns: tuple[SheetColumn, ...], rows: list[tuple[CellValue, ...]], unit: str = "单位：元"
    ) -> SheetTable:
        return SheetTable(
            name=name, title=f"{name}（{inputs.first} 至 {inputs.last}，{counted}）", columns=columns,
            rows=tuple(rows), reported_on=as_of, unit=unit, reporting_body=body,
            banner=SAMPLE_BANNER if is_sample else None,
        )  # fmt: skip

    return write_workbook(
        Workbook(
            title=f"融资统计 {inputs.first} 至 {inputs.last}",
            sheets=(
                _financing(found, table), _financing_lines(inputs, table), _subsidies(found, table),
                _subsidy_lines(inputs, table), _failures(failures, table), _series(series, table), _cuts(found, table),
                _cut_lines(inputs, table), _budgets(found, table),
            ),
            created_at=end_of_china_day(as_of),
            guide=_GUIDE,
            provenance=(
                Provenance(subject="统计明细", value=f"{len(inputs.financing)} 笔融资", source=counted,
                           digest=digest_of(inputs)),
            ),
        )
    )  # fmt: skip


def _part(only: Selection) -> str:
    """Say which part was asked for; nothing for all."""
    asked = (("银行", only.bank), ("区", only.district), ("行业", only.industry), ("产品", only.product))
    return "".join(f"，{title}：{name}" for title, name in asked if name)


def _column(label: str, kind: CellKind, *, unit: str = "", totalled: bool = False) -> SheetColumn:
    return SheetColumn(label=label, kind=kind, unit=unit, totalled=totalled)


def _financing(found: Statistics, table: _Tables) -> SheetTable:
    columns = (
        _column("季度", _CODE), _column("种类", _TEXT), _column("口径", _TEXT), _column("名称", _TEXT),
        _column("笔数", _COUNT), _column("企业数", _COUNT), _column("金额", _MONEY, unit="元"),
        _column("金额折", CellKind.MONEY_10K, unit="万元"),
    )  # fmt: skip
    rows = [
        (
            cell.quarter, KIND_TITLES[cell.kind][0], DIMENSION_TITLES[cell.dimension][0], cell.name, cell.count,
            cell.enterprise_count, cell.amount_cny, round_half_up(cell.amount_cny / 10_000, 6),
        )
        for cell in found.financing
    ]  # fmt: skip
    return table("融资统计", columns, rows)


def _financing_lines(inputs: StatisticsInputs, table: _Tables) -> SheetTable:
    columns = (
        _column("种类", _TEXT), _column("编号", _CODE), _column("银行", _TEXT), _column("企业代码", _CODE),
        _column("日期", _DAY), _column("产品", _TEXT), _column("区", _TEXT), _column("行业", _CODE),
        _column("金额", _MONEY, unit="元"), _column("入库日", _DAY),
    )  # fmt: skip
    rows = [
        (
            KIND_TITLES[line.kind][0], line.code, line.bank, line.enterprise, line.on,
            line.product or NOT_STATED, line.district or NOT_STATED, line.industry or NOT_STATED, line.amount_cny,
            line.known_on,
        )
        for line in sorted(inputs.financing, key=lambda one: (one.kind, one.on, one.bank, one.code))
        if inputs.first.start <= line.on < inputs.last.end
    ]  # fmt: skip
    return table("融资明细", columns, rows)


def _subsidies(found: Statistics, table: _Tables) -> SheetTable:
    columns = (
        _column("季度", _CODE), _column("项目", _TEXT), _column("申报", _COUNT, totalled=True),
        _column("已提出金额", _COUNT, totalled=True), _column("不含税成本", _MONEY, unit="元", totalled=True),
        _column("测算金额", _MONEY, unit="元", totalled=True), _column("拟资助金额", _MONEY, unit="元", totalled=True),
        _column("已拨付", _MONEY, unit="元", totalled=True),
    )  # fmt: skip
    rows = [
        (
            cell.quarter, cell.scheme, cell.filed_count, cell.proposed_count, cell.net_cost_cny, cell.calculated_cny,
            cell.proposed_cny, cell.paid_cny,
        )
        for cell in found.subsidies
    ]  # fmt: skip
    return table("补贴统计", columns, rows)


def _subsidy_lines(inputs: StatisticsInputs, table: _Tables) -> SheetTable:
    columns = (
        _column("申请", _CODE), _column("项目", _TEXT), _column("银行", _TEXT), _column("提交日", _DAY),
        _column("不含税成本", _MONEY, unit="元", totalled=True), _column("测算金额", _MONEY, unit="元", totalled=True),
        _column("拟资助金额", _MONEY, unit="元", totalled=True), _column("已拨付", _MONEY, unit="元", totalled=True),
    )  # fmt: skip
    rows = [
        (
            line.reference, line.scheme, line.bank, line.on, line.net_cost_cny, line.calculated_cny, line.proposed_cny,
            line.paid_cny,
        )
        for line in sorted(inputs.subsidies, key=lambda one: (one.on, one.bank, one.reference))
        if inputs.first.start <= line.on < inputs.last.end
    ]  # fmt: skip
    return table("补贴明细", columns, rows)


def _series(series: Sequence[SeriesPoint], table: _Tables) -> SheetTable:
    titles = ("授信笔数", "授信金额", "贷款笔数", "贷款金额", "申报件数", "减排年度", "年度减排量")
    kinds = (_COUNT, _MONEY, _COUNT, _MONEY, _COUNT, _COUNT, CellKind.PRICE)
    units = ("", "元", "", "元", "", "", "吨")
    columns = (
        _column("季度", _CODE), _column("季末", _DAY), _column("所知", _TEXT),
        *(_column(title, kind, unit=unit) for title, kind, unit in zip(titles, kinds, units, strict=True)),
    )  # fmt: skip
    nothing: tuple[CellValue, ...] = (None,) * len(titles)
    rows: list[tuple[CellValue, ...]] = []
    for point in series:
        known = (("季末所知", point.then), ("现在所知", point.now))
        rows += [
            (point.quarter, point.ends_on, when, *(nothing if then is None else _known(then))) for when, then in known
        ]
    return table("季度序列", columns, rows)


def _known(known: KnownFinancing) -> tuple[CellValue, ...]:
    return (
        known.credit_lines.count, known.credit_lines.amount_cny, known.loans.count, known.loans.amount_cny,
        known.filed_count, known.cut_year, known.cut_t,
    )  # fmt: skip


def _cut_lines(inputs: StatisticsInputs, table: _Tables) -> SheetTable:
    columns = (
        _column("年度", _COUNT), _column("企业代码", _CODE), _column("上年排放", CellKind.PRICE, unit="吨"),
        _column("当年排放", CellKind.PRICE, unit="吨"), _column("减排量", CellKind.PRICE, unit="吨"),
        _column("来源", _TEXT),
    )  # fmt: skip
    rows = [
        (line.year, line.enterprise, line.before_t, line.after_t, line.cut_t, "；".join(line.sources))
        for line in sorted(inputs.cuts, key=lambda one: (one.year, one.enterprise))
    ]
    return table("减排明细", columns, rows, unit="单位：吨")


def _failures(failures: Sequence[Failure], table: _Tables) -> SheetTable:
    columns = (
        _column("申请", _CODE),
        SheetColumn(label="原因", kind=_TEXT, width=_WORDS_WIDTH),
        SheetColumn(label="处理办法", kind=_TEXT, width=_WORDS_WIDTH),
    )
    return table("未能处理的申请", columns, [(one.item, one.zh, one.remedy_zh or None) for one in failures])


def _cuts(found: Statistics, table: _Tables) -> SheetTable:
    columns = (
        _column("年度", _COUNT), _column("企业数", _COUNT), _column("减排企业数", _COUNT),
        _column("上年排放", CellKind.PRICE, unit="吨"), _column("当年排放", CellKind.PRICE, unit="吨"),
        _column("年度减排量", CellKind.PRICE, unit="吨"), _column("来源", _TEXT),
    )  # fmt: skip
    rows = [
        (
            cell.year,
            cell.enterprise_count,
            cell.cut_count,
            cell.before_t,
            cell.after_t,
            cell.cut_t,
            "；".join(cell.sources),
        )
        for cell in found.cuts
    ]
    return table("降碳成效", columns, rows, unit="单位：吨")


def _budgets(found: Statistics, table: _Tables) -> SheetTable:
    tonnes = CellKind.TONNES
    columns = (
        _column("市场", _CODE), _column("履约年度", _COUNT), _column("企业数", _COUNT), _column("配额未知", _COUNT),
        _column("配额", tonnes, unit="吨"), _column("排放", tonnes, unit="吨"), _column("已清缴", tonnes, unit="吨"),
        _column("全市总量", tonnes, unit="吨"), _column("总量核实", _TEXT),
    )  # fmt: skip
    rows = [
        (
            cell.scheme, cell.year, cell.emitter_count, cell.unstated_count, cell.allocation_t, cell.emissions_t,
            cell.surrendered_t, cell.cap_t,
            None if cell.cap_confirmed is None else "已核实" if cell.cap_confirmed else "未核实",
        )
        for cell in found.budgets
    ]  # fmt: skip
    return table("碳预算", columns, rows, unit="单位：吨")

"""The workbook of a report's review: 绩效评价表, 拨付名单 with payees, and every step of every case."""

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
from reporting.calc.performance import PerformanceRow, Reviewed
from reporting.calc.reports import SubsidyReport
from reporting.calc.reviews import REVIEW, STEP_TITLES
from reporting.workbooks.subsidies import report_table

_TEXT, _CODE, _MONEY, _DAY, _COUNT = CellKind.TEXT, CellKind.CODE, CellKind.MONEY, CellKind.DAY, CellKind.COUNT
_PAYABLE = frozenset({"ORDERED", "PAID", "BOUNCED", "RECOVERING", "RECOVERED"})
_GUIDE = (
    "绩效评价表按项目列示；“核减”指审核、审计和异议在报表拟资助金额之上减去的金额。",
    "支持融资额为已拨付申请所对应借据的本金，同一借据只计一次。",
    "拨付天数为自提交申请至付款的自然日中位数。",
    "拨付名单只含已列入名单的申请；账户由经办人凭证明核对，户名须与申报单位一致。",
)


def review_xlsx(report: SubsidyReport, rows: tuple[PerformanceRow, ...], reviewed: tuple[Reviewed, ...]) -> bytes:
    """Write the workbook; equal cases give equal bytes."""
    return write_workbook(
        Workbook(
            title=f"碳排放权融资贴息绩效评价表 {report.quarter}",
            sheets=(
                _performance_table(report, rows), _payment_table(report, reviewed), _step_table(report, reviewed),
            ),
            created_at=end_of_china_day(report.as_of),
            guide=_GUIDE,
            provenance=_provenance(report, reviewed),
        )
    )  # fmt: skip


def _performance_table(report: SubsidyReport, rows: tuple[PerformanceRow, ...]) -> SheetTable:
    columns = (
        SheetColumn(label="项目", kind=_TEXT),
        *(
            SheetColumn(label=label, kind=_COUNT)
            for label in ("申报", "通过", "不予资助", "收到异议", "已拨付", "退回")
        ),
        *(
            SheetColumn(label=label, kind=_MONEY, unit="元")
            for label in ("支持融资额", "拟资助金额", "核减", "已拨付金额", "要求追回", "已追回", "净拨付")
        ),
        SheetColumn(label="拨付天数（中位）", kind=_COUNT),
    )
    cells: list[tuple[CellValue, ...]] = [
        (
            row.scheme_title, row.filed_count, row.passed_count, row.refused_count, row.objected_count, row.paid_count,
            row.bounced_count, row.financed_cny, row.granted_cny, row.cut_cny, row.paid_cny, row.demanded_cny,
            row.recovered_cny, row.net_paid_cny, row.days_to_payment,
        )
        for row in rows
    ]  # fmt: skip
    title = f"碳排放权融资贴息绩效评价表（{report.quarter}）"
    notes = tuple(f"未能处理、不在本表的申请：{one.item}（{one.zh}）" for one in report.failures)
    return report_table(report, name="绩效评价", title=title, columns=columns, rows=cells, notes=notes)


def _payment_table(report: SubsidyReport, reviewed: tuple[Reviewed, ...]) -> SheetTable:
    columns = (
        SheetColumn(label="申报编号", kind=_CODE),
        SheetColumn(label="申报单位", kind=_TEXT),
        SheetColumn(label="统一社会信用代码", kind=_CODE),
        SheetColumn(label="项目", kind=_TEXT),
        SheetColumn(label="拨付金额", kind=_MONEY, unit="元", totalled=True),
        SheetColumn(label="户名", kind=_TEXT),
        SheetColumn(label="开户行", kind=_TEXT),
        SheetColumn(label="账号", kind=_CODE),
        SheetColumn(label="公示至", kind=_DAY),
        SheetColumn(label="状态", kind=_TEXT),
    )
    cells: list[tuple[CellValue, ...]] = [
        (
            one.line.application.reference, one.line.application.applicant_name, one.line.application.applicant_usci,
            one.line.scheme_title, one.case.ceiling_cny, one.case.payee.get("account_name"),
            one.case.payee.get("bank_name"), one.case.payee.get("account_number"), one.case.published_until,
            REVIEW.states[one.case.state],
        )
        for one in reviewed
        if one.case is not None and one.case.state in _PAYABLE
    ]  # fmt: skip
    title = f"碳排放权融资贴息拨付名单（{report.quarter}）"
    return report_table(report, name="拨付名单", title=title, columns=columns, rows=cells)


def _step_table(report: SubsidyReport, reviewed: tuple[Reviewed, ...]) -> SheetTable:
    columns = (
        SheetColumn(label="申报编号", kind=_CODE),
        SheetColumn(label="步骤", kind=_TEXT),
        SheetColumn(label="日期", kind=_DAY),
        SheetColumn(label="金额", kind=_MONEY, unit="元"),
        SheetColumn(label="经办", kind=_TEXT),
        SheetColumn(label="复核", kind=_TEXT),
        SheetColumn(label="说明", kind=_TEXT),
        SheetColumn(label="附件摘要", kind=_CODE),
    )
    cells: list[tuple[CellValue, ...]] = [
        (
            one.line.application.reference, STEP_TITLES[step.name][0], step.on, step.amount_cny, step.maker_name,
            step.checker_name, step.reason, step.evidence_digest,
        )
        for one in reviewed
        if one.case is not None
        for step in one.case.steps
    ]  # fmt: skip
    title = f"碳排放权融资贴息审核记录（{report.quarter}）"
    return report_table(report, name="审核记录", title=title, columns=columns, rows=cells)


def _provenance(report: SubsidyReport, reviewed: tuple[Reviewed, ...]) -> tuple[Provenance, ...]:
    periods = {
        (step.details["days"], step.details["source"], step.details["unconfirmed"])
        for one in reviewed
        if one.case is not None
        for step in one.case.steps
        if step.name == "publish"
    }
    return (
        Provenance(
            subject=f"报表 {report.quarter}", value=report.report_id, source=f"截至 {report.as_of}",
            digest=report.digest, confirmed=True,
        ),
        *(
            Provenance(
                subject="公示工作日数", value=days, source="；".join(part for part in (source, note) if part),
                digest="", confirmed=not note,
            )
            for days, source, note in sorted(periods)
        ),
    )  # fmt: skip

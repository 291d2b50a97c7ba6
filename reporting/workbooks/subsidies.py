"""The bureau's workbook of a quarter: the report's fields, criteria, vouchers, duplicates, failures and sources."""

from carbonfin.documents.workbooks import (
    CellKind,
    CellValue,
    CodeList,
    Provenance,
    SheetColumn,
    SheetTable,
    Workbook,
    csv_text,
    write_workbook,
)
from carbonfin.kernel.batch import uncollected
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.units import round_half_up
from carbonfin.rules.record import canonical_json
from reporting.calc.dedup import OVERLAP_TITLES
from reporting.calc.documents import titles_zh
from reporting.calc.eligibility import ANSWER_TITLES, CRITERION_TITLES, Criterion
from reporting.calc.facts import COST_TITLES, CostKind, SubsidyApplication
from reporting.calc.read_terms import china_minute
from reporting.calc.remedies import remedies_of
from reporting.calc.reports import ReportLine, SubsidyReport
from reporting.calc.subsidies import OUTCOME_TITLES, Outcome

SAMPLE_BANNER = "演示数据（示例），不构成报价或承诺"
SAMPLE_TELEPHONE = "0755-00000000（示例）"
_OUTCOME_LIST, _ANSWER_LIST, _EMITTER_LIST = "审核结论", "条件结果", "是否"
_NOT_STATED = "未说明"
_NOT_AT_HAND = "未取得"

_TEXT, _CODE, _MONEY, _DAY, _RATIO = CellKind.TEXT, CellKind.CODE, CellKind.MONEY, CellKind.DAY, CellKind.RATIO
_MAIN_COLUMNS = (
    SheetColumn(label="申报批次", kind=_CODE),
    SheetColumn(label="项目类别", kind=_TEXT),
    SheetColumn(label="申报编号", kind=_CODE),
    SheetColumn(label="申报单位", kind=_TEXT),
    SheetColumn(label="统一社会信用代码", kind=_CODE),
    SheetColumn(label="区", kind=_TEXT),
    SheetColumn(label="是否重点排放单位", kind=_TEXT, choices=_EMITTER_LIST),
    SheetColumn(label="履约情况", kind=_TEXT),
    SheetColumn(label="贷款银行", kind=_TEXT),
    SheetColumn(label="合同号", kind=_CODE),
    SheetColumn(label="借据号", kind=_CODE),
    SheetColumn(label="贷款金额", kind=_MONEY, unit="元"),
    SheetColumn(label="起始日", kind=_DAY),
    SheetColumn(label="到期日", kind=_DAY),
    SheetColumn(label="结清日", kind=_DAY),
    SheetColumn(label="利率", kind=_RATIO, unit="%"),
    SheetColumn(label="实付利息（含税）", kind=_MONEY, unit="元"),
    SheetColumn(label="利息税额", kind=_MONEY, unit="元"),
    SheetColumn(label="实付利息（不含税）", kind=_MONEY, unit="元"),
    SheetColumn(label="担保费（不含税）", kind=_MONEY, unit="元"),
    SheetColumn(label="评估登记费", kind=_MONEY, unit="元"),
    SheetColumn(label="质押配额", kind=_TEXT),
    SheetColumn(label="公告号", kind=_CODE),
    SheetColumn(label="公告网址", kind=_TEXT),
    SheetColumn(label="资助比例", kind=_RATIO, unit="%"),
    SheetColumn(label="测算金额", kind=_MONEY, unit="元", totalled=True),
    SheetColumn(label="测算金额折", kind=CellKind.MONEY_10K, unit="万元", totalled=True),
    SheetColumn(label="上限", kind=_TEXT),
    SheetColumn(label="核减原因", kind=_TEXT),
    SheetColumn(label="拟资助金额", kind=_MONEY, unit="元", totalled=True),
    SheetColumn(label="审核结论", kind=_TEXT, choices=_OUTCOME_LIST),
    SheetColumn(label="审核意见", kind=_TEXT),
    SheetColumn(label="未确认事项", kind=_TEXT),
    SheetColumn(label="附件核对", kind=_TEXT),
    SheetColumn(label="是否享受其他补贴", kind=_TEXT),
    SheetColumn(label="收款账户", kind=_CODE),
    SheetColumn(label="联系人", kind=_TEXT),
    SheetColumn(label="公示期", kind=_TEXT),
    SheetColumn(label="标记", kind=_TEXT),
)
_SUMMARY_LABELS = (
    "申报编号",
    "项目类别",
    "申报单位",
    "统一社会信用代码",
    "借据号",
    "贷款金额",
    "结清日",
    "实付利息（不含税）",
    "资助比例",
    "测算金额",
    "拟资助金额",
    "审核结论",
    "审核意见",
    "未确认事项",
    "标记",
)
_GUIDE = (
    "本表由系统按申报材料逐件审核生成，一件申请一行；不符合、未决定、重复申报及未能处理的申请同样列出，不得删除。",
    "金额单位为元，保留两位小数；“测算金额折（万元）”保留六位小数。合计仅加总测算金额与拟资助金额。",
    "利息与担保费按费用支出凭证逐张核减增值税（四舍五入到分），再行合计。",
    "任何一项条件未知时不给出金额；申请条件或上限未确认时只给出测算金额，不提出拟资助金额。",
    "同一费用以先申报者为准；重复申报列明与之重复的申请和凭证。",
    "履约情况、收款账户、公示期等系统未取得的事项留待经办人填写，系统不作推定。",
    "统一社会信用代码、合同号、借据号、账号均为文本，请勿改为数字格式。",
)


def report_book(report: SubsidyReport) -> Workbook:
    """Give the report as the values of a workbook."""
    main = main_table(report)
    sheets = [summary_table(report, main), main, _criteria_table(report), _voucher_table(report)]
    return Workbook(
        title=f"碳排放权融资贴息汇总表 {report.quarter}",
        sheets=(*sheets, _duplicate_table(report), _failure_table(report)),
        created_at=end_of_china_day(report.as_of),
        code_lists=(
            CodeList(name=_OUTCOME_LIST, entries=tuple((zh, en) for zh, en in OUTCOME_TITLES.values())),
            CodeList(name=_ANSWER_LIST, entries=tuple((zh, en) for zh, en in ANSWER_TITLES.values())),
            CodeList(name=_EMITTER_LIST, entries=(("是", "yes"), ("否", "no"), (_NOT_STATED, "not stated"))),
        ),
        guide=_GUIDE,
        provenance=_provenance(report),
    )


def report_xlsx(report: SubsidyReport) -> bytes:
    """Write the workbook; equal reports give equal bytes."""
    with uncollected():
        return write_workbook(report_book(report))


def report_csv(report: SubsidyReport) -> bytes:
    """Write the main table as CSV."""
    return csv_text(main_table(report)).encode()


def report_json(report: SubsidyReport) -> bytes:
    """Write the whole report as JSON with its digest."""
    return canonical_json({"digest": report.digest, "report": report}).encode()


def summary_table(report: SubsidyReport, full: SheetTable) -> SheetTable:
    """Give the columns that decide of the whole form, on one printed page; the form stands on the next sheet."""
    places = [_column(label) for label in _SUMMARY_LABELS]
    return report_table(
        report,
        name="贴息汇总",
        title=f"碳排放权融资贴息汇总表（{report.quarter}，截至 {report.as_of}）",
        columns=tuple(_MAIN_COLUMNS[place] for place in places),
        rows=[tuple(row[place] for place in places) for row in full.rows],
        notes=_funnel_notes(report),
    )


def main_table(report: SubsidyReport) -> SheetTable:
    """Give the bureau's whole form: one row an application, failures at the end."""
    rows = [_main_row(report, line) for line in report.lines]
    empty: tuple[CellValue, ...] = (None,) * len(_MAIN_COLUMNS)
    opinion, reference = _column("审核意见"), _column("申报编号")
    for failure in report.failures:
        row = list(empty)
        row[_column("申报批次")], row[reference] = report.quarter, failure.item
        row[opinion] = f"未能处理：{failure.zh}{failure.remedy_zh}"
        rows.append(tuple(row))
    return report_table(
        report,
        name="申报明细",
        title=f"碳排放权融资贴息申报明细表（{report.quarter}，截至 {report.as_of}）",
        columns=_MAIN_COLUMNS,
        rows=rows,
    )


def _column(label: str) -> int:
    return next(place for place, column in enumerate(_MAIN_COLUMNS) if column.label == label)


def _main_row(report: SubsidyReport, line: ReportLine) -> tuple[CellValue, ...]:
    application, decision, note = line.application, line.decision, line.application.loan_note
    announcement = application.announcement
    interest = [cost for cost in decision.vouchers if cost.kind is CostKind.INTEREST]
    guarantee = [cost for cost in decision.vouchers if cost.kind is CostKind.GUARANTEE_FEE]
    calculated = decision.calculated_cny
    cut = [decision.cut_zh] if decision.cut_zh else []
    if line.allocated_cny is not None and line.allocated_cny != decision.proposed_cny:
        cut.append("年度预算按比例核减")
    return (
        report.quarter,
        line.scheme_title,
        application.reference,
        application.applicant_name,
        application.applicant_usci,
        application.district,
        {True: "是", False: "否", None: _NOT_STATED}[application.key_emitter],
        _NOT_AT_HAND,
        note.bank_name,
        note.contract_number,
        note.note_number,
        note.principal_cny,
        note.start_date,
        note.end_date,
        note.settled_on,
        note.rate,
        sum(cost.gross_cny for cost in interest) if interest else None,
        sum(cost.vat_cny for cost in interest) if interest else None,
        sum(cost.net_cny for cost in interest) if interest else None,
        sum(cost.net_cny for cost in guarantee) if guarantee else None,
        application.appraisal_and_registration_fee_cny,
        _pledged_text(application),
        announcement.number if announcement else None,
        announcement.address if announcement else None,
        line.rate,
        calculated,
        None if calculated is None else round_half_up(calculated / 10_000, 6),
        line.cap_text,
        "；".join(cut) or None,
        line.granted_cny,
        OUTCOME_TITLES[decision.outcome][0],
        decision.reason_zh,
        "；".join(decision.unconfirmed_zh) or None,
        _documents_text(line),
        _NOT_STATED if application.other_subsidy is None else application.other_subsidy or "无",
        None,
        application.contact,
        None,
        "示例" if application.is_sample else None,
    )


def _pledged_text(application: SubsidyApplication) -> str | None:
    if application.announcement is None:
        return None
    return "；".join(f"{pledged.unit} {pledged.quantity_t} 吨" for pledged in application.announcement.pledged)


def _documents_text(line: ReportLine) -> str:
    documents = next(result for result in line.decision.criteria if result.criterion is Criterion.DOCUMENTS)
    if line.decision.missing_documents:
        return f"缺：{titles_zh(line.decision.missing_documents)}"
    return documents.found_zh


def _criteria_table(report: SubsidyReport) -> SheetTable:
    columns = (
        SheetColumn(label="申报编号", kind=_CODE),
        SheetColumn(label="审核条件", kind=_TEXT),
        SheetColumn(label="结果", kind=_TEXT, choices=_ANSWER_LIST),
        SheetColumn(label="查明情况", kind=_TEXT),
        SheetColumn(label="依据", kind=_TEXT),
        SheetColumn(label="决定编号", kind=_CODE),
    )
    rows: list[tuple[CellValue, ...]] = [
        (
            line.application.reference,
            CRITERION_TITLES[result.criterion][0],
            ANSWER_TITLES[result.answer][0],
            result.found_zh,
            result.clause,
            line.decision_id,
        )
        for line in report.lines
        for result in line.decision.criteria
    ]
    return report_table(report, name="逐条审核", title="逐条审核表", columns=columns, rows=rows)


def _voucher_table(report: SubsidyReport) -> SheetTable:
    columns = (
        SheetColumn(label="申报编号", kind=_CODE),
        SheetColumn(label="凭证号", kind=_CODE),
        SheetColumn(label="费用", kind=_TEXT),
        SheetColumn(label="起", kind=_DAY),
        SheetColumn(label="止（不含）", kind=_DAY),
        SheetColumn(label="支付日", kind=_DAY),
        SheetColumn(label="含税金额", kind=_MONEY, unit="元"),
        SheetColumn(label="税额", kind=_MONEY, unit="元"),
        SheetColumn(label="不含税金额", kind=_MONEY, unit="元"),
    )
    rows: list[tuple[CellValue, ...]] = [
        (
            line.application.reference,
            voucher.number,
            COST_TITLES[voucher.kind][0],
            voucher.period_start,
            voucher.period_end,
            voucher.paid_on,
            cost.gross_cny,
            cost.vat_cny,
            cost.net_cny,
        )
        for line in report.lines
        for voucher, cost in zip(line.application.vouchers, line.decision.vouchers, strict=False)
    ]
    return report_table(report, name="费用凭证", title="费用支出凭证明细", columns=columns, rows=rows)


def _duplicate_table(report: SubsidyReport) -> SheetTable:
    columns = (
        SheetColumn(label="申报编号", kind=_CODE),
        SheetColumn(label="本件凭证或公告", kind=_TEXT),
        SheetColumn(label="在先申报编号", kind=_CODE),
        SheetColumn(label="在先凭证或公告", kind=_TEXT),
        SheetColumn(label="在先项目", kind=_CODE),
        SheetColumn(label="重复原因", kind=_TEXT),
        SheetColumn(label="处理", kind=_TEXT),
    )
    rows: list[tuple[CellValue, ...]] = [
        (
            line.application.reference,
            pair.own_item,
            pair.earlier_reference,
            pair.earlier_item,
            pair.earlier_scheme,
            OVERLAP_TITLES[pair.reason][0],
            "重复申报" if pair.same_scheme else "跨项目叠加，规则待确认",
        )
        for line in report.lines
        for pair in line.decision.pairs
    ]
    return report_table(report, name="重复核对", title="重复申报核对表", columns=columns, rows=rows)


def _failure_table(report: SubsidyReport) -> SheetTable:
    columns = (
        SheetColumn(label="申请", kind=_CODE),
        SheetColumn(label="原因", kind=_TEXT),
        SheetColumn(label="处理办法", kind=_TEXT),
    )
    rows: list[tuple[CellValue, ...]] = [
        *(
            (line.application.reference, line.decision.reason_zh, remedies_of(line.decision)[0] or None)
            for line in _not_qualified(report)
        ),
        *((failure.item, f"未能处理：{failure.zh}", failure.remedy_zh) for failure in report.failures),
    ]
    return report_table(report, name="未通过", title="未通过及未能处理的申请", columns=columns, rows=rows)


def _not_qualified(report: SubsidyReport) -> list[ReportLine]:
    return [line for line in report.lines if line.decision.outcome is not Outcome.QUALIFIES]


def _funnel_notes(report: SubsidyReport) -> tuple[str, ...]:
    funnel = "，".join(f"{step.title_zh} {step.count} 件" for step in report.summary.funnel)
    outcomes = "，".join(f"{OUTCOME_TITLES[outcome][0]} {count} 件" for outcome, count in report.summary.outcomes)
    return (
        f"{funnel}；{outcomes}；另有未能处理 {len(report.failures)} 件。",
        "拟资助金额为空的，系申请条件或上限未确认，尚不能提出金额。",
        f"报表摘要 SHA-256：{report.digest}",
    )


def _provenance(report: SubsidyReport) -> tuple[Provenance, ...]:
    terms = tuple(
        Provenance(
            subject=f"{source.scheme_title} · {source.title_zh}",
            value=source.value,
            source="；".join(part for part in (source.source, source.note) if part),
            digest=source.digest,
            confirmed=source.confirmed,
        )
        for source in report.sources
    )
    decisions = tuple(
        Provenance(
            subject=f"申请 {line.application.reference} 的决定",
            value=line.decision.reason_zh,
            source=f"决定 {line.decision_id}，{_submitted(line)} 提交",
            digest="",
            confirmed=not line.decision.unconfirmed_zh,
        )
        for line in report.lines
    )
    return (*terms, *decisions)


def _submitted(line: ReportLine) -> str:
    return china_minute(line.application.submitted_at)


def report_table(
    report: SubsidyReport,
    *,
    name: str,
    title: str,
    columns: tuple[SheetColumn, ...],
    rows: list[tuple[CellValue, ...]],
    notes: tuple[str, ...] = (),
) -> SheetTable:
    """Give a table with the report's head: day, body, who prepared it, and the banner of a sample."""
    return SheetTable(
        name=name,
        title=title,
        columns=columns,
        rows=tuple(rows),
        reported_on=report.as_of,
        unit="单位：元",
        reporting_body=report.reporting_body,
        prepared_by=report.prepared_by,
        telephone=SAMPLE_TELEPHONE if report.is_sample else "",
        banner=SAMPLE_BANNER if report.is_sample else None,
        notes=notes,
    )

"""The term sheet as a document: the same lines, build-up, schedule and notes for PDF and Word."""

import json
from datetime import datetime

from carbonfin.documents.pdf import render_pdf
from carbonfin.documents.sheets import (
    Align,
    Column,
    Note,
    Row,
    Section,
    Sheet,
    SignatureBlock,
    StepKind,
    Table,
    Term,
    TermGrid,
    Verification,
    Waterfall,
    WaterfallStep,
)
from carbonfin.documents.word import render_docx
from carbonfin.rules.record import canonical
from loans.calc.contracts.schedule import PROVISIONAL_ZH, RepaymentSchedule
from loans.calc.term_concessions import CONCESSION_GROUP
from loans.calc.term_costs import COST_GROUP
from loans.calc.term_lines import TermGroup, TermLine, amount, percent, signed
from loans.calc.term_links import GREEN_GROUP, GROUP_NAME
from loans.calc.term_notes import unconfirmed_behind, unconfirmed_words
from loans.calc.term_resets import RESET_GROUP
from loans.calc.term_sheets import RateStep, TermSheet, TermSheetInputs

TITLE_ZH = "贷款条款清单"
TITLE_EN = "Term Sheet"
SAMPLE_BANNER = "演示数据（示例），不构成报价或承诺"
HEADLINE = "本清单仅供商谈，不构成贷款承诺 For discussion only; no commitment to lend"
DISCLAIMER = (
    "本清单为草案，仅供双方商谈之用，不构成贷款承诺或要约；经贷款人审批并签订借款合同后，以借款合同为准。"
    "This draft is for discussion and commits nobody; the loan contract prevails."
)
WIDE_LABELS = frozenset(
    {"利率优惠", "付息日遇节假日", "取价规则", "重定价时的利率优惠", "停止期间利率", "支付方式", "年化综合融资成本"}
)
IN_BOTH = frozenset({GROUP_NAME, GREEN_GROUP, RESET_GROUP, CONCESSION_GROUP, COST_GROUP})
BP_PER_PERCENT = 100


def term_sheet_document(
    sheet: TermSheet, *, decision_id: str, digest: str, address: str, verification: Verification
) -> Sheet:
    """Give a term sheet as a document.

    Args:
        sheet: The drafted term sheet.
        decision_id: Decision whose trace the figures open.
        digest: Digest of that decision, printed in every footer.
        address: Where the application is reached, such as https://bank.example; empty leaves the links out.
        verification: How a reader checks that it was issued.
    """
    marks = _Marks(sheet)
    sections: list[Section] = []
    for group in sheet.groups:
        sections.append(_grid(group, marks, f"{address}/decisions/{decision_id}" if address else ""))
        if group.name == "rate":
            sections.append(_waterfall(sheet))
        if group.name == "repayment" and sheet.schedule is not None:
            sections.append(schedule_table(sheet.schedule))
    general = [Note(text=note.zh) for note in sheet.notes if not note.unconfirmed]
    return Sheet(
        title_zh=TITLE_ZH,
        title_en=TITLE_EN,
        subtitle=f"{sheet.request.product} · {sheet.borrower}",
        number=sheet.number,
        version=str(sheet.version),
        digest=digest,
        banner=SAMPLE_BANNER if sheet.is_sample else None,
        issued_on=sheet.issued_on,
        sections=tuple(sections),
        notes=(*general, *marks.notes()),
        headline=HEADLINE,
        disclaimer=DISCLAIMER,
        signatures=(
            SignatureBlock(party_zh="贷款人", party_en="Lender", name=sheet.lender),
            SignatureBlock(party_zh="借款人", party_en="Borrower", name=sheet.borrower),
        ),
        verification=verification,
    )


def term_sheet_pdf(document: Sheet, inputs: TermSheetInputs, *, created_at: datetime) -> bytes:
    """Set the document as PDF with the decision's inputs attached."""
    values = json.dumps(canonical(inputs), ensure_ascii=False, sort_keys=True, indent=1)
    return render_pdf(
        document, attachments={"inputs.json": values.encode()}, created_at=created_at.replace(microsecond=0)
    )


def term_sheet_docx(document: Sheet) -> bytes:
    """Write the document for Word, in the same order and editable."""
    return render_docx(document)


def rate_waterfall_steps(steps: tuple[RateStep, ...]) -> tuple[WaterfallStep, ...]:
    """Give the rate build-up in percent, levels as rates and moves in bp."""
    return tuple(
        WaterfallStep(
            label_zh=step.label_zh,
            label_en=step.label_en,
            amount=step.bp / BP_PER_PERCENT,
            text=percent(step.bp / 10_000) if step.is_level else f"{signed(step.bp)} bp",
            kind=StepKind.LEVEL if step.is_level else StepKind.CHANGE,
            note=step.note_zh,
        )
        for step in steps
    )


def schedule_table(schedule: RepaymentSchedule) -> Table:
    """Give the repayment schedule as a table; provisional rows are flagged, totals are sums of the rows.

    The balance stands in it only where principal is repaid on the way.
    """
    shows_balance = any(row.principal_cny for row in schedule.rows[:-1])
    balance_column = (Column(label_zh="剩余本金", label_en="Balance", unit="元", align=Align.RIGHT),)
    return Table(
        title_zh="还款计划",
        title_en="Repayment schedule",
        columns=(
            Column(label_zh="期次", label_en="No.", align=Align.RIGHT),
            Column(label_zh="计息止（不含）", label_en="Interest to (excl.)"),
            Column(label_zh="天数", label_en="Days", align=Align.RIGHT),
            Column(label_zh="还款日", label_en="Payment day"),
            Column(label_zh="利息", label_en="Interest", unit="元", align=Align.RIGHT),
            Column(label_zh="本金", label_en="Principal", unit="元", align=Align.RIGHT),
            Column(label_zh="应还合计", label_en="Payment", unit="元", align=Align.RIGHT),
            *(balance_column if shows_balance else ()),
        ),
        rows=tuple(
            Row(
                cells=(
                    str(row.number),
                    row.end.isoformat(),
                    str(row.days),
                    row.payment_date.isoformat(),
                    amount(row.interest_cny),
                    amount(row.principal_cny),
                    amount(row.payment_cny),
                    *((amount(row.closing_balance_cny),) if shows_balance else ()),
                ),
                flag=PROVISIONAL_ZH if row.provisional else "",
            )
            for row in schedule.rows
        ),
        totals=(
            "合计",
            "",
            str(sum(row.days for row in schedule.rows)),
            "",
            amount(schedule.interest_total_cny),
            amount(schedule.principal_total_cny),
            amount(schedule.payment_total_cny),
            *(("",) if shows_balance else ()),
        ),
    )


class _Marks:
    """Numbers the notes on unconfirmed facts in the order the lines need them."""

    def __init__(self, sheet: TermSheet) -> None:
        self._behind = unconfirmed_behind(sheet.trace)
        self._numbers: dict[tuple[str, ...], int] = {}

    def of(self, line: TermLine) -> str | None:
        facts = self._behind.get(line.figure_name, ())
        if not facts:
            return None
        words = unconfirmed_words(facts)
        return str(self._numbers.setdefault(words, len(self._numbers) + 1))

    def notes(self) -> tuple[Note, ...]:
        return tuple(
            Note(text="；".join(words), mark=str(number), unconfirmed=True) for words, number in self._numbers.items()
        )


def _grid(group: TermGroup, marks: _Marks, decision_address: str) -> TermGrid:
    return TermGrid(
        title_zh=group.title_zh,
        title_en=group.title_en,
        items=tuple(
            Term(
                label_zh=line.label_zh,
                label_en=line.label_en,
                value=_value(group, line),
                footnote=marks.of(line),
                trace_url=f"{decision_address}#figure-{line.figure_name}"
                if decision_address and line.figure_name
                else None,
                wide=line.label_zh in WIDE_LABELS or group.name in {GROUP_NAME, GREEN_GROUP},
            )
            for line in group.lines
        ),
    )


def _value(group: TermGroup, line: TermLine) -> str:
    """Give a line's value; a review and a clause are read by people of either language, so that they stand in both."""
    is_in_both = group.name in IN_BOTH and line.value_en != line.value_zh
    return f"{line.value_zh} / {line.value_en}" if is_in_both else line.value_zh


def _waterfall(sheet: TermSheet) -> Waterfall:
    return Waterfall(
        title_zh="执行利率的构成",
        title_en="How the rate is built",
        unit="%",
        steps=rate_waterfall_steps(sheet.steps),
        source="全国银行间同业拆借中心 LPR；本行降碳贷产品参数；外部碳评级报告",
    )

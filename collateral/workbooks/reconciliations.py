"""The differences of a reconciliation as a table, a workbook and CSV."""

from collections.abc import Sequence
from datetime import datetime

from carbonfin.documents.workbooks import (
    CellKind,
    Provenance,
    SheetColumn,
    SheetTable,
    Workbook,
    csv_text,
    write_workbook,
)
from collateral.calc.reconciliation import NAMES, REMEDIES, ReconciliationOutcome


def differences_table(outcome: ReconciliationOutcome, *, holder_names: Sequence[str]) -> SheetTable:
    """Give the differences as a table; a holder's name is empty where the ledger has no such account."""
    return SheetTable(
        name="对账差异",
        title=f"登记机构对账差异（业务日期 {outcome.business_date}）",
        columns=(
            SheetColumn(label="差异", kind=CellKind.TEXT, width=30),
            SheetColumn(label="持有人", kind=CellKind.TEXT, width=30),
            SheetColumn(label="账户", kind=CellKind.CODE, width=38),
            SheetColumn(label="合同", kind=CellKind.CODE),
            SheetColumn(label="品种", kind=CellKind.CODE),
            SheetColumn(label="序号段", kind=CellKind.CODE, width=30),
            SheetColumn(label="台账", unit="吨", kind=CellKind.TONNES),
            SheetColumn(label="登记机构", unit="吨", kind=CellKind.TONNES),
            SheetColumn(label="相差", unit="吨", kind=CellKind.TONNES),
            SheetColumn(label="起始日", kind=CellKind.DAY),
            SheetColumn(label="账龄", unit="天", kind=CellKind.COUNT),
            SheetColumn(label="处理", kind=CellKind.TEXT, width=60),
        ),
        rows=tuple(
            (
                NAMES[one.kind][0],
                holder_name,
                one.account_id,
                one.agreement_code,
                one.unit,
                one.serials or "",
                one.ledger_t,
                one.registry_t,
                one.registry_t - one.ledger_t,
                one.since,
                one.age_days,
                REMEDIES[one.kind][0],
            )
            for one, holder_name in zip(outcome.differences, holder_names, strict=True)
        ),
        reported_on=outcome.business_date,
    )


def differences_csv(table: SheetTable) -> bytes:
    """Write the table as CSV that a spreadsheet opens as UTF-8."""
    return csv_text(table).encode("utf-8")


def reconciliation_workbook(
    table: SheetTable, *, difference_count: int, decision_id: str, created_at: datetime
) -> bytes:
    """Write the table as a workbook that names the decision."""
    return write_workbook(
        Workbook(
            title=table.title,
            sheets=(table,),
            created_at=created_at,
            provenance=(
                Provenance(
                    subject="差异数",
                    value=str(difference_count),
                    source=f"决定记录 {decision_id}",
                ),
            ),
        )
    )

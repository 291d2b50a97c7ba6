"""The subsidy files of the sample world, built from its printed facts."""

import dataclasses
from datetime import date, datetime
from decimal import Decimal

from carbonfin.kernel.cryptography import sha256_hex
from carbonfin.kernel.dates import CHINA, end_of_china_day
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.tables import TableBook
from carbonfin.storage.rulebook import builtin_book, builtin_tables
from reporting.calc.eligibility_table import SUBSIDY_TABLE
from reporting.calc.facts import (
    CostKind,
    CostVoucher,
    DocumentKind,
    FiledDocument,
    LoanNote,
    LoanStatus,
    PledgeAnnouncement,
    PledgedUnits,
    SubsidyApplication,
)
from reporting.calc.schemes import SchemeTerms, terms_of

AS_OF = date(2025, 9, 26)
KNOWN_AT = end_of_china_day(AS_OF)
E2_USCI = "91440300EXAMPLE2XB"

P0_VOUCHERS = tuple(
    CostVoucher(
        invoice_vat_cny=None,
        kind=CostKind.INTEREST,
        number=f"P0-{place}",
        period_start=start,
        period_end=end,
        gross_cny=Decimal(gross),
        paid_on=end,
    )
    for place, (start, end, gross) in enumerate(
        [
            (date(2024, 6, 21), date(2024, 9, 21), "29516.67"),
            (date(2024, 9, 21), date(2024, 12, 21), "29195.83"),
            (date(2024, 12, 21), date(2025, 3, 21), "28875.00"),
            (date(2025, 3, 21), date(2025, 6, 20), "29195.83"),
        ],
        1,
    )
)
P0 = LoanNote(
    bank_name="示例银行股份有限公司深圳分行",
    contract_number="示例合同-P0",
    note_number="P0",
    principal_cny=Decimal("3000000.00"),
    start_date=date(2024, 6, 21),
    end_date=date(2025, 6, 20),
    rate=Decimal("0.0385"),
    status=LoanStatus.SETTLED,
    settled_on=date(2025, 6, 20),
)
P2 = dataclasses.replace(
    P0,
    contract_number="示例合同-P2",
    note_number="P2",
    principal_cny=Decimal("2300000.00"),
    start_date=date(2025, 6, 27),
    end_date=date(2026, 6, 12),
    rate=Decimal("0.0345"),
    status=LoanStatus.RUNNING,
    settled_on=None,
)
ALL_DOCUMENTS = tuple(
    FiledDocument(kind=kind, file_name=f"{kind}.pdf", digest=f"{place:064x}")
    for place, kind in enumerate(DocumentKind, 1)
    if kind is not DocumentKind.OTHER
)


def documents_of(usci: str) -> tuple[FiledDocument, ...]:
    """A firm's own documents: the sample firm's, or others of the same kinds."""
    if usci == E2_USCI:
        return ALL_DOCUMENTS
    return tuple(
        dataclasses.replace(document, digest=sha256_hex(f"{usci} {document.kind}".encode()))
        for document in ALL_DOCUMENTS
    )


def announcement(note: str, units: dict[str, int], published_on: date) -> PledgeAnnouncement:
    return PledgeAnnouncement(
        number=f"示例公告-{note}",
        address=f"https://example.invalid/gg/{note}",
        published_on=published_on,
        pledged=tuple(PledgedUnits(unit=unit, quantity_t=quantity) for unit, quantity in units.items()),
    )


def application(reference: str = "A1", **changes: object) -> SubsidyApplication:
    plain = SubsidyApplication(
        reference=reference,
        filed_by_bank="示例银行股份有限公司深圳分行",
        scheme="nanshan-2025",
        applicant_name="示例微电子(深圳)有限公司",
        applicant_usci=E2_USCI,
        district="南山",
        key_emitter=True,
        submitted_at=datetime(2025, 9, 18, 10, tzinfo=CHINA),
        loan_note=P0,
        vouchers=P0_VOUCHERS,
        announcement=announcement("P0", {"SZA-2022": 70000, "SZA-2023": 80000}, date(2024, 6, 24)),
        documents=documents_of(str(changes.get("applicant_usci", E2_USCI))),
        appraisal_and_registration_fee_cny=None,
        other_subsidy="",
        contact=None,
        is_sample=True,
    )
    return dataclasses.replace(plain, **changes)  # type: ignore[arg-type]


def sample_applications() -> tuple[SubsidyApplication, ...]:
    settled = DocumentKind.SETTLEMENT_CERTIFICATE
    return (
        application("A1"),
        application("A2", scheme="shenhuangui-2024-7", submitted_at=datetime(2025, 9, 18, 11, tzinfo=CHINA)),
        application(
            "A3",
            loan_note=P2,
            vouchers=(),
            announcement=announcement("P2", {"SZA-2022": 60000, "SZA-2023": 60000}, date(2025, 6, 30)),
            documents=tuple(document for document in ALL_DOCUMENTS if document.kind is not settled),
            submitted_at=datetime(2025, 9, 18, 14, tzinfo=CHINA),
        ),
        application("A4", vouchers=P0_VOUCHERS[2:3], submitted_at=datetime(2025, 9, 19, 9, 30, tzinfo=CHINA)),
    )


def share_table() -> RecordedTable:
    book = TableBook(builtin_tables("reporting"))
    return RecordedTable.of(book.on(SUBSIDY_TABLE.name, valid_on=date(2025, 9, 18), known_at=KNOWN_AT))


def terms(scheme: str = "nanshan-2025", valid_on: date = date(2025, 9, 18)) -> SchemeTerms:
    return terms_of(builtin_book("reporting"), scheme, valid_on=valid_on, known_at=KNOWN_AT)

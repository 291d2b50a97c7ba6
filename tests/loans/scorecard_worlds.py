"""An enterprise with two years of lines and a benchmark, for ratings by the scorecard."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import OrganizationKind
from carbonfin.storage.parties import Standing
from loans import service
from loans.calc.account_entries import EntryKind
from loans.calc.consents import Consent, ConsentPurpose, ConsentState
from loans.service import EntryDraft
from tests.loans.samples import E4_USCI
from tests.loans.world import BUSINESS_DATE, KNOWN_AT, Bank

# Four small clothing makers: 0.2000, 0.3000, 0.4000 and 0.6000 t/万元.
PEERS = "行业代码,企业规模,碳强度\n" + "".join(f"C1810,小型,{value}\n" for value in ("0.2", "0.3", "0.4", "0.6"))


def standing_at(bank: Bank) -> Standing:
    return Standing(
        organization_id=bank.officer.organization_id, name="", kind=OrganizationKind.BANK,
        business_date=BUSINESS_DATE, known_at=KNOWN_AT, is_sample=True,
    )  # fmt: skip


def draft(
    kind: EntryKind, quantity: str, *, year: int = 2024, item: str = "", unit: str = "级", evidence: str = "单据",
    month: int = 0, reason: str = "",
) -> EntryDraft:  # fmt: skip
    return EntryDraft(
        usci=E4_USCI, kind=kind, year=year, month=month, item=item, quantity=Decimal(quantity), unit=unit,
        factor_id="广东" if kind is EntryKind.ELECTRICITY else "",
        factor_year={2024: 2022, 2023: 2021}[year] if kind is EntryKind.ELECTRICITY else None,
        evidence=evidence, source="台账", is_unit_confirmed=False, reason=reason,
    )  # fmt: skip


def lines() -> list[EntryDraft]:
    kwh, yuan, flag = "kWh", "元", "是否"
    return [
        draft(EntryKind.ELECTRICITY, "3600000", item="A", unit=kwh),
        draft(EntryKind.ELECTRICITY, "4100000", item="A", unit=kwh, year=2023),
        draft(EntryKind.METER, "3600000", item="A", unit=kwh),
        *(
            draft(EntryKind.INVOICE_ELECTRICITY, "297000", item=f"F{month}", unit=kwh, month=month)
            for month in range(1, 13)
        ),
        draft(EntryKind.FUEL, "12", item="natural_gas", unit="万Nm3"),
        draft(EntryKind.FUEL, "14", item="natural_gas", unit="万Nm3", year=2023),
        draft(EntryKind.GREEN_POWER, "720000", item="G1", unit=kwh),
        draft(EntryKind.VALUE_ADDED, "61500000", unit=yuan),
        draft(EntryKind.VALUE_ADDED, "60000000", unit=yuan, year=2023),
        draft(EntryKind.SIZE_CLASS, "2"),
        draft(EntryKind.COMPARABLE, "1", unit=flag),
        draft(EntryKind.VERIFICATION, "2"),
        draft(EntryKind.DATA_QUALITY, "2"),
        draft(EntryKind.TARGET, "1"),
        draft(EntryKind.MANAGEMENT, "1", unit=flag),
        draft(EntryKind.FALSE_REPORTING, "0", unit="次"),
    ]


def consent(session: Session, bank: Bank) -> Consent:
    given = Consent(
        purpose=ConsentPurpose.RATING, state=ConsentState.GIVEN, given_on=date(2025, 1, 6), valid_to=None,
        evidence="授权书 2025-001",
    )  # fmt: skip
    service.record_consent(session, bank.officer, bank.clothing.id, given, on=BUSINESS_DATE, known_at=KNOWN_AT)
    return given


def withdraw(session: Session, bank: Bank, given: Consent) -> None:
    taken_back = replace(given, state=ConsentState.WITHDRAWN, given_on=BUSINESS_DATE)
    service.record_consent(session, bank.officer, bank.clothing.id, taken_back, on=BUSINESS_DATE, known_at=KNOWN_AT)


def freeze(session: Session, bank: Bank, *, released_on: date = date(2025, 6, 1), name: str = "2024-深圳") -> None:
    service.freeze_benchmark_file(
        session, bank.officer, content=PEERS.encode(), file_name="样本.csv", benchmark_id=name, released_on=released_on,
        source="本行样本(示例)", standing=standing_at(bank),
    )  # fmt: skip


def fill_scorecard(session: Session, bank: Bank) -> None:
    consent(session, bank)
    report = service.record_entries(session, bank.officer, lines(), on=BUSINESS_DATE, known_at=KNOWN_AT)
    assert report.failures == (), report.failures
    freeze(session, bank)

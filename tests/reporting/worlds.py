"""Two banks and a bureau with the four sample files, filed from a bank's own books."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.kernel.dates import CHINA, DayCount
from carbonfin.kernel.parties import PartyKind
from carbonfin.storage.parties import (
    OrganizationDraft,
    PartyDraft,
    actor_of,
    add_person,
    save_organization,
    save_party,
)
from loans.calc.contracts.terms import AccrualDates, LoanTerms, RepaymentMethod
from loans.calc.notes import LoanNoteDraft
from loans.service import record_interest_payment, record_loan_note, settle_note
from reporting.calc.batches import FiledApplication
from reporting.calc.facts import DocumentKind, FiledDocument, PledgeAnnouncement
from reporting.service import NoteApplication, file_note_application
from tests.reporting.samples import ALL_DOCUMENTS, AS_OF, E2_USCI, KNOWN_AT, announcement

BANK_NAME = "示例银行股份有限公司深圳分行"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actors:
    bank: Actor
    other_bank: Actor
    bureau: Actor


def make_actors(session: Session, *, password_hash: str | None = None) -> Actors:
    def person(kind: OrganizationKind, name: str, login: str, role: Role) -> Actor:
        organization = save_organization(
            session, OrganizationDraft(kind=kind, name=name, usci=None, business_date=AS_OF, is_sample=True)
        )
        added = add_person(
            session,
            organization_id=organization.id,
            login=login,
            name=f"{login}(示例)",
            role=role,
            password_hash=password_hash or "no password",
        )
        return actor_of(session, added.id)

    return Actors(
        bank=person(OrganizationKind.BANK, BANK_NAME, "officer-a", Role.OFFICER),
        other_bank=person(OrganizationKind.BANK, "另一示例银行", "officer-b", Role.OFFICER),
        bureau=person(OrganizationKind.BUREAU, "示例环境局", "bureau-a", Role.BUREAU),
    )


def record_notes(session: Session, bank: Actor) -> None:
    """E2 with its settled note P0 and its running note P2, as the sample world prints them."""
    party = save_party(
        session,
        bank,
        PartyDraft(
            kind=PartyKind.ENTERPRISE, name="示例微电子(深圳)有限公司", usci=E2_USCI, lei=None, industry="C3973",
            district="南山", scheme="SZA", key_emitter=True, is_sample=True,
        ),
    )  # fmt: skip
    for code, principal, start, end, rate in (
        ("P0", "3000000.00", date(2024, 6, 21), date(2025, 6, 20), "0.0385"),
        ("P2", "2300000.00", date(2025, 6, 27), date(2026, 6, 12), "0.0345"),
    ):
        terms = LoanTerms(
            principal_cny=Decimal(principal), drawdown_date=start, maturity_date=end, rate=Decimal(rate),
            basis=DayCount.ACT_360, method=RepaymentMethod.BULLET, interest_period_months=3, settlement_day=20,
            accrual_dates=AccrualDates.UNADJUSTED,
        )  # fmt: skip
        draft = LoanNoteDraft(
            code=code, party_id=party.id, pledge_code=None, product="碳配额质押贷款", terms=terms, rate_note="示例",
            interest_paid_to=start, is_sample=True,
        )  # fmt: skip
        record_loan_note(session, bank, draft, known_at=KNOWN_AT)
    for period_end in (date(2024, 9, 21), date(2024, 12, 21), date(2025, 3, 21), date(2025, 6, 20)):
        record_interest_payment(session, bank, "P0", period_end=period_end, paid_date=period_end, known_at=KNOWN_AT)
    settle_note(session, bank, "P0", settled_date=date(2025, 6, 20))


def note_application(reference: str, **changes: object) -> NoteApplication:
    entry: dict[str, object] = {
        "reference": reference,
        "scheme": "nanshan-2025",
        "note_code": "P0",
        "contract_number": "示例合同-P0",
        "submitted_at": datetime(2025, 9, 18, 10, tzinfo=CHINA),
        "voucher_numbers": None,
        "extra_vouchers": (),
        "announcement": _announcement("P0"),
        "documents": ALL_DOCUMENTS,
        "appraisal_and_registration_fee_cny": None,
        "other_subsidy": "",
        "contact": None,
    }
    return NoteApplication(**{**entry, **changes})  # type: ignore[arg-type]


def file_samples(session: Session, bank: Actor) -> tuple[FiledApplication, ...]:
    """File A1 to A4 from the bank's books."""
    entries = (
        note_application("A1"),
        note_application("A2", scheme="shenhuangui-2024-7", submitted_at=datetime(2025, 9, 18, 11, tzinfo=CHINA)),
        note_application(
            "A3",
            note_code="P2",
            contract_number="示例合同-P2",
            announcement=_announcement("P2"),
            documents=_without(DocumentKind.SETTLEMENT_CERTIFICATE),
            submitted_at=datetime(2025, 9, 18, 14, tzinfo=CHINA),
        ),
        note_application("A4", voucher_numbers=(3,), submitted_at=datetime(2025, 9, 19, 9, 30, tzinfo=CHINA)),
    )
    return tuple(file_note_application(session, bank, entry, known_at=KNOWN_AT) for entry in entries)


def _announcement(note: str) -> PledgeAnnouncement:
    units = {"SZA-2022": 70000, "SZA-2023": 80000} if note == "P0" else {"SZA-2022": 60000, "SZA-2023": 60000}
    return announcement(note, units, date(2024, 6, 24) if note == "P0" else date(2025, 6, 30))


def _without(kind: DocumentKind) -> tuple[FiledDocument, ...]:
    return tuple(document for document in ALL_DOCUMENTS if document.kind is not kind)

"""Filing applications: facts from the bank's books or as stated, kept once under their reference."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, OrganizationKind
from carbonfin.kernel.enterprises import Usci
from carbonfin.kernel.errors import Conflict, InvalidInput, NotFound, NotPermitted
from carbonfin.kernel.parties import Party
from carbonfin.rules.parameters import ParameterBook
from carbonfin.rules.record import digest_of
from carbonfin.storage.keyset import Place, Slice
from carbonfin.storage.parties import find_party, load_organization, load_party
from loans.calc.notes import NoteState
from loans.calc.servicing.vouchers import interest_left
from loans.service import interest_vouchers_of, load_note
from reporting import store
from reporting.calc.batches import FiledApplication
from reporting.calc.facts import (
    ApplicantRecord,
    CostKind,
    CostVoucher,
    EnterpriseSize,
    FiledDocument,
    FinancingForm,
    LoanNote,
    LoanStatus,
    PledgeAnnouncement,
    SubsidyApplication,
)
from reporting.calc.schemes import schemes_of
from reporting.service.rulebook import subsidy_book


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteApplication:
    """An application for a loan note the bank keeps here: loan and vouchers are taken from its books.

    Attributes:
        voucher_numbers: Interest vouchers asked for, None for all that were paid.
        extra_vouchers: Guarantee fees and what else the books do not hold.
    """

    reference: str
    scheme: str
    note_code: str
    contract_number: str
    submitted_at: datetime
    voucher_numbers: tuple[int, ...] | None
    extra_vouchers: tuple[CostVoucher, ...]
    announcement: PledgeAnnouncement | None
    documents: tuple[FiledDocument, ...]
    appraisal_and_registration_fee_cny: Decimal | None
    other_subsidy: str | None
    contact: str | None
    form: FinancingForm | None = None
    size: EnterpriseSize | None = None
    group: str | None = None
    record: ApplicantRecord | None = None


def file_application(
    session: Session, actor: Actor, application: SubsidyApplication, *, known_at: datetime
) -> FiledApplication:
    """File an application; the same again changes nothing.

    Raises:
        NotPermitted: The actor is not of a bank.
        InvalidInput: The applicant's USCI is wrong, or the file is dated after the present.
        NotFound: There is no such scheme.
        Conflict: The reference stands for another file.
    """
    if actor.organization_kind is not OrganizationKind.BANK:
        raise NotPermitted("only a bank files applications", zh="贴息申请由银行提交")
    Usci.parse(application.applicant_usci, field="applicant_usci")
    if application.group:
        Usci.parse(application.group, field="applicant_group")
    _refuse_unknown_scheme(subsidy_book(session, actor), application.scheme)
    if not actor.is_sample and application.submitted_at > known_at:
        raise InvalidInput(
            f"application {application.reference} is dated {application.submitted_at}, after the present",
            zh="提交时间晚于当前时间",
            field="submitted_at",
            remedy="Give the instant of filing.",
            remedy_zh="请填写实际提交时间。",
        )
    before = store.find_application(session, actor, application.reference)
    if before is None:
        # A sample organisation's files name any instant and its present is made up: they are known from that instant.
        return store.add_application(session, actor, application, recorded_at=None if actor.is_sample else known_at)
    if digest_of(before.application) != digest_of(application):
        raise Conflict(
            f"application {application.reference} was filed with other facts",
            zh=f"申请 {application.reference} 已提交且内容不同",
            field="reference",
            remedy="File a correction under a new reference.",
            remedy_zh="更正请使用新的申报编号。",
        )
    return before


def file_note_application(
    session: Session, actor: Actor, entry: NoteApplication, *, known_at: datetime
) -> FiledApplication:
    """File an application for a note in the bank's books.

    Raises:
        NotFound: The bank has no such note or voucher.
    """
    note = load_note(session, actor, entry.note_code)
    party = load_party(session, actor, note.party_id)
    terms = note.terms
    application = SubsidyApplication(
        reference=entry.reference,
        filed_by_bank=load_organization(session, actor.organization_id).name,
        scheme=entry.scheme,
        applicant_name=party.name,
        applicant_usci=_usci_of(party),
        district=party.district,
        key_emitter=party.key_emitter,
        submitted_at=entry.submitted_at,
        loan_note=LoanNote(
            bank_name=load_organization(session, actor.organization_id).name,
            contract_number=entry.contract_number,
            note_number=note.code,
            principal_cny=terms.principal_cny,
            start_date=terms.drawdown_date,
            end_date=terms.maturity_date,
            rate=terms.rate,
            status=LoanStatus.SETTLED if note.state is NoteState.SETTLED else LoanStatus.RUNNING,
            settled_on=note.settled_date,
        ),
        vouchers=(*_interest_vouchers(session, actor, entry), *entry.extra_vouchers),
        announcement=entry.announcement,
        documents=entry.documents,
        appraisal_and_registration_fee_cny=entry.appraisal_and_registration_fee_cny,
        other_subsidy=entry.other_subsidy,
        contact=entry.contact,
        is_sample=actor.is_sample or note.is_sample,
        form=entry.form,
        size=entry.size,
        group=entry.group,
        record=entry.record,
    )
    return file_application(session, actor, application, known_at=known_at)


def applications_of(session: Session, actor: Actor) -> tuple[FiledApplication, ...]:
    """Give the applications the actor may see: a bank its own, the bureau all banks'."""
    return store.applications_of(session, actor)


def application_page(session: Session, actor: Actor, place: Place) -> Slice[FiledApplication]:
    """Give a page of the applications the actor may see, in order of filing."""
    return store.application_page(session, actor, place)


def find_applications(session: Session, actor: Actor, words: str, *, limit: int) -> tuple[FiledApplication, ...]:
    """Give applications the actor may see whose reference, applicant or loan note holds these words, the last first."""
    return store.find_applications(session, actor, words, limit=limit)


def load_application(session: Session, actor: Actor, application_id: str) -> FiledApplication:
    """Give an application the actor may see.

    Raises:
        NotFound: There is none, or it is another bank's.
    """
    return store.load_application(session, actor, application_id)


def known_party(session: Session, actor: Actor, usci: str) -> Party:
    """Give the applicant as the bank knows it.

    Raises:
        InvalidInput: The USCI is wrong.
        NotFound: The bank knows no such enterprise.
    """
    party = find_party(session, actor, str(Usci.parse(usci, field="applicant_usci")))
    if party is None:
        raise NotFound(
            f"the bank knows no enterprise {usci}",
            zh=f"本行没有企业 {usci}",
            field="applicant_usci",
            remedy="Enter the enterprise first.",
            remedy_zh="请先登记该企业。",
        )
    return party


def _refuse_unknown_scheme(book: ParameterBook, scheme: str) -> None:
    known = schemes_of(book)
    if scheme not in known:
        raise NotFound(
            f"there is no subsidy scheme {scheme!r}",
            zh=f"没有贴息项目“{scheme}”",
            field="scheme",
            remedy="Known schemes: " + ", ".join(known) + ".",
            remedy_zh="可用项目：" + "、".join(known) + "。",
        )


def _usci_of(party: Party) -> str:
    if party.usci is None:
        raise InvalidInput(f"{party.name} has no USCI", zh="申报单位须有统一社会信用代码", field="applicant_usci")
    return str(party.usci)


def _interest_vouchers(session: Session, actor: Actor, entry: NoteApplication) -> tuple[CostVoucher, ...]:
    vouchers = interest_vouchers_of(session, actor, entry.note_code)
    left = interest_left(vouchers)
    paid = {one.number: one for one in vouchers if left.get(one.number)}
    numbers = tuple(paid) if entry.voucher_numbers is None else entry.voucher_numbers
    unknown = [number for number in numbers if number not in paid]
    if unknown:
        raise NotFound(
            f"loan note {entry.note_code} has no voucher {unknown[0]}",
            zh=f"借据 {entry.note_code} 没有第 {unknown[0]} 张付息凭证",
            field="voucher_numbers",
        )
    return tuple(
        CostVoucher(
            number=f"{entry.note_code}-{number}",
            kind=CostKind.INTEREST,
            period_start=paid[number].period_start,
            period_end=paid[number].period_end,
            gross_cny=left[number],
            invoice_vat_cny=None,
            paid_on=paid[number].paid_date,
        )
        for number in numbers
    )

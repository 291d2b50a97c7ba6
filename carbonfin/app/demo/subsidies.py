"""The subsidy files of the sample world and the bureau's report of the quarter."""

import hashlib
from datetime import datetime, time, timedelta

from sqlmodel import Session

from carbonfin.app.demo.world import SampleApplication, SamplePledge, SampleWorld
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import CHINA, end_of_china_day
from reporting import service
from reporting.calc.facts import DocumentKind, FiledDocument, PledgeAnnouncement, PledgedUnits
from reporting.calc.quarters import Quarter
from reporting.calc.reports import SubsidyReport
from reporting.service import NoteApplication

FILED_AT = time(10)
ANNOUNCED_AFTER = timedelta(days=3)


def file_applications(session: Session, world: SampleWorld, bank: Actor) -> None:
    """File the sample applications from the bank's own loan notes and vouchers."""
    pledges = {pledge.code: pledge for pledge in world.pledge}
    known_at = end_of_china_day(world.subsidy.report_day)
    for reference, application in world.subsidy.applications.items():
        entry = _entry(reference, application, pledges[application.loan])
        service.file_note_application(session, bank, entry, known_at=known_at)


def build_report(session: Session, world: SampleWorld, bureau: Actor) -> SubsidyReport:
    """Decide the quarter's applications as of the report day and keep the report."""
    day = world.subsidy.report_day
    quarter = Quarter(year=day.year, number=(day.month - 1) // 3 + 1)
    return service.build_report(session, bureau, quarter=quarter, as_of=day, told_at=end_of_china_day(day))


def _entry(reference: str, application: SampleApplication, pledge: SamplePledge) -> NoteApplication:
    assert pledge.drawn is not None
    assert pledge.pledgor == application.applicant, f"{reference}: the note is another enterprise's"
    return NoteApplication(
        reference=reference,
        scheme=application.scheme,
        note_code=f"JJ-{pledge.code}",
        contract_number=f"示例合同-{pledge.code}",
        submitted_at=datetime.combine(application.submitted, FILED_AT, tzinfo=CHINA),
        voucher_numbers=None if application.voucher is None else (application.voucher,),
        extra_vouchers=(),
        announcement=PledgeAnnouncement(
            number=f"示例公告-{pledge.code}",
            address=f"https://example.invalid/gg/{pledge.code}",
            published_on=pledge.drawn + ANNOUNCED_AFTER,
            pledged=tuple(PledgedUnits(unit=unit, quantity_t=tonnes) for unit, tonnes in pledge.units.items()),
        ),
        documents=tuple(
            _document(kind, pledge)
            for kind in DocumentKind
            if kind is not DocumentKind.OTHER
            and (kind is not DocumentKind.SETTLEMENT_CERTIFICATE or pledge.settled is not None)
        ),
        appraisal_and_registration_fee_cny=None,
        other_subsidy="",
        contact=None,
    )


def _document(kind: DocumentKind, pledge: SamplePledge) -> FiledDocument:
    text = f"示例文件：{kind} {pledge.code}"
    return FiledDocument(kind=kind, file_name=f"{kind}.pdf", digest=hashlib.sha256(text.encode()).hexdigest())

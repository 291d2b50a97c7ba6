"""Five borrowers of the small bank beside the clothing maker, each with a report of its own kind, or none."""

from dataclasses import replace
from datetime import date

from sqlmodel import Session

from carbonfin.kernel.parties import PartyKind
from carbonfin.storage.parties import PartyDraft, save_party
from loans import service
from loans.service import RateRequest
from tests.loans.samples import E4_USCI, e4_report
from tests.loans.world import KNOWN_AT, Bank

NO_REPORT, CAPPED, EXPIRED, OFF_SCALE = (
    "91440300EXAMPLE541", "91440300EXAMPLE2XB", "91440300EXAMPLE38B", "91440300EXAMPLE11K",
)  # fmt: skip
UNKNOWN = "91440300EXAMPLE62U"
REPORTS = {
    CAPPED: ("95", date(2026, 6, 14)), EXPIRED: ("88", date(2025, 6, 30)), OFF_SCALE: ("101", date(2026, 6, 14)),
}  # fmt: skip
"""Score and last day of each report; interest runs from 2025-07-01."""
REQUESTS = [
    RateRequest(usci=E4_USCI, margin_bp=40),
    RateRequest(usci=NO_REPORT, margin_bp=40),
    RateRequest(usci=UNKNOWN, margin_bp=40),
    RateRequest(usci=CAPPED, margin_bp=40),
    RateRequest(usci=OFF_SCALE, margin_bp=40),
    RateRequest(usci=EXPIRED, margin_bp=40),
    RateRequest(usci=E4_USCI, margin_bp=-20),
]


def add_borrowers(session: Session, bank: Bank) -> None:
    """Save the borrowers with their reports; the unknown one stays unknown."""
    for usci in (NO_REPORT, CAPPED, EXPIRED, OFF_SCALE):
        party = save_party(
            session, bank.officer,
            PartyDraft(
                kind=PartyKind.ENTERPRISE, name=f"示例企业{usci[-3:]}", usci=usci, lei=None, industry=None,
                district=None, scheme=None, key_emitter=False, is_sample=True,
            ),
        )  # fmt: skip
        if usci in REPORTS:
            score, valid_to = REPORTS[usci]
            report = replace(e4_report(score=score, valid_to=valid_to), usci=usci)
            service.record_rating_report(session, bank.officer, party.id, report, known_at=KNOWN_AT)
        assert party.code == usci

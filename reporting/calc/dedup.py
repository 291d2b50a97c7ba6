"""One interest period is subsidised once: applications that claim the same thing, shown as pairs."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from carbonfin.kernel.dates import china_day
from carbonfin.rules.record import ADDED_LATER
from reporting.calc.facts import CostKind, CostVoucher, SubsidyApplication


class OverlapReason(StrEnum):
    """Why two applications claim the same thing."""

    SAME_VOUCHER = "same_voucher"
    OVERLAPPING_PERIOD = "overlapping_period"
    SAME_CONTRACT = "same_contract"
    SAME_ANNOUNCEMENT = "same_announcement"
    SAME_GROUP = "same_group"


OVERLAP_TITLES: dict[OverlapReason, tuple[str, str]] = {
    OverlapReason.SAME_VOUCHER: ("同一凭证", "same voucher"),
    OverlapReason.OVERLAPPING_PERIOD: ("同一借据计费期间重叠", "overlapping period of one loan note"),
    OverlapReason.SAME_CONTRACT: ("同一合同由另一单位申报", "same contract filed by another applicant"),
    OverlapReason.SAME_ANNOUNCEMENT: ("同一质押公告用于另一借据", "same pledge announcement behind another loan note"),
    OverlapReason.SAME_GROUP: ("同一集团另一单位本年度已申报", "another firm of the group filed this year"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedVoucher:
    """A voucher an earlier application claims."""

    number: str
    kind: CostKind
    period_start: date
    period_end: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What an earlier application claims, as far as a later one may collide with it.

    Attributes:
        group: Group of the applicant, None where it states none.
        filed_on: Day of filing where a group is stated.
    """

    application_id: str
    reference: str
    scheme: str
    applicant_usci: str
    bank_name: str
    contract_number: str
    note_number: str
    vouchers: tuple[ClaimedVoucher, ...]
    announcement_number: str | None
    group: str | None = field(default=None, metadata=ADDED_LATER)
    filed_on: date | None = field(default=None, metadata=ADDED_LATER)


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicatePair:
    """Two applications side by side: this one and the earlier one it collides with."""

    reason: OverlapReason
    earlier_application_id: str
    earlier_reference: str
    earlier_scheme: str
    own_item: str
    earlier_item: str
    same_scheme: bool


def claim_of(application_id: str, application: SubsidyApplication) -> Claim:
    """Give what an application claims."""
    return Claim(
        application_id=application_id,
        reference=application.reference,
        scheme=application.scheme,
        applicant_usci=application.applicant_usci,
        bank_name=application.loan_note.bank_name,
        contract_number=application.loan_note.contract_number,
        note_number=application.loan_note.note_number,
        vouchers=tuple(
            ClaimedVoucher(
                number=voucher.number,
                kind=voucher.kind,
                period_start=voucher.period_start,
                period_end=voucher.period_end,
            )
            for voucher in application.vouchers
        ),
        announcement_number=application.announcement.number if application.announcement else None,
        group=application.group or None,
        filed_on=china_day(application.submitted_at) if application.group else None,
    )


def duplicate_pairs(
    application: SubsidyApplication, earlier: tuple[Claim, ...], *, once_a_group: bool = False
) -> tuple[DuplicatePair, ...]:
    """Give each collision of an application with earlier claims.

    The key of a loan is bank, contract and note; of an applicant the USCI, so that a changed name hides nothing.
    The same announcement may stand behind later interest periods of its own note, not behind another note.

    Args:
        application: The later one.
        earlier: Claims filed before it that stand.
        once_a_group: Whether the scheme grants one firm of a group a year.
    """
    pairs: list[DuplicatePair] = []
    note = application.loan_note
    for claim in earlier:
        if (claim.bank_name, claim.note_number) == (note.bank_name, note.note_number):
            pairs.extend(_voucher_pairs(application, claim))
        elif (claim.bank_name, claim.contract_number) == (note.bank_name, note.contract_number):
            if claim.applicant_usci != application.applicant_usci:
                pairs.append(
                    _pair(claim, application, OverlapReason.SAME_CONTRACT, note.contract_number, claim.contract_number)
                )
        elif application.announcement and application.announcement.number == claim.announcement_number:
            number = application.announcement.number
            pairs.append(_pair(claim, application, OverlapReason.SAME_ANNOUNCEMENT, number, number))
        if once_a_group and _of_same_group(application, claim):
            own, other = application.applicant_usci, claim.applicant_usci
            pairs.append(_pair(claim, application, OverlapReason.SAME_GROUP, own, other))
    return tuple(pairs)


def _of_same_group(application: SubsidyApplication, claim: Claim) -> bool:
    """Whether another firm of the applicant's group filed under the same scheme in the same year."""
    return (
        claim.group is not None
        and (claim.group, claim.scheme) == (application.group, application.scheme)
        and claim.applicant_usci != application.applicant_usci
        and claim.filed_on is not None
        and claim.filed_on.year == china_day(application.submitted_at).year
    )


def _voucher_pairs(application: SubsidyApplication, claim: Claim) -> list[DuplicatePair]:
    pairs: list[DuplicatePair] = []
    for own in application.vouchers:
        for other in claim.vouchers:
            if own.number == other.number:
                pairs.append(_pair(claim, application, OverlapReason.SAME_VOUCHER, own.number, other.number))
            elif _overlap(own, other):
                pairs.append(
                    _pair(
                        claim,
                        application,
                        OverlapReason.OVERLAPPING_PERIOD,
                        f"{own.number} [{own.period_start}, {own.period_end})",
                        f"{other.number} [{other.period_start}, {other.period_end})",
                    )
                )
    return pairs


def _overlap(own: CostVoucher, other: ClaimedVoucher) -> bool:
    return own.kind is other.kind and own.period_start < other.period_end and other.period_start < own.period_end


def _pair(
    claim: Claim, application: SubsidyApplication, reason: OverlapReason, own_item: str, earlier_item: str
) -> DuplicatePair:
    return DuplicatePair(
        reason=reason,
        earlier_application_id=claim.application_id,
        earlier_reference=claim.reference,
        earlier_scheme=claim.scheme,
        own_item=own_item,
        earlier_item=earlier_item,
        same_scheme=claim.scheme == application.scheme,
    )

"""Files that contradict themselves or one another: refused with what to do, so that the rest of a report stays right.

These are looked for when a batch is decided, not when one decision is: a file on record is not decided anew, and a
decision replays as it was made.
"""

import re
from decimal import Decimal
from itertools import pairwise

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import cny
from reporting.calc.facts import CostKind, CostVoucher, DocumentKind, LoanNote, SubsidyApplication

_AS_A_NUMBER = re.compile(r"\d(\.\d+)?[eE]\+\d+|\d{6,}\.0+")
"""What a spreadsheet makes of a long code of digits: 9.14403E+17, or the digits with a point and noughts."""
_MAY_BE_SHARED = frozenset({DocumentKind.ANNOUNCEMENT_SCREENSHOT, DocumentKind.OTHER})
"""One announcement may name several pledgors, and what stands under other is not known."""
_DAYS_OF_A_YEAR = 360


def refuse_faulty(application: SubsidyApplication) -> None:
    """Refuse a file that contradicts itself.

    Raises:
        InvalidInput: A code was turned into a number, a voucher of interest is above the note's, or two overlap.
    """
    _refuse_numbers_for_codes(application)
    _refuse_overlaps(application.vouchers)
    for voucher in application.vouchers:
        if voucher.kind is CostKind.INTEREST:
            _refuse_too_much(voucher, application.loan_note)


def interest_cny_max(note: LoanNote, voucher: CostVoucher) -> Decimal | None:
    """Give the most interest a note can bear over a voucher's period; None where its rate is not stated.

    principal × rate × days / 360, the end not counted, rounded half up to the fen: the whole principal outstanding on
    the basis that gives most, so that no honest voucher is above it.
    """
    if note.rate is None:
        return None
    days = (voucher.period_end - voucher.period_start).days
    return cny(note.principal_cny * note.rate * days / _DAYS_OF_A_YEAR)


class DocumentsSeen:
    """Documents of the files so far, each with the firm that filed it first."""

    def __init__(self) -> None:
        self._first: dict[str, SubsidyApplication] = {}

    def add(self, application: SubsidyApplication) -> None:
        """Take in a file's documents, and refuse the file where one of them is another firm's.

        Raises:
            InvalidInput: A document stands in the file of another firm that was filed before.
        """
        for document in application.documents:
            if not document.digest or document.kind in _MAY_BE_SHARED:
                continue
            first = self._first.setdefault(document.digest, application)
            if first.applicant_usci != application.applicant_usci:
                raise InvalidInput(
                    f"document {document.file_name} of {application.applicant_name} is the very file that"
                    f" {first.applicant_name} filed with {first.reference}",
                    zh=f"材料 {document.file_name} 与 {first.applicant_name} 的申请 {first.reference} 所附文件完全相同",
                    field="documents",
                    remedy="Ask both for their originals; file a correction with each firm's own document.",
                    remedy_zh="请核对两家单位的原件，以各自的材料更正后重新申报。",
                )


def _refuse_numbers_for_codes(application: SubsidyApplication) -> None:
    note, announcement = application.loan_note, application.announcement
    codes = [
        ("applicant_usci", "统一社会信用代码", application.applicant_usci),
        ("loan_note/contract_number", "合同号", note.contract_number),
        ("loan_note/note_number", "借据号", note.note_number),
        *(("vouchers/number", "凭证号", voucher.number) for voucher in application.vouchers),
        *([] if announcement is None else [("announcement/number", "公告号", announcement.number)]),
    ]
    for field, name, code in codes:
        if _AS_A_NUMBER.fullmatch(code):
            raise InvalidInput(
                f"{field} reads {code}: a spreadsheet has turned the code into a number, its last digits are lost",
                zh=f"{name}“{code}”已被电子表格转成数字，末位数字已丢失",
                field=field,
                remedy="Set the column to text, enter the code from the original again, and file a correction.",
                remedy_zh="请将该列设为文本格式，按原件重新录入，更正后重新申报。",
            )


def _refuse_overlaps(vouchers: tuple[CostVoucher, ...]) -> None:
    """Refuse two vouchers of one kind whose periods share a day; ends are not counted."""
    ordered = sorted(vouchers, key=lambda one: (one.kind, one.period_start, one.period_end))
    for before, after in pairwise(ordered):
        if before.kind is after.kind and after.period_start < before.period_end:
            raise InvalidInput(
                f"vouchers {before.number} to {before.period_end} and {after.number} from {after.period_start} overlap",
                zh=f"凭证 {before.number} 与 {after.number} 计费期间重叠"
                f"（{before.number} 至 {before.period_end}，{after.number} 自 {after.period_start}）",
                field="vouchers",
                remedy="Name each period of the note once; file a correction without the one that repeats it.",
                remedy_zh="同一借据每个计费期间只列一次，请删去重复凭证，更正后重新申报。",
            )


def _refuse_too_much(voucher: CostVoucher, note: LoanNote) -> None:
    most_cny = interest_cny_max(note, voucher)
    if most_cny is None or voucher.gross_cny <= most_cny:
        return
    raise InvalidInput(
        f"voucher {voucher.number} states {voucher.gross_cny} of interest; note {note.note_number} bears at most"
        f" {most_cny} from {voucher.period_start} to {voucher.period_end}",
        zh=f"凭证 {voucher.number} 的利息 {voucher.gross_cny} 元，"
        f"高于借据 {note.note_number} 同期利息上限 {most_cny} 元",
        field="vouchers/gross_cny",
        remedy="Hold amount, period, principal and rate against the note and the bank's receipt; file a correction.",
        remedy_zh="请对照借据和付息凭证核对金额、期间、本金和利率，更正后重新申报。",
    )

"""What a file can be evidence of: each kind of thing, its words, its page, and whether it is there."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlmodel import Session

import collateral.service
import loans.service
import pricing.service
import reporting.service
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.errors import InvalidInput, NotFound
from carbonfin.storage.approvals import load_approval
from carbonfin.storage.decisions import load_decision
from carbonfin.storage.files import EvidenceKind
from carbonfin.storage.parties import load_party
from carbonfin.web.language import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectKind:
    """A kind of thing that files are linked to.

    Attributes:
        name: What stands before the colon.
        load: Finds one of the actor's organisation, or raises NotFound.
        page: The folder of its pages; empty where it has none of its own.
    """

    name: str
    text: Text
    load: Callable[[Session, Actor, str], object]
    page: str


SUBJECT_KINDS: tuple[SubjectKind, ...] = (
    SubjectKind(name="approval", text=Text("审批", "Approval"), load=load_approval, page="/approvals"),
    SubjectKind(name="pledge", text=Text("质押", "Pledge"), load=collateral.service.load_pledge, page="/pledges"),
    SubjectKind(name="repo", text=Text("回购", "Repo"), load=collateral.service.load_repo, page="/repos"),
    SubjectKind(name="party", text=Text("企业", "Enterprise"), load=load_party, page="/enterprises"),
    SubjectKind(name="loan", text=Text("借据", "Loan note"), load=loans.service.load_note, page=""),
    SubjectKind(
        name="term-sheet",
        text=Text("贷款条款清单", "Term sheet"),
        load=loans.service.load_term_sheet,
        page="/term-sheets",
    ),
    SubjectKind(
        name="valuation", text=Text("估值", "Valuation"), load=pricing.service.load_valuation, page="/valuations"
    ),
    SubjectKind(
        name="application",
        text=Text("贴息申请", "Subsidy application"),
        load=reporting.service.load_application,
        page="/subsidies",
    ),
    SubjectKind(name="report", text=Text("贴息报表", "Subsidy report"), load=reporting.service.load_report, page=""),
    SubjectKind(name="decision", text=Text("决定", "Decision"), load=load_decision, page="/decisions"),
)
_BY_NAME = {kind.name: kind for kind in SUBJECT_KINDS}

DOCUMENT_WORDS: dict[EvidenceKind, Text] = {
    EvidenceKind.APPLICATION: Text("申请材料", "Application"),
    EvidenceKind.CONTRACT: Text("合同协议", "Contract"),
    EvidenceKind.TITLE: Text("权属证明", "Title"),
    EvidenceKind.REGISTRATION: Text("登记证明", "Registration"),
    EvidenceKind.VERIFICATION: Text("核查报告", "Verification report"),
    EvidenceKind.FINANCIAL: Text("财务资料", "Financial statement"),
    EvidenceKind.INVOICE: Text("发票凭证", "Invoice"),
    EvidenceKind.IDENTITY: Text("身份证明", "Identity paper"),
    EvidenceKind.CORRESPONDENCE: Text("往来函件", "Correspondence"),
    EvidenceKind.OTHER: Text("其他", "Other"),
    EvidenceKind.HOLD: Text("法律保全", "Legal hold"),
}


def require_subject(session: Session, actor: Actor, subject: str) -> None:
    """Refuse a subject that the actor's organisation does not have.

    Raises:
        InvalidInput: Its kind is unknown, or there is no such thing.
    """
    name, _, number = subject.partition(":")
    kind = _BY_NAME.get(name)
    if kind is None:
        raise InvalidInput(
            f"files are not linked to {name!r}",
            zh="不支持的关联对象类别",
            field="subject",
            remedy=f"Write one of {', '.join(_BY_NAME)}, a colon and the identifier.",
            remedy_zh=f"请按“类别:编号”填写，类别为：{'、'.join(_BY_NAME)}。",
        )
    try:
        kind.load(session, actor, number)
    except NotFound as missing:
        raise InvalidInput(
            f"there is no {subject[:80]} to link to",
            zh=f"找不到要关联的{kind.text.zh}",
            field="subject",
            remedy="Check the identifier.",
            remedy_zh="请核对编号。",
        ) from missing


def subject_text(subject: str) -> Text:
    """Name a subject for readers: its kind and the beginning of its identifier."""
    name, _, number = subject.partition(":")
    kind = _BY_NAME.get(name)
    words = kind.text if kind is not None else Text(name, name)
    short = number if len(number) <= 20 else f"{number[:8]}…"
    return Text(f"{words.zh} {short}", f"{words.en} {short}")


def subject_address(subject: str) -> str:
    """Give the page of a subject; empty where it has none of its own."""
    name, _, number = subject.partition(":")
    kind = _BY_NAME.get(name)
    return f"{kind.page}/{number}" if kind is not None and kind.page else ""

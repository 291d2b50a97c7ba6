"""What a file can be evidence of: each kind of thing, its words, its page, and whether it is there."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sqlmodel import Session

import collateral.service
import loans.service
import pricing.service
import reporting.service
from carbonfin.app.access import allows, may_open
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
        label: What readers call the thing that was found.
        page: The folder of its pages; empty where it has none of its own.
    """

    name: str
    text: Text
    load: Callable[[Session, Actor, str], Any]
    label: Callable[[Any], Text]
    page: str


def _same(text: str) -> Text:
    return Text(text, text)


SUBJECT_KINDS: tuple[SubjectKind, ...] = (
    SubjectKind(
        name="approval",
        text=Text("审批", "Approval"),
        load=load_approval,
        label=lambda it: Text(it.title_zh, it.title_en),
        page="/approvals",
    ),
    SubjectKind(
        name="pledge",
        text=Text("质押", "Pledge"),
        load=collateral.service.load_pledge,
        label=lambda it: _same(it.code),
        page="/pledges",
    ),
    SubjectKind(
        name="repo",
        text=Text("回购", "Repo"),
        load=collateral.service.load_repo,
        label=lambda it: _same(it.id[:8]),
        page="/repos",
    ),
    SubjectKind(
        name="party",
        text=Text("企业", "Enterprise"),
        load=load_party,
        label=lambda it: _same(it.name),
        page="/enterprises",
    ),
    SubjectKind(
        name="loan",
        text=Text("借据", "Loan note"),
        load=loans.service.load_note,
        label=lambda it: _same(it.code),
        page="",
    ),
    SubjectKind(
        name="credit-line",
        text=Text("授信", "Credit line"),
        load=loans.service.load_known_line,
        label=lambda it: _same(it.number),
        page="/credit-lines",
    ),
    SubjectKind(
        name="loan-contract",
        text=Text("借款合同", "Loan contract"),
        load=loans.service.load_known_contract,
        label=lambda it: _same(it.number),
        page="/loan-contracts",
    ),
    SubjectKind(
        name="sustainability-link",
        text=Text("挂钩条款", "Sustainability link"),
        load=loans.service.load_known_link,
        label=lambda it: _same(it.terms.number),
        page="/sustainability-links",
    ),
    SubjectKind(
        name="term-sheet",
        text=Text("贷款条款清单", "Term sheet"),
        load=loans.service.load_term_sheet,
        label=lambda it: _same(it.entry.number),
        page="/term-sheets",
    ),
    SubjectKind(
        name="valuation",
        text=Text("估值", "Valuation"),
        load=pricing.service.load_valuation,
        label=lambda it: _same(it.record.valuation_date.isoformat()),
        page="/valuations",
    ),
    SubjectKind(
        name="application",
        text=Text("贴息申请", "Subsidy application"),
        load=reporting.service.load_application,
        label=lambda it: _same(it.application.reference),
        page="/subsidies",
    ),
    SubjectKind(
        name="report",
        text=Text("贴息报表", "Subsidy report"),
        load=reporting.service.load_report,
        label=lambda it: _same(it.quarter),
        page="",
    ),
    SubjectKind(
        name="decision",
        text=Text("决定", "Decision"),
        load=load_decision,
        label=lambda it: _same(it.kind),
        page="/decisions",
    ),
)
_SHOWN = 20
_LOOKED_UP_MAX = 60
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


def subject_texts(session: Session, actor: Actor, subjects: Iterable[str]) -> Mapping[str, Text]:
    """Name subjects for readers: the kind, and what the thing is called; the identifier where it is not found."""
    found: dict[str, Text] = {}
    for subject in dict.fromkeys(subjects):
        name, _, number = subject.partition(":")
        kind = _BY_NAME.get(name)
        words = kind.text if kind is not None else _same(name)
        called = _same(number if len(number) <= _SHOWN else f"{number[:8]}…")
        if kind is not None and len(found) < _LOOKED_UP_MAX:
            with suppress(NotFound):
                called = kind.label(kind.load(session, actor, number))
        found[subject] = Text(f"{words.zh} {called.zh}", f"{words.en} {called.en}")
    return found


def subject_address(actor: Actor, subject: str) -> str:
    """Give the page of a subject that the actor may open, or nothing; a loan note's is the list it stands in."""
    name, _, number = subject.partition(":")
    if name == "loan":
        return f"/loans#note-{quote(number)}" if allows(actor.role, "GET", "/loans") else ""
    kind = _BY_NAME.get(name)
    addresses = (
        *([f"{kind.page}/{quote(number)}"] if kind is not None and kind.page else []),
        *([f"/parties/{number}"] if name == "party" else []),
    )
    return next((address for address in addresses if may_open(actor.role, address)), "")

"""Green recognition of a loan note (绿色认定): a category of a dated catalogue, evidence, and who stands for it.

A loan is not green by its product's name, a 降碳贷 least of all: a note that nobody recognised is 未认定, and so is one
whose recognition was withdrawn. The catalogue in force on the day of the drawdown is asked: the notice of the 2025
edition leaves loans approved before it to the standards of their time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from carbonfin.kernel.errors import Conflict, InvalidInput
from carbonfin.rules.parameters import ParameterValue
from loans.calc.facilities.terms import require_words
from loans.calc.notes import LoanNote, NoteState

CATALOGUE = "loans.green_catalogue_category"
EVIDENCE_MAX = 10
NOT_RECOGNISED_ZH = "未认定"
NOT_RECOGNISED_EN = "not recognised as green"
NOT_BY_NAME_ZH = "降碳贷不因产品名称即为绿色贷款；须按《绿色金融支持项目目录》逐笔认定，放款后凭证据由另一人复核"
NOT_BY_NAME_EN = "an emission-cut loan is not green by name: each note is recognised by the catalogue, under four eyes"


class GreenEvent(StrEnum):
    """What is stated of a note."""

    RECOGNISE = "recognise"
    WITHDRAW = "withdraw"


EVENT_WORDS: Mapping[GreenEvent, tuple[str, str]] = {
    GreenEvent.RECOGNISE: ("认定为绿色贷款", "recognised as green"),
    GreenEvent.WITHDRAW: ("撤销绿色认定", "recognition withdrawn"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GreenStatement:
    """What one person states of a note, for another to review.

    Attributes:
        category: Code of the catalogue's category; empty where a recognition is withdrawn.
        basis: Why the use of the money fits the category, or why the recognition falls, in words.
        evidence: Digests of the files it rests on.
        valid_from: The first day it counts.
    """

    note_code: str
    event: GreenEvent
    category: str
    basis: str
    evidence: tuple[str, ...]
    valid_from: date

    def __post_init__(self) -> None:
        """Refuse a recognition without category or evidence, and a withdrawal with a category."""
        require_words(self.basis, "basis", "认定理由")
        if len(self.evidence) > EVIDENCE_MAX or len(set(self.evidence)) != len(self.evidence):
            raise InvalidInput(
                f"{len(self.evidence)} files, at most {EVIDENCE_MAX} and each once",
                zh=f"依据附件最多 {EVIDENCE_MAX} 份且不得重复", field="evidence",
            )  # fmt: skip
        if self.event is GreenEvent.WITHDRAW:
            if self.category:
                raise InvalidInput("a withdrawal names no category", zh="撤销认定不填目录类别", field="category")
            return
        require_words(self.category, "category", "目录类别")
        if not self.evidence:
            raise InvalidInput(
                "a recognition needs evidence", zh="绿色认定须有依据附件", field="evidence",
                remedy="Send the documents as evidence files of the note first, then name their digests.",
                remedy_zh="请先上传与该借据关联的附件，再选择。",
            )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class GreenCategory:
    """A category of the catalogue as it read when two people recognised a note by it.

    Attributes:
        edition: The catalogue with its edition.
        edition_from: First day of the edition.
        confirmed: Whether a person confirmed the category against the catalogue's text.
    """

    code: str
    title: str
    edition: str
    edition_from: date
    confirmed: bool
    note: str

    @classmethod
    def of(cls, value: ParameterValue) -> "GreenCategory":
        """Copy a parameter of the catalogue."""
        return cls(
            code=value.scope, title=value.value, edition=value.document, edition_from=value.valid_from,
            confirmed=value.confirmed, note=value.note,
        )  # fmt: skip

    def words(self) -> str:
        """Give code, title and edition in one line."""
        return f"{self.code} {self.title}（{self.edition}，{self.edition_from} 起）"


@dataclass(frozen=True, slots=True, kw_only=True)
class GreenTerms:
    """What two people signed: the statement, and the category as it read."""

    statement: GreenStatement
    category: GreenCategory | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GreenRecognition:
    """One revision of a note's recognition with who stands for it; `known_from` is the day of its approval."""

    revision: int
    terms: GreenTerms
    known_from: date
    approval_id: str
    maker_name: str
    checker_name: str

    @property
    def statement(self) -> GreenStatement:
        """What was stated."""
        return self.terms.statement


def category_on(revisions: tuple[GreenRecognition, ...], on: date) -> GreenCategory | None:
    """Give the category a note stands under on a day; None where it is not recognised."""
    held = [one for one in revisions if one.statement.valid_from <= on]
    return held[-1].terms.category if held else None


def green_words(category: GreenCategory | None) -> tuple[str, str]:
    """Say how a note stands."""
    if category is None:
        return NOT_RECOGNISED_ZH, NOT_RECOGNISED_EN
    unconfirmed = ("", "") if category.confirmed else ("；目录原文未确认", "; catalogue not confirmed")
    return f"已认定：{category.words()}{unconfirmed[0]}", f"recognised: {category.words()}{unconfirmed[1]}"


def require_statable(
    statement: GreenStatement, note: LoanNote, revisions: tuple[GreenRecognition, ...], *, on: date
) -> None:
    """Refuse a statement that the note or what was stated before does not allow.

    Raises:
        InvalidInput: It would count before the drawdown, before the last statement, or in the future.
        Conflict: The note is settled, or there is no recognition to withdraw.
    """
    first = max((note.terms.drawdown_date, *(one.statement.valid_from for one in revisions)))
    if not first <= statement.valid_from <= on:
        raise InvalidInput(
            f"valid from {statement.valid_from}, outside {first} to {on}",
            zh=f"生效日须在 {first}（提款日或上次认定的生效日）至业务日期 {on} 之间", field="valid_from",
        )  # fmt: skip
    if statement.event is GreenEvent.RECOGNISE and note.state is NoteState.SETTLED:
        raise Conflict(
            f"loan note {note.code} is settled", zh=f"借据 {note.code} 已结清，不再认定", field="note_code",
            remedy="Recognise running notes only.", remedy_zh="请只认定在贷借据。",
        )  # fmt: skip
    if statement.event is GreenEvent.WITHDRAW and category_on(revisions, statement.valid_from) is None:
        raise Conflict(
            f"loan note {note.code} is not recognised", zh=f"借据 {note.code} 未认定，无可撤销", field="event",
            remedy="Nothing needs to be withdrawn.", remedy_zh="无须撤销。",
        )  # fmt: skip


GREEN_NAMES: Mapping[str, tuple[str, str]] = {
    "note_code": ("借据号", "Loan note"),
    "party": ("企业", "Enterprise"),
    "product": ("产品", "Product"),
    "green_event": ("事项", "Event"),
    "category": ("目录类别", "Category"),
    "basis": ("认定理由", "Basis"),
    "evidence": ("依据附件", "Evidence"),
    "valid_from": ("生效日", "Valid from"),
}
"""The words of each field for those who approve, in the order they are read."""

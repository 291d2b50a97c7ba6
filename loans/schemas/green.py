"""Green recognitions of loan notes as JSON."""

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.web.wire import DayText, NoteText, day_of
from loans.calc.green import (
    EVIDENCE_MAX,
    NOT_BY_NAME_EN,
    GreenCategory,
    GreenEvent,
    GreenRecognition,
    GreenStatement,
    category_on,
    green_words,
)
from loans.schemas.links import DigestText
from loans.schemas.loan_notes import ReasonText

CategoryText = Annotated[
    str, Meta(pattern=r"^([0-9]{1,3}(\.[0-9]{1,3}){0,3})?$", description="Code of the catalogue's category.")
]


class GreenRecognitionIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """State that a note is green by a category of the catalogue with evidence, or that it is no longer."""

    event: GreenEvent
    basis: NoteText
    valid_from: DayText
    reason: ReasonText
    category: CategoryText = ""
    evidence: Annotated[list[DigestText], Meta(max_length=EVIDENCE_MAX)] = []

    def statement(self, note_code: str) -> GreenStatement:
        """Give the statement as a value; each rule it breaks is named by its field."""
        return GreenStatement(
            note_code=note_code, event=self.event, category=self.category, basis=self.basis,
            evidence=tuple(self.evidence), valid_from=day_of(self.valid_from, field="valid_from"),
        )  # fmt: skip


class GreenCategoryOut(Struct, frozen=True, kw_only=True):
    """A category of a dated edition of the catalogue; not confirmed, nobody has held it against the text."""

    code: str
    title: str
    edition: str
    edition_from: str
    confirmed: bool
    note: str

    @classmethod
    def of(cls, one: GreenCategory) -> "GreenCategoryOut":
        """Copy a category."""
        return cls(
            code=one.code, title=one.title, edition=one.edition, edition_from=one.edition_from.isoformat(),
            confirmed=one.confirmed, note=one.note,
        )  # fmt: skip


class GreenRevisionOut(Struct, frozen=True, kw_only=True):
    """One statement with who stands for it."""

    revision: int
    event: str
    category: GreenCategoryOut | None
    basis: str
    evidence: list[str]
    valid_from: str
    known_from: str
    approval_id: str
    maker: str
    checker: str

    @classmethod
    def of(cls, one: GreenRecognition) -> "GreenRevisionOut":
        """Copy a revision."""
        said, category = one.statement, one.terms.category
        return cls(
            revision=one.revision, event=said.event.value,
            category=None if category is None else GreenCategoryOut.of(category), basis=said.basis,
            evidence=list(said.evidence), valid_from=said.valid_from.isoformat(), known_from=one.known_from.isoformat(),
            approval_id=one.approval_id, maker=one.maker_name, checker=one.checker_name,
        )  # fmt: skip


class GreenStandingOut(Struct, frozen=True, kw_only=True):
    """Whether a note is recognised as green on a day (绿色认定); 未认定 unless two people said so."""

    on: str
    is_recognised: bool
    standing: str
    standing_zh: str
    remark: str
    revisions: list[GreenRevisionOut]

    @classmethod
    def of(cls, revisions: tuple[GreenRecognition, ...], *, on: date) -> "GreenStandingOut":
        """Copy what stands on a day."""
        category = category_on(revisions, on)
        zh, en = green_words(category)
        return cls(
            on=on.isoformat(), is_recognised=category is not None, standing=en, standing_zh=zh,
            remark=NOT_BY_NAME_EN, revisions=[GreenRevisionOut.of(one) for one in revisions],
        )  # fmt: skip

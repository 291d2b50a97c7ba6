"""Notices of loan notes and their risk classes as JSON."""

from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.web.wire import DayText, IdText, NameText, day_of
from loans.calc.servicing.classification import Classification, RiskClass
from loans.calc.servicing.notices import LoanNotice
from loans.service import CLASSES_MAX, ClassesRecorded


class LoanNoticeOut(Struct, frozen=True, kw_only=True):
    """A notice with its figures as they were told."""

    kind: str
    due_start: str
    due_on: str
    made_on: str
    is_provisional: bool
    interest_cny: str
    principal_cny: str
    penalty_cny: str
    total_cny: str
    late_days: int

    @classmethod
    def of(cls, notice: LoanNotice) -> "LoanNoticeOut":
        """Copy a notice."""
        return cls(
            kind=notice.kind.value, due_start=notice.due_start.isoformat(), due_on=notice.due_on.isoformat(),
            made_on=notice.made_on.isoformat(), is_provisional=notice.is_provisional,
            interest_cny=str(notice.interest_cny), principal_cny=str(notice.principal_cny),
            penalty_cny=str(notice.penalty_cny), total_cny=str(notice.total_cny), late_days=notice.late_days,
        )  # fmt: skip


class LoanNoticeListOut(Struct, frozen=True, kw_only=True):
    """The notices of a note, the latest first."""

    notices: list[LoanNoticeOut]


class LoanClassIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A note's risk class (五级分类) and stage of impairment from a day on, as the bank's system decided them."""

    note_code: IdText
    classified_on: DayText
    risk_class: RiskClass
    source: NameText
    stage: Annotated[int, Meta(ge=1, le=3)] | None = None

    def classification(self) -> Classification:
        """Give the class as a value."""
        return Classification(
            note_code=self.note_code,
            classified_on=day_of(self.classified_on, field="classified_on"),
            risk_class=self.risk_class,
            stage=self.stage,
            source=self.source,
        )


class LoanClassesIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Classes of many notes at once."""

    classes: Annotated[list[LoanClassIn], Meta(min_length=1, max_length=CLASSES_MAX)]


class LoanClassFailureOut(Struct, frozen=True, kw_only=True):
    """A class that was not taken, with its place and why."""

    item: str
    field: str | None
    detail: str
    detail_zh: str


class LoanClassesOut(Struct, frozen=True, kw_only=True):
    """What became of the classes; what stood already is unchanged."""

    recorded_count: int
    unchanged_count: int
    failures: list[LoanClassFailureOut]

    @classmethod
    def of(cls, done: ClassesRecorded) -> "LoanClassesOut":
        """Copy what was done."""
        return cls(
            recorded_count=done.recorded_count,
            unchanged_count=done.unchanged_count,
            failures=[
                LoanClassFailureOut(item=one.item, field=one.field, detail=one.detail, detail_zh=one.zh)
                for one in done.failures
            ],
        )

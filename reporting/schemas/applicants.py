"""What a bank states of an applicant beside its file, as the API takes it."""

from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.web.wire import DayText, day_of
from reporting.calc.facts import ApplicantRecord

YearNumber = Annotated[int, Meta(ge=2011, le=2100, description="Compliance year.")]


class ApplicantRecordIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What public registers say of the applicant on a day; what is left out was not looked up, which is never clear."""

    checked_date: DayText
    is_seriously_dishonest: bool | None = None
    penalised_dates: Annotated[list[DayText], Meta(max_length=100)] | None = None
    late_surrender_years: Annotated[list[YearNumber], Meta(max_length=20)] | None = None

    def record(self) -> ApplicantRecord:
        """Give it as the domain's value."""
        at, days, years = "/applicant_record", self.penalised_dates, self.late_surrender_years
        return ApplicantRecord(
            checked_on=day_of(self.checked_date, field=f"{at}/checked_date"),
            is_seriously_dishonest=self.is_seriously_dishonest,
            penalised_on=None if days is None else tuple(day_of(day, field=f"{at}/penalised_dates") for day in days),
            late_surrender_years=None if years is None else tuple(years),
        )

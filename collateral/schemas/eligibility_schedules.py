"""Eligible-collateral schedules as the API shows them."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from carbonfin.web.wire import DayText, NoteText, day_of
from collateral.calc.cdm_schedules import schedule_faults
from collateral.calc.schedule_verdicts import ScheduleInForce, ScheduleVerdict
from collateral.schemas.book_limits import BookShareOut
from collateral.schemas.pledges import RefusalOut
from collateral.service.eligibility_schedules import ScheduleDraft
from collateral.service.schedule_standings import ScheduleStandings


class EligibilityScheduleIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A schedule to be in force once another person approved it; `schedule` is FINOS CDM JSON with `criteria`."""

    code: Annotated[str, Meta(min_length=1, max_length=40)]
    schedule: dict[str, Any]
    valid_from: DayText
    document: NoteText
    reason: NoteText

    def draft(self) -> ScheduleDraft:
        """Give the domain value.

        Raises:
            InvalidInput: The schedule cannot be read; the path is named.
        """
        return ScheduleDraft(
            code=self.code, cdm=msgspec.json.encode(self.schedule).decode(),
            valid_from=day_of(self.valid_from, field="valid_from"), document=self.document, reason=self.reason,
        )  # fmt: skip


class EligibilityFaultOut(Struct, frozen=True, kw_only=True):
    """Something in a schedule that a person should look at; `rule` counts from 1."""

    rule: int
    message_zh: str
    message_en: str


class EligibilityVerdictOut(Struct, frozen=True, kw_only=True):
    """What a schedule says of a unit; `rule` is the one that decided, `haircut_ratio` what it takes off at least."""

    schedule: str
    unit: str
    is_eligible: bool
    rule: int | None
    haircut_ratio: str | None
    reason_zh: str
    reason_en: str

    @classmethod
    def of(cls, one: ScheduleVerdict) -> "EligibilityVerdictOut":
        """Copy the domain value."""
        return cls(
            schedule=one.schedule, unit=str(one.unit), is_eligible=one.is_eligible, rule=one.rule,
            haircut_ratio=None if one.haircut_ratio is None else str(one.haircut_ratio), reason_zh=one.reason_zh,
            reason_en=one.reason_en,
        )  # fmt: skip


class EligibilityScheduleOut(Struct, frozen=True, kw_only=True):
    """A schedule in force; read it whole as CDM JSON under its code."""

    code: str
    valid_from: str
    document: str
    rule_count: int
    faults: list[EligibilityFaultOut]

    @classmethod
    def of(cls, one: ScheduleInForce) -> "EligibilityScheduleOut":
        """Copy the domain value."""
        rules = one.rules
        return cls(
            code=one.code, valid_from=one.valid_from.isoformat(), document=one.document, rule_count=len(rules),
            faults=[
                EligibilityFaultOut(rule=fault.place + 1, message_zh=fault.message_zh, message_en=fault.message_en)
                for fault in schedule_faults(rules)
            ],
        )  # fmt: skip


class EligibilityScheduleListOut(Struct, frozen=True, kw_only=True):
    """The schedules in force on a day, what each says of every unit held, and how the book stands to its limits.

    `shares` is the book as it stands, `is_above` of that; `notes` names limits that are not measured and units without
    a price of the day, which are in no share.
    """

    business_date: str
    schedules: list[EligibilityScheduleOut]
    verdicts: list[EligibilityVerdictOut]
    shares: list[BookShareOut]
    notes: list[RefusalOut]

    @classmethod
    def of(
        cls,
        business_date: date,
        schedules: Iterable[ScheduleInForce],
        verdicts: Iterable[ScheduleVerdict],
        stands: ScheduleStandings,
    ) -> "EligibilityScheduleListOut":
        """Copy the domain values."""
        return cls(
            business_date=business_date.isoformat(),
            schedules=[EligibilityScheduleOut.of(one) for one in schedules],
            verdicts=[EligibilityVerdictOut.of(one) for one in verdicts],
            shares=[BookShareOut.of(one) for _, one in stands.named_shares],
            notes=[RefusalOut.of(one) for one in stands.notes],
        )

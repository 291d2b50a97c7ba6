"""Rows of ratings by the scorecard and of the frozen peer groups they stand against."""

from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlmodel import Field

from carbonfin.storage import columns
from carbonfin.storage.rows import Row, new_id
from loans.calc.ratings.objections import ObjectionOutcome


class RatingBenchmarkRow(Row, table=True):
    """A release of frozen peer groups; a later one has another code, none is edited."""

    __table_args__ = (sa.UniqueConstraint("organization_id", "code"), {"info": {"append_only": True}})

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    code: str
    released_on: date
    source: str
    enterprise_count: int
    digest: str
    recorded_by: str
    recorded_at: datetime


class RatingBenchmarkGroupRow(Row, table=True):
    """One frozen sample of a release: distinct intensities ascending, and the weight at or below each."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "benchmark_id", "name"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    benchmark_id: str = Field(foreign_key="rating_benchmark.id")
    name: str
    peer_count: int
    sample: list[list[int]] = Field(sa_type=columns.Json)


class RatingResultRow(Row, table=True):
    """A rating by the scorecard in short; what it was made of and why stands in its decision."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "party_id", "number"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    party_id: str = Field(foreign_key="party.id")
    number: int
    year: int
    letter: str | None = None
    points: Decimal | None = Field(default=None, sa_type=columns.Amount)
    valid_on: date
    known_at: datetime
    valid_to: date
    decision_id: str = Field(foreign_key="decision.id")


class RatingObjectionRow(Row, table=True):
    """An enterprise's objection to a rating as it was filed."""

    __table_args__ = (
        sa.UniqueConstraint("organization_id", "party_id", "number"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    party_id: str = Field(foreign_key="party.id")
    number: int
    decision_id: str = Field(foreign_key="decision.id")
    ground: str
    received_on: date
    answer_by: date | None = None
    evidence: str
    filed_by: str
    filed_at: datetime


class RatingObjectionAnswerRow(Row, table=True):
    """What two people answered to an objection: once, with the rating made anew where it was upheld."""

    __table_args__ = (
        sa.UniqueConstraint("objection_id"),
        sa.CheckConstraint("maker_id <> checker_id", name="four_eyes"),
        {"info": {"append_only": True}},
    )

    id: str = Field(default_factory=new_id, primary_key=True)
    organization_id: str = Field(foreign_key="organization.id")
    objection_id: str = Field(foreign_key="rating_objection.id")
    outcome: ObjectionOutcome
    finding: str
    new_decision_id: str | None = None
    approval_id: str
    maker_id: str
    maker_name: str
    checker_id: str
    checker_name: str
    answered_at: datetime

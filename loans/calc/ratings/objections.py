"""An enterprise's objection to its rating (异议) and the bank's answer: the borrower's right, with a day to answer by.

A rating drawn from an enterprise's data is credit information (征信业务管理办法): who objects is answered in writing.
One that is upheld leads to a new rating with a new known date; neither the old rating nor a line is overwritten.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from carbonfin.kernel.errors import InvalidInput
from loans.calc.account_entries import refuse_text

_TEXT_LENGTH_MAX = 2000
ANSWER_DAYS_KEY = "loans.rating_objection.answer_days"


class ObjectionOutcome(StrEnum):
    """What the bank found."""

    UPHELD = "upheld"
    DISMISSED = "dismissed"


class ObjectionState(StrEnum):
    """Where an objection stands."""

    OPEN = "open"
    WAITING = "waiting"
    UPHELD = "upheld"
    DISMISSED = "dismissed"


OUTCOME_NAMES: dict[str, tuple[str, str]] = {
    ObjectionOutcome.UPHELD: ("成立，更正后重新评级", "upheld: corrected and rated anew"),
    ObjectionOutcome.DISMISSED: ("不成立，维持原评级", "dismissed: the rating stands"),
}
STATE_NAMES: dict[str, tuple[str, str]] = {
    ObjectionState.OPEN: ("待核查", "to be looked into"),
    ObjectionState.WAITING: ("答复待复核", "answer waits for a checker"),
    ObjectionState.UPHELD: ("成立，已重新评级", "upheld, rated anew"),
    ObjectionState.DISMISSED: ("不成立", "dismissed"),
}
OBJECTION_NAMES: dict[str, tuple[str, str]] = {
    "party": ("企业", "Enterprise"),
    "number": ("异议序号", "Objection number"),
    "ground": ("异议内容", "Objection"),
    "received_on": ("收到日", "Received on"),
    "outcome": ("核查结论", "Outcome"),
    "finding": ("核查情况及答复", "Finding and answer"),
    "letter_before": ("原等级", "Letter objected to"),
    "points_before": ("原得分", "Points objected to"),
    "letter_after": ("更正后等级", "Letter after correction"),
    "points_after": ("更正后得分", "Points after correction"),
}
"""The fields of an answer as a checker reads them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectionDraft:
    """An objection as it is filed.

    Attributes:
        ground: What the enterprise says is wrong.
        received_on: Day the bank received it.
        evidence: Its document: number or digest of the file; empty where there is none.
    """

    ground: str
    received_on: date
    evidence: str

    def __post_init__(self) -> None:
        """Refuse an objection that says nothing."""
        require_words(self.ground, field="ground", zh="请写明异议内容")
        refuse_text(self.evidence, field="evidence", most=200)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectionAnswer:
    """What two people answered.

    Attributes:
        new_decision_id: The rating made anew where it was upheld.
    """

    outcome: ObjectionOutcome
    finding: str
    maker_name: str
    checker_name: str
    answered_at: datetime
    new_decision_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """An objection as it stands.

    Attributes:
        number: Counts the objections of an enterprise from 1.
        decision_id: The rating objected to.
        answer_by: Last day to answer, as the days allowed were known when it was filed; None where they were not.
    """

    id: str
    party_id: str
    number: int
    decision_id: str
    draft: ObjectionDraft
    answer_by: date | None
    filed_by: str
    filed_at: datetime
    answer: ObjectionAnswer | None


def require_words(text: str, *, field: str, zh: str) -> None:
    """Refuse an empty text, one that is too long, and hidden signs.

    Raises:
        InvalidInput: Names the field.
    """
    if not text.strip():
        raise InvalidInput(f"{field} is empty", zh=zh, field=field)
    refuse_text(text, field=field, most=_TEXT_LENGTH_MAX)

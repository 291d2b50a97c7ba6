"""Risk classes of loans (五级分类) and stages of impairment, as the bank's own system decided them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from carbonfin.kernel.errors import InvalidInput

STAGES = (1, 2, 3)


class RiskClass(StrEnum):
    """The five classes; the last three are non-performing."""

    NORMAL = "normal"
    SPECIAL_MENTION = "special-mention"
    SUBSTANDARD = "substandard"
    DOUBTFUL = "doubtful"
    LOSS = "loss"

    @property
    def is_non_performing(self) -> bool:
        """Whether a loan of this class is non-performing (不良)."""
        return self not in {RiskClass.NORMAL, RiskClass.SPECIAL_MENTION}


CLASS_NAMES: Mapping[RiskClass, tuple[str, str]] = {
    RiskClass.NORMAL: ("正常", "normal"),
    RiskClass.SPECIAL_MENTION: ("关注", "special mention"),
    RiskClass.SUBSTANDARD: ("次级", "substandard"),
    RiskClass.DOUBTFUL: ("可疑", "doubtful"),
    RiskClass.LOSS: ("损失", "loss"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """A note's class from a day on; a later one of the same day corrects it.

    Attributes:
        stage: Stage of impairment (预期信用损失三阶段), 1 to 3; None where the bank's system gave none.
        source: The system or decision it comes from.
    """

    note_code: str
    classified_on: date
    risk_class: RiskClass
    stage: int | None
    source: str

    def __post_init__(self) -> None:
        """Refuse a stage there is not, and a class nobody stands for."""
        if self.stage is not None and self.stage not in STAGES:
            raise InvalidInput(f"stage is {self.stage}", zh="阶段须为 1、2 或 3", field="stage")
        if not self.source.strip():
            raise InvalidInput("a class needs its source", zh="请填写分类来源", field="source")


def class_on(history: Sequence[Classification], day: date) -> Classification | None:
    """Give the class a note has on a day out of all it was given, in their order; None where it had none by then."""
    return next((one for one in reversed(history) if one.classified_on <= day), None)


def is_too_good(classification: Classification, *, days_past_due: int, substandard_days: int) -> bool:
    """Whether a note is past due for more days than a performing class allows, and was given one all the same."""
    return days_past_due > substandard_days and not classification.risk_class.is_non_performing

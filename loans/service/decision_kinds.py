"""The kinds of decisions that loans keeps."""

from typing import Any

from carbonfin.rules.record import DecisionKind
from loans.calc.contracts.schedule import SCHEDULE_KIND
from loans.calc.cut_claims import CUT_CLAIM_KIND
from loans.calc.cut_releases import CUT_RELEASE_KIND
from loans.calc.jiangtandai import RATE_BATCH_KIND, RATE_KIND
from loans.calc.linked import RATCHET_VALUE_KIND
from loans.calc.linked.integrity import INTEGRITY_KIND
from loans.calc.linked.observations import OBSERVATION_KIND
from loans.calc.linked.rate_changes import RATE_CHANGE_KIND
from loans.calc.ratings.carbon_efficiency import RATING_KIND
from loans.calc.ratings.four_colour import FOUR_COLOUR_KIND
from loans.calc.ratings.scorecard_decision import SCORECARD_KIND
from loans.calc.servicing.concession_stops import CONCESSION_STOP_KIND
from loans.calc.term_sheets import TERM_SHEET_KIND

DECISION_KINDS: tuple[DecisionKind[Any, Any], ...] = (
    CONCESSION_STOP_KIND, CUT_CLAIM_KIND, CUT_RELEASE_KIND, INTEGRITY_KIND,
    OBSERVATION_KIND, RATE_CHANGE_KIND, RATCHET_VALUE_KIND, RATING_KIND, SCORECARD_KIND, FOUR_COLOUR_KIND, RATE_KIND,
    RATE_BATCH_KIND, SCHEDULE_KIND, TERM_SHEET_KIND,
)  # fmt: skip

RATE_BATCH = RATE_BATCH_KIND.name
"""The kind of a batch of rates."""

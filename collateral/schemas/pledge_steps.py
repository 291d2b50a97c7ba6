"""Steps of a pledge as the API takes them, from appraisal to release."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from carbonfin.web.proposals import ProposedOut
from collateral.schemas.changes import EvidenceText
from collateral.schemas.holdings import UnitSerialsIn, serials_of
from collateral.schemas.pledges import UNITS_MAX, PledgeOut
from collateral.service import PledgeStep, StepTaken


class PledgeStepIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step of a pledge, with what it rests on.

    `sign` (contract), `draw` (drawdown) and `release` wait for another person under `/v1/approvals`; the rest is done
    at once. `words`: the finding of `diligence`, the contract number of `sign`, the registration number of `register`,
    the reason of `repay`, `ask_again` and `withdraw`. `serials` belong to `freeze`: where none are named, the lowest
    free are frozen.
    """

    step: Literal[
        "appraise", "diligence", "sign", "register", "freeze", "draw", "repay", "release", "ask_again", "withdraw"
    ]
    words: Annotated[str, Meta(max_length=500, description="Number, finding or reason.")] = ""
    serials: Annotated[list[UnitSerialsIn], Meta(max_length=UNITS_MAX)] = []
    evidence_digest: EvidenceText | None = None

    def domain(self) -> PledgeStep:
        """Give the domain value.

        Raises:
            InvalidInput: A unit is named twice.
        """
        return PledgeStep(
            name=self.step, words=self.words, serials=serials_of(self.serials, field="serials"),
            evidence_digest=self.evidence_digest,
        )  # fmt: skip


class PledgeStepOut(Struct, frozen=True, kw_only=True):
    """The pledge after a step; `waiting` is what another person has to decide first."""

    pledge: PledgeOut
    waiting: ProposedOut | None

    @classmethod
    def of(cls, value: StepTaken) -> "PledgeStepOut":
        """Copy the domain value."""
        return cls(
            pledge=PledgeOut.of(value.pledge),
            waiting=None if value.waiting is None else ProposedOut.of(value.waiting),
        )

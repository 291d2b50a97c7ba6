"""What a borrower's rate would be over scores and LPR paths, by the bank's terms of the day; nothing is kept."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.parties import Party
from carbonfin.storage.parties import Standing
from loans.calc.contracts.terms import LoanTerms
from loans.calc.jiangtandai import LprStep, RateInputs, ScorePath, rate_paths
from loans.service import facts


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfRequest:
    """What is to be tried.

    Attributes:
        scores: Scores that are thought to be reported.
        lpr_path: The LPR from each repricing day; empty takes today's throughout.
        loan: Terms of a loan, whose rate is not looked at; None tries the rate alone.
    """

    margin_bp: int
    lpr_tenor: str
    applies_from: date
    scores: tuple[Decimal, ...]
    lpr_path: tuple[LprStep, ...]
    loan: LoanTerms | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIf:
    """What was tried, and what each score comes to.

    Attributes:
        inputs: The bank's terms, LPR and the report that stands; by these a decision would be made today.
    """

    inputs: RateInputs
    path: tuple[LprStep, ...]
    scores: tuple[ScorePath, ...]


def rate_what_if(session: Session, actor: Actor, party: Party, request: WhatIfRequest, *, standing: Standing) -> WhatIf:
    """Try scores and an LPR path.

    Raises:
        MissingData: The LPR or one of the bank's concession terms was not known.
        InvalidInput: A score, the margin, the path or the loan is out of range.
    """
    inputs = facts.rate_inputs(
        session, actor, party, margin_bp=request.margin_bp, lpr_tenor=request.lpr_tenor,
        applies_from=request.applies_from, decided_on=standing.business_date, known_at=standing.known_at,
    )  # fmt: skip
    path = request.lpr_path or (LprStep(start=request.applies_from, rate=inputs.lpr.rate),)
    loan, calendar = request.loan, None
    if loan is not None:
        calendar = facts.bank_days(
            session, start=loan.drawdown_date, end=loan.maturity_date, known_at=standing.known_at
        )
    found = rate_paths(inputs, scores=request.scores, path=path, loan=loan, calendar=calendar)
    return WhatIf(inputs=inputs, path=path, scores=found)

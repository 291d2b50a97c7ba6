"""The four-colour account in the Quzhou manner (三维四色) from stored lines: decided, kept, and read again."""

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.parties import Party
from carbonfin.storage.decisions import DecisionRecord, Recorded, decisions_of, load_outcome, record_decision
from carbonfin.storage.parties import Standing, load_party
from loans.calc.ratings.four_colour import (
    BOUND_KEYS,
    COLOURS,
    FOUR_COLOUR_KIND,
    REGION_MEAN_KEY,
    FourColourInputs,
    FourColourRating,
)
from loans.service import facts
from loans.service.account_entries import require_consent
from loans.service.account_years import rated_years
from loans.service.scorecard import benchmark_excerpt


def rate_by_four_colours(
    session: Session, actor: Actor, party: Party, *, year: int | None, standing: Standing
) -> Recorded[FourColourRating]:
    """Give an enterprise its colours for a year, the latest where none is named, and keep the decision.

    Raises:
        NotApplicable: Its consent is not in force.
        MissingData: The account lacks the year, no benchmark is in force, or a bound is not known.
    """
    require_consent(session, actor, party, on=standing.business_date, known_at=standing.known_at)
    inputs = four_colour_inputs(session, actor, party, year=year, standing=standing)
    return record_decision(
        session, actor, FOUR_COLOUR_KIND, inputs, subject=party.code, valid_on=standing.business_date,
        known_at=standing.known_at,
    )  # fmt: skip


def four_colour_inputs(
    session: Session, actor: Actor, party: Party, *, year: int | None, standing: Standing
) -> FourColourInputs:
    """Gather what the four colours take.

    Raises:
        MissingData: The account lacks the year, no benchmark is in force, or a bound is not known.
    """
    rated = rated_years(session, actor, party, year=year, standing=standing)
    book, on, known_at = facts.parameters(session, actor), standing.business_date, standing.known_at
    return FourColourInputs(
        name=party.name,
        usci=party.code,
        rated_on=on,
        current=rated.current,
        previous=rated.previous,
        factors=rated.factors,
        benchmark=benchmark_excerpt(session, actor, rated, standing),
        region_mean=book.find(REGION_MEAN_KEY, scope=rated.current.grid_area, valid_on=on, known_at=known_at),
        bounds=tuple(
            book.on(key, scope=colour, valid_on=on, known_at=known_at)
            for key in BOUND_KEYS.values()
            for colour in COLOURS[:-1]
        ),
    )


def latest_four_colours(
    session: Session, actor: Actor, party_id: str
) -> tuple[DecisionRecord, FourColourRating] | None:
    """Give the colours decided last for an enterprise, None where there are none.

    Raises:
        NotFound: The bank knows no such enterprise.
    """
    party = load_party(session, actor, party_id)
    records = decisions_of(session, actor, subject=party.code, kind=FOUR_COLOUR_KIND.name)
    if not records:
        return None
    return records[-1], load_outcome(session, actor, FOUR_COLOUR_KIND, records[-1].id)

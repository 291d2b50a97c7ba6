"""What an emitter owes, as pricing asks for it: pricing stands below collateral and cannot look up to it."""

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.storage.parties import Standing, party_by_code
from collateral.service import obligations_of
from pricing.service import ObligationDraft


class PositionObligations:
    """Obligations by the compliance position of an emitter."""

    def owed_by(
        self, session: Session, actor: Actor, party_code: str, *, standing: Standing
    ) -> tuple[ObligationDraft, ...]:
        """Give what the emitter of a code has still to surrender, by scheme and year.

        Raises:
            NotFound: The bank has no such party.
            MissingData: A year has no surrender date.
        """
        return obligations_of(session, actor, party_by_code(session, actor, party_code).id, standing=standing)

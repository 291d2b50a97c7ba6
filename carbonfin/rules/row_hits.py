"""What a batch keeps of an answer in place of its trace: the row that hit and the rows that fitted, as one number."""

from dataclasses import dataclass

from carbonfin.rules.decide import Decision, NotDecided, RowState


@dataclass(frozen=True, slots=True, kw_only=True)
class RowHit:
    """The row that answered, and the rows that failed on nothing that is there.

    Attributes:
        place: Place of the row from 0, the first where several answer; None where nothing is decided.
        mask: Bits of the rows that fit or hang on what is missing, row 0 the lowest.
    """

    place: int | None
    mask: int

    @classmethod
    def of(cls, said: Decision | NotDecided) -> "RowHit":
        """Give what is kept of an answer."""
        mask = sum(1 << place for place, row in enumerate(said.tried) if row.state is not RowState.FAILED)
        places = [one.place for one in said.outcomes] if isinstance(said, Decision) else []
        return cls(place=places[0] if places else None, mask=mask)

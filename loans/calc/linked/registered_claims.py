"""What the bank's register of claimed cuts holds of a link's borrower, in the years whose cuts the link rewards."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from loans.calc.cut_claims import FIRST_YEAR, LAST_YEAR, ClaimantKind, StandingClaim
from loans.calc.linked.agreements import SustainabilityLink

_Measure = tuple[str, int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredClaims:
    """The claims that stand, as they were known when the link was reviewed.

    Attributes:
        first_year: First year whose cut the link rewards: the one after the earliest baseline.
        last_year: Last such year: that of the last observation.
        standing: Claims on cuts of the borrower in those years, the earliest first.
        own_notes: Codes of the notes drawn under the link's contract: their claims are the link's own.
    """

    first_year: int
    last_year: int
    standing: tuple[StandingClaim, ...]
    own_notes: tuple[str, ...]

    @property
    def years(self) -> str:
        """Say which years."""
        return year_words(range(self.first_year, self.last_year + 1))

    def is_own(self, one: StandingClaim) -> bool:
        """Whether a claim is of a note under the link's contract."""
        return one.claim.claimant_kind is ClaimantKind.LOAN and one.claim.claimant in self.own_notes

    def overclaimed(self) -> tuple[StandingClaim, ...]:
        """Give the claims on measures of which more is claimed than was cut; the register lets none stand."""
        return tuple(one for one in self.standing if self._claimed_t(one.claim.measure_of_year) > one.claim.cut_t)

    def unshared(self) -> tuple[StandingClaim, ...]:
        """Give others' claims on measures of which no note of the contract holds a share of its own.

        Where the link's own notes hold a share, the register keeps all shares within the cut.
        """
        shared = {one.claim.measure_of_year for one in self.standing if self.is_own(one)}
        return tuple(one for one in self.standing if one.claim.measure_of_year not in shared)

    def _claimed_t(self, measure: _Measure) -> Decimal:
        found = (one.claimed_t for one in self.standing if one.claim.measure_of_year == measure)
        return sum(found, Decimal(0))


def years_rewarded(link: SustainabilityLink) -> range:
    """Give the years whose cuts a link rewards: after its earliest baseline, up to its last observation."""
    first = min(one.baseline_year for one in link.kpis) + 1
    last = max(one.observation_date.year for one in link.observations)
    return range(max(min(first, last), FIRST_YEAR), min(last, LAST_YEAR) + 1)


def year_words(years: range) -> str:
    """Say years: one, or from the first to the last."""
    first, last = years.start, years.stop - 1
    return str(first) if first == last else f"{first}–{last}"


def claim_words(claims: Iterable[StandingClaim]) -> tuple[str, str]:
    """Name claims with measure, year and tonnes, in Chinese and English."""
    found = tuple(claims)
    zh = "、".join(
        f"{one.claim.name()[0]}（{one.claim.year} 年“{one.claim.measure}”{one.claimed_t} 吨）" for one in found
    )
    en = ", ".join(
        f"{one.claim.name()[1]} ({one.claim.measure} of {one.claim.year}: {one.claimed_t} t)" for one in found
    )
    return zh, en

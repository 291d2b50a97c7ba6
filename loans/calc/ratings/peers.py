"""Where an enterprise stands among the frozen peers of its rating: quantiles of the sample beside its own intensity."""

from bisect import bisect_left
from dataclasses import dataclass
from decimal import Decimal

from loans.calc.ratings.benchmark import PeerGroup
from loans.calc.ratings.measures import MEASURES

QUANTILES = (10, 25, 50, 75, 90)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerStanding:
    """Quantiles of the peers' intensity, t/万元, by percent ascending, and the share of peers that emit more.

    Attributes:
        better_ratio: Share of peers with a higher intensity, ties half, four places down; None where the own one is not
            known.
    """

    own: Decimal | None
    quantiles: tuple[tuple[int, Decimal], ...]
    better_ratio: Decimal | None


def peer_standing(group: PeerGroup, own: Decimal | None) -> PeerStanding:
    """Give the quantiles of a frozen sample: the least value that at least so many per cent of its weight lie at.

    Args:
        group: The sample.
        own: The enterprise's intensity, t/万元.
    """
    places = MEASURES["intensity"].places
    whole = group.through[-1]
    found = tuple(
        (percent, Decimal(group.values[bisect_left(group.through, -(-whole * percent // 100))]).scaleb(-places))
        for percent in QUANTILES
    )
    better = None
    if own is not None:
        over, under = group.better_share(int(own.scaleb(places)))
        better = Decimal(over * 10_000 // under).scaleb(-4)
    return PeerStanding(own=own, quantiles=found, better_ratio=better)

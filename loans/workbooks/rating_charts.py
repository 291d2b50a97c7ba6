"""Drawings of a rating that page and report share: where an enterprise stands among its peers."""

from carbonfin.documents.charts import Chart, Interval, Language, Words, interval_chart
from loans.calc.ratings.peers import PeerStanding
from loans.calc.ratings.rating import ScorecardRating
from loans.calc.ratings.scorecard_decision import ScorecardInputs

_UNIT = Words(zh="吨／万元", en="t/万元")
_BANDS = (
    (10, 90, Words(zh="同业中间八成", en="Middle 80% of peers")),
    (25, 75, Words(zh="同业中间一半", en="Middle half of peers")),
)
_MEDIAN = 50


def peers_chart(
    inputs: ScorecardInputs, rating: ScorecardRating, standing: PeerStanding, *, language: Language
) -> Chart:
    """Draw the enterprise's intensity beside the middle of its peers' and their median; lower is better."""
    quantiles = dict(standing.quantiles)
    median = quantiles[_MEDIAN]
    intervals = [
        Interval(
            label=words, value=median, low=quantiles[low], high=quantiles[high],
            text=f"{quantiles[low]}–{quantiles[high]}",
        )
        for low, high, words in _BANDS
    ]  # fmt: skip
    if standing.own is not None:
        intervals.append(
            Interval(label=Words(zh="本企业", en="This enterprise"), value=standing.own, text=str(standing.own))
        )
    group = f"{rating.peer_group or '—'}，{rating.peer_count or 0} 家"
    source = inputs.benchmark.source
    return interval_chart(
        title=Words(
            zh=f"碳强度在同业中处于何处（{group}；越低越好）",
            en=f"Where the intensity stands among {rating.peer_count or 0} peers of {rating.peer_group or '—'}"
            " (lower is better)",
        ),
        unit=_UNIT,
        intervals=intervals,
        source=Words(
            zh=f"行业基准 {rating.benchmark_id}，{source}；点为中位数",
            en=f"benchmark {rating.benchmark_id}, {source}; points are medians",
        ),
        as_of=inputs.benchmark.released_on,
        language=language,
    )  # fmt: skip

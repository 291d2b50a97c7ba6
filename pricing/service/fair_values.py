"""The fair value of a unit on a day, from the market as an organisation knew it."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.errors import CarbonFinError
from carbonfin.kernel.units import round_half_up
from pricing.calc.compliance import VintageUse, vintage_use
from pricing.calc.fair_value import ActivityLimits, Candidate, FairValue, ThinMarket, fair_value
from pricing.calc.liquidity import (
    MINIMUM_PRINT_T,
    POLICY_LABELS,
    STALE_AFTER_DAYS,
    THIN_VOLUME_T,
    WINDOW_DAYS,
    AppraisalPrice,
    fair_price,
)
from pricing.calc.market import PRICE_KIND_LABELS, MarketSnapshot, PriceKind, Quote
from pricing.calc.tape import Print, measures_of
from pricing.service.market import market_snapshot

_COMPOSITE_LEVEL = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class FairValueAnswer:
    """A fair value with the market it was read from.

    One place decides it: `pricing.fair_price_policy` of the scheme, by which every book is valued. The waterfall stands
    beside it to compare with, and gives the activity and the band.

    Attributes:
        value: What activity test and waterfall come to.
        decided: The fair value, as books have it; None where it is not known.
        undecided: Why it is not known, in Chinese and English; empty where it is.
        use: Until when the unit may be surrendered; past that its value is nothing, whatever is quoted.
    """

    unit: Unit
    value: FairValue
    decided: AppraisalPrice | None
    undecided: tuple[str, str]
    use: VintageUse
    exchange: str
    snapshot_digest: str
    known_at: datetime
    is_sample: bool

    @property
    def prudent_cny_per_t(self) -> Decimal | None:
        """Lower end of the band, and never more than the fair value itself."""
        prudent = self.value.prudent_cny_per_t
        if prudent is None or self.decided is None:
            return prudent
        return min(prudent, self.decided.price_cny_per_t)

    @property
    def alarms(self) -> tuple[tuple[str, str], ...]:
        """What a reader must be told, first where the waterfall comes to another price."""
        found = [self.undecided] if self.decided is None else []
        other = self.value.price_cny_per_t
        if self.decided is not None and other is not None and other != self.decided.price_cny_per_t:
            zh, en = POLICY_LABELS[self.decided.policy]
            price = self.decided.price_cny_per_t
            found.append(
                (
                    f"公允价值按核定方法（{zh}）取 {price:f}，账簿与此一致；定价瀑布为 {other:f}，仅供比较",
                    f"fair value {price:f} by the approved policy ({en}), as in every book; waterfall {other:f}",
                )
            )
        return (*found, *self.value.alarms)


def fair_value_of(
    session: Session, actor: Actor, *, unit: Unit, valuation_date: date, known_at: datetime
) -> FairValueAnswer:
    """Give the fair value of a unit as books have it, with the waterfall of its scheme beside it; nothing is kept.

    Raises:
        InvalidInput: The valuation date lies outside what is known.
        MissingData: The unit has no quote, or its scheme no conventions.
    """
    snapshot = market_snapshot(
        session, valuation_date=valuation_date, known_at=known_at, organization_id=actor.organization_id
    )
    quotes = snapshot.quotes_of(unit)
    decided, undecided = None, ("", "")
    try:
        decided = fair_price(snapshot, unit)
    except CarbonFinError as error:
        undecided = error.zh, error.detail
    return FairValueAnswer(
        decided=decided,
        undecided=undecided,
        unit=unit,
        value=fair_value(_thin_market(snapshot, unit, quotes), _limits(snapshot, unit)),
        use=vintage_use(lambda key, scope: snapshot.find_parameter(key, scope=scope), unit),
        exchange="；".join(sorted({quote.exchange for quote in quotes})),
        snapshot_digest=snapshot.digest,
        known_at=known_at,
        is_sample=any(quote.is_sample for quote in quotes),
    )


def _limits(snapshot: MarketSnapshot, unit: Unit) -> ActivityLimits:
    def ratio(key: str) -> Decimal:
        return snapshot.parameter(f"pricing.{key}", scope=unit.scheme).decimal

    return ActivityLimits(
        traded_share_min=ratio("traded_share_min"),
        daily_volume_min_t=snapshot.parameter(THIN_VOLUME_T, scope=unit.scheme).integer,
        small_print_share_max=ratio("small_print_share_max"),
        limit_day_share_max=ratio("limit_day_share_max"),
        stale_after_days=snapshot.parameter(STALE_AFTER_DAYS, scope=unit.scheme).integer,
        minimum_print_t=snapshot.parameter(MINIMUM_PRINT_T, scope=unit.scheme).integer,
        limit_ratio=ratio("limit_ratio"),
        close_to_mean_min=ratio("close_to_mean_min"),
        close_to_mean_max=ratio("close_to_mean_max"),
    )


def _thin_market(snapshot: MarketSnapshot, unit: Unit, quotes: tuple[Quote, ...]) -> ThinMarket:
    """Give the window's listed trade of the unit itself; a composite stands in as a candidate, never as its own."""
    days = snapshot.trading_days[-snapshot.parameter(WINDOW_DAYS, scope=unit.scheme).integer :]
    window = [quote for quote in quotes if quote.quote_date in set(days)]
    is_own = all(quote.unit == unit for quote in quotes) and unit.vintage is not None
    own_prints = tuple(one for quote in window for one in _prints(quote))
    last = quotes[-1]
    is_close = is_own and last.quote_date == days[-1] and last.price_kind is not PriceKind.DAY_MEAN
    return ThinMarket(
        unit=unit,
        trading_days=days,
        prints=own_prints if is_own or unit.is_credit else (),
        close_cny_per_t=last.price_cny_per_t if is_close else None,
        limit_days=_limit_days(window, snapshot.parameter("pricing.limit_ratio", scope=unit.scheme).decimal),
        volatility=None,
        candidates=() if is_own else _stand_ins(snapshot, unit, last, own_prints),
    )


def _prints(quote: Quote) -> list[Print]:
    found = []
    for mean, volume_t, is_block in (
        (quote.listed_mean_cny_per_t, quote.listed_volume_t, False),
        (quote.block_mean_cny_per_t, quote.block_volume_t, True),
    ):
        if mean is not None and volume_t:
            found.append(Print(day=quote.quote_date, price_cny_per_t=mean, quantity_t=volume_t, is_block=is_block))
    return found


def _limit_days(quotes: list[Quote], limit_ratio: Decimal) -> frozenset[date]:
    """Give the days whose close is the one before moved by the limit and rounded half up to the tick."""
    return frozenset(
        quote.quote_date
        for before, quote in pairwise(quotes)
        if quote.price_cny_per_t
        in {round_half_up(before.price_cny_per_t * (1 + sign * limit_ratio)) for sign in (-1, 1)}
    )


def _stand_ins(snapshot: MarketSnapshot, unit: Unit, last: Quote, prints: tuple[Print, ...]) -> tuple[Candidate, ...]:
    """Give the composite's listed mean, then the last price published, where the unit has no quotes of its own."""
    kind_zh, kind_en = PRICE_KIND_LABELS[last.price_kind]
    minimum_t = snapshot.parameter(MINIMUM_PRINT_T, scope=unit.scheme).integer
    mean = measures_of(prints, minimum_print_t=minimum_t).listed_mean_from_minimum_cny_per_t
    found = []
    if mean is not None and last.price_kind is PriceKind.COMPOSITE_CLOSE:
        found.append(
            Candidate(
                code="composite_mean",
                label_zh="各年度合计挂牌成交量加权均价（非分年度，未加基差）",
                label_en="volume-weighted listed price over vintages, without basis",
                level=_COMPOSITE_LEVEL,
                price_cny_per_t=round_half_up(mean, 4),
                source=last.exchange,
            )
        )
    found.append(
        Candidate(
            code="last_published",
            label_zh=f"最近公布价：{kind_zh}（{last.quote_date}）",
            label_en=f"last published: {kind_en} of {last.quote_date}",
            level=3,
            price_cny_per_t=last.price_cny_per_t,
            source=last.exchange,
        )
    )
    return tuple(found)

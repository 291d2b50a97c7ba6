"""What a bank's desk sees on a business date: prices, its own book, the exchange calendar; loaded once, then asked."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.dates import Calendar, FixedClock, end_of_china_day
from carbonfin.rules.contracts import require_kept
from carbonfin.rules.parameters import ParameterBook, ParameterValue
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.tables import TableVersion
from carbonfin.storage.calendars import calendar_on
from carbonfin.storage.parties import Standing, standing_of
from carbonfin.storage.rulebook import book_for, builtin_tables, table_book_for
from collateral.calc.coverage import CoverageLines, PriceUsed
from collateral.calc.haircuts import HAIRCUT_TABLE, Haircut, HaircutFacts, HaircutUse, haircut_for
from collateral.calc.surrender import SafetyTerms, SchemeDepth, VintageUse, trading_days_of
from pricing.calc.liquidity import STALE_AFTER_DAYS, appraisal_price, average_daily_volume_t
from pricing.calc.market import MarketSnapshot
from pricing.service import market_snapshot

PRICE_POLICY = "collateral.price_policy"
COVERAGE_LINE = "collateral.coverage_line_ratio"
CONCENTRATION_LIMIT = "collateral.concentration_limit_ratio"
CURE_DAYS = "collateral.cure_days"
UNFREEZE_DAYS = "collateral.unfreeze_days"
PARTICIPATION = "collateral.participation_ratio"
AVERAGE_DAILY_VOLUME = "collateral.average_daily_volume_t"
LAST_USABLE_DATE = "pricing.last_usable_date"
CARRIES_FORWARD = "pricing.vintage_carries_forward"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskView:
    """Prices, parameters and calendar of one bank on one business date, as known then."""

    standing: Standing
    snapshot: MarketSnapshot
    book: ParameterBook
    calendar: Calendar
    haircut_table: RecordedTable

    @property
    def day(self) -> date:
        """The business date."""
        return self.standing.business_date

    def on(self, key: str, scope: str = "") -> ParameterValue:
        """Give a parameter valid on the business date.

        Raises:
            MissingData: The bank's book has none.
        """
        return self.book.on(key, valid_on=self.day, known_at=self.standing.known_at, scope=scope)

    def find(self, key: str, scope: str = "") -> ParameterValue | None:
        """Give a parameter valid on the business date, or None."""
        return self.book.find(key, valid_on=self.day, known_at=self.standing.known_at, scope=scope)

    def under(self, draft: ParameterValue | TableVersion) -> "DeskView":
        """Give the view as it would be if a draft were in force on its day."""
        if isinstance(draft, ParameterValue):
            return replace(self, book=self.book.answering(draft, on=self.day))
        return replace(self, haircut_table=RecordedTable.of(draft))


def standing_on(session: Session, actor: Actor, business_date: date) -> Standing:
    """Give where the actor's bank stood at the end of a business date: what jobs work with."""
    now = end_of_china_day(business_date)
    return replace(
        standing_of(session, actor.organization_id, FixedClock(now)), business_date=business_date, known_at=now
    )


def desk_view(session: Session, standing: Standing) -> DeskView:
    """Load prices, parameters and the exchange calendar of a bank."""
    return DeskView(
        standing=standing,
        snapshot=market_snapshot(
            session,
            valuation_date=standing.business_date,
            known_at=standing.known_at,
            organization_id=standing.organization_id,
        ),
        book=book_for(session, standing.organization_id, packages=("pricing", "collateral")),
        calendar=calendar_on(session, "exchange", standing.known_at),
        haircut_table=_haircut_table(session, standing),
    )


def _haircut_table(session: Session, standing: Standing) -> RecordedTable:
    """Give the haircut table of the business date as known: the bank's own, or else the built-in one.

    The contract is looked at here and not in the decision: a stricter one must not keep old decisions from replaying.
    """
    name = HAIRCUT_TABLE.name
    book = table_book_for(session, standing.organization_id, name=name, builtin=builtin_tables("collateral"))
    found = book.on(name, valid_on=standing.business_date, known_at=standing.known_at)
    require_kept(HAIRCUT_TABLE, found.table)
    return RecordedTable.of(found)


def haircut_of(view: DeskView, unit: Unit, *, use: HaircutUse, cross_currency: bool) -> Haircut:
    """Put together the haircut of a unit on the business date.

    Raises:
        MissingData: The table does not decide, or the bank lacks a part.
    """
    return haircut_for(
        view.book, HaircutFacts.of(unit, use=use, cross_currency=cross_currency), table=view.haircut_table,
        valid_on=view.day, known_at=view.standing.known_at,
    )  # fmt: skip


def price_used(view: DeskView, unit: Unit) -> PriceUsed:
    """Price a unit by the bank's policy for its scheme.

    Raises:
        MissingData: There is no policy or no quote; nothing is taken in its place.
    """
    policy = view.on(PRICE_POLICY, unit.scheme)
    price = appraisal_price(view.snapshot, unit, policy.value)
    return PriceUsed(
        price_cny_per_t=price.price_cny_per_t,
        source=price.source,
        price_date=price.price_date,
        staleness_days=price.staleness_days,
        level=price.level,
        is_sample=price.is_sample,
        note_zh=price.note_zh,
        note_en=price.note_en,
    )


def price_age_limits(view: DeskView, schemes: Iterable[Scheme]) -> tuple[tuple[Scheme, ParameterValue], ...]:
    """Give how many trading days old a price may be, of those schemes that have a limit."""
    return tuple(
        (scheme, limit)
        for scheme in schemes
        if (limit := view.snapshot.find_parameter(STALE_AFTER_DAYS, scope=scheme)) is not None
    )


def coverage_lines(view: DeskView) -> CoverageLines:
    """Give the bank's three coverage lines."""
    return CoverageLines(
        initial=view.on(COVERAGE_LINE, "initial"),
        warning=view.on(COVERAGE_LINE, "warning"),
        disposal=view.on(COVERAGE_LINE, "disposal"),
    )


def lines_of(session: Session, standing: Standing) -> CoverageLines:
    """Give a bank's coverage lines without loading its market.

    Raises:
        MissingData: The bank has not entered them.
    """
    book = book_for(session, standing.organization_id, packages=("collateral",))
    day, known_at = standing.business_date, standing.known_at
    return CoverageLines(
        initial=book.on(COVERAGE_LINE, valid_on=day, known_at=known_at, scope="initial"),
        warning=book.on(COVERAGE_LINE, valid_on=day, known_at=known_at, scope="warning"),
        disposal=book.on(COVERAGE_LINE, valid_on=day, known_at=known_at, scope="disposal"),
    )


def safety_terms(view: DeskView, units: tuple[Unit, ...]) -> SafetyTerms:
    """Collect what the last safe date of some units hangs on."""
    uses = tuple(vintage_use(view, unit) for unit in units)
    ends = [use.last_usable.day for use in uses if use.last_usable is not None]
    return SafetyTerms(
        depths=tuple(
            _depth(view, scheme, tuple(unit for unit in units if unit.scheme is scheme))
            for scheme in dict.fromkeys(unit.scheme for unit in units)
        ),
        cure_days=view.on(CURE_DAYS),
        unfreeze_days=view.on(UNFREEZE_DAYS),
        uses=uses,
        trading_days=trading_days_of(view.calendar, start=view.day, end=max([view.day, *ends])),
    )


def vintage_use(view: DeskView, unit: Unit) -> VintageUse:
    """Give what is known of the end of a unit."""
    return VintageUse(
        unit=unit, last_usable=view.find(LAST_USABLE_DATE, str(unit)),
        carries_forward=view.find(CARRIES_FORWARD, unit.scheme),
    )  # fmt: skip


def _depth(view: DeskView, scheme: Scheme, units: tuple[Unit, ...]) -> SchemeDepth:
    """Give the daily volume of a scheme: the bank's own figure where it set one, else the thinnest pledged unit's."""
    own = view.find(AVERAGE_DAILY_VOLUME, scheme)
    volume_t = own.integer if own is not None else min(average_daily_volume_t(view.snapshot, unit) for unit in units)
    source = own.document if own is not None else f"行情快照 {view.snapshot.digest[:12]} 挂牌日均"
    return SchemeDepth(
        scheme=scheme,
        average_daily_volume_t=volume_t,
        source=source,
        participation=view.on(PARTICIPATION, scheme),
    )

"""The limits of concentration that units to come count towards, with the book of collateral as it stands."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.allowances import Scheme, Unit
from carbonfin.kernel.errors import MissingData
from carbonfin.kernel.units import cny
from carbonfin.rules.parameters import ParameterValue
from collateral.calc.book_limits import BookLimit, BookLimits, ClassLimit
from collateral.calc.haircut_policies import HaircutPolicy
from collateral.calc.pledge import IN_FORCE
from collateral.calc.register import ConcentrationBase
from collateral.calc.schedule_limits import LimitOfRule, ScheduleLimit, admitting_rules, limits_of
from collateral.calc.schedule_verdicts import ScheduleInForce
from collateral.service.eligibility_schedules import assets_of, schedules_in_force
from collateral.service.pledge_haircuts import PolicyHaircuts
from collateral.service.repo_holdings import repo_holdings
from collateral.service.view import CONCENTRATION_LIMIT, DeskView, price_used
from collateral.store import pledges

SHARE_BASE = "collateral.schedule_share_base_cny"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookAsked:
    """What is to come under a pledge or a repo, or to be allocated anew.

    Attributes:
        pledgor_id: Who gives the units: the pledgor, or the seller of a repo.
        units: All units of the agreement, those it has and those to come.
        added: Units to come: the limits they count towards are looked at.
        without: Codes of the pledges that are none of the others: the one itself, what it takes the place of.
        without_repos: The same of repos.
        staying: Of the pledges left out, what stays where it is: unit and tonnes of the pledgor.
    """

    pledgor_id: str
    units: tuple[Unit, ...]
    added: tuple[Unit, ...]
    without: tuple[str, ...] = ()
    without_repos: tuple[str, ...] = ()
    staying: tuple[tuple[Unit, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limited:
    """A name with a limit, and what counts towards it by pledgor and unit; of a schedule also what it admits."""

    name: str
    label: tuple[str, str]
    dated: ParameterValue | None
    by_class: ClassLimit | None
    counts: Callable[[str, Unit], bool]
    of_rule: LimitOfRule | None = None
    admits: Callable[[Unit], bool] | None = None


def book_limits(session: Session, actor: Actor, haircuts: PolicyHaircuts, asked: BookAsked) -> BookLimits | None:
    """Give the limits that units to come count towards: the bank's dated ones, their classes', and their schedules'.

    None where nothing is to come, or nothing limits it.
    """
    scheduled = _Schedules.read(haircuts.view)
    measured, not_measured = scheduled.limits_on(asked.added)
    limited = (*_dated(haircuts.view, asked), *_by_class(haircuts, asked), *measured)
    if not asked.added or not (limited or not_measured):
        return None
    book = _Book.read(session, actor, without=asked.without, without_repos=asked.without_repos)
    staying = tuple((asked.pledgor_id, unit, quantity_t) for unit, quantity_t in asked.staying)
    return _held_to(haircuts.view, replace(book, pledged=(*book.pledged, *staying)), asked, limited, not_measured)


def standing_limits(session: Session, actor: Actor, view: DeskView) -> BookLimits | None:
    """Give the limits inside schedules that what is held counts towards, with nothing to come; None without any."""
    book = _Book.read(session, actor)
    units = sorted(book.units, key=str)
    measured, not_measured = _Schedules.read(view).limits_on(units, label_of=LimitOfRule.short_label_of)
    if not (measured or not_measured):
        return None
    nothing = BookAsked(pledgor_id="", units=(), added=())
    return _held_to(view, book, nothing, sorted(measured, key=_place_of), not_measured)


def _place_of(one: _Limited) -> tuple[str, int, int, str]:
    assert one.of_rule is not None, "only schedules' limits are held to what stands"
    return one.of_rule.schedule.code, one.of_rule.rule, one.of_rule.place, one.name


@dataclass(frozen=True, slots=True, kw_only=True)
class _Book:
    """What is held: owner, unit and tonnes, pledged and bought under the bank's own repos."""

    pledged: tuple[tuple[str, Unit, int], ...]
    bought: tuple[tuple[str, Unit, int], ...]

    @classmethod
    def read(
        cls, session: Session, actor: Actor, *, without: tuple[str, ...] = (), without_repos: tuple[str, ...] = ()
    ) -> "_Book":
        return cls(
            pledged=tuple(
                (one.pledgor_id, each.unit, each.quantity_t)
                for one in pledges.pledges_of(session, actor, states=IN_FORCE)
                if one.code not in without
                for each in one.units
            ),
            bought=tuple(
                (one.seller_id, one.unit, one.quantity_t)
                for one in repo_holdings(session, actor)
                if one.code not in without_repos
            ),
        )

    @property
    def units(self) -> frozenset[Unit]:
        return frozenset(unit for _, unit, _ in (*self.pledged, *self.bought))


def _held_to(
    view: DeskView,
    book: _Book,
    asked: BookAsked,
    limited: Iterable[_Limited],
    not_measured: tuple[tuple[str, str], ...],
) -> BookLimits:
    """Give the limits with what counts towards each in the book at the day's prices."""
    prices = {unit: _price(view, unit) for unit in book.units}
    held_pledged, held_bought = _valued(book.pledged, prices), _valued(book.bought, prices)
    held = [*held_pledged, *held_bought]
    return BookLimits(
        others_cny=_sum_cny(held),
        repos_cny=_sum_cny(held_bought),
        not_priced=tuple(sorted((unit for unit, price in prices.items() if price is None), key=str)),
        not_measured=not_measured or None,
        binds=True,
        limits=tuple(
            BookLimit(
                name=one.name, label_zh=one.label[0], label_en=one.label[1], dated=one.dated, by_class=one.by_class,
                units=tuple(unit for unit in dict.fromkeys(asked.units) if one.counts(asked.pledgor_id, unit)),
                others_cny=_sum_cny(each for each in held if one.counts(each[0], each[1])),
                by_schedule=_schedule_limit(view, one, held, asked.units),
            )
            for one in limited
        ),
    )  # fmt: skip


def _schedule_limit(
    view: DeskView, one: _Limited, held: Iterable[tuple[str, Unit, Decimal]], units: tuple[Unit, ...]
) -> ScheduleLimit | None:  # fmt: skip
    if one.of_rule is None or one.admits is None:
        return None
    admits, limit = one.admits, one.of_rule.limit
    return ScheduleLimit(
        schedule=one.of_rule.schedule.name, rule=one.of_rule.rule, upper=limit.upper, is_inclusive=limit.is_inclusive,
        is_amount=bool(limit.currency), base_others_cny=_sum_cny(each for each in held if admits(each[1])),
        base_units=tuple(unit for unit in dict.fromkeys(units) if admits(unit)),
        base_least=None if limit.currency else view.find(SHARE_BASE, one.of_rule.schedule.code),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Schedules:
    """The schedules in force, with the rules of each that admit a unit, looked up once."""

    view: DeskView
    schedules: tuple[ScheduleInForce, ...]
    admitting: dict[tuple[str, Unit], tuple[int, ...]]

    @classmethod
    def read(cls, view: DeskView) -> "_Schedules":
        return cls(view=view, schedules=schedules_in_force(view), admitting={})

    def limits_on(
        self, added: Iterable[Unit], *, label_of: Callable[[LimitOfRule, Unit], tuple[str, str]] = LimitOfRule.label_of
    ) -> tuple[list[_Limited], tuple[tuple[str, str], ...]]:
        """Give the limits that units to come count towards, and in words those of their rules that are not measured."""
        measured: dict[str, _Limited] = {}
        not_measured: dict[tuple[str, str], None] = {}
        for unit in dict.fromkeys(added):
            for schedule in self.schedules:
                for one in limits_of(schedule):
                    if one.rule not in self._rules(schedule, unit):
                        continue
                    if not one.is_measured:
                        not_measured[one.not_measured] = None
                        continue
                    measured[one.name_of(unit)] = _Limited(
                        name=one.name_of(unit), label=label_of(one, unit), dated=None, by_class=None, of_rule=one,
                        counts=partial(self._counts, one, one.subject_of(unit)), admits=partial(self._admits, schedule),
                    )  # fmt: skip
        return list(measured.values()), tuple(not_measured)

    def _counts(self, one: LimitOfRule, subject: str, _: str, unit: Unit) -> bool:
        return one.subject_of(unit) == subject and one.rule in self._rules(one.schedule, unit)

    def _admits(self, schedule: ScheduleInForce, unit: Unit) -> bool:
        return bool(self._rules(schedule, unit))

    def _rules(self, schedule: ScheduleInForce, unit: Unit) -> tuple[int, ...]:
        known = self.admitting.get((schedule.code, unit))
        if known is None:
            (asset,) = assets_of(self.view, (unit,))
            known = admitting_rules(schedule.rules, asset, on=self.view.day)
            self.admitting[schedule.code, unit] = known
        return known


def _valued(
    held: Iterable[tuple[str, Unit, int]], prices: Mapping[Unit, Decimal | None]
) -> list[tuple[str, Unit, Decimal]]:
    """Give owner, unit and market value of what has a price."""
    return [
        (owner, unit, cny(quantity_t * price))
        for owner, unit, quantity_t in held
        if (price := prices[unit]) is not None
    ]


def _sum_cny(held: Iterable[tuple[str, Unit, Decimal]]) -> Decimal:
    return sum((value_cny for _, _, value_cny in held), Decimal("0.00"))


def _dated(view: DeskView, asked: BookAsked) -> Iterator[_Limited]:
    """Give the bank's dated limits on the pledgor, and on each scheme and each unit to come."""
    limit = view.find(CONCENTRATION_LIMIT, ConcentrationBase.PLEDGOR)
    if limit is not None:
        yield _Limited(
            name="pledgor", label=("同一出质人", "this pledgor"), dated=limit, by_class=None,
            counts=partial(_is_owned, asked.pledgor_id),
        )  # fmt: skip
    limit = view.find(CONCENTRATION_LIMIT, ConcentrationBase.SCHEME)
    if limit is not None:
        for scheme in dict.fromkeys(unit.scheme for unit in asked.added):
            yield _Limited(
                name=f"scheme_{scheme}", label=(f"品种 {scheme}", f"scheme {scheme}"), dated=limit, by_class=None,
                counts=partial(_is_of_scheme, scheme),
            )  # fmt: skip
    limit = view.find(CONCENTRATION_LIMIT, ConcentrationBase.UNIT)
    if limit is not None:
        for unit in dict.fromkeys(asked.added):
            yield _Limited(
                name=f"unit_{unit}", label=(str(unit), str(unit)), dated=limit, by_class=None,
                counts=partial(_is_unit, unit),
            )  # fmt: skip


def _by_class(haircuts: PolicyHaircuts, asked: BookAsked) -> Iterator[_Limited]:
    """Give the limit of each class's policy in force that covers a unit to come."""
    for record in haircuts.policies:
        policy = record.policy
        if any(policy.covers(unit) for unit in asked.added):
            yield _Limited(
                name=f"class_{policy.code}", label=(f"押品类别 {policy.code}", f"class {policy.code}"),
                dated=None, by_class=ClassLimit(policy=record.name, limit_ratio=policy.concentration_ratio),
                counts=partial(_is_of_class, policy),
            )  # fmt: skip


def _is_owned(pledgor_id: str, owner: str, _: Unit) -> bool:
    return owner == pledgor_id


def _is_of_scheme(scheme: Scheme, _: str, unit: Unit) -> bool:
    return unit.scheme is scheme


def _is_unit(limited: Unit, _: str, unit: Unit) -> bool:
    return unit == limited


def _is_of_class(policy: HaircutPolicy, _: str, unit: Unit) -> bool:
    return policy.covers(unit)


def _price(view: DeskView, unit: Unit) -> Decimal | None:
    try:
        return price_used(view, unit).price_cny_per_t
    except MissingData:
        return None

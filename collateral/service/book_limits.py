"""The bank's limits of concentration that a pledge counts towards, with the book of collateral as it stands."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
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
from collateral.service.pledge_haircuts import PolicyHaircuts
from collateral.service.register import CONCENTRATION_LIMIT
from collateral.service.view import DeskView, price_used
from collateral.store import pledges


@dataclass(frozen=True, slots=True, kw_only=True)
class BookAsked:
    """What is to come under a pledge.

    Attributes:
        units: All units of the pledge, those it has and those to come.
        added: Units to come: the limits they count towards are looked at.
        without: Code of the pledge itself, or of the one it takes the place of: it is none of the others.
    """

    pledgor_id: str
    units: tuple[Unit, ...]
    added: tuple[Unit, ...]
    without: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limited:
    """A name with a limit, and what counts towards it by pledgor and unit."""

    name: str
    label: tuple[str, str]
    dated: ParameterValue | None
    by_class: ClassLimit | None
    counts: Callable[[str, Unit], bool]


def book_limits(session: Session, actor: Actor, haircuts: PolicyHaircuts, asked: BookAsked) -> BookLimits | None:
    """Give the limits that a pledge's units count towards: the bank's dated ones, and those of their classes' policies.

    None where nothing is to come, or nothing limits it.
    """
    limited = (*_dated(haircuts.view, asked), *_by_class(haircuts, asked))
    if not limited or not asked.added:
        return None
    others = [one for one in pledges.pledges_of(session, actor, states=IN_FORCE) if one.code != asked.without]
    prices = {unit: _price(haircuts.view, unit) for unit in {each.unit for one in others for each in one.units}}
    held = [
        (one.pledgor_id, each.unit, cny(each.quantity_t * price))
        for one in others
        for each in one.units
        if (price := prices[each.unit]) is not None
    ]
    return BookLimits(
        others_cny=sum((value_cny for _, _, value_cny in held), Decimal("0.00")),
        not_priced=tuple(sorted((unit for unit, price in prices.items() if price is None), key=str)),
        limits=tuple(
            BookLimit(
                name=one.name, label_zh=one.label[0], label_en=one.label[1], dated=one.dated, by_class=one.by_class,
                units=tuple(unit for unit in dict.fromkeys(asked.units) if one.counts(asked.pledgor_id, unit)),
                others_cny=sum(
                    (value_cny for owner, unit, value_cny in held if one.counts(owner, unit)), Decimal("0.00")
                ),
            )
            for one in limited
        ),
    )  # fmt: skip


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

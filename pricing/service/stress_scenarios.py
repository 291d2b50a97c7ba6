"""Stress scenarios an organisation keeps: which are in force on a day, and a new one put before another person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.batch import Failure
from carbonfin.kernel.dates import china_day
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.parameters import Grade, ParameterValue
from carbonfin.storage.approvals import Approval
from carbonfin.storage.rulebook import book_for, propose_parameter
from pricing.calc.portfolio_risk import STRESS_SCENARIO, CustomStress, named_stresses, scenario_text
from pricing.calc.portfolio_risk.inputs import (
    STRESS_FX_MOVE,
    STRESS_LIMIT_DAYS,
    STRESS_PRICE_MOVE,
    STRESS_RATE_MOVE,
    STRESS_VOLATILITY_MOVE,
)
from pricing.calc.portfolio_risk.named_stresses import NAME_LENGTH_MAX

_PACKAGES = ("pricing",)
_SIZES = (STRESS_PRICE_MOVE, STRESS_RATE_MOVE, STRESS_FX_MOVE, STRESS_VOLATILITY_MOVE, STRESS_LIMIT_DAYS)


@dataclass(frozen=True, slots=True, kw_only=True)
class StressScenarios:
    """The scenarios of an organisation on a day as known at an instant.

    Attributes:
        own: Each with the parameter that holds it, by name.
        faults: Those that do not read; no measurement counts them.
        sizes: The parameters of the standard stresses.
    """

    valuation_date: date
    known_at: datetime
    own: tuple[tuple[ParameterValue, CustomStress], ...]
    faults: tuple[Failure, ...]
    sizes: tuple[ParameterValue, ...]

    def named(self, name: str) -> CustomStress | None:
        """Give the moves of one of them, None where there is none of that name."""
        return next((stress for value, stress in self.own if value.scope == name), None)


def stress_scenarios(session: Session, actor: Actor, *, valuation_date: date, known_at: datetime) -> StressScenarios:
    """Give the scenarios in force."""
    book = book_for(session, actor.organization_id, packages=_PACKAGES)
    values = book.in_force(valid_on=valuation_date, known_at=known_at)
    own, faults = named_stresses(values)
    sizes = tuple(sorted((one for one in values if one.key in _SIZES), key=lambda one: (one.key, one.scope)))
    return StressScenarios(valuation_date=valuation_date, known_at=known_at, own=own, faults=faults, sizes=sizes)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioDraft:
    """A scenario as somebody proposes it.

    Attributes:
        name: By which it stands in every measurement; one of a name in force takes its place.
        document: Whose decision it is: a committee's minutes, a guideline.
        note: The assumption behind it, in words.
    """

    name: str
    stress: CustomStress
    valid_from: date
    document: str
    note: str


def propose_stress_scenario(
    session: Session, actor: Actor, draft: ScenarioDraft, *, reason: str, at: datetime
) -> Approval:
    """Put a scenario before another person; once approved it stands among the stresses of every book.

    Raises:
        InvalidInput: The name, a move, the source or the reason is wanting or out of range.
        NotPermitted: The actor's role may not propose parameters.
        Conflict: One of that name waits already, or stands with the same dates.
    """
    _require_name(draft.name)
    value = ParameterValue(
        key=STRESS_SCENARIO, scope=draft.name, value=scenario_text(draft.stress), unit="text",
        valid_from=draft.valid_from, valid_to=None, known_from=china_day(at), document=draft.document, article="",
        grade=Grade.SAMPLE, confirmed=False, approved_by=(), note=draft.note, title_zh="本机构压力情景",
        title_en="Stress of the organisation's own",
    )  # fmt: skip
    known = book_for(session, actor.organization_id, packages=_PACKAGES)
    return propose_parameter(session, actor, value, reason=reason, at=at, known=known)


def moves_of(stress: CustomStress) -> Mapping[str, Decimal]:
    """Give every move of a scenario by what it moves: a scheme, rate, fx or volatility."""
    others = {"rate": stress.rate_move, "fx": stress.fx_move, "volatility": stress.volatility_move}
    return dict(stress.price_moves) | {name: move for name, move in others.items() if move}


def _require_name(name: str) -> None:
    if 0 < len(name) <= NAME_LENGTH_MAX and name.isprintable() and name == name.strip() and "/" not in name:
        return
    raise InvalidInput(
        f"name {name[:60]!r} has {len(name)} characters; 1 to {NAME_LENGTH_MAX} are expected, without a slash",
        zh=f"情景名称须为 1 至 {NAME_LENGTH_MAX} 个字，不含斜杠",
        field="name",
        remedy="Give it a short name by which people will know it.",
        remedy_zh="请填写便于识别的简短名称。",
    )

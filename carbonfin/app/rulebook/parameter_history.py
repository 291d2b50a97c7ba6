"""A parameter's values for systems: each it has had with what became of it on two dates, and two of them compared."""

from typing import Annotated

from litestar import get
from litestar.params import FromPath, QueryParameter
from msgspec import Meta, Struct

from carbonfin.app.rulebook.api import KnownAt, KnownOn, ValidOn
from carbonfin.app.rulebook.parameter_api import ParameterOut
from carbonfin.app.rulebook.parameter_difference import FieldChange, field_changes
from carbonfin.app.rulebook.parameter_list import DatedValue, history_of, value_named, whole_book
from carbonfin.app.rulebook.shelf import dates_asked
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.storage.engine import Sessions
from carbonfin.web.problems import problem_responses

_Key = Annotated[str, Meta(min_length=1, max_length=100)]
_Scope = Annotated[str, QueryParameter(max_length=100, description="The values of this scope alone.")]
_Digest = Annotated[str, QueryParameter(max_length=64, description="A value by its digest, or the first signs of it.")]


class ParameterVersionOut(Struct, frozen=True, kw_only=True):
    """One value of a parameter and what becomes of it on the days asked for; its digest names it in other requests."""

    state: str
    state_zh: str
    version: ParameterOut

    @classmethod
    def of(cls, one: DatedValue) -> "ParameterVersionOut":
        """Make it of the value."""
        words = one.state[1]
        return cls(state=words.en, state_zh=words.zh, version=ParameterOut.of(one.value))


class ParameterHistoryOut(Struct, frozen=True, kw_only=True):
    """Every value of a parameter, by scope, the latest known first."""

    valid_on: str
    known_at: str
    versions: list[ParameterVersionOut]


class ParameterFieldOut(Struct, frozen=True, kw_only=True):
    """One field in which two values differ; empty where a side says nothing."""

    field: str
    field_zh: str
    before: str
    after: str

    @classmethod
    def of(cls, one: FieldChange) -> "ParameterFieldOut":
        """Make it of the change; the words of a value are the Chinese ones."""
        return cls(field=one.name.en, field_zh=one.name.zh, before=one.before.zh, after=one.after.zh)


class ParameterComparisonOut(Struct, frozen=True, kw_only=True):
    """What one value says otherwise than another."""

    before: ParameterOut
    after: ParameterOut
    changes: list[ParameterFieldOut]


@get(
    "/v1/rules/parameters/{key:str}/values",
    sync_to_thread=True,
    responses=problem_responses(404, 422),
    tags=["rules"],
)
def list_parameter_values(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    key: FromPath[_Key],
    valid_on: ValidOn = None,
    known_on: KnownOn = None,
    known_at: KnownAt = None,
) -> ParameterHistoryOut:
    """Give every value a parameter has had and what becomes of it on these days: in force, corrected, not known yet."""
    with sessions.read() as session:
        dates = dates_asked(session, actor, clock, valid_on=valid_on or "", known_on=known_on or "", known_at=known_at)
        history = history_of(whole_book(session, actor), key, dates)
    return ParameterHistoryOut(
        valid_on=dates.valid_on.isoformat(), known_at=dates.known_at.isoformat(),
        versions=[ParameterVersionOut.of(one) for one in history],
    )  # fmt: skip


@get(
    "/v1/rules/parameters/{key:str}/comparison",
    sync_to_thread=True,
    responses=problem_responses(404, 422),
    tags=["rules"],
)
def compare_parameter_values(
    *,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    key: FromPath[_Key],
    of_scope: _Scope = "",
    old: _Digest = "",
    new: _Digest = "",
) -> ParameterComparisonOut:
    """Say what one value of a parameter says otherwise than another; left out, the first known and the last known."""
    with sessions.read() as session:
        dates = dates_asked(session, actor, clock, valid_on="", known_on="", known_at=None)
        history = history_of(whole_book(session, actor), key, dates)
    before, after = (
        value_named(history, old, scope=of_scope, last=False),
        value_named(history, new, scope=of_scope, last=True),
    )
    return ParameterComparisonOut(
        before=ParameterOut.of(before), after=ParameterOut.of(after),
        changes=[ParameterFieldOut.of(one) for one in field_changes(before, after)],
    )  # fmt: skip


routes = [list_parameter_values, compare_parameter_values]

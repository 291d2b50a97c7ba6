"""What a proposed value of a parameter says otherwise than the one in force, field by field, for its checker."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import Session

from carbonfin.app.rulebook.parameter_list import GRADE_WORDS, UNIT_WORDS, whole_book
from carbonfin.app.rulebook.value_readings import MarkedLine, compared_lines
from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import Clock
from carbonfin.rules.parameters import ParameterValue
from carbonfin.storage.approvals import Approval
from carbonfin.storage.rulebook import PARAMETER_APPROVAL, proposed_value
from carbonfin.web.language import Text

_INSTANT = timedelta(microseconds=1)
_NONE = Text("", "")
_VALUE = Text("取值", "Value")
_YES_NO = {True: Text("是", "yes"), False: Text("否", "no")}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """One field that differs; empty where a side says nothing."""

    name: Text
    before: Text
    after: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedParameter:
    """A value that is proposed, or was.

    Attributes:
        current: The value it is held against: of its first day, as known now or when it was decided on; None where it
            is the first of its scope.
        changes: The fields that differ, the value first unless it is read line by line.
        value: The proposed value as it is stored.
        lines: That value line by line beside the current one; empty where it is short enough to be shown as it is.
    """

    current: ParameterValue | None
    changes: tuple[FieldChange, ...]
    value: str
    lines: tuple[MarkedLine, ...]


def proposed_parameter(session: Session, actor: Actor, clock: Clock, approval: Approval) -> ProposedParameter | None:
    """Give what a proposed value changes; None where an approval is about something else."""
    if approval.kind != PARAMETER_APPROVAL.name:
        return None
    draft = proposed_value(approval)
    known_at = clock.now() if approval.is_open else (approval.decided_at or approval.created_at) - _INSTANT
    current = whole_book(session, actor).find(
        draft.key, scope=draft.scope, valid_on=draft.valid_from, known_at=known_at
    )  # fmt: skip
    lines = compared_lines(draft, current)
    changes = () if current is None else field_changes(current, draft)
    return ProposedParameter(
        current=current, value=draft.value, lines=lines,
        changes=tuple(one for one in changes if not (lines and one.name == _VALUE)),
    )  # fmt: skip


def field_changes(current: ParameterValue, draft: ParameterValue) -> tuple[FieldChange, ...]:
    """Give the fields in which two values of one parameter differ."""
    found = ((name, words(current), words(draft)) for name, words in _FIELDS)
    return tuple(FieldChange(name=name, before=old, after=new) for name, old, new in found if old != new)


def _plain(read: Callable[[ParameterValue], object]) -> Callable[[ParameterValue], Text]:
    def words(value: ParameterValue) -> Text:
        found = read(value)
        return _NONE if found is None else Text(str(found), str(found))

    return words


_FIELDS: tuple[tuple[Text, Callable[[ParameterValue], Text]], ...] = (
    (_VALUE, _plain(lambda one: one.value)),
    (Text("单位", "Unit"), lambda one: UNIT_WORDS.get(one.unit, Text(one.unit, one.unit))),
    (Text("生效日", "Valid from"), _plain(lambda one: one.valid_from)),
    (Text("失效日", "Valid to"), _plain(lambda one: one.valid_to)),
    (Text("知悉日", "Known from"), _plain(lambda one: one.known_from)),
    (Text("依据文件", "Document"), _plain(lambda one: one.document)),
    (Text("文号", "Document's number"), _plain(lambda one: one.document_number)),
    (Text("条款", "Article"), _plain(lambda one: one.article)),
    (Text("引文", "Quote"), _plain(lambda one: one.quote)),
    (Text("可信等级", "Grade"), lambda one: GRADE_WORDS[one.grade]),
    (Text("是否确认", "Confirmed"), lambda one: _YES_NO[one.confirmed]),
    (Text("说明", "Note"), _plain(lambda one: one.note)),
)

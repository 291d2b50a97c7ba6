"""How pages and registers say who stands behind a decision."""

from carbonfin.kernel.actors import Role
from carbonfin.storage.decisions import DecisionRecord
from carbonfin.web.language import Text


def checker_words(record: DecisionRecord) -> Text:
    """Name the checker; where there is none, say whether a system made the decision alone, or a person, or say nothing.

    Decisions of before records named a checker say that they do not.
    """
    if record.checker_name is not None:
        return Text(record.checker_name, record.checker_name)
    if record.form == 1:
        return Text("记录未载（旧格式）", "not on record (old form)")
    if record.actor_role is Role.SYSTEM:
        return Text("系统自动作出，无复核人", "made by a system alone")
    return Text("未经审批，无复核人", "made without an approval")

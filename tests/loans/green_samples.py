"""A sample catalogue that was in force when the sample notes were drawn, and a recognition by it."""

from datetime import date
from typing import Any

from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Clock
from carbonfin.rules.parameters import Grade, ParameterValue
from carbonfin.storage.parties import actor_of, people_of, standing_of
from carbonfin.storage.rulebook import enter_parameter
from loans.calc.green import CATALOGUE, GreenCategory, GreenEvent, GreenStatement, GreenTerms
from tests.loans.link_worlds import REPORT_FILE

RECOGNITION: dict[str, Any] = {
    "event": "recognise", "category": "9.1", "basis": "资金用于屋顶光伏", "evidence": [REPORT_FILE.digest],
    "valid_from": "2025-06-30", "reason": "提交认定",
}  # fmt: skip


def category(*, confirmed: bool = True) -> ParameterValue:
    return ParameterValue(
        key=CATALOGUE, scope="9.1", value="光伏(示例)", unit="text", valid_from=date(2024, 1, 1),
        valid_to=date(2025, 9, 30), known_from=date(2024, 1, 2), document="绿色目录(示例 2024)", article="",
        grade=Grade.SAMPLE if confirmed else Grade.SECONDARY, confirmed=confirmed, approved_by=(), note="示例",
        title_zh="绿色金融支持项目目录类别", title_en="Category",
    )  # fmt: skip


def sample_terms() -> GreenTerms:
    statement = GreenStatement(
        note_code="JJ-P0", event=GreenEvent.RECOGNISE, category="9.1", basis="屋顶光伏", evidence=("0" * 64,),
        valid_from=date(2025, 6, 30),
    )  # fmt: skip
    return GreenTerms(statement=statement, category=GreenCategory.of(category()))


def enter_sample_catalogue(session: Session, maker: Actor, *, clock: Clock) -> None:
    """Give a demonstration's bank the sample catalogue, by its own checker."""
    checker = next(
        actor_of(session, one.id) for one in people_of(session, maker.organization_id) if one.role is Role.CHECKER
    )
    at = standing_of(session, maker.organization_id, clock).known_at
    enter_parameter(session, maker, checker, category(), reason="录入目录", at=at)

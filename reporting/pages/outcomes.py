"""What became of applications, for people of the banks that filed them."""

from collections.abc import Mapping
from typing import Annotated, Any

from litestar import get
from litestar.params import QueryParameter
from litestar.response import Template
from sqlmodel import Session

from carbonfin.kernel.actors import Actor, OrganizationKind
from carbonfin.kernel.errors import InvalidInput, NotFound
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import load_organization
from carbonfin.web.connections import WebRequest
from carbonfin.web.pages import Text, page
from carbonfin.web.paging import Paging
from reporting import service
from reporting.calc.outcomes import ANOTHER_BANKS, ANOTHER_BANKS_EN, NOT_BEGUN, VERDICT_TITLES, Verdict
from reporting.calc.quarters import Quarter
from reporting.pages.reviews import STATE_BADGES

_Asked = Annotated[str, QueryParameter(description="This alone; empty for all.", max_length=40)]
_BADGES = {
    Verdict.QUALIFIES: "good",
    Verdict.REFUSED: "neutral",
    Verdict.UNDECIDED: "warning",
    Verdict.DUPLICATE: "breach",
    Verdict.FAILED: "breach",
}
OUTCOME_WORDS: Mapping[str, Any] = {
    "verdict_words": {verdict: Text(*titles) for verdict, titles in VERDICT_TITLES.items()},
    "verdict_badges": _BADGES,
    "told_state_badges": {**STATE_BADGES, NOT_BEGUN: ("neutral", Text("审核结果未公布", "nothing told yet"))},
    "another_banks": Text(ANOTHER_BANKS, ANOTHER_BANKS_EN),
}


@get("/subsidies/outcomes", sync_to_thread=True)
def outcomes_page(
    *, request: WebRequest, sessions: Sessions, actor: Actor, paging: Paging, quarter: _Asked = "", outcome: _Asked = ""
) -> Template:
    """Show what became of the applications a bank filed, by its latest report each, with what to do."""
    asked = service.OutcomesAsked(
        quarter=str(Quarter.parse(quarter, field="quarter")) if quarter else None, verdict=_verdict(outcome)
    )
    with sessions.read() as session:
        found = service.outcome_page(session, actor, asked, paging.place)
        own = load_organization(session, actor.organization_id)
    return page(
        request,
        "reporting/outcomes.html",
        title=Text("审核结果", "Outcomes"),
        outcomes=found.items,
        bank_name=own.name,
        quarter=quarter,
        outcome=outcome,
        choices=[("", Text("全部", "All")), *((one.value, Text(*VERDICT_TITLES[one])) for one in Verdict)],
        beginning=paging.beginning,
        following=paging.following(found),
        **OUTCOME_WORDS,
    )


def outcome_of_application(session: Session, actor: Actor, application_id: str) -> dict[str, Any]:
    """Give what the page of an application shows its bank of the outcome; the bureau reads its own report."""
    told: tuple[Any, ...] = ()
    if actor.organization_kind is not OrganizationKind.BUREAU:
        try:
            told = service.outcomes_of_application(session, actor, application_id)
        except NotFound:
            told = ()
    return {"told": told, **OUTCOME_WORDS}


def _verdict(text: str) -> Verdict | None:
    if text and text not in set(Verdict):
        raise InvalidInput(
            f"there is no outcome {text!r}", zh=f"没有结论“{text}”", field="outcome",
            remedy=f"Choose of {', '.join(Verdict)}.", remedy_zh="请从列表中选择。",
        )  # fmt: skip
    return Verdict(text) if text else None


routes = [outcomes_page]

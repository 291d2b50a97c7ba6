"""Ratings of an enterprise: by the scorecard with build-up, peers and report, and by carbon efficiency."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated

from litestar import get, post
from litestar.enums import RequestEncodingType
from litestar.params import Body, FromPath, QueryParameter
from litestar.response import Redirect, Response, Template
from msgspec import Struct
from sqlmodel import Session

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.errors import CarbonFinError, MissingData, NotApplicable
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing, load_party, standing_of
from carbonfin.web.addresses import verification_address_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.downloads import PDF, download
from carbonfin.web.language import Text, language_of
from carbonfin.web.pages import page
from carbonfin.web.problems import status_of
from carbonfin.web.wire import day_of
from loans import service
from loans.calc.jiangtandai import RatingReport
from loans.calc.ratings.four_colour import COLOURS_EN
from loans.calc.ratings.objections import OUTCOME_NAMES, STATE_NAMES
from loans.calc.ratings.rating_sources import rating_sources
from loans.calc.ratings.scorecard import LETTERS
from loans.calc.term_notes import unconfirmed_behind
from loans.pages.charts import change_chart, points_chart, standing_chart
from loans.pages.forms import error_words
from loans.service import HeatCell, ScorecardView
from loans.workbooks import lift_words, lift_words_en

SCORECARD = "scorecard"
FOUR_COLOUR = "four-colour"
NONE = "-"  # no letter, no industry
HEAT_STEPS = 5
LETTERS_SHOWN = (*LETTERS, NONE)
SECTIONS = {
    "A": ("农、林、牧、渔业", "Agriculture"), "B": ("采矿业", "Mining"), "C": ("制造业", "Manufacturing"),
    "D": ("电力、热力、燃气及水", "Energy and water"), "E": ("建筑业", "Construction"),
    "F": ("批发和零售业", "Trade"), "G": ("交通运输、仓储和邮政业", "Transport"),
    "H": ("住宿和餐饮业", "Hotels and catering"), "I": ("信息传输、软件", "Information"), "J": ("金融业", "Finance"),
    "K": ("房地产业", "Real estate"), "L": ("租赁和商务服务业", "Business services"),
    "M": ("科学研究和技术服务业", "Science"), "N": ("水利、环境和公共设施", "Environment"),
    "O": ("居民服务、修理", "Services"), "P": ("教育", "Education"), "Q": ("卫生和社会工作", "Health"),
    "R": ("文化、体育和娱乐业", "Culture"), "S": ("公共管理、社会组织", "Public"), "T": ("国际组织", "International"),
    NONE: ("行业未登记", "No industry"),
}  # fmt: skip


_OBJECTION_MARKS = {"open": "warning", "waiting": "information", "upheld": "good", "dismissed": "neutral"}
_COLOUR_MARKS = {"深绿": "good", "浅绿": "good", "黄": "warning", "红": "breach"}
_Month = Annotated[str | None, QueryParameter(description="As 2025-06.", max_length=7)]
_NOT_RATED = Text("未评级", "Not rated")


class RateForm(Struct, kw_only=True):
    """What the button sends."""

    method: str = ""


class ObjectionForm(Struct, kw_only=True):
    """What the form sends."""

    ground: str = ""
    received_on: str = ""
    evidence: str = ""


class AnswerForm(Struct, kw_only=True):
    """What the form of an answer sends."""

    outcome: str = ""
    finding: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A form of the page that was refused, with what was typed into it.

    Attributes:
        what: What did not happen.
        answered_id: The objection that an answer was typed for.
    """

    error: CarbonFinError
    what: Text = _NOT_RATED
    objection: ObjectionForm | None = None
    answer: AnswerForm | None = None
    answered_id: str = ""

    @property
    def marks(self) -> Mapping[str, Text]:
        """The words of the error by the field it speaks of; a rating has no fields."""
        is_form = self.objection is not None or self.answer is not None
        return {self.error.field: error_words(self.error)} if is_form and self.error.field else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatLine:
    """One sector: how many enterprises have each letter, and what they owe."""

    section: Text
    cells: Mapping[str, HeatCell]
    enterprise_count: int
    outstanding_cny: Decimal

    def strength(self, letter: str) -> int:
        """Give how dark a cell is: fifths of the sector's enterprises that have the letter, begun ones whole."""
        cell = self.cells.get(letter)
        return 0 if cell is None else -(-HEAT_STEPS * cell.enterprise_count // self.enterprise_count)


def heat_of(cells: tuple[HeatCell, ...]) -> list[HeatLine]:
    """Lay out the counts by sector and letter, a line a sector."""
    by_section: dict[str, dict[str, HeatCell]] = {}
    for cell in cells:
        by_section.setdefault(cell.section, {})[cell.letter] = cell
    return [
        HeatLine(
            section=Text(*(f"{section} {name}" for name in SECTIONS[section])),
            cells=found,
            enterprise_count=sum(cell.enterprise_count for cell in found.values()),
            outstanding_cny=sum((cell.outstanding_cny for cell in found.values()), Decimal(0)),
        )
        for section, found in by_section.items()
    ]


@get("/enterprises/{party_id:str}/rating", sync_to_thread=True)
def rating_page(
    request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, party_id: FromPath[str]
) -> Template:
    """Show an enterprise's ratings by the own methods, beside the outside report, each figure with its trace."""
    with sessions.read() as session:
        return show_rating(request, session, actor, standing_of(session, actor.organization_id, clock), party_id)


@post("/enterprises/{party_id:str}/rating", sync_to_thread=True, status_code=303)
def rate_again(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    party_id: FromPath[str],
    data: Annotated[RateForm, Body(media_type=RequestEncodingType.URL_ENCODED)],
) -> Template | Redirect:
    """Rate the enterprise from what is known now by the method asked for, keep the decision, and show it."""
    try:
        with sessions.begin() as session:
            standing = standing_of(session, actor.organization_id, clock)
            if data.method in {SCORECARD, FOUR_COLOUR}:
                party = load_party(session, actor, party_id)
                by = service.rate_by_scorecard if data.method == SCORECARD else service.rate_by_four_colours
                by(session, actor, party, year=None, standing=standing)
            else:
                service.rate_enterprise(
                    session, actor, party_id, year=None, valid_on=standing.business_date, known_at=standing.known_at
                )
    except (MissingData, NotApplicable) as refused:
        with sessions.read() as session:
            standing = standing_of(session, actor.organization_id, clock)
            return show_rating(request, session, actor, standing, party_id, refused=Refused(error=refused))
    return Redirect(f"/enterprises/{party_id}/rating", status_code=303)


@get("/enterprises/{party_id:str}/rating/report.pdf", sync_to_thread=True, media_type=PDF)
def rating_report_page(
    request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, party_id: FromPath[str]
) -> Response[bytes]:
    """Give the report of the latest rating by the scorecard as PDF."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        party = load_party(session, actor, party_id)
        content = service.rating_report_file(
            session, actor, party_id, standing=standing, verified_at=verification_address_of(request)
        )
    return download(content, stem=f"rating-{party.code}", ending="pdf")


@get("/enterprises/{party_id:str}/rating/letter.pdf", sync_to_thread=True, media_type=PDF)
def rating_letter_page(
    *,
    request: WebRequest,
    sessions: Sessions,
    actor: Actor,
    clock: Clock,
    party_id: FromPath[str],
    month: _Month = None,
) -> Response[bytes]:
    """Give the letter on what changed of the rating in a month, the business date's where none is named, as PDF."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        party = load_party(session, actor, party_id)
        day = standing.business_date if month is None else day_of(f"{month}-01", field="month")
        content = service.rating_letter_file(
            session, actor, party_id, month=day, standing=standing, verified_at=verification_address_of(request)
        )
    return download(content, stem=f"rating-letter-{party.code}-{day:%Y%m}", ending="pdf")


def show_rating(
    request: WebRequest,
    session: Session,
    actor: Actor,
    standing: Standing,
    party_id: str,
    *,
    refused: Refused | None = None,
) -> Template:
    """Give the page of an enterprise's ratings, with what was refused and typed."""
    party = load_party(session, actor, party_id)
    ratings = service.ratings_of(session, actor, party.id)
    report = service.rating_report_of(session, actor, party.id, known_at=standing.known_at)
    rating = ratings[0][1] if ratings else None
    card = service.scorecard_view(session, actor, party.id)
    colours = service.latest_four_colours(session, actor, party.id)
    return page(
        request,
        "loans/rating.html",
        title=Text(f"碳评级 · {party.name}", f"Carbon rating · {party.name}"),
        status_code=200 if refused is None else status_of(refused.error),
        party=party,
        rating=rating,
        decision_id=ratings[0][0].id if ratings else "",
        history=ratings,
        chart=None if rating is None else change_chart(rating, language_of(request)),
        report=report,
        report_state=report_state(report, standing.business_date),
        unconfirmed={} if rating is None else unconfirmed_behind(rating.trace),
        thresholds=[] if rating is None else [figure for figure in rating.trace if "_max." in figure.name],
        refusal=None if refused is None else error_words(refused.error),
        refused=refused,
        marks={} if refused is None else refused.marks,
        may_rate=actor.role is Role.OFFICER,
        card=card,
        card_state=_card_state(card, standing.business_date),
        colours=colours,
        objections=service.objections_of(session, actor, party.id),
        objection_typed=(refused and refused.objection)
        or ObjectionForm(received_on=standing.business_date.isoformat()),
        objection_states={state: Text(*words) for state, words in STATE_NAMES.items()},
        objection_marks=_OBJECTION_MARKS,
        outcomes={outcome: Text(*words) for outcome, words in OUTCOME_NAMES.items()},
        colours_en=COLOURS_EN,
        colour_marks=_COLOUR_MARKS,
        colour_sources=() if colours is None else rating_sources(colours[1].trace),
        card_history=service.scorecard_ratings_of(session, actor, party.id),
        points=points_chart(card, language_of(request)),
        peers=standing_chart(card, language_of(request)),
        lift_words=lift_words,
        lift_words_en=lift_words_en,
    )


def report_state(report: RatingReport | None, on: date) -> tuple[str, Text]:
    """Say whether an outside report is there and valid, in sign and words."""
    if report is None:
        return "breach", Text("缺少报告", "no report")
    if report.valid_to < on:
        return "warning", Text("已失效", "expired")
    return "good", Text("有效", "valid")


def _card_state(card: ScorecardView | None, on: date) -> tuple[str, Text]:
    if card is None or card.outcome.rating.letter is None:
        return "breach", Text("未予评级", "not rated")
    if card.outcome.rating.valid_to < on:
        return "warning", Text("已失效", "expired")
    return "good", Text("有效", "valid")


routes = [rating_letter_page, rating_page, rate_again, rating_report_page]

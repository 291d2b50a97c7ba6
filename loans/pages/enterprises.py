"""Enterprises: who they are, what they hold, owe and lack, and how the bank's are rated by sector."""

from dataclasses import dataclass

from litestar import get
from litestar.params import FromPath, FromQuery
from litestar.response import Template

from carbonfin.kernel.actors import Actor, Role
from carbonfin.kernel.dates import Clock
from carbonfin.kernel.parties import Party, PartyKind
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import Standing, external_ids_of, load_party, parties_of, standing_of
from carbonfin.web.connections import WebRequest
from carbonfin.web.language import Text, language_of
from carbonfin.web.pages import page
from collateral import service as collateral_service
from collateral.calc.pledge import STATE_NAMES_ZH
from loans import service
from loans.calc.jiangtandai import RatingReport
from loans.calc.notes import LoanNote
from loans.calc.ratings.emissions import FUEL_NAMES_ZH, fuel_name_en, fuel_quantity_unit
from loans.pages.charts import change_chart
from loans.pages.ratings import LETTERS_SHOWN, NONE, heat_of, report_state


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """A document or fact that is missing, and why it matters."""

    what: Text
    why: Text


@get("/enterprises", sync_to_thread=True)
def enterprise_list(request: WebRequest, sessions: Sessions, actor: Actor, q: FromQuery[str] = "") -> Template:
    """List the bank's enterprises with their latest rating and their running loans."""
    with sessions.read() as session:
        parties = parties_of(session, actor, kind=PartyKind.ENTERPRISE)
        ratings = service.latest_ratings(session, actor)
        results = service.latest_results(session, actor)
        cells = service.rating_heat_map(session, actor)
        notes = service.notes_of(session, actor)
    wanted = q.strip()
    shown = [party for party in parties if wanted in party.name or wanted.upper() in party.code]
    return page(
        request,
        "loans/enterprises.html",
        title=Text("企业", "Enterprises"),
        parties=shown,
        total_count=len(parties),
        ratings=ratings,
        results=results,
        heat=heat_of(cells),
        letters=LETTERS_SHOWN,
        heat_heads=[
            (Text(letter, letter) if letter != NONE else Text("未予评级", "Not rated"), "number")
            for letter in LETTERS_SHOWN
        ],
        running={party.id: _running(notes, party.id) for party in shown},
        q=wanted,
    )


@get("/enterprises/{party_id:str}", sync_to_thread=True)
def enterprise_page(
    request: WebRequest, sessions: Sessions, actor: Actor, clock: Clock, party_id: FromPath[str]
) -> Template:
    """Show one enterprise."""
    with sessions.read() as session:
        standing = standing_of(session, actor.organization_id, clock)
        party = load_party(session, actor, party_id)
        rated = service.latest_rating(session, actor, party.id)
        report = service.rating_report_of(session, actor, party.id, known_at=standing.known_at)
        years = service.account_years(session, actor, party.id, known_at=standing.known_at)
        notes = service.note_lines(session, actor, standing=standing, party_id=party.id)
        sheets = service.term_sheets_of(session, actor, party_id=party.id)
        holdings = collateral_service.holdings_of(session, actor, party.id)
        headrooms = collateral_service.latest_headrooms(session, actor, standing=standing, party_id=party.id)
        pledges = collateral_service.pledges_of(session, actor, pledgor_id=party.id)
        numbers = external_ids_of(session, actor, f"party:{party.id}")
    rating = None if rated is None else rated[1]
    return page(
        request,
        "loans/enterprise.html",
        title=Text(party.name, party.name),
        party=party,
        standing=standing,
        rating=rating,
        decision_id="" if rated is None else rated[0].id,
        chart=None if rating is None else change_chart(rating, language_of(request)),
        report=report,
        report_state=report_state(report, standing.business_date),
        years=years[::-1],
        notes=[(line.note, line.accrued_cny) for line in notes],
        sheets=sheets,
        numbers=numbers,
        holdings=holdings,
        headrooms=headrooms,
        pledges=[(pledge, STATE_NAMES_ZH.get(pledge.state, pledge.state)) for pledge in pledges],
        lacks=_lacks(party, report, has_account=bool(years), has_headroom=bool(headrooms), standing=standing),
        fuel_words=_fuel_words,
        may_draft=actor.role is Role.OFFICER,
    )


def _running(notes: tuple[LoanNote, ...], party_id: str) -> list[LoanNote]:
    return [note for note in notes if note.party_id == party_id and note.outstanding_cny]


def _lacks(
    party: Party, report: RatingReport | None, *, has_account: bool, has_headroom: bool, standing: Standing
) -> list[Lack]:
    lacks = []
    if report is None or report.valid_to < standing.business_date:
        lacks.append(
            Lack(
                what=Text("有效的外部碳评级报告", "A valid outside rating report"),
                why=Text("没有它，降碳贷利率不予优惠", "without it the loan earns no concession"),
            )
        )
    elif report.score is None:
        lacks.append(
            Lack(
                what=Text("减排指标得分", "The emission-cut score"),
                why=Text("没有它，降碳贷利率不予决定", "without it the rate is not decided"),
            )
        )
    if not has_account:
        lacks.append(
            Lack(
                what=Text("碳账户年度用能数据", "Yearly energy of the carbon account"),
                why=Text("无法评级和核算融资排放", "no rating and no financed emissions"),
            )
        )
    if party.key_emitter and not has_headroom:
        lacks.append(
            Lack(
                what=Text("履约数据（核查排放、配额、补发）", "Compliance position"),
                why=Text("履约余量未知，不能评估质押", "headroom is unknown"),
            )
        )
    return lacks


def _fuel_words(fuel: str) -> Text:
    name = next(one for one in FUEL_NAMES_ZH if one == fuel)
    unit = fuel_quantity_unit(name)
    return Text(
        f"{FUEL_NAMES_ZH[name]}（{'万标准立方米' if unit != 't fuel' else '吨'}）", f"{fuel_name_en(name)} ({unit})"
    )


routes = [enterprise_list, enterprise_page]

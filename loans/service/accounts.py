"""Carbon accounts: yearly facts and outside rating reports, entered and read."""

from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from carbonfin.kernel.actors import Actor
from carbonfin.kernel.dates import china_day
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.parties import load_party
from loans.calc.accounts import AccountYear, grid_area_of
from loans.calc.jiangtandai import RatingReport
from loans.service.account_entries import refuse_withdrawn
from loans.store import accounts as store


def record_account_year(
    session: Session, actor: Actor, party_id: str, account: AccountYear, *, known_at: datetime
) -> AccountYear:
    """Enter one year of an enterprise's carbon account; the same facts again change nothing, others add a version.

    An empty `grid_area` takes the province the enterprise was registered in.

    Raises:
        NotFound: The bank knows no such enterprise.
        NotApplicable: The enterprise withdrew its consent.
        InvalidInput: The province cannot be told from the identifier.
    """
    party = load_party(session, actor, party_id)
    refuse_withdrawn(session, actor, party, known_at=known_at)
    area = account.grid_area or grid_area_of(party.code)
    if area is None:
        raise InvalidInput(
            f"the grid area of {party.code} cannot be told", zh="无法判断所在电网省份，请填写", field="grid_area"
        )
    fuels = tuple(sorted(account.activity.fuels, key=lambda use: use.fuel))
    entered = replace(account, grid_area=area, activity=replace(account.activity, fuels=fuels))
    known = {one.activity.year: one for one in store.account_years(session, actor, party_id, known_at=known_at)}
    standing = known.get(entered.activity.year)
    version = 1 if standing is None else standing.version
    if standing is not None and replace(entered, version=version) == standing:
        return standing
    added = replace(entered, version=version if standing is None else version + 1)
    store.add_account_year(session, actor, party_id, added, recorded_at=known_at)
    return added


def account_years(session: Session, actor: Actor, party_id: str, *, known_at: datetime) -> tuple[AccountYear, ...]:
    """Give the years of an enterprise's carbon account as known at an instant, oldest first."""
    load_party(session, actor, party_id)
    return store.account_years(session, actor, party_id, known_at=known_at)


def record_rating_report(
    session: Session, actor: Actor, party_id: str, report: RatingReport, *, known_at: datetime
) -> RatingReport:
    """Enter an outside rating report of an enterprise; the same report again changes nothing.

    Raises:
        InvalidInput: The report speaks of another enterprise, or is dated after the day it is entered on, so that it
            would stand before every rate decision until that day comes.
        Conflict: A report of that producer and day stands with other facts.
    """
    party = load_party(session, actor, party_id)
    if report.usci != party.code:
        raise InvalidInput(
            f"the report speaks of {report.usci}, not of {party.code}", zh="碳评级报告不属于该企业", field="usci"
        )
    day = china_day(known_at)
    if report.report_date > day:
        raise InvalidInput(
            f"the report is dated {report.report_date}, after {day}",
            zh=f"碳评级报告日期 {report.report_date} 晚于录入日 {day}",
            field="report_date",
            remedy="Give the date that is printed on the report.",
            remedy_zh="请按报告载明的日期填写。",
        )
    store.add_report(session, actor, party_id, report, recorded_at=known_at)
    return report


def rating_report_of(session: Session, actor: Actor, party_id: str, *, known_at: datetime) -> RatingReport | None:
    """Give the latest outside rating report of an enterprise known at an instant, or None."""
    party = load_party(session, actor, party_id)
    return store.latest_report(session, actor, party_id, usci=party.code, known_at=known_at)

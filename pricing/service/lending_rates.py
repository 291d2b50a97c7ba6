"""The loan prime rate (LPR) as an organisation knew it: its own imports and feeds before the public table."""

from datetime import date, datetime

from sqlmodel import Session

from carbonfin.kernel.dates import china_day
from carbonfin.kernel.errors import InvalidInput, MissingData
from pricing.calc.curve_quotes import LPR, LPR_TENORS, CurveQuoteKind
from pricing.calc.market import RateQuote
from pricing.store import curve_quotes, rates


def lpr_on(
    session: Session, tenor: str, on: date, known_at: datetime, *, organization_id: str | None = None
) -> RateQuote:
    """Give the LPR of a tenor in force on a day, as known at an instant: the last publication up to that day.

    Args:
        session: Open session.
        tenor: 1Y, or 5Y for terms over five years.
        on: The day.
        known_at: Instant as of which it was known.
        organization_id: Whose imports count beside the public table; of one day an own figure goes before the public.

    Raises:
        InvalidInput: The tenor is neither 1Y nor 5Y.
        MissingData: No publication up to that day is known.
    """
    if tenor not in LPR_TENORS:
        raise InvalidInput(
            f"LPR has tenors 1Y and 5Y, not {tenor!r}",
            zh=f"LPR 没有期限“{tenor}”",
            field="tenor",
            remedy="Choose 1Y or 5Y.",
            remedy_zh="可选 1Y 或 5Y。",
        )
    rate = lpr_known(session, tenor, on=on, known_on=china_day(known_at), organization_id=organization_id)
    if rate is None:
        raise MissingData(
            f"LPR {tenor} on {on} is not known",
            zh=f"{on} 的 {tenor} 期 LPR 尚不掌握",
            field="lpr",
            remedy="Import the LPR publications.",
            remedy_zh="请导入 LPR 公布值。",
        )
    return rate


def lpr_known(
    session: Session, tenor: str, *, on: date, known_on: date, organization_id: str | None
) -> RateQuote | None:
    """Give the last publication of a tenor up to a day, None where none is known."""
    public = rates.rate_known(session, f"LPR_{tenor}", on=on, known_on=known_on)
    own = None if organization_id is None else _own(session, organization_id, tenor, on=on, known_on=known_on)
    if own is None or (public is not None and public.published_on > own.published_on):
        return public
    return own


def _own(session: Session, organization_id: str, tenor: str, *, on: date, known_on: date) -> RateQuote | None:
    last = curve_quotes.last_curve_quote_known(
        session,
        organization_id=organization_id,
        kind=CurveQuoteKind.FIXING,
        name=LPR,
        point=tenor,
        on=on,
        known_on=known_on,
    )
    if last is None:
        return None
    return RateQuote(
        name=f"LPR_{tenor}",
        value=last.value,
        published_on=last.quote_date,
        known_from=last.known_from,
        document=f"{last.source} {last.document}".strip(),
        grade=last.grade,
        confirmed=False,
        note="本机构导入",
    )

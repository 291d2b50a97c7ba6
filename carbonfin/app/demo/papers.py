"""What the demonstration leaves in a folder: term sheet, valuation, quality, subsidy report and a summary."""

import json
from pathlib import Path

from sqlmodel import Session

from carbonfin.app.demo.run import DemoOutcome
from carbonfin.kernel.allowances import SCHEME_NAMES_ZH
from carbonfin.kernel.dates import Clock, end_of_china_day
from carbonfin.rules.record import canonical
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from collateral import service as collateral_service
from loans.service.term_sheets import term_sheet_docx, term_sheet_pdf
from pricing import workbooks as pricing_workbooks
from pricing.calc.quality import QualityReport
from pricing.service import market_days
from reporting import workbooks as reporting_workbooks


def write_papers(
    outcome: DemoOutcome, sessions: Sessions, *, clock: Clock, folder: Path, address: str, verified_at: str
) -> list[Path]:
    """Write every document of the run and give the files; equal runs write equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    created_at = end_of_china_day(outcome.world.business_date)
    number = outcome.term_sheet.entry.number
    with sessions.read() as session:
        addresses = {"address": address, "verified_at": verified_at}
        pdf = term_sheet_pdf(session, outcome.maker, outcome.term_sheet, **addresses)
        docx = term_sheet_docx(session, outcome.maker, outcome.term_sheet, **addresses)
        markets = {
            f"market-{report.unit}.xlsx": _market_workbook(session, outcome, report) for report in outcome.quality
        }
    valuation = pricing_workbooks.valuation_table(
        outcome.valuation.value,
        portfolio_name=outcome.world.portfolio.name,
        valuation_date=outcome.world.business_date,
    )
    papers = {
        f"{number}.pdf": pdf,
        f"{number}.docx": docx,
        f"subsidy-report-{outcome.report.quarter}.xlsx": reporting_workbooks.report_xlsx(outcome.report),
        f"subsidy-report-{outcome.report.quarter}.csv": reporting_workbooks.report_csv(outcome.report),
        f"subsidy-report-{outcome.report.quarter}.json": reporting_workbooks.report_json(outcome.report),
        "portfolio-valuation.xlsx": pricing_workbooks.workbook_of(
            valuation, title=valuation.title, created_at=created_at
        ),
        **markets,
        "summary.json": _summary(outcome, sessions, clock).encode(),
    }
    for name, content in papers.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in papers]


def _market_workbook(session: Session, outcome: DemoOutcome, report: QualityReport) -> bytes:
    """Write the quotes up to the business date, the exchange in every row, with what the checks found."""
    day = outcome.world.business_date
    known_at = end_of_china_day(day)
    quotes = market_days(session, outcome.maker, unit=report.unit, from_date=None, to_date=day, known_at=known_at)
    table = pricing_workbooks.quote_table(
        quotes, unit_name=f"{SCHEME_NAMES_ZH[report.unit.scheme]} {report.unit}", to_date=day, report=report
    )
    return pricing_workbooks.workbook_of(
        table, pricing_workbooks.quality_table(report), title=table.title, created_at=known_at
    )


def _summary(outcome: DemoOutcome, sessions: Sessions, clock: Clock) -> str:
    """Write the main figures as JSON."""
    maker = outcome.maker
    with sessions.read() as session:
        standing = standing_of(session, maker.organization_id, clock)
        pledges = collateral_service.pledges_of(session, maker)
        coverages = collateral_service.latest_coverages(session, maker, standing=standing)
        headrooms = collateral_service.latest_headrooms(session, maker, standing=standing)
        calls = collateral_service.live_calls(session, maker)
    codes = {party.id: code for code, party in outcome.parties.items()}
    summary = {
        "business_date": standing.business_date,
        "portfolio": outcome.valuation.value,
        "quality": [
            {
                "unit": str(report.unit),
                "day_count": report.day_count,
                "days_without_listed_trade": report.days_without_listed_trade,
                "days_without_any_trade": report.days_without_any_trade,
                "days_with_block_trade": report.days_with_block_trade,
            }
            for report in outcome.quality
        ],
        "pledges": [
            {"code": pledge.code, "state": pledge.state, "coverage": coverages.get(pledge.id)} for pledge in pledges
        ],
        "margin_calls": calls,
        "headroom_t": {codes[record.party_id]: record.headroom_t for record in headrooms},
        "term_sheet": outcome.term_sheet.sheet,
        "subsidies": outcome.report.lines,
    }
    return json.dumps(canonical(summary), ensure_ascii=False, indent=2, sort_keys=True) + "\n"

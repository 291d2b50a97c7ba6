"""What the demonstration leaves in a folder: term sheet, valuation, quality, subsidy report and a summary."""

import json
from pathlib import Path

from carbonfin.app.demo.run import DemoOutcome
from carbonfin.kernel.dates import Clock, end_of_china_day
from carbonfin.rules.record import canonical
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import standing_of
from collateral import service as collateral_service
from loans.service.term_sheets import term_sheet_docx, term_sheet_pdf
from pricing import workbooks as pricing_workbooks
from reporting import workbooks as reporting_workbooks


def write_papers(outcome: DemoOutcome, sessions: Sessions, *, clock: Clock, folder: Path, address: str) -> list[Path]:
    """Write every document of the run and give the files; equal runs write equal bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    created_at = end_of_china_day(outcome.world.business_date)
    number = outcome.term_sheet.entry.number
    with sessions.read() as session:
        pdf = term_sheet_pdf(session, outcome.maker, outcome.term_sheet, address=address)
    valuation = pricing_workbooks.valuation_table(
        outcome.valuation.value,
        portfolio_name=outcome.world.portfolio.name,
        valuation_date=outcome.world.business_date,
    )
    quality = [pricing_workbooks.quality_table(report) for report in outcome.quality]
    papers = {
        f"{number}.pdf": pdf,
        f"{number}.docx": term_sheet_docx(outcome.term_sheet, address=address),
        f"subsidy-report-{outcome.report.quarter}.xlsx": reporting_workbooks.report_xlsx(outcome.report),
        f"subsidy-report-{outcome.report.quarter}.csv": reporting_workbooks.report_csv(outcome.report),
        f"subsidy-report-{outcome.report.quarter}.json": reporting_workbooks.report_json(outcome.report),
        "portfolio-valuation.xlsx": pricing_workbooks.workbook_of(
            valuation, title=valuation.title, created_at=created_at
        ),
        **{
            f"quote-quality-{report.unit}.xlsx": pricing_workbooks.workbook_of(
                table, title=table.title, created_at=created_at
            )
            for report, table in zip(outcome.quality, quality, strict=True)
        },
        "summary.json": _summary(outcome, sessions, clock).encode(),
    }
    for name, content in papers.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in papers]


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

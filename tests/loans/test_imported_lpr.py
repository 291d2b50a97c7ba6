"""A loan's rate rests on the LPR that its bank imported where that is later than the public table's."""

from datetime import date
from decimal import Decimal

import pytest

from carbonfin.storage.engine import Sessions
from loans import service
from pricing.feeds.curve_files import CurveFileKind
from pricing.service import import_curve_file
from tests.loans.world import BUSINESS_DATE, KNOWN_AT, Bank, furnished_bank


@pytest.fixture
def bank(sessions: Sessions) -> Bank:
    with sessions.begin() as session:
        return furnished_bank(session)


def test_a_decision_takes_the_imported_publication(sessions: Sessions, bank: Bank) -> None:
    """The public 3.00 % gives 3.29 % with 40 points and the concession; 2.95 % gives five points less."""

    def executed() -> Decimal:
        with sessions.begin() as session:
            return service.decide_rate(
                session, bank.officer, bank.clothing.id, margin_bp=40, lpr_tenor="1Y", applies_from=date(2025, 7, 1),
                decided_on=BUSINESS_DATE, known_at=KNOWN_AT,
            ).outcome.executed_rate  # fmt: skip

    before = executed()
    with sessions.begin() as session:
        report = import_curve_file(
            session, bank.officer, kind=CurveFileKind.RATES, file_name="lpr.csv", exchange="全国银行间同业拆借中心",
            content="利率名称,期限,日期,利率(%)\nLPR,1Y,2025-06-20,2.95\n".encode(), document="公告",
            known_at=KNOWN_AT, preview=False,
        )  # fmt: skip
    assert report.stored, report.failures
    assert (before, executed()) == (Decimal("0.0329"), Decimal("0.0324"))

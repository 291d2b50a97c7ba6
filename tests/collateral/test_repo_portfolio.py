"""A counterparty's list of repos against ours: by value, not by digits; every difference named once."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from carbonfin.storage.engine import Sessions
from collateral import service
from collateral.calc.repo_portfolio import ListedRepo, PortfolioInputs, TradeDifferenceKind, compare_portfolios
from collateral.feeds.portfolio_files import PORTFOLIO_COLUMNS, read_portfolio_file
from tests.collateral.desk import Desk, repo_r1

R1 = ListedRepo(
    code="R1", unit="SZA-2023", quantity_t=100000, purchase_date=date(2025, 5, 20), repurchase_date=date(2025, 7, 21),
    currency="HKD", purchase_price_amount=Decimal("2400000.00"), rate=Decimal("0.0420"),
    margin_cash_amount=Decimal("0.00"),
)  # fmt: skip


def compared(ours: tuple[ListedRepo, ...], theirs: tuple[ListedRepo, ...]) -> list[tuple[str, str, str, str]]:
    inputs = PortfolioInputs(
        counterparty="HK1", on=date(2025, 6, 30), file_name="a.csv", file_digest="0" * 64, ours=ours, theirs=theirs
    )
    outcome = compare_portfolios(inputs)
    assert outcome.agreeing_count == len({one.code for one in ours} & {one.code for one in theirs}) - len(
        {one.code for one in outcome.differences if one.kind is TradeDifferenceKind.TERM}
    )
    return [(str(one.kind), one.code, one.field, one.theirs) for one in outcome.differences]


def test_each_difference_is_named() -> None:
    assert compared((R1,), (replace(R1, rate=Decimal("0.042"), margin_cash_amount=None),)) == []
    assert compared((R1,), ()) == [("ours_alone", "R1", "", "")]
    assert compared((), (R1,)) == [("theirs_alone", "R1", "", "")]
    other = replace(R1, quantity_t=90000, repurchase_date=date(2025, 7, 22))
    assert compared((R1, replace(R1, code="R2")), (other, replace(R1, code="R3"))) == [
        ("term", "R1", "quantity_t", "90000"),
        ("term", "R1", "repurchase_date", "2025-07-22"),
        ("ours_alone", "R2", "", ""),
        ("theirs_alone", "R3", "", ""),
    ]


def test_faults_of_a_file_are_listed_by_line_and_column() -> None:
    head, row = PORTFOLIO_COLUMNS.example.strip().split("\n")
    text = "\n".join([head, row, row, row.replace("R1", "R4").replace("100000", "many"), row.replace("R1", "")])
    found = read_portfolio_file(text.encode(), file_name="a.csv")
    assert [(one.item, one.field) for one in found.failures] == [
        ("line 3", "code"), ("line 4", "quantity_t"), ("line 5", "code"),
    ]  # fmt: skip


def test_a_list_is_compared_with_the_books_and_kept(desk_sessions: Sessions, desk: Desk) -> None:
    content = PORTFOLIO_COLUMNS.example.replace("2400000.00", "2500000.00").encode()
    with desk_sessions.begin() as session:
        service.open_repo(session, desk.maker, repo_r1(desk), standing=desk.standing)
        report = service.reconcile_portfolio(
            session, desk.maker, desk.parties["HK1"], content=content, file_name="清单.csv", standing=desk.standing
        )
    assert report.outcome is not None
    (one,) = report.outcome.differences
    assert (one.code, one.field, one.ours, one.theirs) == ("R1", "purchase_price_amount", "2400000.00", "2500000.00")
    assert report.decision_id is not None

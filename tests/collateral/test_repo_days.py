"""A repo is refused on a price that is too old, and on a vintage that ends before the units are bought back."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from carbonfin.kernel.errors import Conflict
from carbonfin.kernel.units import Currency
from carbonfin.storage.decisions import replay_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rulebook import enter_parameter
from collateral import service
from tests.collateral.desk import CLOCK, Desk
from tests.collateral.test_repo_contracts import contract, opened
from tests.collateral.world import TODAY, parameter


@pytest.mark.parametrize("last", ["2025-07-29", "2025-07-30"])
def test_a_vintage_serves_until_its_last_day_and_not_after(desk_sessions: Sessions, desk: Desk, last: str) -> None:
    """The units are bought back on 30 July."""
    given = contract(desk, Currency.CNY, "1000000.00")
    with desk_sessions.begin() as session:
        ends = parameter("pricing.last_usable_date", last, scope="SZA-2023", unit="date")
        enter_parameter(session, desk.maker, desk.checker, ends, reason="样例", at=CLOCK.now())
    if last == "2025-07-30":
        repo = opened(desk_sessions, desk, given)
        with desk_sessions.read() as session:
            assert replay_decision(session, service.DECISION_KINDS, repo.start_decision_id).same
        return
    with desk_sessions.read() as session:
        weighed = service.preview_repo(session, desk.maker, given, standing=desk.standing)
    assert [one.code for one in weighed.start.refusals or ()] == ["vintage-ends-first"]
    said = "SZA-2023 is last usable on 2025-07-29, the repurchase is on 2025-07-30"
    with desk_sessions.begin() as session, pytest.raises(Conflict, match=said) as refused:
        service.propose_repo(session, desk.maker, given, standing=desk.standing, reason="合同")
    assert "SZA-2023 最后可用日为 2025-07-29，早于购回日 2025-07-30" in refused.value.zh


def test_a_price_that_is_too_old_opens_nothing(desk_sessions: Sessions, desk: Desk) -> None:
    """The last quotes are of 30 June; 14 July is ten trading days later, and five are allowed."""
    day = TODAY + timedelta(days=14)
    given = replace(
        contract(desk, Currency.CNY, "1000000.00"), purchase_date=day, repurchase_date=date(2025, 8, 14)
    )  # fmt: skip
    with desk_sessions.begin() as session:
        late = service.standing_on(session, desk.maker, day)
        with pytest.raises(Conflict, match="of 2025-06-30, 10 trading days old, more than 5; load quotes") as refused:
            service.propose_repo(session, desk.maker, given, standing=late, reason="合同")
    assert (refused.value.field, "请补录至 2025-07-14 的行情后重新提交" in refused.value.zh) == ("unit", True)

"""What happens to a repo as an officer meets it on its pages, over the sample world."""

import pytest

from collateral import service
from collateral.store.repos import change_repo_state
from tests.app.worlds import PAGE
from tests.journeys.test_margin_pages import send, signed_in
from tests.journeys.worlds import SampleCopy


@pytest.fixture
def world(sample: SampleCopy, tmp_path_factory: pytest.TempPathFactory) -> SampleCopy:
    return sample.copied(tmp_path_factory.mktemp("repos"))


def repo_id(world: SampleCopy) -> str:
    """Give the sample repo with its margin call met: nothing else may happen to one that waits for margin."""
    with world.opened() as sessions, sessions.begin() as session:
        found = service.repo_by_code(session, world.outcome.maker, "R1")
        assert found is not None
        assert found.state == "MARGIN_PENDING"
        change_repo_state(session, found, state="OPEN")
        return found.id


def test_an_event_is_weighed_with_its_trace_and_put_before_a_checker(world: SampleCopy) -> None:
    identifier = repo_id(world)
    address = f"/repos/{identifier}/events/new"
    with signed_in(world, "maker") as client:
        choices = client.get(address, headers=PAGE).text
        empty = client.get(f"{address}?kind=terminate", headers=PAGE).text
        status, weighed = send(
            client, address, {"action": "preview", "kind": "terminate", "notice_days": "3", "reason": "按合同通知"}
        )
        missing, said = send(client, address, {"action": "preview", "kind": "rate", "reason": "同意"})
        asked, _ = send(
            client, address, {"action": "ask", "kind": "terminate", "notice_days": "3", "reason": "按合同通知"}
        )
        shown = client.get(f"/repos/{identifier}", headers=PAGE).text
    assert "提前终止通知" in choices
    assert 'name="notice_days"' in empty
    # three open days after Monday 30 June 2025
    assert (status, "2025-07-03" in weighed, "notice day + open days" in weighed) == (200, True, True)
    assert (missing, "请填写回购利率" in said) == (422, True)
    assert asked == 303
    assert "待复核" in shown


def test_a_contract_is_weighed_before_it_is_put_before_a_checker(world: SampleCopy) -> None:
    form = {
        "action": "preview", "code": "R9", "seller": "91440300EXAMPLE541", "buyer": "0000EXAMPLEHK0000098",
        "bank_role": "arranger", "unit": "SZA-2023", "quantity_t": "1000", "purchase_date": "2025-06-30",
        "repurchase_date": "2025-07-30", "currency": "CNY", "purchase_price_amount": "10000.00", "rate": "0.0360",
        "haircut_ratio": "0.20", "settlement": "DvP", "reason": "合同",
    }  # fmt: skip
    with signed_in(world, "maker") as client:
        status, weighed = send(client, "/repos/new", form)
        refused, said = send(client, "/repos/new", {**form, "action": "ask"})
        asked, _ = send(client, "/repos/new", {**form, "action": "ask", "override_reason": "决议"})
    # 1,000 t at 40.00 less 20 % and, 10 % lower, 36,000 x 0.80 = 28,800 against 10,000
    assert status == 200
    assert all(part in weighed for part in ("32,000.00", "低于本行政策", "-18,800.00", "该年度配额归零", "融资交易"))
    assert (refused, "约定折扣系数" in said) == (422, True)
    assert asked == 303

"""Kinds of failure, batches and actors."""

import dataclasses
import inspect
import pickle
import re
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from carbonfin.kernel import errors
from carbonfin.kernel.actors import Actor, OrganizationKind, Role
from carbonfin.kernel.batch import Batch, Failure
from carbonfin.kernel.errors import ERROR_KINDS, CarbonFinError, MissingData


def test_every_kind_is_listed_once_with_its_own_code() -> None:
    kinds = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, CarbonFinError) and kind is not CarbonFinError
    ]
    assert set(kinds) == set(ERROR_KINDS)
    codes = [kind.code for kind in ERROR_KINDS]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)
    assert all(kind.__doc__ for kind in ERROR_KINDS)


def test_an_error_carries_words_for_both_readers_and_its_context() -> None:
    error = MissingData(
        "CEA 2024 has no quote on 2026-03-02", zh="CEA 2024 在 2026-03-02 没有报价", field="valuation_date",
        remedy="Load quotes or choose 2026-02-27.", remedy_zh="请导入报价或选择 2026-02-27。", nearest="2026-02-27",
    )  # fmt: skip
    assert str(error) == error.detail == "CEA 2024 has no quote on 2026-03-02"
    assert error.context == {"nearest": "2026-02-27"}


@pytest.mark.parametrize("kind", ERROR_KINDS)
def test_errors_survive_the_way_between_processes(kind: type[CarbonFinError]) -> None:
    error = kind("what", zh="何事", field="f", remedy="do", remedy_zh="办", limit=3)
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(copy) is kind
    assert str(copy) == "what"
    assert vars(copy) == vars(error)


def _fail_in_a_worker() -> None:
    raise MissingData("no quote", zh="没有报价", field="unit")


def test_a_worker_process_hands_its_failure_home() -> None:
    with (
        ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool,
        pytest.raises(MissingData) as caught,
    ):
        pool.submit(_fail_in_a_worker).result(timeout=60)
    assert caught.value.zh == "没有报价"


def test_a_batch_keeps_values_and_failures_side_by_side() -> None:
    failure = Failure(item="SZA-2024", field="unit", detail="no quote", zh="没有报价")
    batch = Batch(values=(1, 2), failures=(failure,))
    assert (batch.values, batch.failures[0].item) == ((1, 2), "SZA-2024")
    with pytest.raises(dataclasses.FrozenInstanceError):
        batch.values = ()  # type: ignore[misc] # the fault under test


def test_actors_know_role_and_organisation() -> None:
    actor = Actor(
        id="u-1", name="客户经理甲", role=Role.OFFICER, organization_id="o-1",
        organization_kind=OrganizationKind.BANK, is_sample=True,
    )  # fmt: skip
    assert (actor.role, actor.organization_kind) == ("officer", "bank")
    assert {role.value for role in Role} == {
        "system",
        "officer",
        "checker",
        "risk",
        "bureau",
        "auditor",
        "administrator",
        "operator",
    }

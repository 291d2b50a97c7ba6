"""The scorecard on a table of a warehouse: the rating worked out by hand, from Parquet, CSV and in SQL; faults named."""

from io import BytesIO
from pathlib import Path

import duckdb
import polars as pl
import pytest

from carbonfin.kernel.errors import InvalidInput, MissingData
from carbonfin.storage.engine import Sessions
from loans import service
from loans.calc.ratings.rating_account import INPUTS
from tests.loans.scorecard_worlds import fill_scorecard, standing_at
from tests.loans.world import Bank, open_bank

# What test_scorecard_ratings works out by hand from the lines of this enterprise: 1,844.88 t on 6,150 万元, 2,108.33 t on
# 6,000 万元 before; 73.60 points, B, cut 93.73.
CLOTHING = {
    "division": 18, "size_class": 2, "is_key_emitter": 0, "emissions_kg": 1_844_880, "emissions_previous_kg": 2_108_330,
    "is_comparable": 1, "value_added_fen": 6_150_000_000, "value_added_previous_fen": 6_000_000_000,
    "allocation_kg": None, "obligation_kg": 0, "surrendered_on_time_kg": 0, "verification_level": 2,
    "electricity_kwh": 3_600_000, "metered_kwh": 3_600_000, "bill_months_count": 12, "invoice_kwh": 3_564_000,
    "green_kwh": 720_000, "green_deducted_kwh": 0, "target_level": 1, "management_level": 1, "data_quality_grade": 2,
    "false_reporting_count": 0, "missed_surrender_count": 0, "previous_letter": None,
}  # fmt: skip
ROWS = [{"customer": 7, **CLOTHING}, {"customer": 8, **CLOTHING, "emissions_kg": -1}]
SCHEMA = {"customer": pl.Int64, **dict.fromkeys(INPUTS, pl.Int64)}


@pytest.fixture
def bank(sessions: Sessions) -> Bank:
    with sessions.begin() as session:
        made = open_bank(session)
        fill_scorecard(session, made)
    return made


def file_of(name: str) -> bytes:
    content = BytesIO()
    frame = pl.DataFrame(ROWS, schema=SCHEMA)
    if name.endswith(".parquet"):
        frame.write_parquet(content)
    else:
        frame.write_csv(content)
    return content.getvalue()


@pytest.mark.parametrize("name", ["accounts.parquet", "accounts.csv"])
def test_a_table_is_rated_as_by_hand_and_its_faults_are_named(sessions: Sessions, bank: Bank, name: str) -> None:
    with sessions.read() as session:
        rated = service.rate_table_file(
            session, bank.officer, content=file_of(name), file_name=name, standing=standing_at(bank)
        )
    first, second = rated.frame.select("customer", "outcome", "points", "cut_points").rows()
    assert (first[0], first[1], str(first[2]), str(first[3])) == (7, "B", "73.60", "93.73")
    assert second == (8, "INVALID", None, None)
    assert rated.faults.rows() == [(1, "emissions_kg", -1)]
    again = service.rating_table_file(rated.frame, file_name="out.parquet")
    assert pl.read_parquet(BytesIO(again)).equals(rated.frame)


def test_the_method_of_the_day_runs_in_a_warehouse(sessions: Sessions, bank: Bank, tmp_path: Path) -> None:
    with sessions.read() as session:
        made = service.scorecard_as_sql(
            session, bank.officer, relation="account", keys=("customer",), standing=standing_at(bank)
        )
    for name, content in {
        "account": file_of("a.parquet"), "peer_group": made.peer_group, "peer_step": made.peer_step
    }.items():  # fmt: skip
        (tmp_path / f"{name}.parquet").write_bytes(content)
    with duckdb.connect() as warehouse:
        for name in ("account", "peer_group", "peer_step"):
            warehouse.read_parquet(str(tmp_path / f"{name}.parquet")).create(name)
        rows = sorted(warehouse.execute(made.text).fetchall())
    assert [row[:4] for row in rows] == [(7, 1, 7_360, 9_373), (8, 6, 0, 0)]


def test_what_is_no_table_is_refused(sessions: Sessions, bank: Bank) -> None:
    for name, content in {"a.parquet": b"no table", "a.csv": b"division\nC18\n", "b.csv": b"division\n18\n"}.items():
        with sessions.read() as session, pytest.raises(InvalidInput) as refused:
            service.rate_table_file(
                session, bank.officer, content=content, file_name=name, standing=standing_at(bank)
            )  # fmt: skip
        assert refused.value.field in {"file", "size_class"}


def test_without_peers_there_is_no_table(sessions: Sessions) -> None:
    with sessions.begin() as session:
        bank = open_bank(session)
    with sessions.read() as session, pytest.raises(MissingData, match="no benchmark"):
        service.scorecard_as_sql(session, bank.officer, relation="account", keys=(), standing=standing_at(bank))

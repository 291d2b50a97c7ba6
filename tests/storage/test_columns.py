"""The column types: exact on both engines, and strict about what they take."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import RFC_4122, UUID

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, select

from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage import columns
from carbonfin.storage.columns import Json, WrongValueType
from carbonfin.storage.engine import Sessions
from carbonfin.storage.rows import new_id, new_ids
from carbonfin.storage.texts import UnstorableValue
from tests.storage.rows import Shape, TrialRow

AMOUNTS = st.decimals(min_value=-(10**15), max_value=10**15, places=2, allow_nan=False, allow_infinity=False)
RATIOS = st.decimals(min_value=0, max_value=1, places=10, allow_nan=False, allow_infinity=False)


def stored(session: Session, row: TrialRow) -> TrialRow:
    session.add(row)
    session.flush()
    session.expire(row)
    return row


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amounts=st.lists(AMOUNTS, min_size=1, max_size=20), ratios=st.lists(RATIOS, min_size=1, max_size=20))
def test_decimals_come_back_and_sum_exactly(sessions: Sessions, amounts: list[Decimal], ratios: list[Decimal]) -> None:
    with sessions.begin() as session:
        session.execute(sa.delete(TrialRow))
        session.add_all([TrialRow(amount_cny=amount) for amount in amounts])
        session.add_all([TrialRow(share_ratio=ratio) for ratio in ratios])
    with sessions.read() as session:
        found = session.exec(
            select(TrialRow.amount_cny).where(sa.column("amount_cny").is_not(None)).order_by(TrialRow.amount_cny)  # type: ignore[arg-type]
        ).all()
        sums = session.exec(select(sa.func.sum(TrialRow.amount_cny), sa.func.sum(TrialRow.share_ratio))).one()
    assert [str(amount) for amount in found] == [str(amount + 0) for amount in sorted(amounts)]
    assert sums == (sum(amounts), sum(ratios))


def test_amounts_that_floats_would_change_are_kept(sessions: Sessions) -> None:
    with sessions.begin() as session:
        row = stored(
            session, TrialRow(amount_cny=Decimal("9999999999999999.99"), price_cny_per_t=Decimal("123456789012.123456"))
        )
        assert str(row.amount_cny) == "9999999999999999.99"
        assert str(row.price_cny_per_t) == "123456789012.123456"


def test_an_empty_sum_is_zero_with_places(sessions: Sessions) -> None:
    with sessions.read() as session:
        total = session.exec(select(sa.func.coalesce(sa.func.sum(TrialRow.amount_cny), 0))).one()
    assert str(total) == "0.00"


def test_a_guarded_subtraction_happens_in_sql(sessions: Sessions) -> None:
    with sessions.begin() as session:
        row = stored(session, TrialRow(amount_cny=Decimal("10.10")))
        for wanted, expected_count in ((Decimal("10.11"), 0), (Decimal("10.10"), 1)):
            done = session.execute(
                sa.update(TrialRow)
                .where(TrialRow.amount_cny - wanted >= Decimal(0))  # type: ignore[operator,arg-type]
                .values(amount_cny=TrialRow.amount_cny - wanted)  # type: ignore[operator]
            )
            assert done.rowcount == expected_count  # type: ignore[attr-defined]
        session.refresh(row)
        assert row.amount_cny == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount_cny", 1.5),
        ("amount_cny", "1.50"),
        ("amount_cny", True),
        ("quantity_t", 1.0),
        ("quantity_t", True),
        ("is_sample", 1),
        ("due_date", datetime(2025, 6, 30, tzinfo=UTC)),
        ("due_date", "2025-06-30"),
        ("seen_at", datetime(2025, 6, 30)),  # noqa: DTZ001 - the naive one is the point
        ("seen_at", date(2025, 6, 30)),
        ("shape", "oval"),
        ("terms", {"rate": 0.1}),
        ("terms", {1: "x"}),
        ("name", 7),
    ],
)
def test_values_of_the_wrong_type_are_refused(sqlite_sessions: Sessions, field: str, value: Any) -> None:
    with pytest.raises(columns.WrongValueType), sqlite_sessions.begin() as session:
        session.add(TrialRow(**{field: value}))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount_cny", Decimal("0.001")),
        ("amount_cny", Decimal("10000000000000000.00")),
        ("amount_cny", Decimal("1E+30")),
        ("amount_cny", Decimal("NaN")),
        ("amount_cny", Decimal("Infinity")),
        ("share_ratio", Decimal("0.00000000001")),
        ("quantity_t", 2**63),
        ("name", "a\x00b"),
        ("name", "\ud800"),
        ("name", "合同\u202eexe.pdf"),
        ("name", "\u2066甲方\u2069"),
        ("terms", {"a": "\x00"}),
        ("terms", {"a": "\u202e"}),
    ],
)
def test_values_that_would_be_cut_are_refused_alike(sessions: Sessions, field: str, value: Any) -> None:
    with pytest.raises(InvalidInput), sessions.begin() as session:
        session.add(TrialRow(**{field: value}))


def test_products_of_scaled_columns_are_refused() -> None:
    with pytest.raises(columns.WrongValueType):
        _ = TrialRow.amount_cny * TrialRow.price_cny_per_t  # type: ignore[operator]
    with pytest.raises(columns.WrongValueType):
        _ = 2 * TrialRow.amount_cny  # type: ignore[operator]
    with pytest.raises(columns.WrongValueType):
        _ = TrialRow.amount_cny < TrialRow.price_cny_per_t  # type: ignore[operator]


def test_bounds_hold_in_the_database(sessions: Sessions) -> None:
    for inside in (Decimal(0), Decimal(1), Decimal("0.4")):
        with sessions.begin() as session:
            session.add(TrialRow(share_ratio=inside))
    for outside in (Decimal("-0.0000000001"), Decimal("1.0000000001")):
        with pytest.raises(sa.exc.IntegrityError, match="share_ratio_within"), sessions.begin() as session:
            session.add(TrialRow(share_ratio=outside))


def test_instants_come_back_in_utc_and_in_order(sessions: Sessions) -> None:
    shanghai = timezone(timedelta(hours=8))
    instants = [
        datetime(2025, 6, 30, 23, 59, 59, 999999, tzinfo=shanghai),
        datetime(2025, 6, 30, 15, 59, 59, tzinfo=UTC),
        datetime(2025, 6, 30, 16, 0, 0, 1, tzinfo=UTC),
    ]
    with sessions.begin() as session:
        session.add_all([TrialRow(seen_at=instant) for instant in instants])
    with sessions.read() as session:
        found = session.exec(select(TrialRow.seen_at).order_by(TrialRow.seen_at)).all()  # type: ignore[arg-type]
        latest = session.exec(select(sa.func.max(TrialRow.seen_at))).one()
    assert found == sorted(instants)
    assert {instant.utcoffset() for instant in found if instant} == {timedelta(0)}
    assert latest == instants[2]


def test_text_sorts_by_code_point_and_enumerations_by_value(sessions: Sessions) -> None:
    names = ["b", "B", "a", "示例", "_", "é"]
    with sessions.begin() as session:
        session.add_all([TrialRow(name=name, shape=Shape.ROUND) for name in names])
    with sessions.read() as session:
        assert session.exec(select(TrialRow.name).order_by(TrialRow.name)).all() == sorted(names)  # type: ignore[arg-type]
        assert session.exec(select(TrialRow.shape)).first() is Shape.ROUND
        assert session.execute(sa.text("SELECT DISTINCT shape FROM trial")).scalars().all() == ["round-value"]


def test_json_keys_come_back_sorted(sessions: Sessions) -> None:
    with sessions.begin() as session:
        row = stored(session, TrialRow(terms={"zz": [1, None, True], "a": {"品种": "CEA", "b": "0.10"}}))
        assert list(row.terms) == ["a", "zz"]  # type: ignore[arg-type]
        assert row.terms == {"a": {"b": "0.10", "品种": "CEA"}, "zz": [1, None, True]}


ODD_JSON: tuple[Any, ...] = (
    {"b": ["吨", 1, None, True, {"z": 'a"\\/', "a": []}], "a": "one\ttwo\n\x7f\x01"},
    {"big": 2**70, "edge": -(2**63), "emoji": "😀é", "空": ""},
    ["x", ("y", [])],
)


def test_json_is_written_on_sqlite_as_python_writes_it(sqlite_sessions: Sessions) -> None:
    dialect, column = sqlite_sessions.engine.dialect, Json()
    for value in ODD_JSON:
        written = column.process_bind_param(value, dialect)
        assert written == json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        assert column.process_result_value(written, dialect) == json.loads(written)
    assert list(column.process_result_value('{"b":1,"a":2}', dialect)) == ["a", "b"]
    for refused in ({"a": [0.5]}, {"a": "\x00"}, {"a\u202e": 1}, {1: 2}, {None: 1}, {"a": {1}}):
        with pytest.raises((WrongValueType, UnstorableValue)):
            column.process_bind_param(refused, dialect)
    with pytest.raises(WrongValueType):
        column.process_result_value('{"a":0.5}', dialect)


def test_identifiers_drawn_at_once_are_random_uuids_in_order() -> None:
    drawn = [*new_ids(200), new_id()]
    assert {(UUID(one).version, UUID(one).variant, str(UUID(one)) == one) for one in drawn} == {(4, RFC_4122, True)}
    assert (len(set(drawn)), drawn[:-1]) == (201, sorted(drawn[:-1]))
    assert {one[19] for one in drawn} == set("89ab")


def test_whole_numbers_have_64_bits_and_sum_as_int(sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.add_all([TrialRow(quantity_t=2**62), TrialRow(quantity_t=2**61)])
    with sessions.read() as session:
        total = session.exec(select(sa.func.sum(TrialRow.quantity_t))).one()
    assert total == 2**62 + 2**61
    assert type(total) is int


def test_flags_filter(sessions: Sessions) -> None:
    with sessions.begin() as session:
        session.add_all([TrialRow(is_sample=True, name="yes"), TrialRow(is_sample=False, name="no")])
    with sessions.read() as session:
        assert session.exec(select(TrialRow.name).where(TrialRow.is_sample)).all() == ["yes"]  # type: ignore[arg-type]
        assert session.exec(select(TrialRow.name).where(TrialRow.is_sample == False)).all() == ["no"]  # noqa: E712


def test_a_decimal_without_a_stated_type_is_refused() -> None:
    with pytest.raises(columns.WrongValueType, match="name an exact type"):
        sa.Table("loose", TrialRow.metadata, sa.Column("amount", sa.Numeric(10, 2)))


def test_sqlite_tables_are_strict(sqlite_sessions: Sessions) -> None:
    with pytest.raises(sa.exc.IntegrityError, match="cannot store TEXT"), sqlite_sessions.begin() as session:
        session.execute(sa.text("INSERT INTO trial (id, amount_cny) VALUES ('x', 'ten')"))

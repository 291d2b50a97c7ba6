"""Columns of positions: what a row may hold, and blocks of bytes that give the same columns back or are refused."""

import hashlib
import json
import struct
from dataclasses import fields, replace

import numpy as np
import pytest

from carbonfin.kernel.errors import InvalidInput
from pricing.calc.book.blocks import from_block, to_block
from pricing.calc.book.columns import Instrument, PositionColumns, checked_positions, day_of, serial_of
from tests.pricing.book.books import VALUATION_DATE, random_positions


def _checked(positions: PositionColumns) -> tuple[PositionColumns, list[tuple[str, str | None]]]:
    batch = checked_positions(positions, valuation_date=VALUATION_DATE, product_count=3, currency_count=2)
    assert all(each.detail and each.zh.startswith("第 ") and each.remedy and each.remedy_zh for each in batch.failures)
    return batch.values[0], [(each.item, each.field) for each in batch.failures]


def _with(positions: PositionColumns, row: int, **values: float) -> PositionColumns:
    changed = {}
    for name, value in values.items():
        column = getattr(positions, name).copy()
        column[row] = value
        changed[name] = column
    return replace(positions, **changed)


def test_serial_numbers_are_quantlib_and_spreadsheet_ones() -> None:
    assert serial_of(day_of(45_658)) == 45_658
    assert day_of(45_658).isoformat() == "2025-01-01"  # as spreadsheets show it


def test_good_rows_pass_untouched() -> None:
    positions = random_positions(1_000)
    good, failures = _checked(positions)
    assert good is positions
    assert failures == []


@pytest.mark.parametrize(
    ("instrument", "values", "field"),
    [
        (Instrument.FORWARD, {"quantity_t": np.nan}, "quantity_t"),
        (Instrument.FORWARD, {"quantity_t": np.inf}, "quantity_t"),
        (Instrument.FORWARD, {"quantity_t": 0.0}, "quantity_t"),
        (Instrument.FORWARD, {"quantity_t": -2e8}, "quantity_t"),
        (Instrument.SPOT, {"quantity_t": -1.0}, "quantity_t"),
        (Instrument.FORWARD, {"strike_per_t": np.nan}, "strike_per_t"),
        (Instrument.FUTURES, {"strike_per_t": -1.0}, "strike_per_t"),
        (Instrument.EUROPEAN_OPTION, {"strike_per_t": 1e5}, "strike_per_t"),
        (Instrument.SPOT, {"strike_per_t": 1.0}, "strike_per_t"),
        (Instrument.FORWARD, {"delivery_serial": serial_of(VALUATION_DATE) - 1}, "delivery_serial"),
        (Instrument.FORWARD, {"delivery_serial": 2_000_000_000}, "delivery_serial"),
        (Instrument.SPOT, {"delivery_serial": 46_500}, "delivery_serial"),
        (Instrument.EUROPEAN_OPTION, {"expiry_serial": 0}, "expiry_serial"),
        (Instrument.EUROPEAN_OPTION, {"expiry_serial": 60_000}, "expiry_serial"),
        (Instrument.FORWARD, {"expiry_serial": 46_500}, "expiry_serial"),
        (Instrument.FORWARD, {"option_sign": 1}, "option_sign"),
        (Instrument.EUROPEAN_OPTION, {"option_sign": 0}, "option_sign"),
        (Instrument.FORWARD, {"settlement": 1}, "settlement"),
        (Instrument.FUTURES, {"settlement": 0}, "settlement"),
        (Instrument.EUROPEAN_OPTION, {"settlement": 2}, "settlement"),
        (Instrument.FORWARD, {"product_id": 3}, "product_id"),
        (Instrument.FORWARD, {"product_id": -1}, "product_id"),
        (Instrument.FORWARD, {"currency_id": 2}, "currency_id"),
        (Instrument.FORWARD, {"netting_set_id": -1}, "netting_set_id"),
    ],
)
def test_a_bad_row_is_named_and_left_out(instrument: Instrument, values: dict[str, float], field: str) -> None:
    positions = random_positions(20, instruments=(instrument,))
    good, failures = _checked(_with(positions, 7, **values))
    assert failures == [("line 8", field)]
    assert good.line_number.tolist() == [line for line in range(1, 21) if line != 8]


def test_an_unknown_instrument_is_named_first() -> None:
    _, failures = _checked(_with(random_positions(20), 7, instrument=9))
    assert failures[0] == ("line 8", "instrument")


def test_a_million_lines_with_three_bad_ones() -> None:
    positions = random_positions(1_000_000)
    forward = np.flatnonzero(positions.instrument == Instrument.FORWARD)[[10, 20_000, 200_000]]
    bad = _with(positions, forward[0], quantity_t=np.nan)
    bad = _with(bad, forward[1], delivery_serial=40_000)
    bad = _with(bad, forward[2], currency_id=7)
    good, failures = _checked(from_block(to_block(bad)))
    lines = [f"line {row + 1}" for row in forward]
    assert failures == list(zip(lines, ("quantity_t", "delivery_serial", "currency_id"), strict=True))
    assert good.count == 999_997
    assert not np.isin(forward + 1, good.line_number).any()


def test_columns_of_another_type_or_length_are_refused() -> None:
    positions = random_positions(5)
    with pytest.raises(InvalidInput, match="product_id is int64"):
        replace(positions, product_id=positions.product_id.astype(np.int64))
    with pytest.raises(InvalidInput, match="settlement is int8"):
        replace(positions, settlement=positions.settlement[:4])


# --- blocks -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("count", [0, 1, 4_097])
def test_a_block_gives_the_same_columns_back(count: int) -> None:
    positions = random_positions(count)
    block = to_block(positions)
    found = from_block(block)
    for item in fields(PositionColumns):
        assert np.array_equal(getattr(found, item.name), getattr(positions, item.name)), item.name
        assert not getattr(found, item.name).flags.writeable
    assert to_block(found) == block


def test_the_bytes_of_a_block_are_what_its_layout_says() -> None:
    block = to_block(random_positions(3).at(slice(2, 3)))
    magic, header_bytes = struct.unpack_from("<8sI", block)
    header = json.loads(block[12 : 12 + header_bytes])
    assert magic == b"CFBOOK\x00\x01"
    assert (12 + header_bytes) % 64 == 0
    assert header["count"] == 1
    assert header["columns"][0] == ["line_number", "<i4"]
    assert block[12 + header_bytes :][:4] == b"\x03\x00\x00\x00"
    assert len(block) == 12 + header_bytes + 64 * len(header["columns"])
    stated = json.dumps({"columns": header["columns"], "count": 1}, separators=(",", ":"), sort_keys=True)
    assert header["sha256"] == hashlib.sha256(stated.encode() + block[12 + header_bytes :]).hexdigest()


def _restated(block: bytes, **changed: object) -> bytes:
    """Give the block with another header."""
    (length,) = struct.unpack_from("<I", block, 8)
    header = json.dumps(json.loads(block[12 : 12 + length]) | changed).encode()
    return block[:8] + struct.pack("<I", len(header)) + header + block[12 + length :]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda block: block[:0], "0 bytes, less than its head"),
        (lambda block: b"PK\x03\x04" + block[4:], "starts with"),
        (lambda block: block[:7] + b"\x02" + block[8:], "version 2, version 1 is read here"),
        (lambda block: block[:8] + b"\xff\xff\xff\xff" + block[12:], "header is said to have 4294967295 bytes"),
        (lambda block: block[:12] + b"?" + block[13:], "not JSON"),
        (lambda block: block[:12] + b"\xff" + block[13:], "not JSON"),
        (lambda block: _restated(block, count=-1), "count of positions is -1"),
        (lambda block: _restated(block, count=True), "count of positions is True"),
        (lambda block: _restated(block, count=10**30), "positions take"),
        (lambda block: _restated(block, columns=[["quantity_t", "<f4"]]), "its columns are"),
        (lambda block: _restated(block, more=1), "alone"),
        (lambda block: block[:-1], "bytes where 9 positions take"),
        (lambda block: block + b"\x00", "bytes where 9 positions take"),
        (lambda block: _restated(block, count=10), "do not have the digest"),
        (lambda block: block[:-700] + b"\x07" + block[-699:], "do not have the digest"),
    ],
)
def test_a_malformed_block_is_refused_precisely(spoil: object, why: str) -> None:
    assert callable(spoil)
    with pytest.raises(InvalidInput, match="not a block of positions") as refused:
        from_block(spoil(to_block(random_positions(9))))
    assert why in refused.value.detail
    assert refused.value.field == "block"

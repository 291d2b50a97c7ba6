"""Values of lines written as JSON straight from arrays, to the very bytes that writing value by value gives.

What lines share with others of their contract is written once a contract and put in its places; amounts are made into
digits column by column. Nothing is made for a single line.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from pricing.calc.contract_lines import PricedLines
from pricing.calc.contracts import BoolArray, IntArray
from pricing.calc.positions import kind_labels
from pricing.schemas.columns import PreviewColumnsOut
from pricing.schemas.figures import text_of
from pricing.schemas.valuations import PreviewOut, PreviewTotals
from pricing.service import Preview
from pricing.store.line_blocks import Codes

_HALF_BITS = 32
_encode = msgspec.json.encode


def written_columns(priced: PricedLines) -> dict[str, msgspec.Raw]:
    """Give each column as a JSON array."""
    lines, shown, place = priced.lines, priced.shown, priced.lines.contract
    codes = lines.line_id.json if isinstance(lines.line_id, Codes) else _encode(list(lines.line_id))
    labels = [kind_labels(one.kind, is_foreign=one.is_foreign) for one in shown]
    columns = {"line_id": codes}
    columns["kind_zh"] = _gathered([_encode(zh) for zh, _ in labels], place)
    columns["kind_en"] = _gathered([_encode(en) for _, en in labels], place)
    columns["price_cny_per_t"] = _gathered([_encode(text_of(one.price_cny_per_t)) for one in shown], place)
    columns["level"] = _gathered([_encode(one.level) for one in shown], place)
    columns["is_sample"] = _gathered([_encode(one.is_sample) for one in shown], place)
    margin = priced.is_margin
    columns["present_value_cny"] = yuan_array(priced.fen if margin is None else np.where(margin, 0, priced.fen))
    columns["variation_margin_cny"] = _margins(priced.fen, margin)
    columns["is_valuation_only"] = _gathered([_encode(one.is_valuation_only) for one in shown], place)
    columns["is_provisional"] = _gathered([_encode(one.is_provisional) for one in shown], place)
    return {name: msgspec.Raw(column) for name, column in columns.items()}


def written_preview(preview: Preview) -> bytes:
    """Write a preview as columns: the bytes of `PreviewOut` with `columns` for lines."""
    priced = preview.priced
    if priced is None:
        totals = PreviewTotals.of(preview.lines)
        columns: object = PreviewColumnsOut.of(preview.lines)
    else:
        present, margin = totals_fen(priced)
        totals = PreviewTotals(
            present_value_fen=present,
            variation_margin_fen=margin,
            level_max=max((one.level for one in priced.shown), default=None),
            is_sample=any(one.is_sample for one in priced.shown),
            units=priced.priced_units,
        )
        columns = written_columns(priced)
    head = PreviewOut.under(preview, totals, lines=[])
    return _encode(msgspec.structs.asdict(head) | {"columns": columns})


def totals_fen(priced: PricedLines) -> tuple[int, int]:
    """Give the sums of present values and of margins, in whole fen."""
    if priced.is_margin is None:
        return sum_of_fen(priced.fen), 0
    return sum_of_fen(priced.fen[~priced.is_margin]), sum_of_fen(priced.fen[priced.is_margin])


def sum_of_fen(fen: IntArray) -> int:
    """Sum whole numbers by their halves: together they may have more than 64 bits."""
    low = fen & ((1 << _HALF_BITS) - 1)
    return (int((fen >> _HALF_BITS).sum()) << _HALF_BITS) + int(low.sum())


def _margins(fen: IntArray, margin: BoolArray | None) -> bytes:
    if margin is None:
        return _repeated(b"null", fen.size)
    found = iter(yuan_array(fen[margin])[1:-1].split(b","))
    return b"[" + b",".join([next(found) if one else b"null" for one in margin.tolist()]) + b"]"


def _repeated(text: bytes, count: int) -> bytes:
    return b"[" + ((text + b",") * count)[:-1] + b"]"


def _gathered(texts: Sequence[bytes], place: IntArray) -> bytes:
    """Write one text a contract at the places of its lines; JSON has no NUL, by which shorter ones are filled up."""
    if len(set(texts)) == 1:
        return _repeated(texts[0], place.size)
    return b"[" + np.array([b"," + text for text in texts])[place].tobytes().translate(None, _NOTHING)[1:] + b"]"


def yuan_array(fen: IntArray) -> bytes:
    """Write whole fen as a JSON array of yuan with two places, as `yuan_text_of` writes one.

    Four digits are looked up at a time; a place that an amount does not need is NUL, and all of these go at the end.

    Args:
        fen: Shape (lines,), above the least of 64 bits.
    """
    if not fen.size:
        return b"[]"
    amount: npt.NDArray[np.int64] = np.abs(fen)
    rest = amount // 100
    cells = [_CENTS[amount - rest * 100]]
    while len(cells) == 1 or rest.any():
        above = rest // _GROUP
        last = len(cells) == 1
        group = rest - above * _GROUP
        cells.append(np.where(above > 0, _DIGITS[group], (_LAST_DIGITS if last else _FIRST_DIGITS)[group]))
        rest = above
    cells.append(np.where(fen < 0, *_OPENINGS))
    return b"[" + np.stack(cells[::-1], axis=1).tobytes().translate(None, _NOTHING)[1:] + b"]"


def _cells(texts: Sequence[bytes]) -> npt.NDArray[np.uint32]:
    """Give texts of four bytes as numbers that are written as these bytes on this machine."""
    return np.frombuffer(b"".join(texts), dtype=np.uint32)


_NOTHING = b"\0"
_GROUP = 10_000
_CENTS = _cells([b'.%02d"' % number for number in range(100)])
_DIGITS = _cells([b"%04d" % number for number in range(_GROUP)])
_FIRST_DIGITS = _cells([(b"%d" % number if number else b"").rjust(4, _NOTHING) for number in range(_GROUP)])
_LAST_DIGITS = _cells([(b"%d" % number).rjust(4, _NOTHING) for number in range(_GROUP)])
_OPENINGS = _cells([b',"-\0', b',"\0\0'])

"""Lines of a stored book as immutable blocks of columns: written once, read where they lie, known by one digest.

A book is cut into leaves of `LEAF_POSITIONS` lines, whose size is part of the format. A leaf has two blocks
(`pricing.calc.book.containers`), as what is calculated with needs no texts:

- numbers: place of each line's terms among the distinct ones (4 bytes), tonnes (4), agreed price of a forward in
  millionths of a yuan (8; the least number where there is none), and the distinct terms in the order they turn up, a
  JSON array of objects that leave out what a line has not;
- texts: codes and labels as JSON arrays; labels are left out where no line of the leaf has one.

Amounts stand as whole numbers and decimal text, never as floats. The digest of a book covers the digests of all its
blocks in their order, so that one value in another place tells whether anything of it has changed.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, overload

import msgspec
import numpy as np
import numpy.typing as npt
from sqlalchemy.dialects import sqlite

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.units import Currency
from carbonfin.storage.columns import Price
from carbonfin.storage.learned_types import decoded
from carbonfin.storage.texts import storable_text
from pricing.calc.book.containers import Format, malformed, packed, unpacked
from pricing.calc.book.leaves import LEAF_POSITIONS
from pricing.calc.contracts import Contract, ContractBook, contract_of, placed_lines
from pricing.calc.options.kinds import ExerciseStyle, OptionType
from pricing.calc.positions import MAX_PRICE_CNY_PER_T, Averaging, LineKind, PortfolioLine
from pricing.store.quotes import short_price

_NUMBERS = Format(
    magic=b"CFLINES\x01",
    columns={
        "contract": np.dtype("<u4"),
        "quantity_t": np.dtype("<i4"),
        "strike_micro": np.dtype("<i8"),
        "terms": np.dtype("u1"),
    },
    texts=frozenset({"terms"}),
)
_TEXTS = Format(
    magic=b"CFTEXTS\x01",
    columns={"line_id": np.dtype("u1"), "label": np.dtype("u1")},
    texts=frozenset({"line_id", "label"}),
)
_NO_STRIKE = np.iinfo(np.int64).min
_QUANTITY_MAX = np.iinfo(np.int32).max
_MICRO = 1_000_000
_STRIKE_MICRO_MAX = int(MAX_PRICE_CNY_PER_T) * _MICRO
_TERMS_KEPT = 50_000
_PRICE, _EXACT = Price(), sqlite.dialect()
IntArray = npt.NDArray[np.int64]


class _Averaging(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    dates: tuple[date, ...]
    fixed_count: int = 0
    fixed_average_per_t: Decimal | None = None


class _Terms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What lines of a contract share; the names and their order are part of the format."""

    kind: LineKind
    unit: str
    strike_cny_per_t: Decimal | None = None
    delivery_date: date | None = None
    contract_code: str | None = None
    trade_date: date | None = None
    option_type: OptionType | None = None
    option_style: ExerciseStyle | None = None
    expiry_date: date | None = None
    strike_per_t: Decimal | None = None
    averaging: _Averaging | None = None
    currency: Currency | None = None
    master_agreement: str | None = None
    derivatives_licence: str | None = None


_SHARED = tuple(name for name in _Terms.__struct_fields__ if name not in {"unit", "strike_cny_per_t", "averaging"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LineBlock:
    """A leaf of a book as it is kept."""

    line_count: int
    numbers: bytes
    texts: bytes


class Codes(Sequence[str]):
    """Texts kept as JSON arrays, read when one of them is asked for."""

    def __init__(self, arrays: Sequence[bytes], *, count: int) -> None:
        """Take arrays that hold so many texts in all."""
        self._arrays = tuple(arrays)
        self._count = count
        self._read: tuple[str, ...] | None = None

    @property
    def json(self) -> bytes:
        """All of them as one JSON array."""
        return b"[" + b",".join(array[1:-1] for array in self._arrays if array != b"[]") + b"]"

    @property
    def _texts(self) -> tuple[str, ...]:
        if self._read is None:
            self._read = tuple(text for array in self._arrays for text in decoded(array, tuple[str, ...]))
        return self._read

    def __len__(self) -> int:
        """Give their number."""
        return self._count

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[str, ...]: ...
    def __getitem__(self, place: int | slice) -> str | tuple[str, ...]:
        """Give one of them, or some."""
        return self._texts[place]

    def __iter__(self) -> Iterator[str]:
        """Give them in their order."""
        return iter(self._texts)


def blocks_of(lines: Sequence[PortfolioLine]) -> list[LineBlock]:
    """Give the leaves of a book; the same lines give the same bytes.

    Raises:
        UnstorableValue: A price has more than six places, or a text cannot be kept.
    """
    return [_block(lines[first : first + LEAF_POSITIONS]) for first in range(0, len(lines), LEAF_POSITIONS)]


class StoredLines:
    """The lines of a stored book whose blocks have been read and found as they were written."""

    def __init__(self, blocks: Sequence[LineBlock]) -> None:
        """Read the blocks of a book in their order.

        Raises:
            InvalidInput: One cannot be read, or is not of the same lines as its other half.
        """
        read = [unpacked(_NUMBERS, block.numbers) for block in blocks]
        words = [unpacked(_TEXTS, block.texts) for block in blocks]
        self.digest = _book_digest(
            [(one.count, one.sha256, other.count, other.sha256) for one, other in zip(read, words, strict=True)]
        )
        self.count = sum(one.count for one in read)
        terms: dict[bytes, int] = {}
        places = [_placed(one.columns["contract"], one.columns["terms"].tobytes(), terms) for one in read]
        self._terms = tuple(terms)
        self._contract: IntArray = np.concatenate(places) if places else np.zeros(0, dtype=np.int64)
        self._quantity_t = _joined([one.columns["quantity_t"] for one in read])
        self._strike_micro = _joined([one.columns["strike_micro"] for one in read])
        self._codes = Codes([one.columns["line_id"].tobytes() for one in words], count=self.count)
        labels = [one.columns["label"].tobytes() for one in words]
        self._labels = [
            Codes([label], count=one.count) if label != b"[]" else None
            for label, one in zip(labels, words, strict=True)
        ]

    def book(self) -> ContractBook:
        """Give the lines as quantities of contracts."""
        contracts = [_contract(terms) for terms in self._terms]
        is_priced = (self._strike_micro > 0) & (self._strike_micro <= _STRIKE_MICRO_MAX)
        columns, others = placed_lines(
            contracts,
            line_number=np.arange(self.count, dtype=np.int64),
            line_id=self._codes,
            contract=self._contract,
            quantity_t=self._quantity_t,
            strike_cny_per_t=np.where(is_priced, self._strike_micro, 0) / _MICRO,
        )
        return ContractBook(
            columns=columns,
            lines=tuple((place, self.line(place)) for place in others),
            line_at=self.line,
            codes_differ=True,
        )

    def lines(self) -> tuple[PortfolioLine, ...]:
        """Give the lines one by one."""
        return tuple(map(self.line, range(self.count)))

    def line(self, place: int) -> PortfolioLine:
        """Give a line by its place from 0."""
        strike = int(self._strike_micro[place])
        labels = self._labels[place // LEAF_POSITIONS]
        shared = _read_terms(self._terms[int(self._contract[place])])
        return PortfolioLine(
            line_id=self._codes[place],
            label="" if labels is None else labels[place % LEAF_POSITIONS],
            quantity_t=int(self._quantity_t[place]),
            **(shared if strike == _NO_STRIKE else shared | {"strike_cny_per_t": _price(strike)}),
        )


def _book_digest(stated: Sequence[tuple[int, str, int, str]]) -> str:
    """Give the digest of a book: SHA-256 over count and digest of each block, numbers before texts."""
    return hashlib.sha256(msgspec.json.encode({"format": 1, "leaf": LEAF_POSITIONS, "blocks": stated})).hexdigest()


def _placed(contract: npt.NDArray[np.uint32], terms: bytes, known: dict[bytes, int]) -> IntArray:
    """Give the places of a leaf's terms among those of the whole book, which the new ones join."""
    own = [bytes(one) for one in decoded(terms, list[msgspec.Raw])]
    if contract.size and int(contract.max()) >= len(own):
        raise malformed(f"a line has terms {contract.max()} of {len(own)}")
    places = np.array([known.setdefault(one, len(known)) for one in own], dtype=np.int64)
    return places[contract] if own else contract.astype(np.int64)


def _joined(columns: Sequence[npt.NDArray[Any]]) -> IntArray:
    return np.concatenate(columns, dtype=np.int64) if columns else np.zeros(0, dtype=np.int64)


def _block(lines: Sequence[PortfolioLine]) -> LineBlock:
    terms: dict[bytes, int] = {}
    contract = [terms.setdefault(_terms_of(line), len(terms)) for line in lines]
    numbers = {
        "contract": np.array(contract, dtype="<u4"),
        "quantity_t": np.array([_tonnes(line.quantity_t) for line in lines], dtype="<i4"),
        "strike_micro": np.array([_strike_micro(line) for line in lines], dtype="<i8"),
        "terms": _bytes(b"[" + b",".join(terms) + b"]"),
    }
    labels = [storable_text(line.label) for line in lines]
    texts = {
        "line_id": _bytes(msgspec.json.encode([storable_text(line.line_id) for line in lines])),
        "label": _bytes(msgspec.json.encode(labels if any(labels) else [])),
    }
    count = len(lines)
    return LineBlock(
        line_count=count,
        numbers=packed(_NUMBERS, numbers, count=count),
        texts=packed(_TEXTS, texts, count=count),
    )


def _bytes(text: bytes) -> npt.NDArray[np.uint8]:
    return np.frombuffer(text, dtype=np.uint8)


def _tonnes(quantity_t: int) -> int:
    assert abs(quantity_t) <= _QUANTITY_MAX, "a line that is stored is sound by itself"
    return quantity_t


def _strike_micro(line: PortfolioLine) -> int:
    """Give the agreed price of a forward in millionths; that of other kinds belongs to their terms."""
    if line.kind is not LineKind.FORWARD or line.strike_cny_per_t is None:
        return _NO_STRIKE
    return _micro(line.strike_cny_per_t)


@lru_cache(maxsize=_TERMS_KEPT)
def _micro(price: Decimal) -> int:
    """Give a price in millionths, by the rule of columns of prices."""
    return int(_PRICE.process_bind_param(price, _EXACT))


@lru_cache(maxsize=_TERMS_KEPT)
def _price(micro: int) -> Decimal:
    return short_price(Decimal(micro).scaleb(-6))


def _kept_price(price: Decimal | None) -> Decimal | None:
    return None if price is None else _price(_micro(price))


def _terms_of(line: PortfolioLine) -> bytes:
    """Write what a line shares with others of its contract."""
    averaging = line.averaging
    papers = (line.contract_code, line.master_agreement, line.derivatives_licence)
    for paper in papers:
        storable_text(paper or "")
    return msgspec.json.encode(
        _Terms(
            **{name: getattr(line, name) for name in _SHARED if name != "strike_per_t"},
            unit=str(line.unit),
            strike_cny_per_t=None if line.kind is LineKind.FORWARD else _kept_price(line.strike_cny_per_t),
            strike_per_t=_kept_price(line.strike_per_t),
            averaging=None
            if averaging is None
            else _Averaging(
                dates=averaging.dates,
                fixed_count=averaging.fixed_count,
                fixed_average_per_t=_kept_price(averaging.fixed_average_per_t),
            ),
        )
    )


@lru_cache(maxsize=_TERMS_KEPT)
def _read_terms(text: bytes) -> dict[str, Any]:
    """Read terms as fields of a line; nobody writes to what is given."""
    terms = decoded(text, _Terms)
    averaging = terms.averaging
    return {
        **{name: getattr(terms, name) for name in _SHARED},
        "unit": Unit.parse(terms.unit),
        "strike_cny_per_t": terms.strike_cny_per_t,
        "averaging": None
        if averaging is None
        else Averaging(
            dates=averaging.dates,
            fixed_count=averaging.fixed_count,
            fixed_average_per_t=averaging.fixed_average_per_t,
        ),
    }


@lru_cache(maxsize=_TERMS_KEPT)
def _contract(text: bytes) -> Contract | None:
    """Give the contract of some terms, one and the same for all books; None where it is not sound."""
    return contract_of(PortfolioLine(line_id="contract", quantity_t=1, **_read_terms(text)))

"""Exact column types: the same values, sums and orders on SQLite (STRICT tables) and PostgreSQL.

SQLite keeps decimals as floats, drops time zones and stores enumerations by name. These types keep decimals as scaled
integers there, instants as fixed-width UTC text, and refuse what would lose a digit. Use a class as `sa_type`; plain
`str`, `int`, `bool`, `date`, `datetime` and `StrEnum` annotations get theirs (see `carbonfin.storage.rows`).
"""

import json
import operator
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import Any, ClassVar, Self

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DontWrapMixin
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeDecorator, TypeEngine

from carbonfin.storage.plain_json import is_plain_json
from carbonfin.storage.texts import UnstorableValue, storable_text

_POWERS_OF_TEN = tuple(int(f"1{'0' * places}") for places in range(19))
_SCALED_MAX = _POWERS_OF_TEN[18]
_DIGITS_MAX, _INTEGER_MAX = 19, 2**63 - 1
_SORTED = msgspec.json.Encoder(order="sorted")
# Their result has another scale, which SQLite would not know of.
_SCALING_OPERATORS = frozenset({operator.mul, operator.truediv, operator.floordiv, operator.mod, operator.pow})


class WrongValueType(DontWrapMixin, TypeError):
    """A value of the wrong Python type was about to be stored: a fault of the code, not of its user."""


class ExactDecimal(TypeDecorator[Decimal]):
    """A decimal with fixed places: NUMERIC on PostgreSQL, a scaled INTEGER on SQLite.

    At most 18 digits on both, so that sums stay within 64 bits; a value with more places than the column is refused.
    Sums, minima, comparisons and differences of one scale are exact in SQL. Products and quotients are refused in SQL:
    their scale differs by engine, so they are computed in Python.
    """

    impl = sa.Numeric
    cache_ok = True
    precision: ClassVar[int]
    scale: ClassVar[int]

    class Comparator(TypeDecorator.Comparator[Decimal]):
        """Refuses the operators whose result would have another scale."""

        def operate(self, op: OperatorType, *other: Any, **kwargs: Any) -> sa.ColumnElement[Any]:
            """Apply an operator that keeps the scale."""
            self._refuse_other_scale(op, *other)
            return super().operate(op, *other, **kwargs)

        def reverse_operate(self, op: OperatorType, other: Any, **kwargs: Any) -> sa.ColumnElement[Any]:
            """Apply a reflected operator that keeps the scale."""
            self._refuse_other_scale(op, other)
            return super().reverse_operate(op, other, **kwargs)

        def _refuse_other_scale(self, op: OperatorType, *others: Any) -> None:
            if op in _SCALING_OPERATORS:
                raise WrongValueType("multiply and divide exact columns in Python: SQL engines differ in scale")
            own = getattr(self.type, "scale", None)
            for other in others:
                kind = getattr(other, "type", None)
                if isinstance(kind, ExactDecimal) and kind.scale != own:
                    raise WrongValueType(f"columns with {own} and {kind.scale} places do not compare in SQL")

    comparator_factory = Comparator

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the engine's own type."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(sa.Integer())
        return dialect.type_descriptor(sa.Numeric(self.precision, self.scale))

    def process_bind_param(self, value: Decimal | int | None, dialect: Dialect) -> Any:
        """Give what the driver stores; floats and excess places are refused."""
        if value is None:
            return None
        scaled = self._scaled(value)
        return scaled if dialect.name == "sqlite" else Decimal(scaled).scaleb(-self.scale)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Give the exact decimal, always with the column's places."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return Decimal(value).scaleb(-self.scale)
        return Decimal(value).quantize(Decimal(1).scaleb(-self.scale), rounding=ROUND_HALF_EVEN)

    def process_literal_param(self, value: Decimal | int | None, dialect: Dialect) -> str:
        """Write the value into a statement, as CHECK constraints need it."""
        if value is None:
            return "NULL"
        stored = self.process_bind_param(value, dialect)
        return str(stored) if dialect.name == "sqlite" else format(stored, "f")

    def _scaled(self, value: Decimal | int) -> int:
        if isinstance(value, bool) or not isinstance(value, Decimal | int):
            raise WrongValueType(f"{value!r} is {type(value).__name__}; exact columns take Decimal or int")
        number = Decimal(value)
        if number.is_finite() and (number == 0 or number.adjusted() <= _DIGITS_MAX):
            numerator, denominator = number.as_integer_ratio()
            scaled, rest = divmod(numerator * _POWERS_OF_TEN[self.scale], denominator)
            if rest == 0 and abs(scaled) < _SCALED_MAX:
                return scaled
        raise UnstorableValue(
            f"{value} does not fit {18 - self.scale} digits and {self.scale} decimal places exactly",
            zh=f"{value} 超出可精确保存的范围（整数 {18 - self.scale} 位、小数 {self.scale} 位）",
            remedy="Round the value where its rule is known, before it is stored.",
            remedy_zh="请先按规则取位再保存。",
        )


class Amount(ExactDecimal):
    """Money in yuan (or another currency's main unit), two places."""

    cache_ok = True
    precision = 20
    scale = 2


class Price(ExactDecimal):
    """A price per unit, six places."""

    cache_ok = True
    precision = 18
    scale = 6


class Ratio(ExactDecimal):
    """A rate or ratio (0.0345), ten places."""

    cache_ok = True
    precision = 18
    scale = 10


class Quantity(ExactDecimal):
    """A measured quantity (MWh, 万Nm3, fractional tonnes), six places."""

    cache_ok = True
    precision = 18
    scale = 6


class Whole(TypeDecorator[int]):
    """A whole number of 64 bits on both engines: tonnes, minor units, sequences."""

    impl = sa.BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the engine's own type."""
        return dialect.type_descriptor(sa.Integer() if dialect.name == "sqlite" else sa.BigInteger())

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - same on both
        """Refuse floats, texts and what does not fit 64 bits."""
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise WrongValueType(f"{value!r} is {type(value).__name__}; whole-number columns take int")
        if abs(value) > _INTEGER_MAX:
            raise UnstorableValue(f"{value} does not fit 64 bits", zh=f"{value} 超出整数范围")
        return value

    def process_result_value(self, value: Any, dialect: Dialect) -> int | None:  # noqa: ARG002 - same on both
        """Give an int, for sums too (PostgreSQL sums 64-bit integers as numeric)."""
        return None if value is None else int(value)


class Flag(TypeDecorator[bool]):
    """True or false: BOOLEAN on PostgreSQL, 0 or 1 on SQLite."""

    impl = sa.Boolean
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the engine's own type."""
        return dialect.type_descriptor(sa.Integer() if dialect.name == "sqlite" else sa.Boolean())

    def process_bind_param(self, value: bool | None, dialect: Dialect) -> Any:  # noqa: FBT001 - SQLAlchemy's signature
        """Refuse anything but a bool."""
        if value is None:
            return None
        if not isinstance(value, bool):
            raise WrongValueType(f"{value!r} is {type(value).__name__}; flag columns take bool")
        return int(value) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> bool | None:  # noqa: ARG002 - same on both
        """Give a bool."""
        return None if value is None else bool(value)

    def process_literal_param(self, value: bool | None, dialect: Dialect) -> str:  # noqa: FBT001 - SQLAlchemy's
        """Write the value into a statement."""
        return "NULL" if value is None else str(self.process_bind_param(value, dialect)).lower()


class Instant(TypeDecorator[datetime]):
    """An aware instant, to the microsecond, given back in UTC; text of fixed width on SQLite, so that it sorts."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the engine's own type."""
        return dialect.type_descriptor(sa.Text() if dialect.name == "sqlite" else sa.DateTime(timezone=True))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Give UTC; a naive datetime is refused."""
        if value is None:
            return None
        if not isinstance(value, datetime) or value.tzinfo is None:
            raise WrongValueType(f"{value!r} is not an aware datetime; instants carry their zone")
        instant = value.astimezone(UTC)
        if dialect.name != "sqlite":
            return instant
        return f"{instant.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Give an aware datetime in UTC."""
        if value is None:
            return None
        instant = datetime.fromisoformat(value) if dialect.name == "sqlite" else value
        return instant.astimezone(UTC)

    def process_literal_param(self, value: datetime | None, dialect: Dialect) -> str:
        """Write the value into a statement."""
        return "NULL" if value is None else f"'{self.process_bind_param(value, dialect)}'"


class Day(TypeDecorator[date]):
    """A calendar day: DATE on PostgreSQL, ISO text on SQLite."""

    impl = sa.Date
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the engine's own type."""
        return dialect.type_descriptor(sa.Text() if dialect.name == "sqlite" else sa.Date())

    def process_bind_param(self, value: date | None, dialect: Dialect) -> Any:
        """Refuse datetimes: which day they fall on is a question of zone."""
        if value is None:
            return None
        if type(value) is not date:
            raise WrongValueType(f"{value!r} is {type(value).__name__}; day columns take date")
        return value.isoformat() if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> date | None:
        """Give a date."""
        if value is None:
            return None
        return date.fromisoformat(value) if dialect.name == "sqlite" else value

    def process_literal_param(self, value: date | None, dialect: Dialect) -> str:  # noqa: ARG002 - same on both
        """Write the value into a statement."""
        return "NULL" if value is None else f"'{value.isoformat()}'"


class Text(TypeDecorator[str]):
    """Text in code-point order on both engines; NUL, lone surrogates and turns of direction are refused on both."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the engine's own type; PostgreSQL orders by code point only under the collation C."""
        return sa.Text() if dialect.name == "sqlite" else postgresql.TEXT(collation="C")

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - same on both
        """Refuse what is not text that both engines hold."""
        if value is None:
            return None
        if not isinstance(value, str):
            raise WrongValueType(f"{value!r} is {type(value).__name__}; text columns take str")
        return storable_text(str(value))


class Code(TypeDecorator[StrEnum]):
    """A member of an enumeration, stored by its value."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, members: type[StrEnum]) -> None:
        super().__init__()
        self.members = members

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the engine's own type."""
        return sa.Text() if dialect.name == "sqlite" else postgresql.TEXT(collation="C")

    def copy(self, **_: Any) -> Self:
        """Give a type of the same members."""
        return type(self)(self.members)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - same on both
        """Give the value of a member; anything else is refused."""
        if value is None:
            return None
        if value not in set(self.members):
            raise WrongValueType(f"{value!r} is no {self.members.__name__}")
        return str(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> StrEnum | None:  # noqa: ARG002 - same on both
        """Give the member."""
        return None if value is None else self.members(value)


class Json(TypeDecorator[Any]):
    """Plain JSON without floats: JSONB on PostgreSQL, canonical text on SQLite; keys come back sorted on both."""

    impl = sa.JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the engine's own type."""
        return dialect.type_descriptor(sa.Text() if dialect.name == "sqlite" else postgresql.JSONB(none_as_null=True))

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Refuse floats and what is not JSON; numbers with places travel as text."""
        if value is None:
            return None
        is_plain = is_plain_json(value)
        if dialect.name != "sqlite":
            return value if is_plain else _plain_json(value)
        if is_plain:
            return _SORTED.encode(value).decode()
        return json.dumps(_plain_json(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        """Give the value with sorted keys."""
        if value is None:
            return None
        if dialect.name != "sqlite":
            return _plain_json(value)
        found = msgspec.json.decode(value)
        is_as_written = is_plain_json(found) and _SORTED.encode(found) == value.encode()
        return found if is_as_written else _plain_json(json.loads(value))


class Content(TypeDecorator[bytes]):
    """The bytes of a file: BYTEA on PostgreSQL, BLOB in a STRICT table on SQLite; both refuse text."""

    impl = sa.LargeBinary
    cache_ok = True


def _plain_json(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return storable_text(str(value))
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise WrongValueType("JSON objects have text keys")
        return {storable_text(key): _plain_json(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_plain_json(item) for item in value]
    raise WrongValueType(f"{value!r} is {type(value).__name__}; JSON columns take text, int, bool, list and dict")


def within(name: str, kind: type[ExactDecimal], *, low: Decimal, high: Decimal) -> sa.CheckConstraint:
    """Give a CHECK that a decimal column lies within bounds, right on both engines.

    A bound written as text (`"ratio <= 1"`) is wrong on SQLite, where the column holds scaled integers; only
    comparisons with zero may be written so.
    """
    column = sa.column(name, kind())
    return sa.CheckConstraint(
        sa.and_(column >= low, column <= high),
        name=f"{name}_within",
        info={
            "within": {
                "column": name,
                "scale": kind.scale,
                "low": f"{low:.{kind.scale}f}",
                "high": f"{high:.{kind.scale}f}",
            }
        },
    )

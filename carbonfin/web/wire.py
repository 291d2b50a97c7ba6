"""Types of what travels as JSON: exact figures and days as text, structs that refuse unknown fields."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct, ValidationError, convert

from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.trace import Figure

DecimalText = Annotated[
    str,
    Meta(
        pattern=r"^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,10})?$",
        description="An exact decimal as plain text: no thousands separators, no exponent.",
        examples=["0.0345", "-38935.49"],
    ),
]
CnyText = Annotated[
    str,
    Meta(
        pattern=r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,2})?$",
        description="An amount in 元, at most to the fen, as plain text.",
        examples=["2000000.00"],
    ),
]
SignedCnyText = Annotated[
    str,
    Meta(
        pattern=r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,2})?$",
        description="An amount in 元 that may be negative, at most to the fen, as plain text.",
        examples=["-38935.49"],
    ),
]
PriceText = Annotated[
    str,
    Meta(
        pattern=r"^(0|[1-9][0-9]{0,8})(\.[0-9]{1,6})?$",
        description="A price a tonne, as plain text.",
        examples=["75.02"],
    ),
]
RatioText = Annotated[
    str,
    Meta(
        pattern=r"^(0(\.[0-9]{1,10})?|1(\.0{1,10})?)$",
        description="A ratio from 0 to 1, as plain text.",
        examples=["0.40"],
    ),
]
RateText = Annotated[
    str,
    Meta(
        pattern=r"^-?(0|[1-9][0-9]{0,2})(\.[0-9]{1,10})?$",
        description="A rate as a decimal, as plain text: 3.45 % is 0.0345.",
        examples=["0.0345"],
    ),
]
QuantityT = Annotated[
    int,
    Meta(ge=1, le=1_000_000_000, description="Whole tonnes of CO2 equivalent.", examples=[50000]),
]
DayText = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
        description="A day, YYYY-MM-DD.",
        examples=["2025-06-30"],
    ),
]
UsciText = Annotated[
    str,
    Meta(
        min_length=18,
        max_length=18,
        pattern=r"^[0-9A-Z]{18}$",
        description="Unified social credit code (统一社会信用代码), 18 characters; the check character is verified.",
        examples=["91440300EXAMPLE11K"],
    ),
]
LeiText = Annotated[
    str,
    Meta(
        min_length=20,
        max_length=20,
        pattern=r"^[0-9A-Z]{18}[0-9]{2}$",
        description="Legal entity identifier (ISO 17442), 20 characters; the check digits are verified.",
        examples=["0000EXAMPLEHK0000098"],
    ),
]
UnitText = Annotated[
    str,
    Meta(
        pattern=r"^[A-Z]{3,8}(-?[0-9]{4})?$",
        description="Allowance or credit with its vintage: CEA-2023, SZA-2024, CCER.",
        examples=["CEA-2023"],
    ),
]
IdText = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$", description="An identifier.")]
NameText = Annotated[str, Meta(min_length=1, max_length=200, description="A name.")]
NoteText = Annotated[str, Meta(max_length=2000, description="Free words.")]


class FigureOut(Struct, frozen=True, kw_only=True):
    """A traced figure: its value, how it came about and whether it is confirmed."""

    name: str
    label_zh: str
    label_en: str
    value: str
    unit: str
    formula: str
    inputs: list[str]
    source: str
    confirmed: bool
    note_zh: str
    note_en: str
    parameter_key: str | None
    parameter_digest: str | None
    document: str | None
    document_number: str | None
    article: str | None

    @classmethod
    def of(cls, figure: Figure) -> "FigureOut":
        """Write a traced figure."""
        parameter = figure.parameter
        return cls(
            name=figure.name,
            label_zh=figure.label_zh,
            label_en=figure.label_en,
            value=figure.value,
            unit=figure.unit,
            formula=figure.formula,
            inputs=list(figure.inputs),
            source=figure.source,
            confirmed=figure.confirmed,
            note_zh=figure.note_zh,
            note_en=figure.note_en,
            parameter_key=parameter.key if parameter else None,
            parameter_digest=parameter.digest if parameter else None,
            document=parameter.document if parameter else None,
            document_number=parameter.document_number if parameter else None,
            article=parameter.article if parameter else None,
        )


def decimal_of(text: str) -> Decimal:
    """Read a decimal whose shape the wire type has checked."""
    return Decimal(text)


def day_of(text: str, *, field: str) -> date:
    """Read a day; one that the shape allows but the calendar lacks, such as 30 February, is refused.

    Raises:
        InvalidInput: There is no such day.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(
            f"{text!r} is not a day of the calendar",
            zh=f"日期“{text}”不存在",
            field=field,
            remedy="Give an existing day as YYYY-MM-DD.",
            remedy_zh="请填写存在的日期，格式 YYYY-MM-DD。",
        ) from error


def instant_of(text: str, *, field: str) -> datetime:
    """Read an instant as JSON writes it (RFC 3339); whether it has a zone is for the reader to ask.

    Raises:
        InvalidInput: It is no instant.
    """
    try:
        return convert(text, datetime)
    except ValidationError as error:
        raise InvalidInput(
            f"{text[:40]!r} is no instant",
            zh=f"“{text[:40]}”不是有效的时点",
            field=field,
            remedy="Write it with its zone, such as 2025-06-30T10:00:00+08:00.",
            remedy_zh="请写明日期、时刻和时区，如 2025-06-30T10:00:00+08:00。",
        ) from error

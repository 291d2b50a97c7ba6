"""Positions as columns of one length, and the values of lines as columns."""

from typing import Annotated

from msgspec import Meta, Struct

from carbonfin.kernel.errors import InvalidInput
from pricing.calc.contract_lines import ValueColumns
from pricing.calc.positions import LineValue
from pricing.calc.tradability import VALUATION_ONLY_EN, VALUATION_ONLY_ZH, is_labelled
from pricing.feeds.tables import TextTable
from pricing.schemas.figures import optional_text_of, text_of, yuan_text_of

PIECE_LENGTH_MAX = 10_000

_Text = Annotated[str, Meta(max_length=200)]
_Texts = Annotated[list[_Text], Meta(min_length=1, max_length=PIECE_LENGTH_MAX)]
_OptionalTexts = Annotated[list[_Text | None], Meta(min_length=1, max_length=PIECE_LENGTH_MAX)]
_Days = Annotated[str, Meta(max_length=5_000, description="Averaging days of an option, divided by blanks.")]
_OptionalDays = Annotated[list[_Days | None], Meta(min_length=1, max_length=PIECE_LENGTH_MAX)]


class BookColumnsIn(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Positions as columns of one length: what a line of a book file holds, cell by cell.

    A cell that cannot be read fails its line alone. A cell is null, or its column left out, where there is nothing.
    """

    line_id: _Texts
    kind: _Texts
    unit: _Texts
    quantity_t: Annotated[
        list[int | _Text], Meta(min_length=1, max_length=PIECE_LENGTH_MAX, description="Whole tonnes.")
    ]
    label: _OptionalTexts | None = None
    strike_cny_per_t: _OptionalTexts | None = None
    delivery_date: _OptionalTexts | None = None
    contract_code: _OptionalTexts | None = None
    trade_date: _OptionalTexts | None = None
    option_type: _OptionalTexts | None = None
    option_style: _OptionalTexts | None = None
    strike_per_t: _OptionalTexts | None = None
    expiry_date: _OptionalTexts | None = None
    averaging_dates: _OptionalDays | None = None
    fixed_count: _OptionalTexts | None = None
    fixed_average_per_t: _OptionalTexts | None = None
    currency: _OptionalTexts | None = None
    master_agreement: _OptionalTexts | None = None
    derivatives_licence: _OptionalTexts | None = None

    def table(self, first: int) -> TextTable:
        """Give the positions as rows numbered from a first one.

        Raises:
            InvalidInput: The columns are of unequal length.
        """
        columns = {name: getattr(self, name) for name in self.__struct_fields__}
        filled = {name: column for name, column in columns.items() if column is not None}
        lengths = {name: len(column) for name, column in filled.items()}
        if len(set(lengths.values())) > 1:
            raise InvalidInput(
                f"the columns have unequal lengths: {', '.join(f'{name} {n}' for name, n in lengths.items())}",
                zh="各列长度不一致：" + "、".join(f"{name} {n}" for name, n in lengths.items()),
                field="line_id",
                remedy="Give each column one cell a position; null where there is nothing.",
                remedy_zh="每列每条持仓一个单元，没有内容的填 null。",
            )
        rows = zip(*filled.values(), strict=True)
        return TextTable(
            file_name="columns",
            encoding="json",
            head=(0, tuple(filled)),
            rows=tuple(
                (number, tuple("" if cell is None else str(cell) for cell in cells))
                for number, cells in enumerate(rows, first)
            ),
        )


class ValueColumnsOut(Struct, frozen=True, kw_only=True):
    """The values of lines as columns of one length; `figure` names each in the decision's trace.

    A line that is marked `is_valuation_only` cannot be traded: `valuation_only_zh` is its label.
    """

    line_id: list[str]
    kind_zh: list[str]
    kind_en: list[str]
    price_cny_per_t: list[str]
    price_date: list[str]
    price_source: list[str]
    level: list[int]
    is_sample: list[bool]
    present_value_cny: list[str]
    variation_margin_cny: list[str | None]
    figure: list[str]
    is_valuation_only: list[bool]
    is_provisional: list[bool]
    valuation_only_zh: str = VALUATION_ONLY_ZH
    valuation_only_en: str = VALUATION_ONLY_EN

    @classmethod
    def of(cls, lines: tuple[LineValue, ...]) -> "ValueColumnsOut":
        """Write the values."""
        return cls(
            line_id=[line.line_id for line in lines],
            kind_zh=[line.kind_labels[0] for line in lines],
            kind_en=[line.kind_labels[1] for line in lines],
            price_cny_per_t=[text_of(line.price_cny_per_t) for line in lines],
            price_date=[line.price_date.isoformat() for line in lines],
            price_source=[line.price_source for line in lines],
            level=[line.level for line in lines],
            is_sample=[line.is_sample for line in lines],
            present_value_cny=[text_of(line.present_value_cny) for line in lines],
            variation_margin_cny=[optional_text_of(line.variation_margin_cny) for line in lines],
            figure=[line.figure for line in lines],
            is_valuation_only=[is_labelled(line.notes_zh) for line in lines],
            is_provisional=[bool(line.is_provisional) for line in lines],
        )


class PreviewColumnsOut(Struct, frozen=True, kw_only=True):
    """The values of lines as columns of one length, each field as a line's."""

    line_id: list[str]
    kind_zh: list[str]
    kind_en: list[str]
    price_cny_per_t: list[str]
    level: list[int]
    is_sample: list[bool]
    present_value_cny: list[str]
    variation_margin_cny: list[str | None]
    is_valuation_only: list[bool]
    is_provisional: list[bool]

    @classmethod
    def of(cls, lines: ValueColumns) -> "PreviewColumnsOut":
        """Write the values."""
        return cls(
            line_id=lines.line_id,
            kind_zh=[zh for zh, _ in lines.kind_labels],
            kind_en=[en for _, en in lines.kind_labels],
            price_cny_per_t=[text_of(price) for price in lines.price_cny_per_t],
            level=lines.level,
            is_sample=lines.is_sample,
            present_value_cny=[yuan_text_of(fen) for fen in lines.present_value_fen],
            variation_margin_cny=[None if fen is None else yuan_text_of(fen) for fen in lines.variation_margin_fen],
            is_valuation_only=lines.is_valuation_only,
            is_provisional=lines.is_provisional,
        )

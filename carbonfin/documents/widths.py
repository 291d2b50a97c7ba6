"""How wide the columns of a printed table stand, worked out from their texts for PDF and Word alike."""

import unicodedata
from collections.abc import Sequence
from decimal import Decimal

from carbonfin.documents.sheets import Column, Table

TEXT_WIDTH_MM = Decimal(174)
MANY_COLUMNS = 7

_EM_MM = Decimal("3.175")  # 9 pt, the size of a table's text in Word; the PDF's is a little smaller
_WIDE, _FIGURE, _CAPITAL, _THIN = Decimal(1), Decimal("0.555"), Decimal("0.66"), Decimal("0.3")
_THIN_CHARACTERS = frozenset(" .,:;-'()/|!")
_HEAD_EN_SIZE = Decimal("0.85")
_MARK_EM = Decimal("1.4")
_WHOLE_WORD_EM = Decimal(4)
_NATURAL_MOST_EM = Decimal(30)


def padding_mm(column_count: int) -> Decimal:
    """Give the space left and right of a cell's text together; less where columns are many."""
    return Decimal("2.4") if column_count > MANY_COLUMNS else Decimal("4.2")


def column_widths_mm(table: Table) -> tuple[Decimal, ...]:
    """Give each column's width; they fill the text width together.

    Where every column has a weight, the weights share it out. Otherwise each column gets what its longest text needs
    where all fit on their lines; where they do not, figures, days and short words stay whole and longer texts share
    what is left. Heads may take a second line, so they claim no more than their longest word.
    """
    weights = [column.weight for column in table.columns if column.weight is not None]
    if len(weights) == len(table.columns):
        return tuple(TEXT_WIDTH_MM * weight / sum(weights, Decimal(0)) for weight in weights)
    padding = padding_mm(len(table.columns))
    available = TEXT_WIDTH_MM - padding * len(table.columns)
    needs = [_needs_mm(table, index) for index in range(len(table.columns))]
    least, natural = [need[0] for need in needs], [need[1] for need in needs]
    spare = [wish - floor for wish, floor in zip(natural, least, strict=True)]
    if sum(natural) <= available:
        inner = _shared(natural, natural, available)
    elif sum(least) < available:
        inner = _shared(least, spare, available)
    else:
        inner = _shared([Decimal(0)] * len(least), least, available)
    return tuple(width + padding for width in inner)


def text_em(text: str) -> Decimal:
    """Give the width of a line of text in ems, by kind of character."""
    return sum((_character_em(character) for character in text), Decimal(0))


def _shared(floors: Sequence[Decimal], claims: Sequence[Decimal], available: Decimal) -> list[Decimal]:
    """Give each its floor and the rest by claim."""
    rest, total = available - sum(floors), sum(claims)
    return [floor + rest * claim / total for floor, claim in zip(floors, claims, strict=True)]


def _needs_mm(table: Table, index: int) -> tuple[Decimal, Decimal]:
    """Give the least width that parts no figure, and the width that parts no line, in millimetres."""
    column = table.columns[index]
    texts = [row.cells[index] for row in table.rows]
    if table.totals is not None:
        texts.append(table.totals[index])
    mark = _MARK_EM if index == 0 and any(row.footnote for row in table.rows) else Decimal(0)
    least = max([_whole_em(text) for text in texts] + [Decimal(1)]) + mark
    natural = max([text_em(line) for text in texts for line in text.split("\n")] + [Decimal(1)]) + mark
    least = max(least, _head_em(column))
    return least * _EM_MM, max(least, min(_NATURAL_MOST_EM, natural)) * _EM_MM


def _head_em(column: Column) -> Decimal:
    unit = f"（{column.unit}）" if column.unit else ""
    return max(_whole_em(column.label_zh), text_em(unit), _whole_em(column.label_en) * _HEAD_EN_SIZE)


def _whole_em(text: str) -> Decimal:
    """Give the width of the longest part of a text that stays whole: a figure, a Latin word, a short Chinese one."""
    parts = [Decimal(0)]
    for token in text.split():
        if not any(_is_wide(character) for character in token):
            parts.append(text_em(token))
        else:
            parts.append(min(_WHOLE_WORD_EM, text_em(token)))
            latin = "".join(" " if _is_wide(character) else character for character in token)
            parts.extend(text_em(piece) for piece in latin.split())
    return max(parts)


def _character_em(character: str) -> Decimal:
    if _is_wide(character):
        return _WIDE
    if character in _THIN_CHARACTERS:
        return _THIN
    return _CAPITAL if character.isupper() else _FIGURE


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"

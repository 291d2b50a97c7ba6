"""Intensities of a sector's enterprises from a file, CSV or xlsx, to be frozen as a benchmark: all rows or none."""

from decimal import Decimal
from typing import Any, NamedTuple

from carbonfin.documents.text_tables import Columns, line_of, read_rows, read_table
from carbonfin.kernel.enterprises import Industry
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import parse_decimal
from loans.calc.ratings.measures import INTENSITY_MOST
from loans.calc.ratings.rating_account import SizeClass, division_of

_PLACES = 4
_SIZES = {
    "大型": SizeClass.LARGE, "中型": SizeClass.MEDIUM, "小型": SizeClass.SMALL, "微型": SizeClass.MICRO,
    **{str(size.value): size for size in SizeClass},
}  # fmt: skip

PEER_COLUMNS = Columns(
    aliases={
        "industry": ("industry", "行业代码"),
        "size_class": ("size_class", "企业规模"),
        "intensity": ("intensity", "碳强度(吨/每万元)", "碳强度"),
    },
    required=("industry", "size_class", "intensity"),
    example="行业代码,企业规模,碳强度\nC1810,小型,0.4215\nC1810,中型,0.3987\n",
)
"""One row an enterprise; intensity in t CO2 per 万元 of value added, at most four places."""


class Peer(NamedTuple):
    """One enterprise of a sample: division, size, and intensity in 1e-4 t/万元."""

    division: int
    size_class: int
    intensity: int


def read_peers(content: bytes, *, file_name: str) -> tuple[Peer, ...]:
    """Read the sample of a benchmark.

    Raises:
        InvalidInput: The file cannot be read, is empty, or rows have faults, each of them listed.
    """
    found, failures = read_rows(read_table(content, file_name=file_name), PEER_COLUMNS, cell=_cell, made=_made)
    if failures or not found:
        faults = [{"line": line_of(one), "field": one.field, "detail": one.detail, "zh": one.zh} for one in failures]
        first = failures[0] if failures else None
        raise InvalidInput(
            f"{file_name}: {len(failures)} faults"
            + ("" if first is None else f", first in line {line_of(first)}: {first.detail}"),
            zh=f"{file_name} 有 {len(failures)} 处有误" + ("，没有样本" if first is None else f"，首处：{first.zh}"),
            field="file", remedy="Mend the lines named and send the file again; nothing was frozen.",
            remedy_zh="请更正所列各行后重新提交；未冻结任何样本。", faults=faults,
        )  # fmt: skip
    return tuple(peer for _, peer in found)


def _cell(field: str, text: str) -> object:
    if field == "industry":
        return division_of(Industry(text))
    if field == "size_class":
        if text not in _SIZES:
            raise InvalidInput(
                f"{text!r} is no size", zh=f"“{text}”不是企业规模", field=field,
                remedy="Write 大型, 中型, 小型 or 微型.", remedy_zh="可填：大型、中型、小型、微型。",
            )  # fmt: skip
        return int(_SIZES[text])
    intensity = parse_decimal(text, field=field).scaleb(_PLACES)
    if intensity != intensity.to_integral_value() or not 0 <= intensity <= Decimal(INTENSITY_MOST):
        raise InvalidInput(
            f"intensity {text} is below 0, too large or has more than {_PLACES} places",
            zh=f"碳强度 {text} 为负、过大或小数位多于 {_PLACES} 位", field=field,
        )  # fmt: skip
    return int(intensity)


def _made(fields: dict[str, Any]) -> Peer:
    return Peer(division=fields["industry"],
                size_class=fields["size_class"], intensity=fields["intensity"])  # fmt: skip

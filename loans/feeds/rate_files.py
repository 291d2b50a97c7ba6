"""Borrowers whose rates are asked for, from a file, CSV or xlsx; every fault names line, column and remedy."""

from typing import Any

from carbonfin.documents.text_tables import Columns, line_of, read_rows, read_table
from carbonfin.kernel.enterprises import Usci
from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import parse_decimal
from loans.calc.jiangtandai import RateRequest
from loans.calc.jiangtandai.terms import MARGIN_BP_MAX

RATE_COLUMNS = Columns(
    aliases={"usci": ("usci", "统一社会信用代码"), "margin_bp": ("margin_bp", "加减点(BP)", "加减点")},
    required=("usci", "margin_bp"),
    example="统一社会信用代码,加减点(BP)\n91440300EXAMPLE466,40\n",
)
RATES_MAX = 5000


def read_rate_requests(content: bytes, *, file_name: str) -> tuple[RateRequest, ...]:
    """Read whose rates are asked for: all rows or none.

    Raises:
        InvalidInput: The file cannot be read, has no rows or too many, or rows have faults, each of them listed.
    """
    table = read_table(content, file_name=file_name)
    found, failures = read_rows(table, RATE_COLUMNS, cell=_cell, made=_made)
    if failures:
        faults = [{"line": line_of(one), "field": one.field, "detail": one.detail, "zh": one.zh} for one in failures]
        raise InvalidInput(
            f"{file_name}: {len(failures)} faults, first in line {line_of(failures[0])}: {failures[0].detail}",
            zh=f"{file_name} 有 {len(failures)} 处有误，首处：{failures[0].zh}；全部未采用",
            field="file",
            remedy="Mend the lines named and send the file again; nothing was decided.",
            remedy_zh="请更正所列各行后重新提交；本次未作任何决定。",
            faults=faults,
        )
    if not 1 <= len(found) <= RATES_MAX:
        raise InvalidInput(
            f"{file_name} names {len(found)} borrowers; 1 to {RATES_MAX} are decided at once",
            zh=f"{file_name} 有 {len(found)} 个借款人，一批须为 1 至 {RATES_MAX} 个",
            field="file",
            remedy="Split the file.",
            remedy_zh="请拆分文件。",
        )
    return tuple(request for _, request in found)


def _cell(field: str, text: str) -> object:
    if field == "usci":
        return Usci.parse(text).text
    number = parse_decimal(text, field=field)
    if number != number.to_integral_value() or abs(number) > MARGIN_BP_MAX:
        raise InvalidInput(
            f"margin is {text}, no whole number of bp within ±{MARGIN_BP_MAX}",
            zh=f"加减点 {text} 应为 ±{MARGIN_BP_MAX} 以内的整数 BP",
            field=field,
        )
    return int(number)


def _made(fields: dict[str, Any]) -> RateRequest:
    return RateRequest(usci=fields["usci"], margin_bp=fields["margin_bp"])

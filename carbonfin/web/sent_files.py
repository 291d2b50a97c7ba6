"""Files sent to the API in base64: their bytes, and the refusal of one with faulty rows."""

import base64
from collections.abc import Sequence

from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import InvalidInput

_FAULTS_TOLD = 20


def bytes_of(text: str) -> bytes:
    """Give the bytes of a file sent in base64.

    Raises:
        InvalidInput: It is not base64.
    """
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError as error:  # letters beyond ASCII are one too, and binascii's own error is of its kind
        raise InvalidInput(
            f"content_base64 is not base64: {error}", zh="文件内容不是有效的 base64", field="/content_base64"
        ) from error


def refused_file(failures: Sequence[Failure], *, file_name: str, row_count: int, encoding: str) -> InvalidInput:
    """Give the refusal of a file with faulty rows; the first twenty are named."""
    told = failures[:_FAULTS_TOLD]
    return InvalidInput(
        f"{len(failures)} faults in {row_count} rows of {file_name}, nothing was stored: "
        + "; ".join(f"{fault.item}, {fault.field}: {fault.detail}" for fault in told),
        zh=f"{file_name} 共 {row_count} 行，{len(failures)} 处有误，未存入任何一行："
        + "；".join(fault.zh for fault in told),
        field="/content_base64",
        remedy="Correct the rows named and send the whole file again; preview=true lists every fault.",
        remedy_zh="请更正所列各行后整份重新提交；preview=true 可列出全部问题。",
        failed_count=len(failures),
        encoding=encoding,
    )

"""Files that hold what the API's POST takes."""

from pathlib import Path
from typing import TypeVar

import msgspec

from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.learned_types import decoded

T = TypeVar("T", bound=msgspec.Struct)


def read_json(file: Path, kind: type[T]) -> T:
    """Read a file as the API's POST would read its body.

    Raises:
        InvalidInput: It is no JSON, or not of that shape.
    """
    try:
        return decoded(file.read_bytes(), kind)
    except msgspec.MsgspecError as error:
        raise InvalidInput(
            f"{file.name} cannot be read: {error}", zh=f"{file.name} 格式不正确：{error}", field="file",
            remedy="Write the JSON that the API's POST takes.", remedy_zh="请按接口 POST 的格式填写。",
        ) from error  # fmt: skip

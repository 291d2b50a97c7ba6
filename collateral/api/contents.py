"""A file as the API takes it: its bytes in base64."""

import base64
import binascii

from carbonfin.kernel.errors import InvalidInput


def bytes_of(text: str) -> bytes:
    """Give the bytes of a file sent in base64.

    Raises:
        InvalidInput: The text is not base64.
    """
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise InvalidInput(
            f"content_base64 is not base64: {error}", zh="文件内容不是有效的 base64", field="/content_base64"
        ) from error

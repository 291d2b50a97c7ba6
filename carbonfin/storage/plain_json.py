"""Which JSON is written the same as it stands: looked at whole, as large payloads are by the thousand."""

from typing import Any, NoReturn

import msgspec

_SORTED = msgspec.json.Encoder(order="sorted")


def _refuse_float(text: str) -> NoReturn:
    raise msgspec.ValidationError(text)


_STRICT = msgspec.json.Decoder(float_hook=_refuse_float)


def is_plain_json(value: Any) -> bool:
    """Tell whether a value is written the same as it stands: plain types and printable text all through.

    Written and read back it must be what it was: a date or a Decimal comes back as text, a tuple as a list, a key that
    is no text as one. Floats are refused in reading. A text that needs escaping is left to a closer look.
    """
    try:
        written = _SORTED.encode(value)
        return b"\\" not in written and written.decode().isprintable() and bool(_STRICT.decode(written) == value)
    except (TypeError, ValueError, OverflowError, msgspec.MsgspecError):
        return False

"""Files sent in base64: what is none is refused by name, letters beyond ASCII too."""

import pytest

from carbonfin.kernel.errors import InvalidInput
from carbonfin.web.sent_files import bytes_of


def test_bytes_are_read_over_lines_and_what_is_no_base64_is_refused() -> None:
    assert bytes_of("5LiA\n5Lqc") == "一亜".encode()
    for wrong in ("øß", "abc", "a===", "一"):
        with pytest.raises(InvalidInput, match="content_base64 is not base64") as caught:
            bytes_of(wrong)
        assert caught.value.field == "/content_base64"

"""The barest synchronous route of the same framework: it parses a body of the same shape and answers stored bytes.

`python -m benchmarks http_ratios` serves it beside the service; nothing of the service is loaded but the body's struct.
"""

import os
import warnings
from pathlib import Path
from typing import Any

from litestar import Litestar, post
from litestar.response import Response

from pricing.schemas import PreviewIn

ANSWER_FILE = "CARBONFIN_BENCHMARK_ANSWER"


def application() -> Litestar:
    """Make the application of this process."""
    answer = Path(os.environ[ANSWER_FILE]).read_bytes()

    class Kept(Response[Any]):
        """An answer that is JSON already."""

        def render(self, content: Any, *_: Any, **__: Any) -> bytes:
            """Give the kept bytes as they are."""
            return bytes(content)

    @post("/bare", sync_to_thread=True, status_code=200)
    def bare(data: PreviewIn) -> Response[Any]:
        """Parse the body and answer."""
        assert data.lines
        return Kept(answer)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Litestar([bare], logging_config=None, openapi_config=None)

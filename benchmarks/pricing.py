"""What pricing costs beside the field's libraries: option kernels, greeks, books over scenarios, large books.

`python -m benchmarks pricing` prints the rows of `pricing_options`, `pricing_risk` and `pricing_books` in one run, and
after them those of `stored_books`.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks import pricing_books, pricing_options, pricing_risk
from benchmarks.harness import Comparison


@contextmanager
def comparisons(scale: float) -> Iterator[list[Comparison]]:
    """Give the rows of all at a part of their full size."""
    with ExitStack() as stack:
        yield [
            row
            for module in (pricing_options, pricing_risk, pricing_books)
            for row in stack.enter_context(module.comparisons(scale))
        ]

"""What pricing costs beside the field's libraries: option kernels, greeks, option books over scenarios.

`python -m benchmarks pricing` prints the rows of `benchmarks.pricing_options` and `benchmarks.pricing_risk` in one run.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks import pricing_options, pricing_risk
from benchmarks.harness import Comparison


@contextmanager
def comparisons(scale: float) -> Iterator[list[Comparison]]:
    """Give the rows of both at a part of their full size."""
    with ExitStack() as stack:
        yield [
            row for module in (pricing_options, pricing_risk) for row in stack.enter_context(module.comparisons(scale))
        ]

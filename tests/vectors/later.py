"""Formats that are known but not run yet, with the part of the system that will learn them."""

from collections.abc import Callable

from tests.vectors.files import VectorFile

Recogniser = Callable[[VectorFile], bool]


def _keys(*keys: str) -> Recogniser:
    return lambda file: file.has(*keys)


LATER: tuple[tuple[Recogniser, str], ...] = (
    # collateral
    (_keys("FJF01_sequential"), "securitisation waterfalls: collateral"),
    (_keys("ccp_emission_allowance_collateral"), "market facts, no cases to run: collateral"),
    # loans
    (_keys("conventions", "not_covered_by_any_of_the_109"), "conventions of the contract standard, no cases: loans"),
)

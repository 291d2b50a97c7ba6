"""Of whose people the service asks a second factor, as the operator's settings say."""

from collections.abc import Callable
from dataclasses import dataclass

from carbonfin.kernel.enterprises import Usci
from carbonfin.kernel.errors import CarbonFinError, InvalidInput

EVERYBODY = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorRule:
    """Which organisations' people must have one; anybody else may.

    Attributes:
        organizations: Unified social credit codes, or `all` for every organisation.
    """

    organizations: frozenset[str] = frozenset()

    def is_asked_of(self, usci_of: Callable[[], str | None]) -> bool:
        """Whether an organisation's people must have one; its code is looked up only where it matters."""
        if not self.organizations:
            return False
        return EVERYBODY in self.organizations or usci_of() in self.organizations


def second_factor_from(text: str, *, name: str) -> SecondFactorRule:
    """Read `all`, or unified social credit codes parted by commas; nothing asks it of nobody.

    Raises:
        InvalidInput: A code is none.
    """
    given = frozenset(part.strip() for part in text.split(",") if part.strip())
    try:
        codes = frozenset(part if part == EVERYBODY else Usci.parse(part).text for part in given)
    except CarbonFinError as error:
        raise InvalidInput(
            f"{name} takes `all` or unified social credit codes: {error.detail}",
            zh=f"{name} 应为 all 或统一社会信用代码：{error.zh}",
            field=name,
        ) from error
    return SecondFactorRule(organizations=codes)

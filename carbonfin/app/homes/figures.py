"""The figure cards and words that first screens share."""

from dataclasses import dataclass

from carbonfin.rules.parameters import ParameterBook
from carbonfin.web.language import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeFigure:
    """One figure card."""

    label: Text
    value: str
    unit: str
    note: Text | None = None
    address: str = ""
    state: str = ""


def parameter_names(book: ParameterBook) -> dict[str, Text]:
    """Give each parameter's words by `key[scope]`, the scope in brackets."""
    return {
        f"{value.key}[{value.scope}]" if value.scope else value.key: Text(
            f"{value.title_zh or value.key}（{value.scope}）" if value.scope else value.title_zh or value.key,
            f"{value.title_en or value.key} ({value.scope})" if value.scope else value.title_en or value.key,
        )
        for value in book.values()
    }

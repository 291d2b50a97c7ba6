"""Colours of charts by token, light and dark, and words in the page's language."""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Literal

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One text in both languages of the pages."""

    zh: str
    en: str

    def on(self, language: Language) -> str:
        """Give the text in a language."""
        return self.zh if language == "zh" else self.en


class Tone(StrEnum):
    """What a bar or point says besides its size; a word always stands beside the colour."""

    PLAIN = "plain"
    GOOD = "good"
    WARNING = "warning"
    BREACH = "breach"


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """Colour tokens; each differs from the others, so a drawn colour names its token.

    `rise` and `fall` follow the Chinese habit 红涨绿跌.
    """

    ink: str
    muted: str
    grid: str
    ground: str
    accent: str
    accent_soft: str
    second: str
    good: str
    warning: str
    breach: str
    rise: str
    fall: str

    def of_tone(self, tone: Tone) -> str:
        """Give the colour of a tone."""
        return {
            Tone.PLAIN: self.accent,
            Tone.GOOD: self.good,
            Tone.WARNING: self.warning,
            Tone.BREACH: self.breach,
        }[tone]

    def tokens(self) -> dict[str, str]:
        """Give each colour's token, by the colour."""
        return {getattr(self, each.name): each.name.replace("_", "-") for each in fields(self)}


LIGHT = Theme(
    ink="#111a17",
    muted="#55615c",
    grid="#dfe6e2",
    ground="#ffffff",
    accent="#0b6e4f",
    accent_soft="#a9cfc0",
    second="#8a6d1f",
    good="#1a7f4b",
    warning="#a65a00",
    breach="#b42318",
    rise="#c8322b",
    fall="#15803d",
)

DARK = Theme(
    ink="#e7efeb",
    muted="#a3b1ab",
    grid="#2c3833",
    ground="#16201c",
    accent="#4fc497",
    accent_soft="#2b5c4a",
    second="#d9b65a",
    good="#5fd08f",
    warning="#f0a94a",
    breach="#ff8a7d",
    rise="#ff7b72",
    fall="#56d38a",
)


def chart_stylesheet() -> str:
    """Give the rules that let one inline SVG follow the page's colours.

    Every coloured shape carries a class named after its token, such as `chart-fill-accent`; a rule beats the drawn
    presentation attribute, so a page needs no second drawing for its dark mode. Unset variables give light colours.
    """
    rules: list[str] = []
    for colour, token in LIGHT.tokens().items():
        rules.append(f".chart-fill-{token} {{ fill: var(--chart-{token}, {colour}); }}")
        rules.append(f".chart-stroke-{token} {{ stroke: var(--chart-{token}, {colour}); }}")
    dark = " ".join(f"--chart-{token}: {colour};" for colour, token in DARK.tokens().items())
    by_system = f":root:not([data-theme='light']) {{ {dark} }}"
    by_choice = f":root[data-theme='dark'] {{ {dark} }}"
    rules.append(f"@media screen and (prefers-color-scheme: dark) {{ {by_system} }}")
    rules.append(f"@media screen {{ {by_choice} }}")
    return "\n".join(rules) + "\n"

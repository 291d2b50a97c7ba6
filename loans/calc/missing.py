"""Facts an answer needs and does not have: named, never assumed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingField:
    """A field without which something is not decided (未决定)."""

    field: str
    zh: str
    en: str

    @classmethod
    def of(cls, field: str, zh: str, en: str) -> "MissingField":
        """Name a missing field in both languages."""
        return cls(field=field, zh=f"未决定：{zh}", en=f"not decided: {en}")

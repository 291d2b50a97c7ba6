"""A reason why something cannot be done, with its figures in both languages."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One reason why the pledge cannot be taken."""

    code: str
    detail: str
    zh: str

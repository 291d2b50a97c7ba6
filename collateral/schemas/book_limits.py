"""Shares of the collateral book as the API shows them."""

from msgspec import Struct

from collateral.calc.book_limits import BookShare


class BookShareOut(Struct, frozen=True, kw_only=True):
    """A name's share of the market value of all units pledged, before and after, against its limit."""

    name: str
    label_zh: str
    label_en: str
    before_ratio: str | None
    after_ratio: str
    limit_ratio: str
    is_above: bool

    @classmethod
    def of(cls, value: BookShare) -> "BookShareOut":
        """Copy the domain value."""
        return cls(
            name=value.name,
            label_zh=value.label_zh,
            label_en=value.label_en,
            before_ratio=None if value.before_ratio is None else str(value.before_ratio),
            after_ratio=str(value.after_ratio),
            limit_ratio=str(value.limit_ratio),
            is_above=value.is_above,
        )

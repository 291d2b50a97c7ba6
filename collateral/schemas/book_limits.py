"""Shares of the collateral book as the API shows them."""

from msgspec import Struct

from collateral.calc.book_limits import BookShare


class BookShareOut(Struct, frozen=True, kw_only=True):
    """A name's share of the collateral held, before and after, against its limit; `base_zh` says what of.

    A schedule's limit may be an amount: `after_cny` against `limit_cny`. `base_cny_min` is the least that the base of
    a schedule's share counts as, where the bank approved one.
    """

    name: str
    label_zh: str
    label_en: str
    before_ratio: str | None
    after_ratio: str
    limit_ratio: str
    is_above: bool
    base_zh: str
    base_en: str
    after_cny: str | None
    limit_cny: str | None
    base_cny_min: str | None

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
            base_zh=value.base_words[0],
            base_en=value.base_words[1],
            after_cny=None if value.after_cny is None else str(value.after_cny),
            limit_cny=None if value.limit_cny is None else str(value.limit_cny),
            base_cny_min=None if value.base_cny_min is None else str(value.base_cny_min),
        )

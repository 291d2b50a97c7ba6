"""Interest of very many vouchers added up at once, each net of VAT to the fen as a single voucher is."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache

import numpy as np
import numpy.typing as npt

from carbonfin.kernel.errors import InvalidInput
from reporting.calc.facts import CostVoucher, SubsidyApplication
from reporting.calc.quarters import Quarter

_MOST_FEN = 10**13
"""Of one voucher: a hundred milliard 元, so that no product leaves 64 bits."""
_DENOMINATOR_MOST = 10**4


def net_fen(gross_fen: npt.NDArray[np.int64], *, vat_rate: Decimal) -> npt.NDArray[np.int64]:
    """Give the amounts net of VAT, each rounded half up to the fen.

    net = floor((2 g d + n) / (2 n)) for a gross amount g and 1 + rate = n / d in lowest terms: whole numbers alone.

    Args:
        gross_fen: Amounts with VAT, fen, shape (vouchers,).
        vat_rate: VAT rate, decimal (0.06).

    Raises:
        InvalidInput: A rate outside 0 to 1 or of more than four places, or an amount below 0 or past 10¹³ fen.
    """
    factor = 1 + Fraction(vat_rate)
    if not 1 <= factor < 2 or factor.denominator > _DENOMINATOR_MOST:
        raise InvalidInput(
            f"VAT rate {vat_rate} is not a share of at most four places",
            zh=f"增值税税率 {vat_rate} 有误",
            field="vat_rate",
        )
    if gross_fen.size and (gross_fen.min() < 0 or gross_fen.max() > _MOST_FEN):
        raise InvalidInput("an amount lies outside 0 to 10¹³ fen", zh="凭证金额超出范围", field="gross_cny")
    n, d = factor.numerator, factor.denominator
    return (2 * d * gross_fen + n) // (2 * n)


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestSum:
    """What the vouchers of a group come to, the net amount voucher by voucher, 元."""

    name: str
    voucher_count: int
    gross_cny: Decimal
    net_cny: Decimal


def interest_by(
    names: Sequence[str],
    groups: npt.NDArray[np.int64],
    gross_fen: npt.NDArray[np.int64],
    stated_vat_fen: npt.NDArray[np.int64],
    *,
    vat_rate: Decimal,
) -> tuple[InterestSum, ...]:
    """Add up vouchers by group; where the invoice states its VAT that is deducted, as for a single voucher.

    Args:
        names: Of the groups.
        groups: Place of each voucher's group among `names`, shape (vouchers,).
        gross_fen: Amounts with VAT, fen, shape (vouchers,).
        stated_vat_fen: VAT on the invoice, fen, below 0 where none is stated, shape (vouchers,).
        vat_rate: VAT rate, decimal (0.06).
    """
    net = np.where(stated_vat_fen < 0, net_fen(gross_fen, vat_rate=vat_rate), gross_fen - stated_vat_fen)
    sums = np.zeros((3, len(names)), dtype=np.int64)
    for row, values in enumerate((np.ones_like(gross_fen), gross_fen, net)):
        np.add.at(sums[row], groups, values)
    return tuple(
        InterestSum(name=name, voucher_count=int(count), gross_cny=_yuan(gross), net_cny=_yuan(clear))
        for name, count, gross, clear in zip(names, *sums, strict=True)
    )


def interest_by_quarter(
    applications: Iterable[SubsidyApplication], quarters: Sequence[str], *, vat_rate: Decimal, until: date
) -> tuple[InterestSum, ...]:
    """Add up what was paid by quarter of payment; a voucher of a note counts once, whoever names it again.

    Args:
        applications: Files whose vouchers are added up; a voucher without day of payment is left out.
        quarters: Names of the quarters, such as 2025Q3; payments outside them are left out.
        vat_rate: VAT rate, decimal (0.06).
        until: Last day whose payments count.
    """
    places = {name: place for place, name in enumerate(quarters)}

    @cache
    def place_of(day: date) -> int | None:
        return places.get(str(Quarter.of(day)))

    once: dict[tuple[str, str], dict[str, tuple[int, CostVoucher]]] = defaultdict(dict)
    for application in applications:
        of_note = once[application.loan_note.bank_name, application.loan_note.note_number]
        for voucher in application.vouchers:
            if (
                voucher.paid_on is not None
                and voucher.paid_on <= until
                and (place := place_of(voucher.paid_on)) is not None
            ):
                of_note[voucher.number] = (place, voucher)
    columns = [
        (place, int(voucher.gross_cny * 100), -1 if stated_cny is None else int(stated_cny * 100))
        for of_note in once.values()
        for place, voucher in of_note.values()
        for stated_cny in (voucher.invoice_vat_cny,)
    ]
    groups, gross, stated = np.array(columns, dtype=np.int64).reshape(-1, 3).T
    return interest_by(quarters, groups, gross, stated, vat_rate=vat_rate)


def _yuan(fen: np.int64) -> Decimal:
    return (Decimal(int(fen)) / 100).quantize(Decimal("0.01"))

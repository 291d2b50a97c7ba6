"""Interest net of VAT, voucher by voucher."""

from dataclasses import dataclass
from decimal import Decimal

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import cny
from reporting.calc.facts import InterestVoucher


@dataclass(frozen=True, slots=True, kw_only=True)
class VoucherCost:
    """One voucher split into net interest and VAT; the parts add up to the voucher."""

    number: str
    gross_cny: Decimal
    vat_cny: Decimal
    net_cny: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class InterestCost:
    """All vouchers split; totals are sums of the rounded lines."""

    vouchers: tuple[VoucherCost, ...]
    gross_cny: Decimal
    vat_cny: Decimal
    net_cny: Decimal


def voucher_cost(voucher: InterestVoucher, *, vat_rate: Decimal) -> VoucherCost:
    """Split a voucher's interest into net and VAT.

    net = round(gross / (1 + VAT rate)) to the fen, half up; vat = gross - net.

    Args:
        voucher: The voucher with its amount including VAT.
        vat_rate: VAT rate, decimal (0.06).

    Raises:
        InvalidInput: The VAT rate lies outside 0 to 1.
    """
    if not 0 <= vat_rate < 1:
        raise InvalidInput(
            f"VAT rate {vat_rate} is outside 0 to 1",
            zh=f"增值税税率 {vat_rate} 不在 0 至 1",
            field="vat_rate",
            remedy="Write the rate as a decimal, 0.06 for 6 %.",
            remedy_zh="请以小数填写税率，6% 写作 0.06。",
        )
    gross_cny = cny(voucher.gross_cny)
    net_cny = cny(gross_cny / (1 + vat_rate))
    return VoucherCost(number=voucher.number, gross_cny=gross_cny, vat_cny=gross_cny - net_cny, net_cny=net_cny)


def interest_cost(vouchers: tuple[InterestVoucher, ...], *, vat_rate: Decimal) -> InterestCost:
    """Split every voucher and add the rounded lines.

    Rounding once on the total can differ by a fen; a subsidy follows the vouchers, which is what an auditor adds up.
    """
    lines = tuple(voucher_cost(voucher, vat_rate=vat_rate) for voucher in vouchers)
    zero = Decimal("0.00")
    return InterestCost(
        vouchers=lines,
        gross_cny=sum((line.gross_cny for line in lines), zero),
        vat_cny=sum((line.vat_cny for line in lines), zero),
        net_cny=sum((line.net_cny for line in lines), zero),
    )

"""Interest and guarantee fees net of VAT, voucher by voucher."""

from dataclasses import dataclass
from decimal import Decimal

from carbonfin.kernel.errors import InvalidInput
from carbonfin.kernel.units import cny
from reporting.calc.facts import CostKind, CostVoucher


@dataclass(frozen=True, slots=True, kw_only=True)
class VoucherCost:
    """One voucher split into net amount and VAT; the parts add up to the voucher."""

    number: str
    kind: CostKind
    gross_cny: Decimal
    vat_cny: Decimal
    net_cny: Decimal
    vat_stated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FinancingCost:
    """All vouchers split; totals are sums of the rounded lines."""

    vouchers: tuple[VoucherCost, ...]
    gross_cny: Decimal
    vat_cny: Decimal
    net_cny: Decimal


def voucher_cost(voucher: CostVoucher, *, vat_rate: Decimal) -> VoucherCost:
    """Split a voucher into net amount and VAT.

    net = round(gross / (1 + VAT rate)) to the fen, half up; vat = gross - net. Where the invoice states the VAT, that
    is deducted instead.

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
    stated = voucher.invoice_vat_cny
    net_cny = cny(gross_cny / (1 + vat_rate)) if stated is None else gross_cny - stated
    return VoucherCost(
        number=voucher.number,
        kind=voucher.kind,
        gross_cny=gross_cny,
        vat_cny=gross_cny - net_cny,
        net_cny=net_cny,
        vat_stated=stated is not None,
    )


def financing_cost(vouchers: tuple[CostVoucher, ...], *, vat_rate: Decimal) -> FinancingCost:
    """Split every voucher and add the rounded lines.

    Rounding once on the total can differ by a fen; a subsidy follows the vouchers, which is what an auditor adds up.
    """
    lines = tuple(voucher_cost(voucher, vat_rate=vat_rate) for voucher in vouchers)
    zero = Decimal("0.00")
    return FinancingCost(
        vouchers=lines,
        gross_cny=sum((line.gross_cny for line in lines), zero),
        vat_cny=sum((line.vat_cny for line in lines), zero),
        net_cny=sum((line.net_cny for line in lines), zero),
    )

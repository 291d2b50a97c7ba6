"""The enterprise carbon account (企业碳账户): yearly energy and finance as they were entered."""

import re
from dataclasses import dataclass
from decimal import Decimal

from carbonfin.kernel.errors import InvalidInput
from loans.calc.ratings.carbon_efficiency import SectorMean
from loans.calc.ratings.emissions import ActivityYear

_PROVINCES: dict[str, str] = {  # GB/T 2260, first two digits of the division code
    "11": "北京", "12": "天津", "13": "河北", "14": "山西", "15": "内蒙古", "21": "辽宁", "22": "吉林", "23": "黑龙江",
    "31": "上海", "32": "江苏", "33": "浙江", "34": "安徽", "35": "福建", "36": "江西", "37": "山东", "41": "河南",
    "42": "湖北", "43": "湖南", "44": "广东", "45": "广西", "46": "海南", "50": "重庆", "51": "四川", "52": "贵州",
    "53": "云南", "61": "陕西", "62": "甘肃", "63": "青海", "64": "宁夏", "65": "新疆",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountYear:
    """One year of an account; None is not known.

    Attributes:
        version: Starts at 1; a correction adds one.
        grid_area: Province whose grid factor applies.
        value_added_cny: 增加值.
        revenue_cny: 主营业务收入.
        equity_plus_debt_cny: 权益与债务合计 at year end.
    """

    version: int
    grid_area: str
    activity: ActivityYear
    value_added_cny: Decimal | None
    revenue_cny: Decimal | None
    equity_plus_debt_cny: Decimal | None
    sector_mean: SectorMean | None

    def __post_init__(self) -> None:
        """Refuse negative finance figures and an unlikely year."""
        if not 2005 <= self.activity.year <= 2099:
            raise InvalidInput(f"year is {self.activity.year}", zh="年度须在 2005 至 2099 之间", field="year")
        for field, value in (
            ("value_added_cny", self.value_added_cny),
            ("revenue_cny", self.revenue_cny),
            ("equity_plus_debt_cny", self.equity_plus_debt_cny),
        ):
            if value is not None and (not value.is_finite() or value < 0):
                raise InvalidInput(f"{field} is {value}", zh="金额不能为负", field=field)


def grid_area_of(usci: str) -> str | None:
    """Give the province a USCI was registered in (digits 3 and 4 of the code), where its grid factor is listed."""
    match = re.fullmatch(r"..([0-9]{2}).*", usci)
    return _PROVINCES.get(match[1]) if match else None

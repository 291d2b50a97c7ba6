"""Slips of ten thousand in a first upload, where no other period tells: asked about by band, by side, by what was earned."""

from decimal import Decimal

import pytest

from loans.calc.account_entries import AccountEntry, EntryKind
from loans.calc.account_slips import slip_asked, year_scale


def line(kind: EntryKind, quantity: str, *, item: str = "", month: int = 0, year: int = 2024) -> AccountEntry:
    is_power = kind is EntryKind.ELECTRICITY
    return AccountEntry(
        kind=kind, year=year, month=month, item=item, quantity=Decimal(quantity), factor_id="广东" if is_power else "",
        factor_year=2022 if is_power else None, evidence="单据", source="台账",
    )  # fmt: skip


def power(quantity: str, **place: int) -> AccountEntry:
    return line(EntryKind.ELECTRICITY, quantity, item="A", **place)


def asked(entry: AccountEntry, *others: AccountEntry) -> str | None:
    odd = slip_asked(entry, (), year_scale([entry, *others]))
    return None if odd is None else odd.zh


EARNED = line(EntryKind.VALUE_ADDED, "61500000")


@pytest.mark.parametrize(
    ("entry", "others", "words"),
    [
        # 360 万kWh written as 360: under 10,000 a year stands nobody; 833 a month is the twelfth of it.
        (power("360"), (), "不在全年的常见范围 10,000 至 20,000,000,000"),
        (power("26", month=1), tuple(power("26", month=month) for month in range(2, 13)), "不在一个月的常见范围 833"),
        (line(EntryKind.METER, "3600000000", item="A"), (power("3600000"),), "与同年用电量（申报）"),
        (power("36000000"), (line(EntryKind.VALUE_ADDED, "615000"),), "与同年增加值或收入 615,000 元不相称"),
        # 36,000 kWh on 6.15 亿 is 0.00006 kWh each, less than any office.
        (power("36000"), (line(EntryKind.VALUE_ADDED, "615000000"),), "不相称"),
        (line(EntryKind.VALUE_ADDED, "615000"), (power("36000000"),), "与同年用电 36,000,000 kWh 不相称"),
        # 12 万 Nm3 written as 120000 万Nm3: even at 1 元/m3 twenty times what was earned.
        (line(EntryKind.FUEL, "120000", item="natural_gas"), (EARNED,), "不相称"),
        (line(EntryKind.FUEL, "5000000", item="bituminous_coal"), (EARNED,), "不相称"),
        (line(EntryKind.HEAT, "40000000", item="H"), (EARNED,), "不相称"),
    ],
)
def test_a_slip_of_a_first_upload_is_asked_about(
    entry: AccountEntry, others: tuple[AccountEntry, ...], words: str
) -> None:
    told = asked(entry, *others)
    assert told is not None
    assert words in told


@pytest.mark.parametrize(
    ("entry", "others"),
    [
        (power("3600000"), (EARNED, line(EntryKind.METER, "3500000", item="A"))),
        (power("300000", month=1), (EARNED, power("310000", month=2))),
        # One month that is odd says nothing of the others: the month in the middle counts.
        (power("300000", month=1), (EARNED, power("310000", month=2), power("3000000000", month=3))),
        # A small meter beside large ones is no slip, nor is a meter that reads a small part.
        (power("12000"), (EARNED, line(EntryKind.ELECTRICITY, "3600000", item="B"))),
        (line(EntryKind.METER, "12000", item="A"), (EARNED, power("3600000"))),
        (line(EntryKind.FUEL, "12", item="natural_gas"), (EARNED,)),
        (line(EntryKind.FUEL, "2", item="diesel"), (EARNED,)),
        (EARNED, (power("3600000"),)),
        (line(EntryKind.VALUE_ADDED, "-61500000"), (power("3600000"),)),
        (line(EntryKind.VERIFICATION, "2"), (EARNED,)),
        # A smelter: 13,500 kWh a tonne of metal that adds 3,000 元.
        (power("13500000000"), (line(EntryKind.VALUE_ADDED, "3000000000"),)),
        (line(EntryKind.GREEN_POWER, "1000", item="GEC-1"), (EARNED, power("3600000"))),
    ],
)
def test_what_is_sound_is_not_asked_about(entry: AccountEntry, others: tuple[AccountEntry, ...]) -> None:
    assert asked(entry, *others) is None

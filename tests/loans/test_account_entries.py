"""Lines of carbon accounts: consent, rows kept and named, corrections, green power once; sums beside hand calculation."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from carbonfin.kernel.errors import InvalidInput, MissingData, NotApplicable, NotFound
from carbonfin.kernel.parties import PartyKind
from carbonfin.storage.engine import Sessions
from carbonfin.storage.parties import PartyDraft, save_party
from loans import service
from loans.calc.account_emissions import AccountFactors, account_emissions
from loans.calc.account_entries import AccountEntry, EntryKind
from loans.calc.account_facts import power_by_month, year_facts
from loans.calc.consents import Consent, ConsentPurpose, ConsentState
from loans.calc.ratings.emissions import Fuel
from loans.service import EntryImport
from tests.loans.samples import BOOK, E4_USCI, fuel_factors, grid_factor
from tests.loans.world import BUSINESS_DATE, KNOWN_AT, Bank, open_bank

HEAD = "统一社会信用代码,项目,年度,月份,明细,数量,单位,电网因子,因子年份,证明材料,数据来源,单位已核对,更正原因"
LATER = KNOWN_AT + timedelta(days=1)
CONSENT = Consent(
    purpose=ConsentPurpose.RATING, state=ConsentState.GIVEN, given_on=date(2025, 1, 6), valid_to=date(2026, 1, 5),
    evidence="授权书 2025-001",
)  # fmt: skip


def line(
    kind: EntryKind, quantity: str, *, year: int = 2024, month: int = 0, item: str = "", evidence: str = "单据"
) -> AccountEntry:
    is_power = kind is EntryKind.ELECTRICITY
    return AccountEntry(
        kind=kind, year=year, month=month, item=item, quantity=Decimal(quantity),
        factor_id="广东" if is_power else "", factor_year=2022 if is_power else None, evidence=evidence, source="台账",
    )  # fmt: skip


def sent(
    sessions: Sessions, bank: Bank, rows: Sequence[str], *, encoding: str = "utf-8", at: object = KNOWN_AT,
    preview: bool = False,
) -> EntryImport:  # fmt: skip
    text = "\n".join([HEAD, *rows]) + "\n"
    with sessions.begin() as session:
        return service.import_entry_file(
            session, bank.officer, content=text.encode(encoding), file_name="明细.csv", on=BUSINESS_DATE,
            known_at=at, preview=preview,  # type: ignore[arg-type]  # an instant
        )  # fmt: skip


def consented_bank(sessions: Sessions) -> Bank:
    with sessions.begin() as session:
        bank = open_bank(session)
        service.record_consent(
            session, bank.officer, bank.clothing.id, CONSENT, on=BUSINESS_DATE, known_at=KNOWN_AT
        )  # fmt: skip
    return bank


def kept(sessions: Sessions, bank: Bank, *, at: object = KNOWN_AT) -> dict[tuple[str, int, int, str], Decimal | None]:
    with sessions.read() as session:
        found = service.entries_of(session, bank.officer, bank.clothing.id, known_at=at)  # type: ignore[arg-type]
    return {(one.kind.value, one.year, one.month, one.item): one.quantity for one in found}


def test_nothing_is_taken_without_consent_or_after_its_withdrawal(sessions: Sessions) -> None:
    with sessions.begin() as session:
        bank = open_bank(session)
    row = f"{E4_USCI},增加值,2024,,,61500000,元,,,,纳税申报,,"
    (failure,) = sent(sessions, bank, [row]).failures
    assert (failure.item, failure.field) == ("line 2", "usci")
    assert "没有授权记录" in failure.zh
    assert kept(sessions, bank) == {}
    with sessions.begin() as session:
        for consent, at in (
            (CONSENT, KNOWN_AT),
            (replace(CONSENT, state=ConsentState.WITHDRAWN, given_on=date(2025, 6, 30), valid_to=None), LATER),
        ):
            service.record_consent(session, bank.officer, bank.clothing.id, consent, on=BUSINESS_DATE, known_at=at)
    assert sent(sessions, bank, [row]).added_count == 1
    (failure,) = sent(sessions, bank, [row.replace("2024", "2023")], at=LATER).failures
    assert "已于 2025-06-30 撤回授权" in failure.zh
    with sessions.read() as session:
        with pytest.raises(NotApplicable):
            service.require_consent(session, bank.officer, bank.clothing, on=BUSINESS_DATE, known_at=LATER)
        service.require_consent(session, bank.officer, bank.clothing, on=BUSINESS_DATE, known_at=KNOWN_AT)
        with pytest.raises(NotApplicable, match="no consent in force on 2026-01-06"):
            service.require_consent(session, bank.officer, bank.clothing, on=date(2026, 1, 6), known_at=KNOWN_AT)


def test_good_rows_are_kept_and_each_bad_one_is_named(sessions: Sessions) -> None:
    bank = consented_bank(sessions)
    report = sent(
        sessions,
        bank,
        [
            f"{E4_USCI},用电量,2024,1,0103001,300000,kWh,广东,2022,,电费账单,,",
            "91440300EXAMPLE467,用电量,2024,1,0103001,300000,kWh,广东,2022,,电费账单,,",
            f"{E4_USCI},用电量,2024,2,0103001,-5,kWh,广东,2022,,电费账单,,",
            f"{E4_USCI},用电量,2024,1,0103001,300000,kWh,广东,2022,,电费账单,,",
            f"{E4_USCI},用电量,2024,3,0103001,30.5,万kWh,广东,2022,,电费账单,,",
            f"{E4_USCI},用电量,2024,4,0103001,31,kWh,广东,2022,,电费账单,,",
            f"{E4_USCI},用电量,2024,5,0103001,290000,kWh,广东,2019,,电费账单,,",
            f"{E4_USCI},用电量,2024,6,0103001,290000,kWh,,,,电费账单,,",
            f"{E4_USCI},增加值,2024,,,6150,元,,,,纳税申报,,",
            f"{E4_USCI},燃料,2024,,天然气,12,t,,,,能源台账,,",
            f"{E4_USCI},燃料,2024,,氢气,12,t,,,,能源台账,,",
            f"{E4_USCI},绿电,2024,,GEC-1,50000,kWh,,,,交易中心,,",
            f"{E4_USCI},增加值,2024,3,,1,元,,,,纳税申报,,",
        ],
        encoding="gbk",
    )
    assert (report.encoding, report.row_count, report.added_count, report.stored) == ("gb18030", 13, 2, True)
    assert [(one.item, one.field) for one in report.failures] == [
        ("line 3", "usci"), ("line 4", "quantity"), ("line 5", "month"), ("line 6", "unit"), ("line 7", "quantity"),
        ("line 8", "factor_year"), ("line 10", "quantity"), ("line 11", "unit"), ("line 12", "item"),
        ("line 13", "evidence"), ("line 14", "month"),
    ]  # fmt: skip
    words = {one.item: one.zh for one in report.failures}
    assert "校验码" in words["line 3"]
    assert "与第 2 行重复" in words["line 5"]
    assert "单位是否有误" in words["line 7"]
    assert "单位是否有误" in words["line 10"]
    # The province and the latest factor known by the year stand where none is named: 44 is 广东, 2022 known 2024-12-20.
    with sessions.read() as session:
        found = service.entries_of(session, bank.officer, bank.clothing.id, known_at=KNOWN_AT)
    assert [(one.month, one.quantity, one.factor_id, one.factor_year) for one in found] == [
        (1, Decimal(300000), "广东", 2022),
        (6, Decimal(290000), "广东", 2022),
    ]
    confirmed = sent(sessions, bank, [f"{E4_USCI},增加值,2024,,,6150,元,,,,纳税申报,是,"])
    assert (confirmed.added_count, confirmed.failures) == (1, ())


def test_an_odd_line_does_not_make_its_neighbours_odd(sessions: Sessions) -> None:
    bank = consented_bank(sessions)
    rows = [
        f"{E4_USCI},增加值,{year},,,{value},元,,,,纳税申报,," for year, value in ((2024, 61_500_000), (2023, 5_900))
    ]
    report = sent(sessions, bank, rows)
    assert (report.added_count, [one.item for one in report.failures]) == (1, ["line 3"])
    ten_thousandth = sent(sessions, bank, [f"{E4_USCI},过程排放,2024,,,{value},t,,,,台账,," for value in ("5000",)])
    assert ten_thousandth.added_count == 1
    # 0.5 beside 5,000 is a ten-thousandth: 万t for t; no band says so, the other year does.
    report = sent(sessions, bank, [f"{E4_USCI},过程排放,2023,,,0.5,t,,,,台账,,"])
    assert [(one.item, one.field) for one in report.failures] == [("line 2", "quantity")]


def test_a_cell_too_long_or_with_hidden_signs_costs_its_row_alone(sessions: Sessions) -> None:
    bank = consented_bank(sessions)
    report = sent(
        sessions,
        bank,
        [
            f"{E4_USCI},发票电量,2024,1,{'9' * 5000},300000,kWh,,,,税务发票,,",
            f"{E4_USCI},发票电量,2024,1,FP1\u202e,300000,kWh,,,,税务发票,,",
            f"{E4_USCI},发票电量,2024,1,FP1,300000,kWh,,,,税务\u3000发票,,",
        ],
    )
    assert [(one.item, one.field) for one in report.failures] == [("line 2", "item"), ("line 3", "item")]
    assert report.added_count == 1


def test_a_preview_keeps_nothing(sessions: Sessions) -> None:
    bank = consented_bank(sessions)
    report = sent(sessions, bank, [f"{E4_USCI},增加值,2024,,,61500000,元,,,,纳税申报,,"], preview=True)
    assert (report.added_count, report.stored) == (1, False)
    assert kept(sessions, bank) == {}


def test_a_correction_has_its_reason_and_its_own_known_date(sessions: Sessions) -> None:
    bank = consented_bank(sessions)
    row = "{code},增加值,2024,,,{value},元,,,,纳税申报,,{reason}"
    first = row.format(code=E4_USCI, value="61500000", reason="")
    assert sent(sessions, bank, [first]).added_count == 1
    assert sent(sessions, bank, [first], at=LATER).unchanged_count == 1
    other = row.format(code=E4_USCI, value="62000000", reason="")
    (failure,) = sent(sessions, bank, [other], at=LATER).failures
    assert failure.field == "reason"
    report = sent(sessions, bank, [other + "企业异议，凭更正申报"], at=LATER)
    assert (report.added_count, report.corrected_count) == (0, 1)
    key = ("value_added", 2024, 0, "")
    assert kept(sessions, bank)[key] == Decimal(61_500_000)
    assert kept(sessions, bank, at=LATER)[key] == Decimal(62_000_000)
    void = row.format(code=E4_USCI, value="作废", reason="重复申报")
    assert sent(sessions, bank, [void], at=LATER + timedelta(days=1)).corrected_count == 1
    assert kept(sessions, bank, at=LATER + timedelta(days=1))[key] is None
    with sessions.read() as session:
        versions = service.entry_versions_of(
            session, bank.officer, bank.clothing.id, known_at=LATER + timedelta(days=1)
        )
    assert [one.entry.version for one in versions] == [1, 2, 3]
    assert versions[1].entry.reason == "企业异议，凭更正申报"


def test_green_power_counts_once_in_all_accounts_of_a_bank(sessions: Sessions) -> None:
    bank = consented_bank(sessions)
    with sessions.begin() as session:
        second = save_party(
            session, bank.officer,
            PartyDraft(
                kind=PartyKind.ENTERPRISE, name="第二示例企业", usci="91440300EXAMPLE2XB", lei=None, industry="C3460",
                district=None, scheme=None, key_emitter=False, is_sample=True,
            ),
        )  # fmt: skip
        service.record_consent(session, bank.officer, second.id, CONSENT, on=BUSINESS_DATE, known_at=KNOWN_AT)
    green = "{code},{kind},{year},,GEC-1,50000,kWh,,,绿证 GEC-1,交易中心,,"
    first = green.format(code=E4_USCI, kind="绿电", year=2024)
    report = sent(sessions, bank, [first, green.format(code=E4_USCI, kind="已核减绿电", year=2024)])
    assert [(one.item, one.field) for one in report.failures] == [("line 3", "item")]
    report = sent(
        sessions,
        bank,
        [
            green.format(code=E4_USCI, kind="绿电", year=2023),
            green.format(code="91440300EXAMPLE2XB", kind="绿电", year=2024),
        ],
        at=LATER,
    )
    assert [(one.item, one.field) for one in report.failures] == [("line 2", "item"), ("line 3", "item")]
    assert "另一企业" in report.failures[1].zh


def test_a_year_beside_its_months_and_a_second_factor_are_refused(sessions: Sessions) -> None:
    bank = consented_bank(sessions)
    report = sent(
        sessions,
        bank,
        [
            f"{E4_USCI},用电量,2024,1,0103001,300000,kWh,广东,2022,,电费账单,,",
            f"{E4_USCI},用电量,2024,,0103001,3600000,kWh,广东,2022,,电费账单,,",
            f"{E4_USCI},用电量,2024,2,0103001,300000,kWh,湖北,2022,,电费账单,,",
            f"{E4_USCI},用电量,2024,2,0103002,3000,kWh,广东,2021,,电费账单,,",
        ],
    )
    assert [(one.item, one.field) for one in report.failures] == [
        ("line 3", "month"), ("line 4", "factor_id"), ("line 5", "factor_id"),
    ]  # fmt: skip


def test_another_bank_sees_no_line_and_no_consent(sessions: Sessions) -> None:
    bank = consented_bank(sessions)
    sent(sessions, bank, [f"{E4_USCI},增加值,2024,,,61500000,元,,,,纳税申报,,"])
    with sessions.begin() as session:
        other = open_bank(session, name="另一家银行")
    with sessions.read() as session:
        with pytest.raises(NotFound):
            service.entries_of(session, other.officer, bank.clothing.id, known_at=KNOWN_AT)
        assert service.entries_of(session, other.officer, other.clothing.id, known_at=KNOWN_AT) == ()
        assert service.consents_of(session, other.officer, other.clothing.id, known_at=KNOWN_AT) == ()


def test_sums_of_a_year_by_hand() -> None:
    lines = [
        *(line(EntryKind.ELECTRICITY, "100000", month=month, item="A") for month in range(1, 13)),
        line(EntryKind.ELECTRICITY, "2400000", item="B"),
        *(line(EntryKind.INVOICE_ELECTRICITY, "295000", month=month, item=f"F{month}") for month in range(1, 11)),
        *(line(EntryKind.METER, "299000", month=month, item="A") for month in range(1, 13)),
        line(EntryKind.GREEN_POWER, "50000", item="G1"),
        line(EntryKind.GREEN_DEDUCTED, "30000", item="G2"),
        line(EntryKind.FUEL, "7", month=0, item="natural_gas"),
        line(EntryKind.KEY_EMITTER, "0"),
    ]
    facts = year_facts(lines, 2024)
    # 12 x 100,000 + 2,400,000; 10 x 295,000; 12 x 299,000; 50,000 + 30,000 of which 30,000 are deducted
    assert (facts.electricity_kwh, facts.invoice_kwh, facts.metered_kwh) == (3_600_000, 2_950_000, 3_588_000)
    assert (facts.green_kwh, facts.green_deducted_kwh, facts.bill_months_count) == (80_000, 30_000, 10)
    assert (facts.is_key_emitter, facts.value_added_cny, facts.missing_months) == (0, None, ())
    months = power_by_month(lines, 2024)
    # January: reported 100,000 of meter A beside 299,000 by the meter: 199 %; the year: |2,950,000 - 3,600,000| / 3,600,000
    assert (months[0].month, months[0].gap_ratio) == (1, Decimal("1.9900"))
    assert (months[-1].month, months[-1].gap_ratio) == (0, Decimal("0.1806"))


def test_eleven_months_are_no_year() -> None:
    facts = year_facts([line(EntryKind.ELECTRICITY, "100", month=month, item="A") for month in range(1, 12)], 2024)
    assert facts.missing_months == ("electricity A: 12",)
    with pytest.raises(MissingData):
        year_facts([], 2024)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"year": 1999}, "year"),
        ({"month": 13}, "month"),
        ({"item": ""}, "item"),
        ({"quantity": Decimal("1.5")}, "quantity"),
        ({"quantity": Decimal("NaN")}, "quantity"),
        ({"factor_year": 2025}, "factor_year"),
        ({"factor_id": ""}, "factor_id"),
        ({"source": ""}, "source"),
        ({"source": "x" * 201}, "source"),
        ({"item": "9" * 65}, "item"),
        ({"evidence": "账单\x01"}, "evidence"),
        ({"reason": "更正\u202e"}, "reason"),
    ],
)
def test_a_line_refuses_what_its_kind_does_not_allow(change: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        replace(line(EntryKind.ELECTRICITY, "100", month=1, item="A"), **change)  # type: ignore[arg-type]
    assert caught.value.field == field


def test_emissions_of_a_year_with_heat_process_and_deducted_power_by_hand() -> None:
    lines = [
        line(EntryKind.ELECTRICITY, "3600000", item="A"),
        line(EntryKind.GREEN_DEDUCTED, "100000", item="G"),
        line(EntryKind.HEAT, "1234", item="H"),
        line(EntryKind.PROCESS, "10.005"),
        line(EntryKind.FUEL, "2", item="diesel"),
    ]
    heat = BOOK.on("loans.heat_factor_t_per_gj", valid_on=date(2024, 12, 31), known_at=KNOWN_AT)
    factors = AccountFactors(grid=grid_factor(), fuels=fuel_factors(Fuel.DIESEL), heat=heat)
    emissions, figures = account_emissions(year_facts(lines, 2024), factors)
    # 3,500 MWh x 0.4403; 2 t x 42.652 x 0.02020 x 0.98 x 44/12 = 6.1918; 1,234 GJ x 0.11; half up of 10.005
    assert [(part.carrier, part.emissions_t) for part in emissions.parts] == [
        ("electricity", Decimal("1541.05")), ("diesel", Decimal("6.19")), ("heat", Decimal("135.74")),
        ("process", Decimal("10.01")),
    ]  # fmt: skip
    assert emissions.emissions_t == Decimal("1692.99")
    assert figures[-1].value == "1692.99"
    with pytest.raises(MissingData) as caught:
        account_emissions(year_facts(lines, 2024), replace(factors, heat=None))
    assert caught.value.field == "heat"

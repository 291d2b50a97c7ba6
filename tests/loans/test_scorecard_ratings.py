"""Ratings by the scorecard from stored accounts, on both databases: points by hand, refusals, history, events, replay."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import select

from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.errors import Conflict, InvalidInput, MissingData, NotApplicable
from carbonfin.storage.decisions import Recorded, replay_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.outbox import OutboxMessageRow
from collateral.calc.compliance_records import EmissionsState, statement_of
from collateral.service import record_compliance_position
from collateral.service.surrender_records import surrender_record_of
from loans import service
from loans.calc.account_entries import EntryKind
from loans.calc.ratings.scorecard_decision import SCORECARD_KIND, ScorecardOutcome
from loans.service import EntryDraft
from tests.loans.samples import E4_USCI
from tests.loans.scorecard_worlds import consent, draft, fill_scorecard, freeze, lines, standing_at, withdraw
from tests.loans.world import BUSINESS_DATE, KNOWN_AT, Bank, account_year, furnished_bank, open_bank


def filled(sessions: Sessions) -> Bank:
    with sessions.begin() as session:
        bank = open_bank(session)
        fill_scorecard(session, bank)
    return bank


def rated(sessions: Sessions, bank: Bank, **changes: Any) -> Recorded[ScorecardOutcome]:
    standing = replace(standing_at(bank), **changes)
    with sessions.begin() as session:
        return service.rate_by_scorecard(session, bank.officer, bank.clothing, year=None, standing=standing)


def sent(sessions: Sessions, bank: Bank, drafts: Sequence[EntryDraft], *, days: int = 0) -> None:
    with sessions.begin() as session:
        report = service.record_entries(
            session, bank.officer, drafts, on=BUSINESS_DATE, known_at=KNOWN_AT + timedelta(days=days)
        )
    assert report.failures == ()


def test_points_letter_and_explanation_by_hand(sessions: Sessions) -> None:
    bank = filled(sessions)
    made = rated(sessions, bank)
    rating = made.outcome.rating
    # 3,600 MWh x 0.4403 + 259.80 t of gas = 1,844.88 t; the year before, with the same factor, 1,805.23 + 303.10.
    assert made.outcome.current is not None
    assert made.outcome.previous is not None
    assert (made.outcome.current.emissions_t, made.outcome.previous.emissions_t) == (
        Decimal("1844.88"), Decimal("2108.33"),
    )  # fmt: skip
    # intensity 0.3000: two of four peers emit more, one as much: 40 x 2.5/4. Cut min(1 - 0.87505, 1 - 0.87505/1.025) =
    # 0.1249: 25 x (75 + 25 x 0.0749/0.1) %. Green 0.2: 10 x 70/100 x 0.2/0.3. Verification 75 % of 6, target half of 6.
    assert {line.name: str(line.points) for line in rating.factors} == {
        "intensity": "25.00", "emission_cut": "23.43", "verification": "4.50", "meter_coverage": "3.00",
        "bill_months": "3.00", "reconciliation": "3.00", "green_power": "4.67", "targets": "3.00",
        "management": "4.00",
    }  # fmt: skip
    assert (rating.points, rating.letter, rating.cut_points) == (Decimal("73.60"), "B", Decimal("93.73"))
    assert (rating.coverage_ratio, rating.confidence, rating.valid_to) == (1, "medium", date(2026, 6, 29))
    assert rating.method_zh == "本系统自有方法，非深圳企业碳账户评级"
    assert (rating.benchmark_id, rating.peer_group, rating.peer_count) == ("2024-深圳", "C18/2", 4)
    assert [(one.code, str(one.cost)) for one in made.outcome.reasons] == [
        ("intensity", "15.00"), ("green_power", "5.33"), ("targets", "3.00"),
    ]  # fmt: skip
    assert all(lift.points >= Decimal("74.60") for lift in made.outcome.point_lifts)
    assert made.outcome.lacks == ()
    figures = {figure.name: figure for figure in made.outcome.trace}
    assert (figures["points"].value, figures["letter"].value) == ("73.60", "B")
    assert figures["weight.intensity"].confirmed is False
    with sessions.read() as session:
        assert replay_decision(session, [SCORECARD_KIND], made.decision_id).same


def test_what_is_missing_earns_nothing_and_too_much_of_it_refuses(sessions: Sessions) -> None:
    bank = filled(sessions)
    sent(sessions, bank, [replace(draft(EntryKind.MANAGEMENT, "1", unit="是否", reason="证书失效"), quantity=None)])
    assert rated(sessions, bank).outcome.rating.points == Decimal("69.60")
    gone = draft(EntryKind.ELECTRICITY, "0", item="A", unit="kWh", reason="待核实")
    sent(sessions, bank, [replace(gone, quantity=None)], days=1)
    refused = rated(sessions, bank, known_at=KNOWN_AT + timedelta(days=1)).outcome
    assert (refused.rating.letter, refused.rating.points) == (None, None)
    assert [one.field for one in refused.lacks] == ["electricity_kwh", "electricity_kwh"]
    assert refused.point_lifts == ()


def test_a_meter_that_reads_more_than_is_reported_earns_nothing(sessions: Sessions) -> None:
    bank = filled(sessions)
    sent(sessions, bank, [draft(EntryKind.METER, "3700000", item="A", unit="kWh", reason="抄表更正")])
    outcome = rated(sessions, bank).outcome
    assert outcome.rating.points == Decimal("70.60")
    assert [one.field for one in outcome.lacks] == ["metered_kwh"]


def test_consent_benchmark_and_year_come_first(sessions: Sessions) -> None:
    with sessions.begin() as session:
        bank = open_bank(session)
    with pytest.raises(NotApplicable):
        rated(sessions, bank)
    with sessions.begin() as session:
        given = consent(session, bank)
    with pytest.raises(MissingData, match="no entry for 2024"):
        rated(sessions, bank)
    sent(sessions, bank, lines())
    with sessions.begin() as session:
        freeze(session, bank, released_on=date(2025, 7, 1), name="later")
    with pytest.raises(MissingData, match="no benchmark"):
        rated(sessions, bank)
    with sessions.begin() as session:
        freeze(session, bank)
        withdraw(session, bank, given)
    with pytest.raises(NotApplicable, match="withdrew"):
        rated(sessions, bank)


def test_a_withdrawal_stops_the_other_method_and_its_figures_too(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        bank = furnished_bank(session)
        withdraw(session, bank, consent(session, bank))
    with sqlite_sessions.begin() as session:
        with pytest.raises(NotApplicable, match="withdrew"):
            service.rate_enterprise(
                session, bank.officer, bank.clothing.id, year=None, valid_on=BUSINESS_DATE, known_at=KNOWN_AT
            )
        with pytest.raises(NotApplicable, match="withdrew"):
            service.record_account_year(
                session, bank.officer, bank.clothing.id, account_year(2022, "1", "1"), known_at=KNOWN_AT
            )


def test_a_frozen_benchmark_is_not_edited(sessions: Sessions) -> None:
    bank = filled(sessions)
    with sessions.begin() as session:
        freeze(session, bank)
        assert len(service.benchmark_releases(session, bank.officer, known_at=KNOWN_AT)) == 1
        for content, error in (
            ("行业代码,企业规模,碳强度\nC1810,小型,0.5\n", Conflict),
            ("行业代码,企业规模,碳强度\nC1810,小型,-0.5\nZ1,小型,1\nC1810,巨型,1\n", InvalidInput),
            ("行业代码,企业规模,碳强度\n", InvalidInput),
        ):
            with pytest.raises(error):
                service.freeze_benchmark_file(
                    session, bank.officer, content=content.encode(), file_name="样本.csv", benchmark_id="2024-深圳",
                    released_on=date(2025, 6, 1), source="本行样本(示例)", standing=standing_at(bank),
                )  # fmt: skip


def test_a_correction_moves_the_rating_and_both_dates_tell_them_apart(sessions: Sessions) -> None:
    bank = filled(sessions)
    first = rated(sessions, bank)
    sent(sessions, bank, [draft(EntryKind.TARGET, "2", reason="企业异议，补交第三方确认")], days=1)
    again = rated(sessions, bank)
    assert again.outcome == first.outcome
    later = KNOWN_AT + timedelta(days=1)
    second = rated(sessions, bank, known_at=later)
    assert second.outcome.rating.points == Decimal("76.60")
    with sessions.read() as session:
        party_id = bank.clothing.id
        every = service.scorecard_ratings_of(session, bank.officer, party_id)
        known = service.scorecard_ratings_of(session, bank.officer, party_id, known_at=KNOWN_AT)
        before = service.scorecard_ratings_of(session, bank.officer, party_id, valid_on=date(2025, 6, 29))
        events = session.exec(
            select(OutboxMessageRow).where(OutboxMessageRow.kind == "event.rating.changed")
        ).all()  # fmt: skip
        told = sorted(str(one.payload["points"]) for one in events)
    assert every[0].decision_id == second.decision_id
    assert [one.number for one in every] == [3, 2, 1]
    assert len(known) == 2
    assert before == ()
    assert told == ["73.60", "76.60"]


def test_many_are_rated_each_as_alone_and_the_others_named(sessions: Sessions) -> None:
    bank = filled(sessions)
    with sessions.begin() as session:
        batch = service.rate_many_by_scorecard(
            session, bank.officer, [E4_USCI, "91440300EXAMPLE541", E4_USCI], year=2024, standing=standing_at(bank)
        )
    assert [(code, made.outcome.rating.letter) for code, made in batch.values] == [(E4_USCI, "B")]
    assert [one.item for one in batch.failures] == ["91440300EXAMPLE541"]


def _statement(bank: Bank, surrendered_t: int | None, as_of: date | None, *, year: int = 2024) -> Any:
    return statement_of(
        party_id=bank.clothing.id, scheme=Scheme.CEA, compliance_year=year, emissions_t=1000,
        emissions_state=EmissionsState.VERIFIED, emissions_source="核查报告", surrendered_t=surrendered_t, as_of=as_of,
        parts=(), unconfirmed="", known_from=BUSINESS_DATE,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("surrendered_t", "as_of", "on_time", "missed"),
    [
        (1000, date(2025, 12, 31), 1000, 0),
        (1000, date(2026, 1, 1), None, 0),
        (900, date(2025, 12, 31), 900, 1),
        (None, None, None, None),
    ],
)
def test_surrenders_are_read_from_the_compliance_position(
    sqlite_sessions: Sessions, surrendered_t: int | None, as_of: date | None, on_time: int | None, missed: int | None
) -> None:
    with sqlite_sessions.begin() as session:
        bank = open_bank(session)
        # The deadline of CEA 2024 is 2025-12-31: a fortnight later it has passed.
        standing = replace(standing_at(bank), business_date=date(2026, 1, 15))
        assert surrender_record_of(session, bank.officer, bank.clothing.id, year=2024, standing=standing) is None
        record_compliance_position(
            session, bank.officer, _statement(bank, surrendered_t, as_of), standing=standing
        )  # fmt: skip
        found = surrender_record_of(session, bank.officer, bank.clothing.id, year=2024, standing=standing)
    assert found is not None
    assert (found.obligation_t, found.surrendered_on_time_t, found.missed_count) == (1000, on_time, missed)
    assert found.allocation_t is None


def test_a_year_whose_deadline_nobody_knows_is_not_taken_as_met(sqlite_sessions: Sessions) -> None:
    with sqlite_sessions.begin() as session:
        bank = open_bank(session)
        standing = standing_at(bank)
        for surrendered_t, missed in ((999, None), (1000, 0)):
            record_compliance_position(
                session, bank.officer, _statement(bank, surrendered_t, None, year=2019), standing=standing
            )
            found = surrender_record_of(session, bank.officer, bank.clothing.id, year=2024, standing=standing)
            assert found is not None
            assert (found.obligation_t, found.missed_count) == (None, missed)

"""Pricing over both databases: import, snapshot by both dates, recorded valuations, isolation, replay."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

import pytest

from carbonfin.kernel.allowances import Unit
from carbonfin.kernel.dates import FixedClock, end_of_china_day
from carbonfin.kernel.errors import Conflict, InvalidInput, MissingData, NotFound, NotPermitted
from carbonfin.kernel.units import Currency
from carbonfin.rules.record import canonical_json, digest_of
from carbonfin.storage.decisions import load_decision, replay_decision
from carbonfin.storage.engine import Sessions
from carbonfin.storage.jobs import run_job_once
from pricing import service
from pricing.calc.market import PriceKind
from pricing.feeds import built_in
from pricing.jobs import value_portfolios
from pricing.store import quotes, rates
from tests.pricing.markets import F1, quote, snapshot_of, spot
from tests.pricing.worlds import BOOK, BUSINESS_DATE, KNOWN_AT, MarketWorld, make_market_world

CEA = Unit.parse("CEA")


@pytest.fixture
def world(sessions: Sessions) -> MarketWorld:
    with sessions.begin() as session:
        return make_market_world(session)


def test_importing_the_built_in_market_twice_changes_nothing(sessions: Sessions, world: MarketWorld) -> None:
    with sessions.begin() as session:
        again = service.import_builtin_market(session)
        assert (again.quote_count, again.rate_count, again.fx_count) == (0, 0, 0)
        assert service.import_sample_quotes(session, world.maker) == 0
    with sessions.read() as session:
        days = service.market_days(
            session,
            world.maker,
            unit=CEA,
            from_date=None,
            to_date=date(2025, 12, 31),
            known_at=end_of_china_day(date(2025, 12, 31)),
        )
    assert days == built_in.cea_quotes()


def test_sample_quotes_stay_out_of_a_real_bank(sessions: Sessions, world: MarketWorld) -> None:
    with sessions.begin() as session, pytest.raises(NotPermitted):
        service.import_sample_quotes(session, world.stranger)
    with sessions.read() as session:
        real = service.market_snapshot(
            session, valuation_date=BUSINESS_DATE, known_at=KNOWN_AT, organization_id=world.stranger.organization_id
        )
        with pytest.raises(MissingData):
            real.quotes_of(Unit.parse("SZA-2023"))
        assert real.quotes_of(CEA)[-1].price_cny_per_t == Decimal("75.02")


def test_scenario_market_through_the_database(sessions: Sessions, world: MarketWorld) -> None:
    with sessions.read() as session:
        snapshot = service.market_snapshot(
            session, valuation_date=BUSINESS_DATE, known_at=KNOWN_AT, organization_id=world.maker.organization_id
        )
    assert service.appraisal_price(
        snapshot, Unit.parse("CEA-2023"), "min_close_listed_vwap"
    ).price_cny_per_t == Decimal("74.03")
    assert service.average_daily_volume_t(snapshot, CEA) == 209_407
    assert service.appraisal_price(snapshot, Unit.parse("SZA-2024"), "vintage_quote").price_cny_per_t == Decimal(
        "41.00"
    )
    assert [(quote.pair, quote.rate) for quote in snapshot.fx] == [("HKDCNY", Decimal("0.912707"))]
    assert snapshot.trading_days[-20:] == snapshot_of().trading_days[-20:]
    assert len({quote.quote_date for quote in snapshot.quotes_of(CEA)}) == 20


def test_a_snapshot_knows_only_what_was_known(sessions: Sessions, world: MarketWorld) -> None:
    earlier = end_of_china_day(date(2025, 6, 27))
    with sessions.read() as session:
        with pytest.raises(InvalidInput, match="2025-06-27"):
            service.market_snapshot(
                session, valuation_date=BUSINESS_DATE, known_at=earlier, organization_id=world.maker.organization_id
            )
        snapshot = service.market_snapshot(
            session, valuation_date=date(2025, 6, 27), known_at=earlier, organization_id=world.maker.organization_id
        )
    assert snapshot.quotes_of(CEA)[-1].quote_date == date(2025, 6, 27)
    assert [item.settlement_date for item in snapshot.settlements] == [date(2025, 6, 27)]


def test_a_correction_is_a_revision_and_yesterday_keeps_its_own(sessions: Sessions, world: MarketWorld) -> None:
    later = date(2025, 7, 1)
    wrong = next(quote for quote in built_in.cea_quotes() if quote.quote_date == BUSINESS_DATE)
    corrected = replace(wrong, price_cny_per_t=Decimal("75.20"), known_from=later)
    with sessions.begin() as session:
        saved = quotes.save_quotes(session, [corrected], organization_id=None)
        assert (saved.added_count, saved.corrected) == (1, (corrected,))

    def close_known_on(day: date) -> Decimal:
        with sessions.read() as session:
            return service.market_snapshot(
                session, valuation_date=BUSINESS_DATE, known_at=end_of_china_day(day), organization_id=world.maker.organization_id
            ).quotes_of(CEA)[-1].price_cny_per_t  # fmt: skip

    assert close_known_on(BUSINESS_DATE) == Decimal("75.02")
    assert close_known_on(later) == Decimal("75.20")


def test_an_own_quote_stands_before_the_public_one_for_its_owner_only(sessions: Sessions, world: MarketWorld) -> None:
    public = next(quote for quote in built_in.cea_quotes() if quote.quote_date == BUSINESS_DATE)
    with sessions.begin() as session:
        quotes.save_quotes(
            session, [replace(public, price_cny_per_t=Decimal("74.00"))], organization_id=world.maker.organization_id
        )
    closes = []
    with sessions.read() as session:
        for actor in (world.maker, world.stranger):
            days = service.market_days(
                session, actor, unit=CEA, from_date=BUSINESS_DATE, to_date=BUSINESS_DATE, known_at=KNOWN_AT
            )
            closes.append([quote.price_cny_per_t for quote in days])
    assert closes == [[Decimal("74.00")], [Decimal("75.02")]]


@pytest.mark.usefixtures("world")
def test_lpr_by_both_dates(sessions: Sessions) -> None:
    with sessions.read() as session:
        values = {
            day: service.lpr_on(session, "1Y", date.fromisoformat(day), KNOWN_AT)
            for day in ("2024-02-20", "2024-10-21", "2025-05-19", "2025-05-20", "2025-06-30")
        }
        assert {day: rate.value for day, rate in values.items()} == {
            "2024-02-20": Decimal("0.0345"), "2024-10-21": Decimal("0.0310"), "2025-05-19": Decimal("0.0310"),
            "2025-05-20": Decimal("0.0300"), "2025-06-30": Decimal("0.0300"),
        }  # fmt: skip
        assert values["2025-06-30"].published_on == date(2025, 5, 20)
        assert service.lpr_on(session, "5Y", date(2024, 2, 20), KNOWN_AT).value == Decimal("0.0395")
        disputed = service.lpr_on(session, "1Y", date(2021, 3, 1), KNOWN_AT)
        assert disputed.published_on == date(2021, 2, 20)
        assert "争议" in disputed.note
        before = service.lpr_on(session, "1Y", date(2025, 5, 20), end_of_china_day(date(2025, 5, 19)))
        assert before.value == Decimal("0.0310")
        with pytest.raises(MissingData):
            service.lpr_on(session, "1Y", date(2019, 8, 19), KNOWN_AT)
        with pytest.raises(InvalidInput):
            service.lpr_on(session, "3Y", BUSINESS_DATE, KNOWN_AT)


@pytest.mark.usefixtures("world")
def test_reference_rates_are_not_carried_too_far(sessions: Sessions) -> None:
    with sessions.read() as session:
        assert service.fx_rate_on(session, "HKDCNY", date(2025, 5, 20), KNOWN_AT).rate == Decimal("0.922540")
        assert service.fx_rate_on(session, "HKDCNY", BUSINESS_DATE, KNOWN_AT).rate == Decimal("0.912707")
        assert service.fx_rate_on(session, "HKDCNY", date(2025, 5, 27), KNOWN_AT).quote_date == date(2025, 5, 20)
        for pair, day in (("HKDCNY", date(2025, 5, 28)), ("USDCNY", BUSINESS_DATE)):
            with pytest.raises(MissingData):
                service.fx_rate_on(session, pair, day, KNOWN_AT)


@pytest.mark.usefixtures("world")
def test_a_rate_once_stored_is_not_overwritten(sessions: Sessions) -> None:
    rate = built_in.lpr_rates()[0]
    with pytest.raises(Conflict, match=r"0\.0425"), sessions.begin() as session:
        rates.save_rates(session, [replace(rate, value=Decimal("0.0420"))])


def test_a_recorded_valuation_is_read_back_replays_and_stays_within_its_bank(
    sessions: Sessions, world: MarketWorld
) -> None:
    with sessions.begin() as session:
        portfolio = service.save_portfolio(session, world.maker, code="B1", name="示例组合", lines=BOOK)
        made = service.record_valuation(
            session, world.maker, portfolio.id, valuation_date=BUSINESS_DATE, known_at=KNOWN_AT
        )
    assert made.record.present_value_cny == Decimal("46915964.51")
    assert made.record.variation_margin_cny == Decimal("4200.00")
    with sessions.read() as session:
        again = service.load_valuation(session, world.maker, made.record.id)
        assert again == made
        assert service.load_portfolio(session, world.maker, portfolio.id).lines == BOOK
        record = load_decision(session, world.maker, made.record.decision_id)
        assert record.figure("line.F1.present_value_cny").value == "-38935.49"
        assert replay_decision(session, service.DECISION_KINDS, made.record.decision_id).same
        with pytest.raises(NotFound):
            service.load_valuation(session, world.stranger, made.record.id)
        with pytest.raises(NotFound):
            service.load_portfolio(session, world.stranger, portfolio.id)
        assert service.list_portfolios(session, world.stranger) == ()
    with sessions.begin() as session, pytest.raises(NotFound):
        service.record_valuation(session, world.stranger, portfolio.id, valuation_date=BUSINESS_DATE, known_at=KNOWN_AT)


def test_valuations_are_numbered_within_their_portfolio(sessions: Sessions, world: MarketWorld) -> None:
    with sessions.begin() as session:
        portfolio = service.save_portfolio(session, world.maker, code="B1", name="组合", lines=BOOK[:1])
        for day in (BUSINESS_DATE - timedelta(days=3), BUSINESS_DATE):
            service.record_valuation(session, world.maker, portfolio.id, valuation_date=day, known_at=KNOWN_AT)
    with sessions.read() as session:
        found = service.valuations_of(session, world.maker, portfolio.id, limit=10)
    assert [(item.number, item.present_value_cny) for item in found] == [
        (2, Decimal("4501200.00")),
        (1, Decimal("4592400.00")),
    ]


def test_saving_a_portfolio_again_replaces_its_lines(sessions: Sessions, world: MarketWorld) -> None:
    with sessions.begin() as session:
        first = service.save_portfolio(session, world.maker, code="B1", name="组合", lines=BOOK)
        second = service.save_portfolio(session, world.maker, code="B1", name="组合（更名）", lines=BOOK[3:])
        assert second.id == first.id
    with sessions.read() as session:
        assert service.load_portfolio(session, world.maker, first.id).lines == BOOK[3:]
        assert [item.name for item in service.list_portfolios(session, world.maker)] == ["组合（更名）"]


def test_a_forward_in_euro_and_its_papers_come_back_as_they_were(sessions: Sessions, world: MarketWorld) -> None:
    line = replace(
        F1, unit=Unit.parse("EUA"), strike_cny_per_t=None, strike_per_t=Decimal("71.2"), currency=Currency.EUR,
        master_agreement="主协议 2024-03-01", derivatives_licence="衍生产品交易资格 2023-05-01",
    )  # fmt: skip
    with sessions.begin() as session:
        portfolio = service.save_portfolio(session, world.maker, code="EU", name="欧元", lines=[line])
    with sessions.read() as session:
        (found,) = service.load_portfolio(session, world.maker, portfolio.id).lines
    assert found == line
    assert found.currency is Currency.EUR


def test_impossible_lines_are_not_stored(sessions: Sessions, world: MarketWorld) -> None:
    with sessions.begin() as session:
        with pytest.raises(InvalidInput) as raised:
            service.save_portfolio(
                session, world.maker, code="B1", name="组合", lines=[spot("H1", "CEA", 1), spot("H2", "CEA", 0)]
            )
        assert raised.value.field == "/lines/1/quantity_t"
        with pytest.raises(InvalidInput):
            service.save_portfolio(
                session, world.maker, code="B1", name="组合", lines=[spot("H1", "CEA", 1), spot("H1", "CEA", 2)]
            )
        assert service.list_portfolios(session, world.maker) == ()


def test_inline_values_keep_nothing_unless_recorded(sessions: Sessions, world: MarketWorld) -> None:
    with sessions.begin() as session:
        value = service.value_inline(
            session, world.maker, name="试算", lines=[F1], valuation_date=BUSINESS_DATE, known_at=KNOWN_AT
        )
        assert value.present_value_cny == Decimal("-38935.49")
        made = service.record_inline_valuation(
            session, world.maker, name="试算", lines=[F1], valuation_date=BUSINESS_DATE, known_at=KNOWN_AT
        )
        assert made.record.portfolio_id is None
        assert made.value == value


def test_a_bank_without_an_assumed_rate_gets_no_forward_value(sessions: Sessions, world: MarketWorld) -> None:
    with sessions.read() as session:
        value = service.value_inline(
            session, world.stranger, name="试算", lines=[F1, BOOK[0]], valuation_date=BUSINESS_DATE, known_at=KNOWN_AT
        )
        assert [failure.item for failure in value.failures] == ["F1"]
        with pytest.raises(MissingData):
            service.forward_quote(
                session,
                world.stranger,
                unit=CEA,
                delivery_date=date(2025, 12, 15),
                valuation_date=BUSINESS_DATE,
                known_at=KNOWN_AT,
            )


def test_forward_quote_of_the_scenario(sessions: Sessions, world: MarketWorld) -> None:
    with sessions.read() as session:
        answer = service.forward_quote(
            session,
            world.maker,
            unit=Unit.parse("CEA-2024"),
            delivery_date=date(2025, 12, 15),
            valuation_date=BUSINESS_DATE,
            known_at=KNOWN_AT,
        )
        assert (answer.forward.shown_cny_per_t, answer.days) == (Decimal("75.5397"), 168)
        assert answer.tradable_note_zh.startswith("仅估值，不可成交")
        with pytest.raises(InvalidInput):
            service.forward_quote(
                session,
                world.maker,
                unit=CEA,
                delivery_date=BUSINESS_DATE,
                valuation_date=BUSINESS_DATE,
                known_at=KNOWN_AT,
            )


def test_quality_of_the_national_market_up_to_the_business_date(sessions: Sessions, world: MarketWorld) -> None:
    with sessions.read() as session:
        report = service.quality_of(
            session, world.maker, unit=CEA, from_date=None, to_date=BUSINESS_DATE, known_at=KNOWN_AT
        )
        assert report.day_count == 117
        assert report.days_without_any_trade == 10
        assert "missing_day" not in dict(report.counts)
        with pytest.raises(MissingData):
            service.quality_of(
                session,
                world.maker,
                unit=Unit.parse("GDEA-2024"),
                from_date=None,
                to_date=BUSINESS_DATE,
                known_at=KNOWN_AT,
            )


def test_the_end_of_day_job_values_each_portfolio_and_names_what_failed(sessions: Sessions, world: MarketWorld) -> None:
    clock = FixedClock(KNOWN_AT)
    with sessions.begin() as session:
        service.save_portfolio(session, world.maker, code="B1", name="组合", lines=BOOK)
        service.save_portfolio(session, world.maker, code="B2", name="缺价组合", lines=[spot("H9", "SZA-2021", 5)])
    for repeated in (False, True):
        with sessions.begin() as session:
            run = run_job_once(
                session, job="pricing.value", organization_id=world.maker.organization_id, business_date=BUSINESS_DATE,
                clock=clock, work=partial(value_portfolios, session, world.maker, BUSINESS_DATE),
            )  # fmt: skip
        assert run.repeated is repeated
        assert run.done_count == 2
        assert len(run.failures) == 1
        assert run.failures[0].item == "B2 H9"
    with sessions.read() as session:
        found = {item.code: item.id for item in service.list_portfolios(session, world.maker)}
        values = service.valuations_of(session, world.maker, found["B1"], limit=5)
    assert [item.present_value_cny for item in values] == [Decimal("46915964.51")]


def test_a_products_price_is_never_taken_for_the_units(sessions: Sessions, world: MarketWorld) -> None:
    """Two products and the unit itself on one day, and a correction of one of them."""
    bank = world.stranger.organization_id
    whole = quote("SZA-2023", BUSINESS_DATE, "40.00", kind=PriceKind.VINTAGE_QUOTE)
    full = replace(
        whole, open_cny_per_t=Decimal("39.50"), high_cny_per_t=Decimal("40.20"), low_cny_per_t=Decimal("39.10"),
        vwap_cny_per_t=Decimal("39.87"),
    )  # fmt: skip
    first, second = (
        replace(whole, product=name, price_cny_per_t=Decimal(price)) for name, price in (("A", 41), ("B", 42))
    )
    corrected = replace(first, price_cny_per_t=Decimal("41.50"))
    with sessions.begin() as session:
        assert quotes.save_quotes(session, [full, first, second], organization_id=bank).added_count == 3
        again = quotes.save_quotes(session, [full, corrected, second], organization_id=bank)
        assert (again.added_count, again.unchanged_count, again.corrected) == (1, 2, (corrected,))
    with sessions.read() as session:
        snapshot = service.market_snapshot(
            session, valuation_date=BUSINESS_DATE, known_at=KNOWN_AT, organization_id=bank
        )
        assert snapshot.quotes_of(whole.unit) == (full,)
        for product, expected in ((None, full), ("A", corrected), ("B", second)):
            assert quotes.quotes_known(
                session, organization_id=bank, from_date=None, to_date=BUSINESS_DATE, known_on=BUSINESS_DATE,
                unit=whole.unit, product=product,
            ) == (expected,)  # fmt: skip
        assert quotes.products_known(
            session, organization_id=bank, unit=whole.unit, to_date=BUSINESS_DATE, known_on=BUSINESS_DATE
        ) == ("A", "B")


def test_what_a_quote_did_not_have_before_does_not_change_its_digest() -> None:
    """The canonical text of a quote as it was before products and ranges, written out by hand."""
    plain = quote("CEA", BUSINESS_DATE, "75.02")
    assert canonical_json(plain) == (
        '{"block_amount_cny":null,"block_volume_t":null,"document":"公告","exchange":"交易所","grade":"read",'
        '"is_sample":false,"known_from":"2025-06-30","listed_amount_cny":null,"listed_volume_t":null,'
        '"price_cny_per_t":"75.02","price_kind":"composite_close","quote_date":"2025-06-30",'
        '"unit":{"scheme":"CEA","vintage":null}}'
    )
    assert digest_of(replace(plain, vwap_cny_per_t=Decimal("75.00"))) != digest_of(plain)

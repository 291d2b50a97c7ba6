"""The four sample files to the fen, and the laws of a subsidy decision."""

import dataclasses
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carbonfin.kernel.dates import CHINA
from carbonfin.kernel.errors import InvalidInput, NotFound
from carbonfin.rules.record import canonical_json
from carbonfin.rules.whole_trace import whole_trace
from reporting.calc.budget import allocate_budget
from reporting.calc.costs import financing_cost
from reporting.calc.dedup import OverlapReason, claim_of, duplicate_pairs
from reporting.calc.eligibility import Answer, Criterion
from reporting.calc.facts import (
    CostKind,
    CostVoucher,
    DocumentKind,
    LoanStatus,
    PledgeAnnouncement,
    SubsidyApplication,
)
from reporting.calc.schemes import LIMITING_TERMS, SchemeTerms, Term
from reporting.calc.subsidies import Outcome, SubsidyDecision, SubsidyInputs, decide_subsidy, tables_asked
from reporting.calc.summaries import summarize
from tests.reporting.samples import (
    ALL_DOCUMENTS,
    P0,
    P0_VOUCHERS,
    announcement,
    application,
    sample_applications,
    share_table,
    terms,
)

ZERO = Decimal(0)


def decide(
    filed: SubsidyApplication, *earlier: SubsidyApplication, under: SchemeTerms | None = None
) -> SubsidyDecision:
    """Decide by the built-in table, and hold that it is what was decided before there was one."""
    inputs = SubsidyInputs(
        application=filed,
        terms=under or terms(filed.scheme),
        earlier=tuple(claim_of(f"id-{other.reference}", other) for other in earlier),
        granted_this_year_cny=ZERO,
    )
    before = decide_subsidy(inputs)
    by_table = decide_subsidy(dataclasses.replace(inputs, share_table=share_table()))
    assert canonical_json(dataclasses.replace(by_table, trace=())) == canonical_json(
        dataclasses.replace(before, trace=())
    )
    assert tables_asked(inputs) == ()
    (asked,) = tables_asked(dataclasses.replace(inputs, share_table=share_table()))
    whole = whole_trace(asked)
    row = next(figure.value for figure in by_table.trace if figure.name == "subsidy_row")
    assert [one.row_id for one in whole.rows if one.answers] == ([] if whole.refused else [row])
    assert len(whole.rows) == 11
    return by_table


def with_term(known: SchemeTerms, term: Term, value: str) -> SchemeTerms:
    """The same terms with one of them entered by a person."""
    entry = known.entry(term)
    model = known.values[0] if entry is None else entry
    entered = dataclasses.replace(model, key=f"reporting.subsidy.{term}", value=value, confirmed=True)
    others = tuple(held for held in known.values if held.key != entered.key)
    return dataclasses.replace(known, values=(*others, entered))


def fully_read(known: SchemeTerms, term: Term, value: str) -> SchemeTerms:
    """The terms as if a person had read and entered every limiting one."""
    for limiting in LIMITING_TERMS:
        if not known.is_known(limiting):
            known = with_term(known, limiting, "no")
    return with_term(known, term, value)


def without_term(known: SchemeTerms, term: Term) -> SchemeTerms:
    kept = tuple(held for held in known.values if held.key != f"reporting.subsidy.{term}")
    return dataclasses.replace(known, values=kept)


def answers(decision: SubsidyDecision) -> dict[Criterion, Answer]:
    return {result.criterion: result.answer for result in decision.criteria}


class TestSampleFiles:
    def test_a1_to_the_fen(self) -> None:
        decision = decide(sample_applications()[0])
        assert decision.outcome is Outcome.QUALIFIES
        assert decision.gross_cny == Decimal("116783.33")
        assert decision.vat_cny == Decimal("6610.36")
        assert decision.net_cny == Decimal("110172.97")
        assert decision.calculated_cny == Decimal("55086.49")
        assert any("申请条件" in note and "第四部分" in note for note in decision.unconfirmed_zh)
        assert any("上限" in note for note in decision.unconfirmed_zh)

    def test_a1_is_not_proposed_while_conditions_and_cap_are_unread(self) -> None:
        assert decide(sample_applications()[0]).proposed_cny is None
        read = fully_read(terms(), Term.CAP_CNY, "none")
        assert decide(sample_applications()[0], under=read).proposed_cny == Decimal("55086.49")

    def test_a2_is_undecided_without_an_amount(self) -> None:
        a1, a2, *_ = sample_applications()
        decision = decide(a2, a1)
        assert decision.outcome is Outcome.UNDECIDED
        assert decision.reason_zh.startswith("未决定：参数未确认")
        assert decision.calculated_cny is None
        assert decision.proposed_cny is None
        assert answers(decision)[Criterion.STACKING] is Answer.UNKNOWN

    def test_a3_is_refused_as_not_settled(self) -> None:
        decision = decide(sample_applications()[2])
        assert decision.outcome is Outcome.REFUSED
        assert decision.reason_zh == "不符合：未结清"
        assert decision.calculated_cny is None
        assert decision.missing_documents == (DocumentKind.SETTLEMENT_CERTIFICATE,)

    def test_a4_shows_the_pair(self) -> None:
        a1, _, _, a4 = sample_applications()
        decision = decide(a4, a1)
        assert decision.outcome is Outcome.DUPLICATE
        (pair,) = decision.pairs
        assert (pair.earlier_reference, pair.reason, pair.earlier_item) == ("A1", OverlapReason.SAME_VOUCHER, "P0-3")
        assert decision.calculated_cny is None

    def test_the_funnel_counts_them(self) -> None:
        a1, a2, a3, a4 = sample_applications()
        summary = summarize([decide(a1), decide(a2, a1), decide(a3, a1), decide(a4, a1)])
        assert [step.count for step in summary.funnel] == [4, 3, 1, 0, 0]
        assert summary.calculated_cny == Decimal("55086.49")
        assert dict(summary.outcomes) == dict.fromkeys(Outcome, 1)


class TestCosts:
    def test_rounding_follows_the_vouchers(self) -> None:
        by_voucher = financing_cost(P0_VOUCHERS, vat_rate=Decimal("0.06"))
        assert by_voucher.net_cny == Decimal("110172.97")
        once = (Decimal("116783.33") / Decimal("1.06")).quantize(Decimal("0.01"))
        assert once == Decimal("110172.95"), "which is why the vouchers are split one by one"

    @given(st.lists(st.integers(0, 10**11), max_size=20), st.integers(0, 9999))
    def test_parts_add_up(self, fen: list[int], rate: int) -> None:
        vouchers = tuple(
            CostVoucher(
                number=str(place),
                kind=CostKind.INTEREST,
                invoice_vat_cny=None,
                period_start=date(2025, 1, 1),
                period_end=date(2025, 2, 1),
                gross_cny=Decimal(amount) / 100,
                paid_on=None,
            )
            for place, amount in enumerate(fen)
        )
        cost = financing_cost(vouchers, vat_rate=Decimal(rate) / 10_000)
        assert cost.net_cny + cost.vat_cny == cost.gross_cny == Decimal(sum(fen)) / 100

    def test_guarantee_fee_counts_net_of_the_vat_on_its_invoice(self) -> None:
        # 106,000 interest with 6,000 VAT and 10,600 fee with 600 VAT: base 110,000, half of it is granted.
        interest = dataclasses.replace(P0_VOUCHERS[0], gross_cny=Decimal(106000), invoice_vat_cny=Decimal(6000))
        fee = dataclasses.replace(
            interest, number="fee", kind=CostKind.GUARANTEE_FEE, gross_cny=Decimal(10600), invoice_vat_cny=Decimal(600)
        )
        decision = decide(application(vouchers=(interest, fee)))
        assert decision.net_cny == Decimal(110000)
        assert decision.calculated_cny == Decimal("55000.00")

    def test_more_vat_than_amount_is_refused(self) -> None:
        with pytest.raises(InvalidInput, match="exceeds"):
            dataclasses.replace(P0_VOUCHERS[0], invoice_vat_cny=Decimal(30000))

    def test_a_percent_in_place_of_a_rate_is_refused(self) -> None:
        with pytest.raises(InvalidInput, match="outside 0 to 1"):
            financing_cost(P0_VOUCHERS, vat_rate=Decimal(6))


class TestEligibility:
    @pytest.mark.parametrize(
        ("minute", "answer"),
        [
            (datetime(2025, 9, 15, 8, 59, 59, tzinfo=CHINA), Answer.NOT_MET),
            (datetime(2025, 9, 15, 9, tzinfo=CHINA), Answer.MET),
            (datetime(2025, 9, 26, 18, tzinfo=CHINA), Answer.MET),
            (datetime(2025, 9, 26, 18, 0, 1, tzinfo=CHINA), Answer.NOT_MET),
        ],
    )
    def test_the_window_is_inclusive_to_the_second(self, minute: datetime, answer: Answer) -> None:
        assert answers(decide(application(submitted_at=minute)))[Criterion.WINDOW] is answer

    def test_a_loan_settled_after_filing_is_not_settled(self) -> None:
        late = dataclasses.replace(P0, settled_on=date(2025, 9, 19))
        assert decide(application(loan_note=late)).outcome is Outcome.REFUSED

    def test_an_unknown_settlement_decides_nothing(self) -> None:
        unclear = dataclasses.replace(P0, status=LoanStatus.UNKNOWN, settled_on=None)
        decision = decide(application(loan_note=unclear))
        assert decision.outcome is Outcome.UNDECIDED
        assert "材料待补" in decision.reason_zh
        assert decision.calculated_cny is None

    def test_a_document_without_digest_is_missing(self) -> None:
        held = tuple(dataclasses.replace(document, digest="") for document in ALL_DOCUMENTS)
        decision = decide(application(documents=held))
        assert len(decision.missing_documents) == 10
        assert decision.outcome is Outcome.UNDECIDED

    def test_a_firm_that_is_no_key_emitter_is_refused_where_that_is_read(self) -> None:
        decision = decide(application(scheme="shenhuangui-2024-7", key_emitter=False))
        assert decision.outcome is Outcome.REFUSED

    def test_an_unknown_scheme_names_the_known(self) -> None:
        with pytest.raises(NotFound) as caught:
            terms("futian-2025")
        assert "nanshan-2025" in caught.value.remedy

    def test_terms_before_they_were_in_force(self) -> None:
        early = terms("shenhuangui-2024-7", valid_on=date(2024, 6, 30))
        filed = application(scheme="shenhuangui-2024-7", submitted_at=datetime(2024, 6, 30, 10, tzinfo=CHINA))
        assert answers(decide(filed, under=early))[Criterion.IN_FORCE] is Answer.NOT_MET


class TestDuplicates:
    def test_an_overlap_of_one_day_is_enough_and_touching_is_not(self) -> None:
        touching = dataclasses.replace(
            P0_VOUCHERS[3], number="X", period_start=date(2025, 6, 20), period_end=date(2025, 6, 21)
        )
        overlapping = dataclasses.replace(touching, period_start=date(2025, 6, 19))
        claim = claim_of("id", application("A1"))
        assert duplicate_pairs(application("A9", vouchers=(touching,)), (claim,)) == ()
        (pair,) = duplicate_pairs(application("A9", vouchers=(overlapping,)), (claim,))
        assert pair.reason is OverlapReason.OVERLAPPING_PERIOD

    def test_an_affiliate_with_the_same_contract(self) -> None:
        other_note = dataclasses.replace(P0, note_number="P0-b")
        filed = application("A9", applicant_usci="91440300EXAMPLE38B", loan_note=other_note)
        (pair,) = duplicate_pairs(filed, (claim_of("id", application("A1")),))
        assert pair.reason is OverlapReason.SAME_CONTRACT

    def test_an_announcement_behind_two_notes(self) -> None:
        other = dataclasses.replace(P0, contract_number="另一合同", note_number="P9")
        (pair,) = duplicate_pairs(application("A9", loan_note=other), (claim_of("id", application("A1")),))
        assert pair.reason is OverlapReason.SAME_ANNOUNCEMENT

    def test_another_banks_note_of_the_same_number_is_another_note(self) -> None:
        elsewhere = dataclasses.replace(P0, bank_name="另一银行")
        filed = application("A9", loan_note=elsewhere, announcement=announcement("另", {}, date(2025, 1, 1)))
        assert duplicate_pairs(filed, (claim_of("id", application("A1")),)) == ()

    def test_a_voucher_named_twice_in_one_file_is_refused(self) -> None:
        with pytest.raises(InvalidInput, match="twice"):
            application(vouchers=(P0_VOUCHERS[0], P0_VOUCHERS[0]))


class TestAmounts:
    def test_guangzhou_formula_with_its_cap(self) -> None:
        # 黄埔: 贷款金额 × 1 %, capped at 1,000,000 an enterprise a year.
        huangpu = fully_read(terms("guangzhou-huangpu"), Term.WINDOW_OPENS, "2025-01-01T00:00")
        huangpu = with_term(huangpu, Term.WINDOW_CLOSES, "2025-12-31T23:59")
        huangpu = with_term(huangpu, Term.DOCUMENTS, "loan_note")
        small = decide(application(scheme="guangzhou-huangpu"), under=huangpu)
        assert small.proposed_cny == Decimal("30000.00")
        large = dataclasses.replace(P0, principal_cny=Decimal(200_000_000))
        capped = decide(application(scheme="guangzhou-huangpu", loan_note=large), under=huangpu)
        assert (capped.calculated_cny, capped.proposed_cny) == (Decimal("2000000.00"), Decimal(1000000))
        assert "1000000" in capped.cut_zh

    def test_the_trace_leads_from_the_amount_to_every_voucher(self) -> None:
        decision = decide(application())
        figures = {figure.name: figure for figure in decision.trace}
        reached, open_names = set(), ["calculated_cny"]
        while open_names:
            name = open_names.pop()
            reached.add(name)
            open_names += figures[name].inputs
        assert {f"gross_cny.{voucher.number}" for voucher in P0_VOUCHERS} <= reached
        assert {"rate", "vat_rate"} <= reached
        assert figures["calculated_cny"].confirmed is False
        assert canonical_json(decision) == canonical_json(decide(application()))

    @given(st.data())
    def test_missing_never_increases_an_amount(self, data: st.DataObject) -> None:
        full = fully_read(terms(), Term.CAP_CNY, "60000")
        stated = application(
            key_emitter=data.draw(st.booleans()),
            loan_note=data.draw(st.sampled_from([P0, dataclasses.replace(P0, status=LoanStatus.RUNNING)])),
        )
        known = full
        for term in data.draw(st.sets(st.sampled_from(list(Term)))):
            known = without_term(known, term)
        if data.draw(st.booleans()):
            known = dataclasses.replace(known, vat_rate=None)
        changes: dict[str, object] = {
            "vouchers": tuple(v for v in P0_VOUCHERS if data.draw(st.booleans())),
            "documents": tuple(d for d in ALL_DOCUMENTS if data.draw(st.booleans())),
        }
        for fact in data.draw(st.sets(st.sampled_from(["announcement", "key_emitter", "other_subsidy"]))):
            changes[fact] = None
        if data.draw(st.booleans()):
            changes["loan_note"] = dataclasses.replace(stated.loan_note, status=LoanStatus.UNKNOWN, settled_on=None)
        whole = decide(stated, under=full).proposed_cny or ZERO
        lacking = decide(dataclasses.replace(stated, **changes), under=known).proposed_cny or ZERO  # type: ignore[arg-type]
        assert lacking <= whole

    def test_the_law_above_has_something_to_hold(self) -> None:
        full = fully_read(terms(), Term.CAP_CNY, "60000")
        assert decide(application(), under=full).proposed_cny == Decimal("55086.49")
        running = application(loan_note=dataclasses.replace(P0, status=LoanStatus.RUNNING))
        assert decide(running, under=full).outcome is Outcome.REFUSED
        assert decide(running, under=without_term(full, Term.SETTLED_ONLY)).proposed_cny is None


class TestBudget:
    @given(st.dictionaries(st.text(max_size=4), st.integers(0, 10**12), max_size=30), st.integers(0, 10**13))
    def test_shares_tie_to_the_fen(self, fen: dict[str, int], budget_fen: int) -> None:
        claims = {name: Decimal(amount) / 100 for name, amount in fen.items()}
        budget = Decimal(budget_fen) / 100
        shares = allocate_budget(claims, budget_cny=budget)
        assert sum(shares.values(), ZERO) == min(budget, sum(claims.values(), ZERO))
        assert all(ZERO <= shares[name] <= claims[name] for name in claims)

    def test_largest_remainder_by_hand(self) -> None:
        # 0.10 over three claims of 0.05: 3.33 fen each; one fen is left and goes to the first name.
        shares = allocate_budget(dict.fromkeys("abc", Decimal("0.05")), budget_cny=Decimal("0.10"))
        assert shares == {"a": Decimal("0.04"), "b": Decimal("0.03"), "c": Decimal("0.03")}

    def test_a_fraction_of_a_fen_is_refused(self) -> None:
        with pytest.raises(InvalidInput):
            allocate_budget({"a": Decimal("0.001")}, budget_cny=Decimal(1))


def test_an_announcement_stands_at_a_web_address() -> None:
    with pytest.raises(InvalidInput, match="web address"):
        PledgeAnnouncement(number="1", address="javascript:alert(1)", published_on=None, pledged=())

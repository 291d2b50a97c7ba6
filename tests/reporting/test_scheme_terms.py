"""Terms that a scheme may state: tiers, caps, years at most, who is shut out, groups; all amounts worked out by hand."""

import dataclasses
from datetime import date, datetime
from decimal import Decimal

import pytest

from carbonfin.kernel.dates import CHINA
from carbonfin.kernel.errors import InvalidInput
from carbonfin.rules.parameter_drafts import draft_faults
from carbonfin.rules.parameters import ParameterBook
from carbonfin.rules.record import canonical_json
from carbonfin.storage.rulebook import builtin_book
from reporting.calc.batches import DecidedApplication, FiledApplication, allocations_cny, decide_in_order
from reporting.calc.dedup import OverlapReason
from reporting.calc.eligibility import Answer, Criterion, CriterionResult
from reporting.calc.eligibility_table import paid_share
from reporting.calc.facts import ApplicantRecord, EnterpriseSize, FinancingForm
from reporting.calc.reports import line_of
from reporting.calc.schemes import SchemeTerms, Term, words_of
from reporting.calc.subsidies import Outcome
from reporting.calc.tiers import read_tiers, tiered_cny
from tests.reporting.portfolios import with_terms
from tests.reporting.samples import E2_USCI, P0, application, share_table, terms

ANOTHER, HEAD = "91440300EXAMPLE38B", "91440300EXAMPLE99X"
FIRST_TIERS = "100000000:0.002;500000000:0.001;1000000000:0.0005;:0.0002"
"""广州黄埔 绿色金融10条, bank side: to 1亿 0.2 %, to 5亿 0.1 %, to 10亿 0.05 %, above 0.02 %."""


def huangpu(**values: str) -> SchemeTerms:
    """贷款金额 × 1 %: 30,000.00 for each loan of 3,000,000; every limit read, none of them there."""
    open_terms = {
        "conditions": "示例", "cap_cny": "none", "settled_only": "no", "key_emitter_only": "no",
        "announcement_required": "no", "window_opens": "2025-01-01T00:00", "window_closes": "2030-12-31T23:59",
        "documents": "loan_note", "max_years": "none",
    }  # fmt: skip
    return with_terms(terms("guangzhou-huangpu"), **(open_terms | values))


def filed(reference: str, on: date = date(2025, 9, 18), *, contract: str = "", **changes: object) -> FiledApplication:
    note = dataclasses.replace(P0, note_number=f"N-{reference}", contract_number=contract or f"C-{reference}")
    case = application(
        reference, scheme="guangzhou-huangpu", loan_note=note, announcement=None,
        submitted_at=datetime(on.year, on.month, on.day, 10, tzinfo=CHINA), **changes,
    )  # fmt: skip
    return FiledApplication(application_id=f"id-{reference}", application=case)


def decided(scheme: SchemeTerms, *files: FiledApplication) -> list[DecidedApplication]:
    batch = decide_in_order(files, lambda _: scheme, lambda _: share_table())
    assert not batch.failures
    return list(batch.values)


def proposed(items: list[DecidedApplication]) -> list[Decimal | None]:
    return [item.decision.proposed_cny for item in items]


def answer_of(item: DecidedApplication, criterion: Criterion) -> CriterionResult:
    return next(result for result in item.decision.criteria if result.criterion is criterion)


class TestTiers:
    @pytest.mark.parametrize(
        ("base", "amount"),
        [
            ("0", "0.00"),
            ("100000000", "200000.00"),
            ("100000001", "200000.00"),  # 0.001 of a yuan more
            ("100000005", "200000.01"),  # half a fen goes up
            ("500000000", "600000.00"),  # 200,000 + 400,000
            ("1200000000", "890000.00"),  # 200,000 + 400,000 + 250,000 + 40,000
        ],
    )
    def test_each_part_by_the_rate_of_its_own_tier(self, base: str, amount: str) -> None:
        entry = huangpu(rate_tiers=FIRST_TIERS).find(Term.RATE_TIERS)
        assert entry is not None
        assert tiered_cny(Decimal(base), read_tiers(entry)) == Decimal(amount)

    def test_an_application_by_tiers(self) -> None:
        # 3,000,000: 1,000,000 × 2 % + 2,000,000 × 1 %.
        scheme = huangpu(rate_tiers="1000000:0.02;:0.01", rate="")
        (item,) = decided(scheme, filed("A"))
        assert proposed([item]) == [Decimal("40000.00")]
        figures = {figure.name: figure for figure in item.decision.trace}
        assert figures["calculated_cny"].inputs == ("principal_cny", "rate_tiers")
        assert figures["rate_tiers"].value == "至 100 万元部分 2%；其余部分 1%"

    @pytest.mark.parametrize(
        "text", ["0.02", "1000:0.02", "2000:0.1;1000:0.2;:0", ":2", "x:0.1;:0", "0:0.1;:0", ":NaN"]
    )
    def test_tiers_that_leave_a_part_without_a_rate_fail_their_applications_alone(self, text: str) -> None:
        scheme = huangpu(rate_tiers=text, rate="")
        batch = decide_in_order(
            (filed("A"), filed("B")),
            lambda case: scheme if case.reference == "A" else huangpu(),
            lambda _: share_table(),
        )
        assert [failure.field for failure in batch.failures] == ["reporting.subsidy.rate_tiers"]
        assert proposed(list(batch.values)) == [Decimal("30000.00")]

    def test_a_rate_and_tiers_together_are_refused(self) -> None:
        batch = decide_in_order([filed("A")], lambda _: huangpu(rate_tiers=":0.01"), lambda _: share_table())
        assert [failure.field for failure in batch.failures] == ["reporting.subsidy.rate_tiers"]


class TestCapsAndYears:
    def test_a_project_is_capped_over_all_its_notes_and_years(self) -> None:
        scheme = huangpu(cap_project_cny="40000")
        items = decided(
            scheme, filed("A", contract="K"), filed("B", date(2026, 9, 18), contract="K"), filed("C", date(2026, 9, 19))
        )
        assert proposed(items) == [Decimal("30000.00"), Decimal("10000.00"), Decimal("30000.00")]
        assert items[1].decision.cut_zh == "单个项目（合同）上限 40000 元，已资助 30000.00 元"
        figures = {figure.name: figure for figure in items[1].decision.trace}
        assert {"granted_to_project_cny", "cap_project_cny"} <= set(figures["proposed_cny"].inputs)

    def test_an_applicant_is_capped_in_all_years_and_the_tightest_cap_binds(self) -> None:
        scheme = huangpu(cap_total_cny="70000", cap_cny="50000")
        days = (date(2025, 7, 3), date(2025, 9, 3), date(2026, 3, 3), date(2026, 9, 3))
        items = decided(scheme, *(filed(f"A{place}", on) for place, on in enumerate(days)))
        # 30,000; 20,000 of the year's 50,000 left; 20,000 of all 70,000 left; nothing left.
        assert proposed(items) == [Decimal(30000), Decimal(20000), Decimal(20000), Decimal(0)]
        line = line_of(items[0].filed, decision_id="", decision=items[0].decision, terms=scheme, allocated_cny=None)
        assert line.cap_text == "50000 元／年；70000 元／累计"

    def test_no_fourth_year_where_three_are_the_most(self) -> None:
        built_in = terms("guangzhou-huangpu").find(Term.MAX_YEARS)
        assert built_in is not None, "entered from the text; nothing read it before"
        assert built_in.value == "3"
        days = (date(2025, 9, 1), date(2026, 3, 1), date(2026, 9, 1), date(2027, 9, 1), date(2028, 9, 1))
        items = decided(huangpu(max_years=built_in.value), *(filed(f"A{k}", on) for k, on in enumerate(days)))
        assert [item.decision.outcome for item in items] == [Outcome.QUALIFIES] * 4 + [Outcome.REFUSED]
        assert items[-1].decision.reason_zh == "不符合：第 4 个资助年度，最长 3 年（此前 2025、2026、2027）"

    def test_a_year_without_a_grant_is_no_year(self) -> None:
        scheme = huangpu(max_years="1", sizes="small")
        refused = filed("A", date(2025, 9, 1), size=EnterpriseSize.LARGE)
        items = decided(scheme, refused, filed("B", date(2026, 9, 1), size=EnterpriseSize.SMALL))
        assert [item.decision.outcome for item in items] == [Outcome.REFUSED, Outcome.QUALIFIES]

    def test_a_limit_that_the_scheme_has_and_nobody_has_read_leaves_nothing_proposed(self) -> None:
        (item,) = decided(huangpu(cap_project_cny="", affiliates=""), filed("A"))
        assert (item.decision.calculated_cny, item.decision.proposed_cny) == (Decimal("30000.00"), None)
        assert "affiliates、cap_project_cny未确认" in item.decision.unconfirmed_zh


class TestWho:
    @pytest.mark.parametrize(
        ("record", "answer", "words"),
        [
            (None, Answer.UNKNOWN, "未查询"),
            ((None, (), ()), Answer.UNKNOWN, "严重失信：未查询"),
            ((False, None, ()), Answer.UNKNOWN, "处罚期内：未查询"),
            ((False, (), ()), Answer.MET, "未见严重失信、处罚期内、未按期足额清缴（2025-09-10 查询）"),
            ((True, None, None), Answer.NOT_MET, "严重失信（2025-09-10 查询）"),
            ((False, (date(2022, 9, 18),), ()), Answer.NOT_MET, "处罚期内"),  # three years to the day
            ((False, (date(2022, 9, 17),), ()), Answer.MET, "未见"),
            ((False, (), (2023,)), Answer.NOT_MET, "未按期足额清缴"),  # two years before 2025
            ((False, (), (2022,)), Answer.MET, "未见"),
        ],
    )
    def test_what_disqualifies(
        self,
        record: tuple[bool | None, tuple[date, ...] | None, tuple[int, ...] | None] | None,
        answer: Answer,
        words: str,
    ) -> None:
        scheme = huangpu(
            disqualifiers="serious_dishonesty,penalty,late_surrender", penalty_years="3", late_surrender_years="2"
        )
        said = record and ApplicantRecord(
            checked_on=date(2025, 9, 10), is_seriously_dishonest=record[0], penalised_on=record[1],
            late_surrender_years=record[2],
        )  # fmt: skip
        (item,) = decided(scheme, filed("A", record=said))
        found = answer_of(item, Criterion.STANDING)
        assert (found.answer, found.lacks_parameter) == (answer, False)
        assert words in found.found_zh
        outcome = {Answer.MET: Outcome.QUALIFIES, Answer.NOT_MET: Outcome.REFUSED, Answer.UNKNOWN: Outcome.UNDECIDED}
        assert item.decision.outcome is outcome[answer]
        assert (item.decision.calculated_cny is None) == (answer is not Answer.MET)

    def test_a_window_that_nobody_has_read_decides_nothing_and_is_the_bureaus_to_enter(self) -> None:
        clear = ApplicantRecord(
            checked_on=date(2025, 9, 10), is_seriously_dishonest=False, penalised_on=(), late_surrender_years=()
        )
        (item,) = decided(huangpu(disqualifiers="penalty"), filed("A", record=clear))
        found = answer_of(item, Criterion.STANDING)
        assert (found.answer, found.lacks_parameter, found.found_zh) == (Answer.UNKNOWN, True, "处罚期内：期间未确认")

    def test_a_penalty_after_the_day_of_looking_is_refused(self) -> None:
        with pytest.raises(InvalidInput, match="not to be seen"):
            ApplicantRecord(
                checked_on=date(2025, 9, 10), is_seriously_dishonest=False, penalised_on=(date(2025, 9, 11),),
                late_surrender_years=(),
            )  # fmt: skip

    @pytest.mark.parametrize(
        ("term", "value", "fact", "criterion", "answers"),
        [
            ("districts", "南山,福田", "district", Criterion.DISTRICT, {"南山": "met", "宝安": "not_met", None: "unknown"}),
            (
                "sizes", "small,micro", "size", Criterion.SIZE,
                {EnterpriseSize.MICRO: "met", EnterpriseSize.LARGE: "not_met", None: "unknown"},
            ),
            (
                "forms", "allowance_pledge", "form", Criterion.FORM,
                {FinancingForm.ALLOWANCE_PLEDGE: "met", FinancingForm.CARBON_BOND: "not_met", None: "unknown"},
            ),
        ],
    )  # fmt: skip
    def test_who_and_what_a_scheme_is_for(
        self, term: str, value: str, fact: str, criterion: Criterion, answers: dict[object, str]
    ) -> None:
        for stated, answer in answers.items():
            (item,) = decided(huangpu(**{term: value}), filed("A", **{fact: stated}))
            assert answer_of(item, criterion).answer == answer
            assert (item.decision.outcome is Outcome.QUALIFIES) == (answer == "met")
        (free,) = decided(huangpu(**{term: "none"}), filed("A", **{fact: None}))
        assert free.decision.outcome is Outcome.QUALIFIES
        assert criterion not in {result.criterion for result in free.decision.criteria}

    def test_a_code_that_the_term_does_not_have_fails_by_name(self) -> None:
        batch = decide_in_order([filed("A")], lambda _: huangpu(sizes="tiny"), lambda _: share_table())
        assert [failure.field for failure in batch.failures] == ["reporting.subsidy.sizes"]


class TestGroups:
    def test_one_firm_of_a_group_a_year_with_the_pair_shown(self) -> None:
        scheme = huangpu(affiliates="once_a_year")
        first = filed("A", group=HEAD)
        second = filed("B", date(2025, 10, 9), group=HEAD, applicant_usci=ANOTHER)
        items = decided(
            scheme, first, second, filed("C", date(2025, 11, 9), group=HEAD),
            filed("D", date(2026, 1, 9), group=HEAD, applicant_usci=ANOTHER),
            filed("E", date(2026, 1, 10), group="", applicant_usci="91440300EXAMPLE55D"),
            filed("F", date(2026, 1, 11), applicant_usci="91440300EXAMPLE66E"),
        )  # fmt: skip
        said = [item.decision.outcome for item in items]
        standing = Outcome.QUALIFIES
        assert said == [standing, Outcome.DUPLICATE, standing, standing, standing, Outcome.UNDECIDED]
        (pair,) = items[1].decision.pairs
        assert (pair.reason, pair.earlier_reference) == (OverlapReason.SAME_GROUP, "A")
        assert (pair.own_item, pair.earlier_item) == (ANOTHER, E2_USCI)
        assert answer_of(items[5], Criterion.AFFILIATES).found_zh == "未说明所属集团"

    def test_without_the_rule_firms_of_a_group_stand_for_themselves(self) -> None:
        items = decided(huangpu(), filed("A", group=HEAD), filed("B", group=HEAD, applicant_usci=ANOTHER))
        assert proposed(items) == [Decimal("30000.00")] * 2

    def test_caps_and_years_of_a_group_together(self) -> None:
        scheme = huangpu(affiliates="capped_together", cap_cny="50000", max_years="1")
        items = decided(
            scheme, filed("A", group=HEAD), filed("B", date(2025, 10, 1), group=HEAD, applicant_usci=ANOTHER),
            filed("C", date(2026, 10, 1), group=HEAD, applicant_usci=ANOTHER),
        )  # fmt: skip
        assert proposed(items) == [Decimal("30000.00"), Decimal("20000.00"), None]
        assert items[2].decision.outcome is Outcome.REFUSED


class TestBudget:
    def test_a_quarter_shares_what_the_quarters_before_it_left(self) -> None:
        days = (date(2025, 9, 1), date(2025, 10, 1), date(2025, 10, 2), date(2026, 1, 1))
        items = decided(huangpu(budget_cny="50000.01"), *(filed(f"A{k}", on) for k, on in enumerate(days)))
        # 30,000 in the first quarter; 20,000.01 over two of 30,000, the odd fen to the first name; nothing is left.
        assert allocations_cny(items) == {
            "id-A0": Decimal("30000.00"), "id-A1": Decimal("10000.01"), "id-A2": Decimal("10000.00"),
            "id-A3": Decimal("0.00"),
        }  # fmt: skip

    def test_each_years_budget_is_its_own(self) -> None:
        this, next_year = huangpu(budget_cny="20000"), huangpu(budget_cny="25000")
        files = (filed("A"), filed("B", date(2026, 9, 1)))
        batch = decide_in_order(
            files, lambda case: this if case.submitted_at.year == 2025 else next_year, lambda _: share_table()
        )
        assert allocations_cny(batch.values) == {"id-A": Decimal("20000.00"), "id-B": Decimal("25000.00")}


def test_every_term_can_be_entered_and_no_cap_too() -> None:
    """A key that comes with no value at all is refused to whoever proposes one: budget and stacking were."""
    book = builtin_book("reporting")
    known = {value.key for value in book.values()}
    assert {f"reporting.subsidy.{term}" for term in Term} <= known
    entry = terms("guangzhou-huangpu").entry(Term.CAP_CNY)
    assert entry is not None
    draft = dataclasses.replace(entry, value="none", unit="code", known_from=date(2026, 1, 1))
    assert draft_faults(draft, book, ParameterBook([])) == ()
    assert {value.scope for value in book.values() if value.key == "reporting.subsidy.districts"} == {""}


def test_a_table_that_does_not_ask_a_later_criterion_is_held_to_it() -> None:
    met, beside = (
        CriterionResult(criterion=one, answer=Answer.MET, clause="", found_zh="", found_en="")
        for one in (Criterion.IN_FORCE, Criterion.DISTRICT)
    )
    shares = [
        paid_share("x", (met, dataclasses.replace(beside, answer=answer)), share_table()).share for answer in Answer
    ]
    assert shares == [Decimal(1), Decimal(0), None]


def test_files_and_decisions_of_before_keep_their_text() -> None:
    text = canonical_json(application())
    assert not any(f'"{name}"' in text for name in ("form", "size", "group", "record"))
    (item,) = decided(huangpu(), filed("A"))
    inputs = canonical_json(item.inputs)
    assert not any(f'"{name}"' in inputs for name in ("granted_to_project_cny", "granted_in_all_cny", "granted_years"))


@pytest.mark.parametrize(
    ("term", "value", "words"),
    [
        ("forms", "allowance_pledge,carbon_bond", "碳配额质押贷款、碳债券"),
        ("disqualifiers", "none", "无此限制"),
        ("affiliates", "once_a_year", "同一集团每年只资助一家"),
        ("districts", "南山,福田", "南山、福田"),
        (
            "rate_tiers",
            FIRST_TIERS,
            "至 10000 万元部分 0.2%；至 50000 万元部分 0.1%；至 100000 万元部分 0.05%；其余部分 0.02%",
        ),
    ],
)
def test_terms_in_words(term: str, value: str, words: str) -> None:
    entry = huangpu(**{term: value}).find(Term(term))
    assert entry is not None
    assert words_of(entry)[0] == words

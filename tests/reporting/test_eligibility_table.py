"""The eligibility table: an unmet criterion pays nothing, an unknown one is not decided, a table of one's own is heard."""

import itertools
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from carbonfin.rules.contracts import faults
from carbonfin.rules.domains import domain_from
from carbonfin.rules.parameters import Grade
from carbonfin.rules.record import canonical_json, digest_of
from carbonfin.rules.recorded_tables import RecordedTable
from carbonfin.rules.tables import (
    Clause,
    DecisionTable,
    HitPolicy,
    InputColumn,
    OutputColumn,
    OutputKind,
    RowDraft,
    TableVersion,
    table_of,
)
from carbonfin.rules.validate import validate
from carbonfin.storage.decisions import rebuilt
from carbonfin.storage.engine import Sessions
from reporting import service
from reporting.calc.eligibility import Answer, Criterion, CriterionResult
from reporting.calc.eligibility_table import SUBSIDY_TABLE, paid_share
from reporting.calc.facts import LoanStatus, SubsidyApplication
from reporting.calc.schemes import LIMITING_TERMS
from reporting.calc.subsidies import Outcome, SubsidyInputs, decide_subsidy
from tests.reporting.samples import AS_OF, sample_applications, share_table, terms
from tests.reporting.test_service import built, prepared

CLAUSE = Clause(document="示例区贴息办法（示例）", article="第六条", grade=Grade.SAMPLE, confirmed=True)
CODES = "code{met,not_met,not_asked}"


def own_table(*rows: tuple[tuple[str, str], str]) -> DecisionTable:
    """A table of a bureau's own, asking for the documents and whether the loan is settled."""
    return table_of(
        name="reporting.subsidy_share", title_zh="本局资格表", title_en="Own eligibility", hit_policy=HitPolicy.UNIQUE,
        inputs=[
            InputColumn(name=one, title_zh=one, title_en=one, domain=domain_from(CODES))
            for one in ("settled", "documents")
        ],
        outputs=[OutputColumn(name="paid_share", title_zh="比例", title_en="Share", kind=OutputKind.RATIO)],
        rows=[RowDraft(id=f"R{n}", when=when, then=(then,), clause=CLAUSE) for n, (when, then) in enumerate(rows, 1)],
    )  # fmt: skip


def recorded(table: DecisionTable) -> RecordedTable:
    version = TableVersion(
        table=table, valid_from=date(2025, 1, 1), known_from=date(2025, 6, 1), approved_by=("甲", "乙")
    )
    return RecordedTable.of(version)


HALF_WHILE_RUNNING = own_table(
    (("not_met", "-"), "0.5"), (("!= not_met", "not_met"), "0"), (("!= not_met", "!= not_met"), "1"),
)  # fmt: skip


def a1(table: RecordedTable | None = None) -> SubsidyInputs:
    """The first sample file, which qualifies, with the limiting terms that nobody has read left as they are."""
    return SubsidyInputs(
        application=sample_applications()[0], terms=terms(), earlier=(), granted_this_year_cny=Decimal(0),
        share_table=table or share_table(),
    )  # fmt: skip


def test_every_answer_is_that_of_the_rule_in_words() -> None:
    """Not met anywhere: nothing; else unknown anywhere: not decided; else all of it."""
    chance = random.Random(20250926)  # noqa: S311 - the same inputs every time, no secret
    table, seen = share_table(), set()
    for _ in range(3_000):
        asked = chance.sample(list(Criterion), chance.randint(1, len(Criterion)))
        weights = chance.choice(((8, 1, 1), (1, 1, 1), (1, 0, 0), (9, 0, 1), (9, 1, 0)))
        criteria = tuple(
            CriterionResult(
                criterion=one, answer=chance.choices(tuple(Answer), weights)[0], clause="", found_zh="", found_en=""
            )
            for one in asked
        )
        answers = {one.answer for one in criteria}
        by_hand = Decimal(0) if Answer.NOT_MET in answers else None if Answer.UNKNOWN in answers else Decimal(1)
        assert paid_share("nanshan-2025", criteria, table).share == by_hand, criteria
        seen.add(by_hand)
    assert seen == {Decimal(0), Decimal(1), None}


def test_the_trace_shows_the_row_with_its_clause() -> None:
    decision = decide_subsidy(a1())
    figures = {figure.name: figure for figure in decision.trace}
    assert (decision.outcome, decision.calculated_cny) == (Outcome.QUALIFIES, Decimal("55086.49"))
    row = figures["subsidy_row"]
    assert (row.value, row.confirmed) == ("qualifies", True)
    assert row.parameter is not None
    assert (row.parameter.key, row.parameter.document) == ("reporting.subsidy_share", "本系统贴息审核方法")
    assert "criterion.settled" in row.inputs
    assert "no_settled 不符" in row.note_zh


def test_a_table_of_the_bureaus_own_takes_its_place() -> None:
    assert validate(HALF_WHILE_RUNNING).may_be_published
    assert faults(SUBSIDY_TABLE, HALF_WHILE_RUNNING) == ()
    by_own = a1(recorded(HALF_WHILE_RUNNING))
    assert decide_subsidy(by_own).calculated_cny == Decimal("55086.49")
    note = replace(by_own.application.loan_note, status=LoanStatus.RUNNING, settled_on=None)
    running = replace(by_own, application=replace(by_own.application, loan_note=note))
    halved, refused = decide_subsidy(running), decide_subsidy(replace(running, share_table=share_table()))
    assert (halved.outcome, refused.outcome) == (Outcome.QUALIFIES, Outcome.REFUSED)
    assert refused.calculated_cny is None
    # Half of 50 % of 110,172.97, the cost net of VAT: 27,543.2425.
    assert halved.calculated_cny == Decimal("27543.24")
    assert halved.proposed_cny is None, f"a limiting term of {LIMITING_TERMS} is still unread"


def test_whatever_a_table_says_an_unread_rate_gives_no_amount() -> None:
    generous = recorded(own_table((("-|null", "-|null"), "1")))
    unread = replace(
        a1(generous), application=replace(sample_applications()[0], scheme="shenhuangui-2024-7"),
        terms=terms("shenhuangui-2024-7"),
    )  # fmt: skip
    decision = decide_subsidy(unread)
    assert (decision.outcome, decision.calculated_cny) == (Outcome.UNDECIDED, None)
    assert "参数未确认" in decision.reason_zh


def test_a_table_that_pays_for_what_is_missing_breaks_the_contract() -> None:
    kind = own_table(
        (("null", "-|null"), "1"), (("not_met", "-|null"), "0"), (("!= not_met", "-|null"), "1"),
    )  # fmt: skip
    assert [one.place for one in faults(SUBSIDY_TABLE, kind)] == ["R1/paid_share"]


def test_what_a_draft_would_do_to_the_subsidies_that_stand(sqlite_sessions: Sessions) -> None:
    """A1 stands at 55,086.49; A3 runs still and gets nothing; the draft pays running loans half."""
    with sqlite_sessions.begin() as session:
        actors = prepared(session)
        built(session, actors)
        draft = TableVersion(table=HALF_WHILE_RUNNING, valid_from=AS_OF, known_from=AS_OF)
        impact = service.subsidy_impact(session, actors.bureau, draft)
        elsewhere = service.subsidy_impact(session, actors.bank, draft)
    assert impact is not None
    assert elsewhere is not None
    (move,) = impact.moves
    (amount,) = (one for one in move.figures if one.name == "calculated")
    assert (move.subject, amount.before, amount.after) == ("A3", "", "0.00"), "A3 has no voucher yet"
    assert (impact.population_count, len(impact.failures), impact.left_unanswered_count) == (4, 1, 0)
    assert all(one.reason_zh for one in impact.failures)
    (total,) = impact.totals
    assert (total.count, total.before, total.after) == (0, Decimal("55086.49"), Decimal("55086.49"))
    assert elsewhere.population_count == 0


def test_what_a_draft_of_a_scheme_s_rate_would_do_in_yuan(sqlite_sessions: Sessions) -> None:
    """A1 costs 110,172.97 net of VAT: 50 % is 55,086.49, 40 % is 44,069.188, rounded 44,069.19."""
    with sqlite_sessions.begin() as session:
        actors = prepared(session)
        built(session, actors)
        (rate,) = (one for one in terms().values if one.key == "reporting.subsidy.rate")
        lower = service.subsidy_impact(session, actors.bureau, replace(rate, value="0.40"))
        other = service.subsidy_impact(session, actors.bureau, replace(rate, value="0.40", scope="no-such-scheme"))
        unread = service.subsidy_impact(session, actors.bureau, replace(rate, value="forty"))
        foreign = service.subsidy_impact(session, actors.bureau, replace(rate, key="collateral.cure_days"))
    assert lower is not None
    (move,) = lower.moves
    assert (move.subject, [(one.before, one.after) for one in move.figures]) == ("A1", [("55086.49", "44069.19")])
    (total,) = lower.totals
    assert (total.count, total.difference) == (1, Decimal("-11017.30"))
    assert other is not None
    assert other.moves == ()
    assert unread is not None
    assert "A1" in [one.subject for one in unread.failures if one.is_of_draft]
    assert foreign is None


def test_a_decision_by_the_table_replays_from_its_record_alone() -> None:
    inputs = a1()
    again = rebuilt(canonical_json(inputs), SubsidyInputs)
    assert digest_of(again) == digest_of(inputs)
    assert canonical_json(decide_subsidy(again)) == canonical_json(decide_subsidy(inputs))


BREAKS: tuple[Callable[[SubsidyApplication], SubsidyApplication], ...] = (
    lambda one: replace(one, key_emitter=None),
    lambda one: replace(one, announcement=None),
    lambda one: replace(one, loan_note=replace(one.loan_note, status=LoanStatus.UNKNOWN, settled_on=None)),
    lambda one: replace(one, documents=one.documents[:-1]),
    lambda one: replace(one, documents=()),
    lambda one: replace(one, vouchers=()),
    lambda one: replace(one, vouchers=one.vouchers[1:]),
    lambda one: replace(one, vouchers=(replace(one.vouchers[0], paid_on=None), *one.vouchers[1:])),
    lambda one: replace(one, vouchers=tuple(replace(each, paid_on=None) for each in one.vouchers)),
    lambda one: replace(one, submitted_at=one.submitted_at + timedelta(days=30)),
    lambda one: replace(one, scheme="shenhuangui-2024-7"),
)


def test_no_file_with_a_missing_part_gets_a_larger_amount() -> None:
    """Each break alone and each pair: of a file that gets 55,086.49, and of two that get nothing."""
    whole = a1().application
    running = replace(whole, loan_note=replace(whole.loan_note, status=LoanStatus.RUNNING, settled_on=None))
    late = replace(whole, vouchers=tuple(replace(one, paid_on=date(2025, 12, 1)) for one in whole.vouchers))
    seen = set()
    for filed, (first, second) in itertools.product(
        (whole, running, late), itertools.combinations_with_replacement(BREAKS, 2)
    ):
        full = _amount(filed)
        try:
            broken = second(first(filed))
        except IndexError:
            continue
        assert _amount(broken) <= full, (filed.loan_note, first, second)
        seen.add((filed is whole, _amount(broken) > 0))
    assert seen == {(True, True), (True, False), (False, False)}


def _amount(filed: SubsidyApplication) -> Decimal:
    """Give what is worked out for a file by the built-in table; nothing where it does not qualify."""
    decision = decide_subsidy(replace(a1(), application=filed, terms=terms(filed.scheme)))
    return Decimal(0) if decision.calculated_cny is None else decision.calculated_cny

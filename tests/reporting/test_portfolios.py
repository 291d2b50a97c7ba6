"""Laws of a batch over random portfolios (a hundred thousand by hand: `python -m tests.reporting.portfolios 100000`)."""

import gc

from reporting.calc.batches import FiledApplication, decide_in_order
from reporting.calc.dedup import claim_of
from reporting.calc.facts import SubsidyApplication
from reporting.calc.schemes import SchemeTerms
from reporting.calc.subsidies import Outcome
from tests.reporting.portfolios import check, decided, portfolio, with_terms
from tests.reporting.samples import application, share_table, terms


def test_totals_tie_no_cap_is_passed_no_cost_is_paid_twice_and_order_does_not_matter() -> None:
    table = share_table()
    assert sum(check(seed, table) for seed in range(100)) > 150


def test_an_application_is_compared_with_every_standing_claim_it_shares_something_with() -> None:
    """The index gives what a look at every earlier claim gives."""
    table = share_table()
    for seed in range(100, 130):
        filed, scheme = portfolio(seed)
        standing = []
        for one in decided(filed, scheme, table):
            case = one.filed.application
            note, number = case.loan_note, case.announcement.number  # type: ignore[union-attr]
            assert one.inputs.earlier == tuple(
                claim
                for claim in standing
                if (claim.bank_name == note.bank_name and claim.note_number == note.note_number)
                or (claim.bank_name == note.bank_name and claim.contract_number == note.contract_number)
                or claim.announcement_number == number
            )
            if one.decision.outcome in {Outcome.QUALIFIES, Outcome.UNDECIDED}:
                standing.append(claim_of(one.filed.application_id, case))


def test_terms_that_cannot_be_read_fail_their_applications_and_leave_the_others() -> None:
    filed, scheme = portfolio(3)
    unreadable, sick = with_terms(scheme, basis="turnover"), filed[0].application.reference
    batch = decide_in_order(
        filed, lambda case: unreadable if case.reference == sick else scheme, lambda _: share_table()
    )
    assert [failure.field for failure in batch.failures] == ["reporting.subsidy.basis"]
    assert len(batch.values) == len(filed) - 1


def test_a_batch_is_decided_without_the_search_for_cycles_which_goes_on_after() -> None:
    """Each search reads all that was decided before: a fourth of the time of ten thousand applications."""
    filed = [FiledApplication(application_id=str(place), application=application(f"A{place}")) for place in range(3)]
    searched = []

    def terms_of(_: SubsidyApplication) -> SchemeTerms:
        searched.append(gc.isenabled())
        return terms()

    assert gc.isenabled()
    assert len(decide_in_order(filed, terms_of, lambda _: share_table()).values) == 3
    assert (searched, gc.isenabled()) == ([False, False, False], True)

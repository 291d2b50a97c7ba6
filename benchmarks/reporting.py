"""A quarter of subsidy applications decided, compared, shared and written, beside the bound of the bureau.

Full size is ten thousand applications of four vouchers, one in fifty on another's loan note. A run decides all of them
in order, shares the budget and writes the workbook with every sheet: some 1.6 million cells. Bound: five seconds of two
processors. Comparing alone stands beside comparing each application with every claim before it, over fewer of them.
A million vouchers, each net of VAT to the fen, are added up by quarter of payment within five seconds.
"""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal

from benchmarks.harness import Bound, Comparison, Contender
from carbonfin.kernel.batch import uncollected
from carbonfin.rules.recorded_tables import RecordedTable
from reporting.calc.batches import FiledApplication, allocations_cny, decide_in_order
from reporting.calc.dedup import claim_of, duplicate_pairs
from reporting.calc.facts import CostKind, CostVoucher, SubsidyApplication
from reporting.calc.interest_columns import interest_by_quarter
from reporting.calc.reports import SubsidyReport, line_of, sources_of
from reporting.calc.schemes import SchemeTerms
from reporting.calc.summaries import summarize
from reporting.workbooks import report_xlsx
from tests.reporting.portfolios import with_terms
from tests.reporting.samples import AS_OF, P0, announcement, application, share_table, terms

_FULL_COUNT = 10_000
_NAIVE_FULL_COUNT = 1_000
_START, _DAYS = date(2024, 6, 21), 91
_SECONDS = 5
_FULL_VOUCHER_COUNT, _VOUCHERS_OF_A_FILE = 1_000_000, 400
_QUARTERS = ("2024Q3", "2024Q4", "2025Q1", "2025Q2")


@contextmanager
def comparisons(scale: float) -> Iterator[list[Comparison]]:
    """Give the whole quarter beside its bound, and comparing by what claims share beside comparing with all."""
    count, few = max(50, int(_FULL_COUNT * scale)), max(50, int(_NAIVE_FULL_COUNT * min(scale, 1)))
    budget_cny = Decimal(100 * count)  # less than what is asked for, so that it is shared
    filed = [_filed(place) for place in range(count)]
    scheme = with_terms(terms(), cap_cny="none", conditions="-", key_emitter_only="no", budget_cny=str(budget_cny))
    table = share_table()

    def quarter() -> bytes:
        with uncollected():
            return report_xlsx(_report(filed, scheme, table))

    def every_pair() -> None:
        claims = [claim_of(one.application_id, one.application) for one in filed[:few]]
        for place, one in enumerate(filed[:few]):
            duplicate_pairs(one.application, tuple(claims[:place]))

    paying = [_paying(place) for place in range(max(1, int(_FULL_VOUCHER_COUNT * scale) // _VOUCHERS_OF_A_FILE))]
    voucher_count = len(paying) * _VOUCHERS_OF_A_FILE
    sums = interest_by_quarter(paying, _QUARTERS, vat_rate=Decimal("0.06"), until=date.max)
    assert sum(one.voucher_count for one in sums) == voucher_count
    report = _report(filed, scheme, table)
    assert sum(line.allocated_cny or 0 for line in report.lines) == budget_cny
    yield [
        Comparison(
            name="decided, compared, shared and written, bound", unit="applications",
            subject=Contender(name="a quarter", run=quarter, operation_count=count),
            comparator=Bound(per_s=_FULL_COUNT / _SECONDS),
        ),
        Comparison(
            name="decided and compared by what claims share", unit="applications",
            subject=Contender(
                name="decided", run=lambda: decide_in_order(filed, lambda _: scheme, lambda _: table),
                operation_count=count,
            ),
            comparator=Contender(name="only compared with every claim before it", run=every_pair, operation_count=few),
        ),
        Comparison(
            name="interest net of VAT added up by quarter, bound", unit="vouchers",
            subject=Contender(
                name="by quarter",
                run=lambda: interest_by_quarter(paying, _QUARTERS, vat_rate=Decimal("0.06"), until=date.max),
                operation_count=voucher_count,
            ),
            comparator=Bound(per_s=_FULL_VOUCHER_COUNT / _SECONDS),
        ),
    ]  # fmt: skip


def _report(filed: list[FiledApplication], scheme: SchemeTerms, table: RecordedTable) -> SubsidyReport:
    batch = decide_in_order(filed, lambda _: scheme, lambda _: table)
    shares = allocations_cny(batch.values)
    lines = tuple(
        line_of(
            item.filed, decision_id="", decision=item.decision, terms=item.inputs.terms,
            allocated_cny=shares.get(item.filed.application_id),
        )
        for item in batch.values
    )  # fmt: skip
    return SubsidyReport(
        report_id="", quarter="2025Q3", as_of=AS_OF, reporting_body="示例环境局", prepared_by="示例", is_sample=True,
        lines=lines, failures=batch.failures, summary=summarize(line.decision for line in lines),
        sources=sources_of(tuple(item.inputs.terms for item in batch.values)), lines_digest="0" * 64,
    )  # fmt: skip


def _paying(place: int) -> SubsidyApplication:
    """Give a file of many vouchers, paid over the year from the start on."""
    vouchers = tuple(
        CostVoucher(
            number=f"V{k}", kind=CostKind.INTEREST, period_start=_START, period_end=_START + timedelta(_DAYS),
            invoice_vat_cny=None, gross_cny=Decimal(2_000_017 + 100 * (place % 977) + k) / 100,
            paid_on=date(2024, 7, 1) + timedelta(k * 365 // _VOUCHERS_OF_A_FILE),
        )
        for k in range(_VOUCHERS_OF_A_FILE)
    )  # fmt: skip
    note = dataclasses.replace(P0, note_number=f"Q{place}")
    return application(f"Q{place:06}", applicant_usci=f"firm-{place}", loan_note=note, vouchers=vouchers)


def _filed(place: int) -> FiledApplication:
    vouchers = tuple(
        CostVoucher(
            number=f"N{place}-{k}", kind=CostKind.INTEREST, period_start=_START + timedelta(_DAYS * k),
            period_end=_START + timedelta(_DAYS * (k + 1)), invoice_vat_cny=None,
            gross_cny=Decimal(2_000_017 + 100 * (place % 977) + k) / 100, paid_on=_START + timedelta(_DAYS * (k + 1)),
        )
        for k in range(4)
    )  # fmt: skip
    note = dataclasses.replace(P0, note_number=f"N{place - (place % 50 == 7)}", contract_number=f"C{place}")
    return FiledApplication(
        application_id=f"id-{place:06}",
        application=application(
            f"R{place:06}", applicant_usci=f"firm-{place}", loan_note=note, vouchers=vouchers,
            announcement=announcement(f"N{place}", {"SZA-2023": 1000}, date(2024, 6, 24)),
        ),
    )  # fmt: skip

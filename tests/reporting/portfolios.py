"""Random portfolios of applications, held to the laws of a batch: `python -m tests.reporting.portfolios 100000`.

Each portfolio has caps of an applicant and of a contract, a budget and a rate of its own, and a few applicants, notes, contracts and announcements that
collide as they may. The laws are worked out here again, from the applications and what came of them.
"""

import dataclasses
import random
import sys
from collections import defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal

from carbonfin.kernel.dates import CHINA
from carbonfin.rules.recorded_tables import RecordedTable
from reporting.calc.batches import DecidedApplication, FiledApplication, allocations_cny, decide_in_order
from reporting.calc.facts import CostKind, CostVoucher
from reporting.calc.schemes import SchemeTerms, Term
from reporting.calc.subsidies import Outcome
from tests.reporting.samples import P0, announcement, application, share_table, terms

_START = date(2024, 1, 21)
_TAX = Decimal("1.06")


def with_terms(base: SchemeTerms, **values: str) -> SchemeTerms:
    """Give terms with other values, by the name of the term; unknown ones are read and confirmed."""
    changed = base
    for name, value in values.items():
        entry = base.entry(Term(name)) or dataclasses.replace(
            base.values[0], key=f"reporting.subsidy.{name}", unit="CNY", title_zh=name
        )
        changed = changed.under(dataclasses.replace(entry, value=value, confirmed=True))
    return changed


def portfolio(seed: int) -> tuple[list[FiledApplication], SchemeTerms]:
    """Draw a portfolio and the terms of its scheme."""
    draw = random.Random(seed)  # noqa: S311 - nothing secret is drawn
    scheme = with_terms(
        terms(), cap_cny=draw.choice(["none", f"{draw.randint(1, 90000)}.{draw.randint(0, 99):02}"]),
        cap_project_cny=draw.choice(["none", f"{draw.randint(1, 90000)}.{draw.randint(0, 99):02}"]),
        conditions="示例", key_emitter_only="yes", rate=f"0.{draw.randint(1, 99):02}",
        budget_cny=f"{draw.randint(1, 200000)}.{draw.randint(0, 99):02}",
    )  # fmt: skip
    filed = []
    for place in range(draw.randint(1, 9)):
        firm, note = draw.randint(1, 3), draw.randint(1, 4)
        first = draw.randint(0, 4)
        vouchers = tuple(
            CostVoucher(
                number=f"V{note}-{k}-{draw.randint(0, 1)}", kind=draw.choice(list(CostKind)),
                period_start=_START + timedelta(days=91 * k + (draw.choice([0, 0, 0, -3]) if k == first else 0)),
                period_end=_START + timedelta(days=91 * (k + 1)), gross_cny=Decimal(draw.randint(0, 2_900_000)) / 100,
                invoice_vat_cny=None, paid_on=date(2025, 6, 21),
            )
            for k in range(first, first + draw.randint(1, 3))
        )  # fmt: skip
        filed.append(
            FiledApplication(
                application_id=f"id-{place}",
                application=application(
                    f"R{place}", applicant_usci=f"firm-{firm}", vouchers=vouchers,
                    key_emitter=draw.choice([True, True, True, False, None]),
                    submitted_at=datetime(2025, 9, 16, 9, tzinfo=CHINA) + timedelta(hours=draw.randint(0, 30)),
                    loan_note=dataclasses.replace(P0, note_number=f"N{note}", contract_number=f"C{note % 3}"),
                    announcement=announcement(f"N{draw.choice([note, note, note, 1])}", {"SZA-2023": 1}, _START),
                ),
            )
        )  # fmt: skip
    return filed, scheme


def decided(filed: list[FiledApplication], scheme: SchemeTerms, table: RecordedTable) -> tuple[DecidedApplication, ...]:
    """Decide a portfolio; nothing in it can fail."""
    batch = decide_in_order(filed, lambda _: scheme, lambda _: table)
    assert not batch.failures
    return batch.values


def check(seed: int, table: RecordedTable) -> int:
    """Hold a portfolio to the laws; give how many of its applications qualify."""
    filed, scheme = portfolio(seed)
    items = decided(filed, scheme, table)
    shares = allocations_cny(items)
    paid = {one.filed.application_id: shares[one.filed.application_id] for one in items if _qualifies(one)}
    budget = Decimal(scheme.find(Term.BUDGET_CNY).value)  # type: ignore[union-attr]
    cap, project_cap = (
        None if value == "none" else Decimal(value)
        for value in (scheme.find(term).value for term in (Term.CAP_CNY, Term.CAP_PROJECT_CNY))  # type: ignore[union-attr]
    )
    proposed = {one.filed.application_id: one.decision.proposed_cny for one in items if _qualifies(one)}
    assert set(shares) == set(paid)
    assert sum(paid.values()) == min(budget, sum(proposed.values()))
    assert all(0 <= paid[one] <= proposed[one] for one in paid)
    by_firm: dict[str, Decimal] = defaultdict(Decimal)
    by_contract: dict[str, Decimal] = defaultdict(Decimal)
    spent: list[tuple[str, CostVoucher]] = []
    for one in items:
        if not _qualifies(one):
            assert one.decision.proposed_cny is None
            continue
        case = one.filed.application
        net = sum(
            ((voucher.gross_cny / _TAX).quantize(Decimal("0.01"), "ROUND_HALF_UP") for voucher in case.vouchers),
            Decimal(0),
        )
        rate = Decimal(scheme.find(Term.RATE).value)  # type: ignore[union-attr]
        assert one.decision.calculated_cny == (net * rate).quantize(Decimal("0.01"), "ROUND_HALF_UP")
        by_firm[case.applicant_usci] += proposed[one.filed.application_id]
        by_contract[case.loan_note.contract_number] += proposed[one.filed.application_id]
        for voucher in case.vouchers:
            for note, other in spent:
                assert note != case.loan_note.note_number or not _same_cost(voucher, other)
        spent += [(case.loan_note.note_number, voucher) for voucher in case.vouchers]
    assert cap is None or all(amount <= cap for amount in by_firm.values())
    assert project_cap is None or all(amount <= project_cap for amount in by_contract.values())
    again = decided(random.Random(seed).sample(filed, len(filed)), scheme, table)  # noqa: S311
    assert again == items
    return len(paid)


def _qualifies(one: DecidedApplication) -> bool:
    return one.decision.outcome is Outcome.QUALIFIES


def _same_cost(one: CostVoucher, other: CostVoucher) -> bool:
    days = max(one.period_start, other.period_start) < min(one.period_end, other.period_end)
    return one.number == other.number or (one.kind is other.kind and days)


def main(count: int) -> None:
    """Hold so many portfolios to the laws."""
    table = share_table()
    qualified = sum(check(seed, table) for seed in range(count))
    sys.stdout.write(f"{count} portfolios hold, {qualified} applications qualify\n")


if __name__ == "__main__":
    main(int(sys.argv[1]))

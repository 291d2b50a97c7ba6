"""`python -m benchmarks.engine_faults`: faults planted in the contract engine, one at a time, against its own tests.

Each fault changes one place of a copy of the package; it is killed where a test of the engine fails on the copy. Prints
a line for each and the ratio; `--only PART` runs those whose names hold the words.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KILLED_RATIO_MIN = 0.95
_TESTS = (
    "tests/loans/test_contract_engine.py",
    "tests/loans/test_contract_overdue.py",
    "tests/loans/test_contract_books.py",
    "tests/loans/test_contract_actus.py",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One change: in which module, what stood there, and what stands there now."""

    name: str
    module: str
    right: str
    wrong: str


def _fault(module: str, name: str, right: str, wrong: str) -> Fault:
    return Fault(name=name, module=module, right=right, wrong=wrong)


FAULTS: tuple[Fault, ...] = (
    _fault("money", "half up rounds a tie down", "(2 * size + denominator)", "(2 * size + denominator - 1)"),
    _fault("money", "half even keeps an odd tie", "(quotient % 2 == 1)", "(quotient % 2 == 0)"),
    _fault("money", "up is down", "quotient = -(-size // denominator)", "quotient = size // denominator"),
    _fault("money", "negative amounts are floored", "np.where(numerator < 0, -quotient, quotient)", "quotient"),
    _fault("money", "levels are rounded down", "level_rounding: Rounding = Rounding.HALF_UP",
           "level_rounding: Rounding = Rounding.DOWN"),
    _fault("money", "carried balances are rounded",
           "if self.balance is Balance.ROUNDED:", "if self.balance is not Balance.UNROUNDED:"),
    _fault("spans", "a 360-day year has 365 days", "YearRule.ACTUAL_360: 360", "YearRule.ACTUAL_360: 365"),
    _fault("spans", "thirty days without the cap", "np.minimum(day + 1, 30)", "(day + 1)"),
    _fault("spans", "whole months step over the end", "months - (plus_months(starts, months) > ends)", "months"),
    _fault("spans", "an odd day of a 365-day year is a 360th",
           "365 * months + 12 * odd", "365 * months + 365 * odd // 30"),
    _fault("spans", "months run past the month's end", "np.minimum(day, first_of_month(moved + 1) - first - 1)", "day"),
    _fault("periods", "settlement is paid on the day itself",
           "np.minimum(day, first_of_month(months + 1) - first)",
           "np.minimum(day, first_of_month(months + 1) - first) - 1"),
    _fault("periods", "quarters end in any month", "(month + 1) // months * months - months - 1", "month - months"),
    _fault("periods", "a long first stub stands", "passed = passed + joins", "passed = passed + 0 * joins"),
    _fault("periods", "a long last stub stands", "& (count > 0))", "& (count > 99999))"),
    _fault("periods", "a whole last period joins its neighbour",
           "(grid(passed + count) != last)", "(grid(passed + count) != last - 99999)"),
    _fault("periods", "a fortnight is a week", "Frequency.FORTNIGHTLY: 14", "Frequency.FORTNIGHTLY: 7"),
    _fault("periods", "a day past the notices is confirmed", "[roll.provisional for roll in rolled]", "False"),
    _fault("rates", "the quote of the day itself is not seen", 'side="right"', 'side="left"'),
    _fault("rates", "the lag is forgotten", 'reset_days - np.timedelta64(lag_days, "D")', "reset_days"),
    _fault("rates", "the margin is forgotten", ") + margin\n", ") + 0 * margin\n"),
    _fault("engine", "limits in the other order",
           "np.clip(moved, self.life_floor[places], self.life_cap[places])", "moved"),
    _fault("engine", "the move of a reset is not limited",
           "old + np.clip(new - old, self.period_floor[places], self.period_cap[places])", "new"),
    _fault("engine", "resets ignore all limits",
           "new if limits is None else limits.limited", "new if limits is None or True else limits.limited"),
    _fault("engine", "more is repaid than is owed", "paid = np.minimum(wanted, self.balance[places])", "paid = wanted"),
    _fault("engine", "an instalment below the interest adds to the balance", "np.maximum(left, 0)", "left"),
    _fault("engine", "an instalment ignores the interest",
           "self.level[places] - self._due(places)", "self.level[places]"),
    _fault("engine", "interest paid stays accrued",
           "= self._due(places)\n        self.accrued[places] = 0", "= self._due(places)"),
    _fault("engine", "capitalised interest stays accrued",
           "self.balance[places] += due\n        self.accrued[places] = 0", "self.balance[places] += due"),
    _fault("engine", "capitalised interest is lost", "self.balance[places] += due", "self.balance[places] += 0 * due"),
    _fault("engine", "a level counts the slot it is set in",
           "spans=self.spans[slot + 1 :, places]", "spans=self.spans[slot:-1, places]"),
    _fault("engine", "interest is paid before principal is",
           "Act.INTEREST: self._interest,\n            Act.CAPITALISE", "Act.CAPITALISE"),
    _fault("engine", "a frozen base follows the balance",
           "if self.base is None:\n            return", "if True:\n            return"),
    _fault("engine", "large books stay in 64 bits", "np.int64 if largest < _INT64_LIMIT else object", "np.int64"),
    _fault("engine", "one divisor is taken for all", "bool((self.year == self.year[0]).all())", "True"),
    _fault("levels", "accrued interest bears interest",
           "(balance * growth + accrued / year) / annuity", "(balance + accrued / year) * growth / annuity"),
    _fault("levels", "accrued interest is forgotten",
           "(balance * growth + accrued / year) / annuity", "(balance * growth) / annuity"),
    _fault("levels", "floats decide on the boundary",
           "unsure = np.abs(estimate - boundary) <= error", "unsure = np.abs(estimate - boundary) < -error"),
    _fault("levels", "spans between payments compound",
           "run = np.where(paid, 0, run) + spans[slot]", "run = spans[slot]"),
    _fault("levels", "parts may exceed the principal",
           "np.where(part * (count - 1) > balance, balance // count, part)", "part"),
    _fault("books", "the last payment leaves the rest",
           "acts[is_last] = int(Act.REST | Act.INTEREST)", "acts[is_last] = int(Act.INTEREST)"),
    _fault("books", "payments of interest alone repay principal", "rows &= ~int(pays)", "rows &= ~0"),
    _fault("books", "a prepayment changes nothing that follows",
           "AfterPrepayment.FEWER else level", "AfterPrepayment.FEWER else Act(0)"),
    _fault("books", "compensation on every repayment", "np.where(is_early, charged, 0)", "charged"),
    _fault("books", "resets at maturity happen", "(days < book.maturity)", "(days <= book.maturity)"),
    _fault("books", "prepayments on the drawdown day happen", "(days > book.drawdown)", "(days >= book.drawdown)"),
    _fault("books", "interest first ends a payment early",
           "rows = acts[: product.interest_only]", "rows = acts[: product.interest_only - 1]"),
    _fault("books", "periods are cut by what falls into them",
           "product.year_rule not in (YearRule.WHOLE_MONTHS_360, YearRule.WHOLE_MONTHS_365)", "True"),
    _fault("overdue", "grace counts from its end", "<= np.timedelta64", "< np.timedelta64"),
    _fault("overdue", "both penalties are charged", "max(rule.overdue, rule.misuse)", "rule.overdue + rule.misuse"),
    _fault("actus/cycles", "long and short stubs are swapped",
           'long_stub=found["stub"] == "0"', 'long_stub=found["stub"] == "1"'),
    _fault("actus/cycles", "the last second of a day is its start", "timedelta(days=ends)", "timedelta(days=0)"),
    _fault("actus/cycles", "modified days leave their month", "moved.month != instant.month", "moved.month == 0"),
    _fault("actus/cycles", "calculation follows payment", 'moved if convention.startswith("SC") else instant', "moved"),
    _fault("actus/cycles", "leap years have 365 days", "(date(day.year + 1, 1, 1) - start).days", "365"),
    _fault("actus/schedules", "redemption comes after interest",
           '"IED", "PR", "IP", "IPCI"', '"IED", "IP", "IPCI", "PR"'),
    _fault("actus/schedules", "interest is capitalised a period too long",
           "if day < until", "if day <= until and day != until or day > until"),
    _fault("actus/runner", "the spread is forgotten", "* terms.multiplier + terms.spread", "* terms.multiplier"),
    _fault("actus/runner", "the premium is forgotten", "-(terms.notional + terms.premium)", "-terms.notional"),
    _fault("actus/runner", "a sale counts as a payment of the annuity",
           '"TD": Act.PRINCIPAL | Act.INTEREST', '"TD": Act.REST | Act.INTEREST'),
)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Plant the faults one after the other; 1 where fewer are killed than must be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine_faults", description=__doc__)
    parser.add_argument("--only", default="", help="faults whose module and name hold these words")
    only = parser.parse_args(arguments).only
    chosen = [fault for fault in FAULTS if only in f"{fault.module}: {fault.name}"]
    killed = 0
    for fault in chosen:
        is_killed = not survives(fault)
        killed += is_killed
        print(f"{'killed  ' if is_killed else 'SURVIVED'} {fault.module}: {fault.name}", flush=True)
    print(f"{killed} of {len(chosen)} killed")
    return int(killed < KILLED_RATIO_MIN * len(chosen))


def survives(fault: Fault) -> bool:
    """Run the engine's tests on a copy with one fault in it."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "loans", Path(folder) / "loans", ignore=shutil.ignore_patterns("__pycache__"))
        path = Path(folder) / "loans" / "calc" / "contracts" / f"{fault.module}.py"
        text = path.read_text(encoding="utf-8")
        assert text.count(fault.right) == 1, f"{fault.module} holds {text.count(fault.right)} times: {fault.right}"
        path.write_text(text.replace(fault.right, fault.wrong), encoding="utf-8")
        done = subprocess.run(  # noqa: S603 - our own tests
            [
                sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "--import-mode=append", "--noconftest",
                "-p", "no:cacheprovider", *_TESTS,
            ],
            cwd=ROOT, env=os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "PYTHONSAFEPATH": "1"},
            capture_output=True, check=False,
        )  # fmt: skip
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())

"""Walk a folder, run what is recognised, print a line a file."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.vectors.comparison import CaseResult, Outcome, UnknownKey
from tests.vectors.files import VectorFile, read_vector_file, vector_files
from tests.vectors.formats import FORMATS
from tests.vectors.later import LATER

Print = Callable[[str], None]
_SHOWN_FAILURES = 5
_SHOWN_REASONS = 4
_SHOWN_WHOLE = "(DMN)"
"""Formats of which every reason is shown: each names a construct that has no counterpart here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What became of one file; a file that is out of scope counts as one skipped case."""

    path: Path
    format_name: str
    results: tuple[CaseResult, ...]
    out_of_scope: str = ""

    def count(self, outcome: Outcome) -> int:
        return sum(result.outcome is outcome for result in self.results)

    def line(self, folder: Path) -> str:
        """Give the file's line."""
        name = self.path.relative_to(folder)
        if self.out_of_scope:
            return f"{name}: {self.out_of_scope}"
        passed, failed, skipped = (self.count(outcome) for outcome in Outcome)
        reasons = Counter(result.why for result in self.results if result.outcome is Outcome.SKIPPED)
        shown = len(reasons) if self.format_name.endswith(_SHOWN_WHOLE) else _SHOWN_REASONS
        why = "; ".join(f"{count} {reason}" for reason, count in reasons.most_common(shown))
        rest = f" ({why}{'; …' if len(reasons) > shown else ''})" if why else ""
        return f"{name}: {self.format_name}: {passed} passed, {failed} failed, {skipped} skipped{rest}"


def run_folder(folder: Path, *, write: Print) -> int:
    """Run every file of a folder; give the number of failures.

    Raises:
        NotADirectoryError: There is no such folder.
    """
    if not folder.is_dir():
        raise NotADirectoryError(folder)
    reports = [run_file(path) for path in vector_files(folder)]
    for report in reports:
        write(report.line(folder))
        failures = [result for result in report.results if result.outcome is Outcome.FAILED]
        for result in failures[:_SHOWN_FAILURES]:
            write(f"  FAILED {result.name}: {result.why}")
        if len(failures) > _SHOWN_FAILURES:
            write(f"  … and {len(failures) - _SHOWN_FAILURES} more")
    totals = Counter(result.outcome for report in reports for result in report.results)
    write(", ".join(f"{totals[outcome]} {outcome}" for outcome in Outcome))
    return totals[Outcome.FAILED]


def run_file(path: Path) -> FileReport:
    """Run one file by the first format that recognises it."""
    try:
        file = read_vector_file(path)
    except (ValueError, OSError) as error:
        broken = CaseResult(name=path.name, outcome=Outcome.FAILED, why=f"cannot be read: {error}")
        return FileReport(path=path, format_name="unreadable", results=(broken,))
    try:
        known = next((known for known in FORMATS if known.recognises(file)), None)
        if known is None:
            return _not_run(file)
        unknown = [] if known.keys is None else sorted(file.keys - known.keys)
        if unknown:
            return _skipped(file, f"skipped: unknown key: {', '.join(unknown)}")
        return FileReport(path=path, format_name=known.name, results=tuple(known.run(file)))
    except UnknownKey as key:
        return _skipped(file, f"skipped: unknown key: {key}")
    except Exception as error:  # noqa: BLE001 - a file of another shape is that file's failure, and is shown
        broken = CaseResult(name=path.name, outcome=Outcome.FAILED, why=f"{type(error).__name__}: {error}")
        return FileReport(path=path, format_name="unreadable", results=(broken,))


def _not_run(file: VectorFile) -> FileReport:
    for recognises, why in LATER:
        if recognises(file):
            return _skipped(file, f"out of scope: {why}")
    keys = ", ".join(sorted(file.keys)[:6]) or file.path.suffix or "no suffix"
    return _skipped(file, f"skipped: unknown key: {keys}")


def _skipped(file: VectorFile, why: str) -> FileReport:
    skipped: Iterable[CaseResult] = [CaseResult(name=file.path.name, outcome=Outcome.SKIPPED, why=why)]
    return FileReport(path=file.path, format_name="", results=tuple(skipped), out_of_scope=why)

"""`make mutation`: how many small changes of the decision tables' core its tests notice, module by module.

mutmut changes a copy under `build/mutation`, from an environment of its own; its version stands in the Makefile, its
settings in pyproject.toml. `mutmut show NAME`, run there, prints the change behind a survivor's name.
"""

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "build" / "mutation"
MUTMUT = ROOT / ".tools" / "mutation" / "bin" / "mutmut"
KILLED_RATIO_MIN = 0.9
_KILLED = frozenset({1, 3})
_SURVIVED = 0
_TIMED_OUT = frozenset({-24, 24, 36, 152, 255})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What became of one module's mutants.

    Attributes:
        other_count: Mutants that no test reaches, or whose run ended in another way; they count as not killed.
        survivors: Names, as mutmut gives them.
    """

    module: str
    killed_count: int
    timed_out_count: int
    other_count: int
    survivors: tuple[str, ...]

    @property
    def mutant_count(self) -> int:
        """All mutants."""
        return self.killed_count + self.timed_out_count + self.other_count + len(self.survivors)

    @property
    def killed_ratio(self) -> float:
        """Killed by a failing test; a timeout is none."""
        return self.killed_count / self.mutant_count if self.mutant_count else 0.0

    def line(self) -> str:
        """Give a row of the table in docs/benchmarks.md."""
        return (
            f"| `{self.module}` | {self.mutant_count} | {self.killed_count} | {len(self.survivors)} "
            f"| {self.timed_out_count} | {self.other_count} | {self.killed_ratio:.1%} |"
        )


def tally(module: str, exit_codes: Mapping[str, int | None]) -> Tally:
    """Count what mutmut wrote down: the exit code of pytest for each mutant."""
    counts = Counter(exit_codes.values())
    killed, timed_out = (sum(counts[code] for code in codes) for codes in (_KILLED, _TIMED_OUT))
    return Tally(
        module=module, killed_count=killed, timed_out_count=timed_out,
        other_count=len(exit_codes) - killed - timed_out - counts[_SURVIVED],
        survivors=tuple(name for name, code in exit_codes.items() if code == _SURVIVED),
    )  # fmt: skip


def main() -> int:
    """Copy, run, count; 1 where a module falls short."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name in ("carbonfin", "tests"):
        shutil.copytree(ROOT / name, FOLDER / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "pyproject.toml", FOLDER / "pyproject.toml")
    subprocess.run([MUTMUT, "run", "--max-children", "1"], cwd=FOLDER, check=True)  # noqa: S603 - our own words
    tallies = [
        tally(path.name.removesuffix(".py.meta"), json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"])
        for path in sorted((FOLDER / "mutants").rglob("*.py.meta"))
    ]
    tallies = [one for one in tallies if one.mutant_count]
    for one in tallies:
        print(*one.survivors, sep="\n")
    print("| module | mutants | killed | survived | timeouts | other | killed |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for one in tallies:
        print(one.line())
    return 0 if tallies and all(one.killed_ratio >= KILLED_RATIO_MIN for one in tallies) else 1


if __name__ == "__main__":
    sys.exit(main())

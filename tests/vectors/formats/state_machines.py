"""State machines: every listed edge is taken, every other pair of state and event is refused."""

import re
from collections.abc import Iterable
from typing import Any

from carbonfin.kernel.states import Machine
from collateral.calc.lifecycles import ENCUMBRANCE, MARGIN_CALL, REPO
from collateral.calc.pledge import PLEDGE
from tests.vectors.comparison import CaseResult, Comparison, Outcome, only_keys, run_case
from tests.vectors.files import VectorFile

_MACHINES: dict[str, Machine] = {
    "pledge": PLEDGE,
    "repo": REPO,
    "margin_call": MARGIN_CALL,
    "encumbrance": ENCUMBRANCE,
}
_GUARD = re.compile(r"\s*[\[(].*[\])]\s*$")


def recognises(file: VectorFile) -> bool:
    return isinstance(file.content, dict) and any(
        isinstance(part, dict) and {"states", "edges"} <= set(part) for part in file.content.values()
    )


def run(file: VectorFile) -> Iterable[CaseResult]:
    for name, part in file.content.items():
        if not isinstance(part, dict) or "edges" not in part:
            continue
        if name not in _MACHINES:
            yield CaseResult(name=name, outcome=Outcome.SKIPPED, why=f"unknown key: {name}")
            continue
        yield from _machine_cases(name, part, file)


def _machine_cases(name: str, part: dict[str, Any], file: VectorFile) -> Iterable[CaseResult]:
    machine = _MACHINES[name]
    edges = [(start, _GUARD.sub("", event), end) for start, event, end in part["edges"]]
    listed = {(start, event) for start, event, _ in edges}
    events = sorted({event for _, event, _ in edges})

    def states(check: Comparison) -> None:
        only_keys(part, "states", "edges", "rule")
        check.same("states", set(part["states"]), set(machine.states))

    def edge(check: Comparison, start: str, event: str, end: str) -> None:
        check.same(f"{start} --{event}-->", end, machine.after(start, event))

    def others(check: Comparison, state: str) -> None:
        for event in events:
            if (state, event) not in listed:
                check.refused(f"{state} --{event}-->", lambda event=event: machine.after(state, event))
        check.same("events", {event for start, event in listed if start == state}, set(machine.events_from(state)))

    yield run_case(f"{name}: states", file.tolerance, states)
    for start, event, end in edges:
        yield run_case(
            f"{name}: {start} --{event}--> {end}",
            file.tolerance,
            lambda check, start=start, event=event, end=end: edge(check, start, event, end),
        )
    for state in part["states"]:
        yield run_case(
            f"{name}: nothing else from {state}", file.tolerance, lambda check, state=state: others(check, state)
        )

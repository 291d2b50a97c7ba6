"""A state machine as data: edges, and a refusal that names state and event for everything else."""

from dataclasses import dataclass

from carbonfin.kernel.errors import Conflict


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """States and events of one kind of agreement; every pair that is not an edge is illegal.

    Attributes:
        name: What moves, in English.
        name_zh: What moves, in Chinese.
        states: State to its Chinese name.
        edges: (state, event, state after).
    """

    name: str
    name_zh: str
    states: dict[str, str]
    edges: tuple[tuple[str, str, str], ...]

    def __post_init__(self) -> None:
        """Hold that no pair leads two ways and that every state is known."""
        assert len({edge[:2] for edge in self.edges}) == len(self.edges), f"{self.name}: a pair leads two ways"
        assert all(start in self.states and end in self.states for start, _, end in self.edges)

    def events_from(self, state: str) -> tuple[str, ...]:
        """Give the events allowed in a state."""
        return tuple(event for start, event, _ in self.edges if start == state)

    def after(self, state: str, event: str) -> str:
        """Give the state after an event.

        Raises:
            Conflict: The pair is not an edge; nothing happens.
        """
        for start, name, end in self.edges:
            if start == state and name == event:
                return end
        allowed = ", ".join(self.events_from(state)) or "nothing"
        raise Conflict(
            f"{self.name} in state {state} does not allow {event}",
            zh=f"{self.name_zh}处于“{self.states.get(state, state)}”（{state}），不允许执行“{event}”",
            field="event",
            remedy=f"Allowed in {state}: {allowed}.",
            remedy_zh=f"当前状态允许：{allowed}。",
            state=state,
            event=event,
        )

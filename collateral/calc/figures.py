"""A trace under construction: each figure once, in the order it was struck."""

from collections.abc import Iterable

from carbonfin.rules.parameters import ParameterValue
from carbonfin.rules.trace import Figure, Trace, checked_trace


class FigureList:
    """Figures collected while a decision is calculated; a fact used twice stands once."""

    def __init__(self) -> None:
        self._figures: dict[str, Figure] = {}

    def add(self, figure: Figure) -> str:
        """Add a figure and give its name; the same figure again is left as it stands."""
        standing = self._figures.setdefault(figure.name, figure)
        assert standing == figure, f"two different figures are called {figure.name}"
        return figure.name

    def fact(
        self, name: str, label: tuple[str, str], value: object, unit: str, source: str, *,
        confirmed: bool = True, note_zh: str = "", note_en: str = "",
    ) -> str:  # fmt: skip
        """Add an entered fact with its source; the label is Chinese, English."""
        return self.add(
            Figure(
                name=name, label_zh=label[0], label_en=label[1], value=str(value), unit=unit, source=source,
                confirmed=confirmed, note_zh=note_zh, note_en=note_en,
            )
        )  # fmt: skip

    def parameter(self, name: str, value: ParameterValue) -> str:
        """Add a parameter with its version."""
        return self.add(Figure.of_parameter(name, value))

    def result(
        self, name: str, label: tuple[str, str], value: object, unit: str, formula: str, *,
        inputs: Iterable[str], note_zh: str = "", note_en: str = "",
    ) -> str:  # fmt: skip
        """Add a computed figure; it is confirmed only if all under it is. The label is Chinese, English."""
        names = tuple(dict.fromkeys(inputs))
        return self.add(
            Figure(
                name=name,
                label_zh=label[0],
                label_en=label[1],
                value=str(value),
                unit=unit,
                formula=formula,
                inputs=names,
                confirmed=all(self._figures[one].confirmed for one in names),
                note_zh=note_zh,
                note_en=note_en,
            )
        )

    def unconfirmed(self) -> tuple[str, ...]:
        """Name the entered facts that nobody has confirmed."""
        return tuple(
            f"{figure.parameter.key}[{figure.parameter.scope}]" if figure.parameter else figure.name
            for figure in self._figures.values()
            if not figure.confirmed and not figure.inputs
        )

    def trace(self) -> Trace:
        """Give the checked trace."""
        return checked_trace(self._figures.values())

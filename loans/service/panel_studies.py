"""The stability study of a panel of installations: read from a folder, classed as built in, nothing stored."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from carbonfin.kernel.batch import Failure
from carbonfin.kernel.dates import end_of_china_day
from carbonfin.kernel.errors import InvalidInput
from carbonfin.storage.rulebook import builtin_book
from loans.calc.ratings.panel import PanelClasses, PanelStudy, classify_panel, panel_terms_on, study_panel
from loans.calc.ratings.stability import stability_terms_on
from loans.feeds.panel_files import read_panel


@dataclass(frozen=True, slots=True, kw_only=True)
class StudiedPanel:
    """A folder's study with what it rests on: rows read, rows that could not be, countries by code."""

    row_count: int
    failures: tuple[Failure, ...]
    countries: tuple[str, ...]
    classes: PanelClasses
    study: PanelStudy


def studied_panel(folder: Path, *, on: date) -> StudiedPanel:
    """Class a panel by the method valid on a day and give how its classes moved.

    Raises:
        InvalidInput: The folder is not of the panel format, or no installation has a class in two years on end.
    """
    file = read_panel(folder)
    if not file.panel.year.size:
        raise InvalidInput(
            f"{folder} has no sound row", zh=f"{folder} 没有可用的行", field="folder",
            remedy=file.failures[0].detail if file.failures else "",
            remedy_zh=file.failures[0].zh if file.failures else "",
        )  # fmt: skip
    book, known_at = builtin_book("loans"), end_of_china_day(on)
    terms = panel_terms_on(book, valid_on=on, known_at=known_at)
    classes = classify_panel(file.panel, terms)
    study = study_panel(classes, terms, stability_terms_on(book, valid_on=on, known_at=known_at))
    return StudiedPanel(
        row_count=file.row_count, failures=file.failures, countries=file.countries, classes=classes, study=study
    )

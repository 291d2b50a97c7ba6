"""A folder of the panel format: `installation.csv` and `compliance.csv` (two numbers a year).

Good rows are kept and the bad named with their line; nothing is mended, and no row is counted twice.
"""

import csv
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from carbonfin.kernel.batch import Failure
from carbonfin.kernel.errors import InvalidInput
from loans.calc.ratings.panel import Panel

INSTALLATIONS, COMPLIANCE = "installation.csv", "compliance.csv"
_TONNES_MAX = 400_000_000
_YEARS = range(2005, 2100)


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelFile:
    """A panel as it was read.

    Attributes:
        countries: Names of the country codes, by code.
        row_count: Rows of the compliance file.
    """

    panel: Panel
    countries: tuple[str, ...]
    row_count: int
    failures: tuple[Failure, ...]


def read_panel(folder: Path) -> PanelFile:
    """Read a folder of the panel format.

    Raises:
        InvalidInput: A file is missing, has another head or is no UTF-8 text.
    """
    country_of = {
        row["id"]: row["country_id"].strip() for _, row in _rows(folder / INSTALLATIONS, ("id", "country_id"))
    }
    failures: list[Failure] = []
    rows: dict[tuple[str, int], tuple[int, int]] = {}
    row_count = 0
    for line, row in _rows(folder / COMPLIANCE, ("installation_id", "year", "free", "emission")):
        row_count += 1
        try:
            key, amounts = _row(row, country_of, rows)
            rows[key] = amounts
        except InvalidInput as error:
            failures.append(Failure.of(f"line {line}", error))
    names = sorted({country_of[name] for name, _ in rows})
    code_of = {name: code for code, name in enumerate(names)}
    ordered = sorted(rows)
    place_of = {name: place for place, name in enumerate(dict.fromkeys(name for name, _ in ordered))}
    columns = np.array(
        [(place_of[name], code_of[country_of[name]], year, *rows[name, year]) for name, year in ordered], dtype=np.int64
    ).reshape(-1, 5)
    panel = Panel(
        installation=columns[:, 0], country=columns[:, 1], year=columns[:, 2], free_t=columns[:, 3],
        emission_t=columns[:, 4],
    )  # fmt: skip
    return PanelFile(panel=panel, countries=tuple(names), row_count=row_count, failures=tuple(failures))


def _rows(file: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, Mapping[str, str]]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            lacking = [name for name in columns if name not in (reader.fieldnames or ())]
            if lacking:
                raise InvalidInput(
                    f"{file.name} has no column {', '.join(lacking)}", zh=f"{file.name} 缺少列 {'、'.join(lacking)}",
                    field="folder",
                )  # fmt: skip
            for row in reader:
                yield reader.line_num, {name: row[name] or "" for name in columns}
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"{file} cannot be read: {type(error).__name__}", zh=f"无法读取 {file}", field="folder",
            remedy=f"Give a folder with {INSTALLATIONS} and {COMPLIANCE} in UTF-8.",
            remedy_zh=f"请指定含 {INSTALLATIONS} 与 {COMPLIANCE}（UTF-8）的文件夹。",
        ) from error  # fmt: skip


def _row(
    row: Mapping[str, str], country_of: Mapping[str, str], known: Collection[tuple[str, int]]
) -> tuple[tuple[str, int], tuple[int, int]]:
    name, year = row["installation_id"].strip(), _whole(row["year"], "year")
    if not country_of.get(name):
        raise InvalidInput(
            f"installation {name!r} has no country", zh=f"装置 {name} 没有所在国", field="installation_id"
        )
    if year not in _YEARS:
        raise InvalidInput(f"year {year} is out of range", zh=f"年度 {year} 超出范围", field="year")
    if (name, year) in known:
        raise InvalidInput(f"{name} has {year} twice", zh=f"{name} 的 {year} 年重复", field="year")
    free, emission = _whole(row["free"], "free"), _whole(row["emission"], "emission")
    for field, amount in (("free", free), ("emission", emission)):
        if amount > _TONNES_MAX:
            raise InvalidInput(
                f"{field} {amount} t is more than an installation has; is it t",
                zh=f"{field} {amount} 吨过大，单位是否有误", field=field,
            )  # fmt: skip
    return (name, year), (free, emission)


def _whole(text: str, field: str) -> int:
    digits = text.strip()
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 12):
        raise InvalidInput(f"{text!r} is no whole number of tonnes or year", zh=f"“{text}”不是非负整数", field=field)
    return int(digits)

"""Direct dependencies, licences and locks: equal to the allow-list, permissive, hashed, and without a stranger."""

import importlib.metadata
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
ALLOW_LIST = tomllib.loads((ROOT / "DEPENDENCIES.toml").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ("requirements.lock", "requirements-dev.lock", "tools.lock", "generator.lock")
FIELDS = {"name", "group", "reason", "licence", "repository", "released"}
_ENTRY = re.compile(r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==(?P<rest>\S.*)$")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
_STRONG = re.compile(r"(?<![A-Za-z])A?GPL|Affero|(?<!Lesser )General Public", re.IGNORECASE)
_WEAK = re.compile(r"LGPL|Lesser General Public|MPL|Mozilla Public|EPL-|CDDL", re.IGNORECASE)
_FAMILIES = ("LGPL", "MPL", "Apache", "0BSD", "BSD", "ISC", "PSF", "OFL", "MIT", "Unlicense", "CC0", "Zlib")
_SPELLINGS = {
    "LGPL": r"LGPL|Lesser General Public",
    "MPL": r"MPL|Mozilla Public",
    "0BSD": r"0BSD|Zero-Clause BSD",
    "BSD": r"(?<!0)(?<!Zero-Clause )BSD",
    "MIT": r"MIT|Permission is hereby granted, free of charge, to any",
    "OFL": r"OFL|Open Font",
    "PSF": r"PSF|Python Software Foundation",
}


def direct(project: dict[str, object]) -> dict[str, list[Requirement]]:
    """Give the requirements a project names, by group."""
    table = project["project"]
    assert isinstance(table, dict)
    groups, build = project["dependency-groups"], project["build-system"]
    assert isinstance(groups, dict)
    assert isinstance(build, dict)
    named = {"runtime": table["dependencies"], "dev": groups["dev"], "build": build["requires"]}
    return {group: [Requirement(text) for text in texts] for group, texts in named.items()}


def lock_entries(text: str) -> dict[str, list[str]]:
    """Give each locked name with its hashes; a line of another shape is an error."""
    entries: dict[str, list[str]] = {}
    current = ""
    for line in text.splitlines():
        bare = line.strip().removesuffix("\\").strip()
        if not bare or bare.startswith("#"):
            continue
        found = _ENTRY.match(bare)
        if found:
            current = canonicalize_name(found["name"])
            entries.setdefault(current, []).extend(_HASH.findall(bare))
        elif _HASH.fullmatch(bare) and current:
            entries[current].append(bare)
        else:
            message = f"neither an entry nor a hash: {line!r}"
            raise ValueError(message)
    return entries


def closure(roots: Iterable[Requirement]) -> set[str]:
    """Give all names reachable from some requirements, on any platform."""
    seen: set[tuple[str, frozenset[str]]] = set()
    queue = list(roots)
    while queue:
        requirement = queue.pop()
        name = canonicalize_name(requirement.name)
        key = (name, frozenset(requirement.extras))
        if key in seen:
            continue
        seen.add(key)
        queue.extend(_needs(name, requirement.extras))
    return {name for name, _ in seen}


def _needs(name: str, extras: set[str]) -> Iterator[Requirement]:
    try:
        texts = importlib.metadata.requires(name) or []
    except importlib.metadata.PackageNotFoundError:
        return  # for another platform; a leaf
    for text in texts:
        requirement = Requirement(text)
        marker = str(requirement.marker or "")
        asked = re.findall(r"extra == ['\"]([^'\"]+)['\"]", marker)
        if not asked or any(extra in extras for extra in asked):
            yield requirement


def licence_of(distribution: importlib.metadata.Distribution) -> str:
    """Give the licence a wheel states: expression, else classifiers, else the field, else the licence file's head."""
    metadata = distribution.metadata
    classifiers = [text for text in metadata.get_all("Classifier") or [] if text.startswith("License ::")]
    stated = metadata.get("License-Expression") or " / ".join(text.split("::")[-1].strip() for text in classifiers)
    stated = stated or (metadata.get("License") or "").strip()[:120]
    if not stated or stated == "BSD License":
        stated = f"{stated} {(metadata.get('License') or '').strip()[:120]}".strip()
    if stated:
        return stated
    files = [file for file in distribution.files or [] if "LICEN" in file.name.upper()]
    return " / ".join(str(file.locate().read_text(encoding="utf-8")).strip()[:80] for file in files[:1])  # type: ignore[attr-defined] # PathLike


def families(text: str) -> set[str]:
    """Give the licence families a text names."""
    return {family for family in _FAMILIES if re.search(_SPELLINGS.get(family, family), text, re.IGNORECASE)}


def forbidden_licences(licences: dict[str, str], weak_allowed: set[str]) -> list[str]:
    """Name what may not be installed: strong copyleft, unlisted weak copyleft, and wheels that state nothing."""
    faults = []
    for name, licence in sorted(licences.items()):
        if not licence:
            faults.append(f"{name} states no licence")
        elif _STRONG.search(licence):
            faults.append(f"{name} is under {licence}")
        elif _WEAK.search(licence) and name not in weak_allowed:
            faults.append(f"{name} is under {licence} and not listed under [[copyleft]]")
    return faults


DIRECT = direct(PROJECT)
ENTRIES = ALLOW_LIST["dependency"]
INSTALLED = {canonicalize_name(found.name): found for found in importlib.metadata.distributions()}


def _names(group: str) -> list[str]:
    return sorted(canonicalize_name(entry["name"]) for entry in ENTRIES if entry["group"] == group)


@pytest.mark.parametrize("group", ["runtime", "dev", "build"])
def test_direct_dependencies_equal_the_allow_list(group: str) -> None:
    assert sorted(canonicalize_name(requirement.name) for requirement in DIRECT[group]) == _names(group)


def test_the_set_up_tools_equal_the_allow_list() -> None:
    assert sorted(lock_entries((ROOT / "tools.lock").read_text(encoding="utf-8"))) == _names("tools")


def test_every_entry_says_why_under_what_licence_from_where_and_when() -> None:
    for entry in ENTRIES:
        assert set(entry) == FIELDS, entry["name"]
        assert all(str(value).strip() for value in entry.values()), entry["name"]
        assert entry["group"] in {"runtime", "dev", "build", "tools", "generator"}
        assert re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])", entry["released"]), entry["name"]
    names = [canonicalize_name(entry["name"]) for entry in ENTRIES]
    assert len(set(names)) == len(names)
    assert len(_names("runtime")) <= 40


def test_licences_are_those_the_wheels_state() -> None:
    checked = 0
    for entry in ENTRIES:
        found = INSTALLED.get(canonicalize_name(entry["name"]))
        if found is not None:
            checked += 1
            assert families(entry["licence"]) & families(licence_of(found)), (entry["name"], licence_of(found))
    assert checked >= len(_names("runtime")) + len(_names("dev"))


def test_nothing_installed_is_strong_copyleft_or_without_a_licence() -> None:
    names = closure([*DIRECT["runtime"], *DIRECT["dev"]]) & set(INSTALLED)
    assert len(names) > 80
    weak = {entry["name"] for entry in ALLOW_LIST["copyleft"]}
    assert forbidden_licences({name: licence_of(INSTALLED[name]) for name in names}, weak) == []


def test_every_copyleft_entry_is_installed_and_weak() -> None:
    for entry in ALLOW_LIST["copyleft"]:
        assert set(entry) == {"name", "licence", "why"}
        found = INSTALLED[entry["name"]]
        assert _WEAK.search(licence_of(found)), entry["name"]
        assert families(entry["licence"]) == families(licence_of(found)), entry["name"]


@pytest.mark.parametrize("lock", LOCKS)
def test_locks_name_no_address_and_hash_every_entry(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert "index" not in text
    entries = lock_entries(text)
    assert entries
    assert [name for name, hashes in entries.items() if not hashes] == []


@pytest.mark.parametrize(("lock", "groups"), [("requirements.lock", ["runtime"]), ("requirements-dev.lock", ["dev"])])
def test_locks_hold_nothing_outside_the_closure(lock: str, groups: list[str]) -> None:
    roots = [requirement for group in groups for requirement in DIRECT[group]]
    if lock != "requirements.lock":
        roots += DIRECT["runtime"]
    locked = set(lock_entries((ROOT / lock).read_text(encoding="utf-8")))
    assert sorted(locked - closure(roots)) == []
    assert {canonicalize_name(requirement.name) for group in groups for requirement in DIRECT[group]} <= locked


def test_both_locks_agree_where_both_speak() -> None:
    def versions(lock: str) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for line in (ROOT / lock).read_text(encoding="utf-8").splitlines():
            entry = _ENTRY.match(line.removesuffix("\\").strip())
            if entry:
                found.setdefault(canonicalize_name(entry["name"]), set()).add(entry["rest"])
        return found

    shipped, dev = versions("requirements.lock"), versions("requirements-dev.lock")
    assert {
        name: (shipped[name], dev[name]) for name in shipped.keys() & dev.keys() if shipped[name] != dev[name]
    } == {}


# --- the checks themselves ------------------------------------------------------------------------------------------
def test_a_lock_entry_without_hash_is_seen() -> None:
    text = "alembic==1.20.1 \\\n    --hash=sha256:" + "a" * 64 + "\nstranger==1.0\n"
    entries = lock_entries(text)
    assert [name for name, hashes in entries.items() if not hashes] == ["stranger"]


@pytest.mark.parametrize(
    "line", ["--index-" + "url https://x.example/simple", "stranger @ https://x.example/s.whl", "-e ."]
)
def test_a_lock_line_of_another_shape_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="neither an entry nor a hash"):
        lock_entries(f"{line}\n")


def test_a_stranger_is_outside_the_closure() -> None:
    assert "stranger" not in closure(DIRECT["runtime"])
    assert {"markupsafe", "httpcore", "lxml"} <= closure(DIRECT["runtime"])
    assert "psycopg-binary" in closure(DIRECT["runtime"])  # asked for through the extra
    assert "psycopg-pool" not in closure(DIRECT["runtime"])  # an extra nobody asked for


@pytest.mark.parametrize(
    ("licence", "fault"),
    [
        ("GPL-3.0-or-later", True),
        ("AGPL-3.0-only", True),
        ("GNU General Public License v2 (GPLv2)", True),
        ("GNU Affero General Public License v3", True),
        ("", True),
        ("LGPL-3.0-only", True),  # weak, but not listed
        ("MPL-2.0", True),
        ("MIT", False),
        ("BSD-3-Clause", False),
        ("SIL Open Font License 1.1 (OFL-1.1)", False),
    ],
)
def test_forbidden_licences_are_seen(licence: str, fault: bool) -> None:  # noqa: FBT001 - a column of a table
    assert bool(forbidden_licences({"planted": licence}, set())) is fault


def test_listed_weak_copyleft_passes_and_strong_never_does() -> None:
    assert forbidden_licences({"psycopg": "LGPL-3.0-only"}, {"psycopg"}) == []
    assert forbidden_licences({"psycopg": "GPL-3.0-only"}, {"psycopg"}) != []
    assert forbidden_licences({"p": "GNU Lesser General Public License v3 (LGPLv3)"}, {"p"}) == []

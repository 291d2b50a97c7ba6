"""The shape of the house, held by machine; each check has its own test with a planted fault.

The checks themselves stand in tests/architecture.py.
"""

import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path

import pytest

from carbonfin.kernel.errors import InvalidInput
from tests import architecture
from tests.architecture import ROOT, SOURCES, Source

_LAYERS = (
    "api",
    "pages",
    "commands",
    "schemas",
    "jobs",
    "service",
    "store",
    "feeds",
    "registries",
    "workbooks",
    "models",
)


def _source(name: str, text: str) -> Source:
    return Source(path=Path(name), text=text)


def _lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=folder, env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip


# --- imports --------------------------------------------------------------------------------------------------------
def test_import_contracts_are_kept() -> None:
    done = _lint_imports(ROOT)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def _skeleton(folder: Path) -> None:
    """Build empty packages of the project's shape under the project's own contracts."""
    (folder / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")
    for part in ("kernel", "rules", "storage", "documents", "web", "app"):
        (folder / "carbonfin" / part).mkdir(parents=True)
        (folder / "carbonfin" / part / "__init__.py").touch()
    (folder / "carbonfin" / "__init__.py").touch()
    for domain in architecture.DOMAINS:
        (folder / domain / "calc").mkdir(parents=True)
        for module in ("__init__", *_LAYERS):
            (folder / domain / f"{module}.py").touch()
        (folder / domain / "calc" / "__init__.py").touch()


@pytest.mark.parametrize(
    ("module", "text", "contract"),
    [
        ("pricing/service.py", "", None),
        ("collateral/service.py", "import pricing.service\n", None),
        ("pricing/service.py", "import collateral.service\n", "Packages point one way"),
        ("carbonfin/storage/__init__.py", "import carbonfin.web\n", "Packages point one way"),
        ("collateral/service.py", "import pricing.store\n", "Pricing shows only service and calc"),
        ("pricing/store.py", "import pricing.service\n", "Every package has the same shape"),
        ("pricing/extras.py", "", "Every package has the same shape"),
        ("loans/calc/__init__.py", "import msgspec\n", "Calculation needs no database, web or network"),
        ("carbonfin/kernel/__init__.py", "import httpx\n", "Calculation needs no database, web or network"),
    ],
)
def test_a_planted_import_breaks_its_contract(tmp_path: Path, module: str, text: str, contract: str | None) -> None:
    _skeleton(tmp_path)
    (tmp_path / module).write_text(text, encoding="utf-8")
    done = _lint_imports(tmp_path)
    if contract is None:
        assert done.returncode == 0, done.stdout[-3000:]
    else:
        assert done.returncode == 1
        assert f"{contract} BROKEN" in done.stdout


@pytest.mark.parametrize("domain", architecture.DOMAINS)
def test_everything_but_service_and_calc_is_private(domain: str) -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    named = [contract for contract in contracts if contract["name"] == f"{domain.title()} shows only service and calc"]
    assert len(named) == 1
    assert sorted(named[0]["protected_modules"]) == architecture.private_modules(domain)
    assert sorted(named[0]["allowed_importers"]) == ["carbonfin.app", domain]


_BLOCKED_IMPORT = """\
import importlib, importlib.abc, importlib.machinery, sys
blocked, modules = set(sys.argv[1].split(",")), sys.argv[2].split(",")
class Wall(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            return importlib.machinery.ModuleSpec(name, self)  # polars looks who is there; only an import is stopped
        return None
    def create_module(self, spec):
        raise ImportError(f"{spec.name} is behind the wall")
    def exec_module(self, module):
        pass
sys.meta_path.insert(0, Wall())
for module in modules:
    importlib.import_module(module)
print(len(modules))
"""


def _import_behind_the_wall(modules: list[str], *, blocked: frozenset[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _BLOCKED_IMPORT, ",".join(sorted(blocked)), ",".join(modules)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_the_core_imports_without_database_web_or_network() -> None:
    modules = architecture.core_modules(SOURCES)
    assert {"carbonfin.kernel.units", "carbonfin.rules.record", "pricing.calc", "loans.calc"} <= set(modules)
    done = _import_behind_the_wall(modules, blocked=architecture.OUTER_PACKAGES)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == str(len(modules))


def test_the_wall_stops_what_it_should() -> None:
    done = _import_behind_the_wall(["carbonfin.storage.engine"], blocked=architecture.OUTER_PACKAGES)
    assert done.returncode != 0
    assert "behind the wall" in done.stderr


# --- source texts ---------------------------------------------------------------------------------------------------
def _report(faults: list[str]) -> str:
    return f"{len(faults)} faults:\n" + "\n".join(faults)


@pytest.mark.parametrize("check", architecture.SOURCE_CHECKS, ids=lambda check: check.__name__)
def test_sources_hold(check: architecture.Check) -> None:
    faults = [fault for source in SOURCES for fault in check(source)]
    assert faults == [], _report(faults)


_LONG = "def long() -> int:\n" + "    value = 1\n" * 59 + "    return value\n"

PLANTED = [
    # the crossings between Decimal and float
    (architecture.crossings, "loans/calc/x.py", "y = float(amount)\n"),
    (architecture.crossings, "loans/calc/x.py", "y = float(note.principal_cny)\n"),
    (architecture.crossings, "loans/calc/x.py", "y = float(Decimal('1'))\n"),
    (architecture.crossings, "loans/calc/x.py", "y = float(round_half_up(rate, 4))\n"),
    (architecture.crossings, "loans/calc/x.py", "y = [*map(float, amounts)]\n"),
    (architecture.crossings, "loans/calc/x.py", "y = Decimal(0.1)\n"),
    (architecture.crossings, "loans/calc/x.py", "y = Decimal(-0.1)\n"),
    (architecture.crossings, "loans/calc/x.py", "y = Decimal(str(value))\n"),
    (architecture.crossings, "loans/calc/x.py", "y = Decimal(repr(value))\n"),
    (architecture.crossings, "loans/calc/x.py", "y = decimal.Decimal.from_float(value)\n"),
    (architecture.crossings, "loans/calc/x.py", "y = Decimal(one / other)\n"),
    (architecture.crossings, "loans/calc/x.py", "y = Decimal(f'{value:.2f}')\n"),
    # transactions
    (architecture.commits, "loans/service.py", "def pay(session):\n    session.commit()\n"),
    (architecture.commits, "carbonfin/app/home.py", "session.commit()\n"),
    (architecture.commits, "loans/store.py", "session.rollback()\n"),
    (architecture.commits, "loans/service.py", "with sessions.begin() as session:\n    pass\n"),
    # two people
    (architecture.agreements, "loans/service.py", "eyes = Agreed(approval_id='', maker_id='a', checker_id='b')\n"),
    (architecture.agreements, "loans/service.py", "eyes = approvals.Agreed(approval_id='')\n"),
    # size
    (architecture.long_functions, "loans/service.py", _LONG + "\n"),
    (architecture.long_functions, "loans/service.py", "class A:\n" + "".join(f"    {line}\n" for line in ["async " + _LONG.splitlines()[0], *["    value = 1"] * 60])),
    (architecture.long_modules, "loans/service.py", "x = 1\n" * 401),
    # names
    (architecture.module_names, "loans/utils.py", ""),
    (architecture.module_names, "loans/calc/helpers/rates.py", ""),
    (architecture.module_names, "carbonfin/data/__init__.py", ""),
    (architecture.module_names, "loans/loan_manager.py", ""),
    # the pure core
    (architecture.impure_calls, "loans/calc/x.py", "text = open('rates.csv').read()\n"),
    (architecture.impure_calls, "loans/calc/x.py", "text = path.read_text()\n"),
    (architecture.impure_calls, "loans/calc/x.py", "from pathlib import Path\n"),
    (architecture.impure_calls, "loans/calc/x.py", "import time\n"),
    (architecture.impure_calls, "pricing/calc/x.py", "from random import random\n"),
    (architecture.impure_calls, "carbonfin/rules/x.py", "now = datetime.now(UTC)\n"),
    (architecture.impure_calls, "carbonfin/rules/x.py", "day = date.today()\n"),
    # QuantLib's door
    (architecture.quantlib_settings, "pricing/calc/x.py", "ql.Settings.instance().evaluationDate = today\n"),
    (architecture.quantlib_settings, "pricing/calc/x.py", "from QuantLib import Settings\n"),
    # silenced checks
    (architecture.silenced, "loans/service.py", "x = 1  # noqa\n"),
    (architecture.silenced, "loans/service.py", "x = 1  # noqa: PLR2004\n"),
    (architecture.silenced, "loans/service.py", "x: int = 'a'  # type: ignore\n"),
    (architecture.silenced, "loans/service.py", "x: int = 'a'  # type: ignore[assignment]\n"),
    # values that change
    (architecture.mutable_values, "loans/calc/x.py", "@dataclass\nclass A:\n    x: int\n"),
    (architecture.mutable_values, "loans/calc/x.py", "@dataclass(frozen=True)\nclass A:\n    x: int\n"),
    (architecture.mutable_values, "loans/calc/x.py", "@dataclass(frozen=False, slots=True)\nclass A:\n    x: int\n"),
    # state that outlives a call
    (architecture.module_state, "loans/service.py", "CACHE = {}\n\ndef put():\n    global CACHE\n    CACHE = {1: 2}\n"),
    # types that another thread may still be learning
    (architecture.unlearned_types, "loans/store.py", "found = msgspec.convert(row.facts, Facts)\n"),
    (architecture.unlearned_types, "loans/store.py", "found = msgspec.convert(row.facts, type=Facts)\n"),
    (architecture.unlearned_types, "loans/store.py", "found = msgspec.json.decode(row.text, type=Facts)\n"),
    (architecture.unlearned_types, "loans/store.py", "_READ = msgspec.json.Decoder(Facts)\n"),
    (architecture.unlearned_types, "loans/store.py", "_READ = Decoder(Facts, strict=False)\n"),
    # what the web framework fills itself
    (architecture.reserved_arguments, "loans/pages.py", "@get('/x')\ndef shown(*, scope: str = '') -> str:\n    return scope\n"),
]  # fmt: skip

ALLOWED = [
    (architecture.crossings, "carbonfin/kernel/units.py", "y = float(amount)\n"),
    (architecture.crossings, "pricing/calc/x.py", "y = float(values[0]) + float(np.sum(values))\n"),
    (architecture.crossings, "pricing/calc/x.py", "y = float(year_fraction(basis, start, end))\nz = float('inf')\n"),
    (architecture.crossings, "pricing/calc/x.py", "y = Decimal('0.1') + Decimal(3) + Decimal(minor)\n"),
    (architecture.crossings, "loans/store.py", "y = Decimal(f'{rate.normalize():f}')\n"),
    (architecture.commits, "carbonfin/storage/engine.py", "with Session(engine) as session, session.begin():\n    pass\n"),
    (architecture.commits, "loans/api.py", "with sessions.begin() as session:\n    pass\n"),
    (architecture.agreements, "loans/service.py", "eyes = Agreed.to(approval, checker, answer)\n"),
    (architecture.long_functions, "loans/service.py", _LONG.replace("    value = 1\n", "", 1)),
    (architecture.long_modules, "loans/service.py", "x = 1\n" * 400),
    (architecture.long_modules, "migrations/versions/0001_x.py", "x = 1\n" * 401),
    (architecture.module_names, "loans/calc/database_facts.py", ""),
    (architecture.impure_calls, "loans/feeds.py", "text = path.read_text()\n"),
    (architecture.impure_calls, "carbonfin/kernel/dates.py", "now = datetime.now(UTC)\n"),
    (architecture.quantlib_settings, "carbonfin/kernel/quantlib.py", "ql.Settings.instance().evaluationDate = today\n"),
    (architecture.silenced, "loans/service.py", "x = 1  # noqa: PLR2004 - days of the year\n"),
    (architecture.silenced, "loans/service.py", "x = f()  # type: ignore[attr-defined]  # set by the framework\n"),
    (architecture.module_state, "loans/service.py", "HAIRCUTS = {'CEA': 1}\n"),
    (architecture.mutable_values, "loans/calc/x.py", "@dataclass(frozen=True, slots=True)\nclass A:\n    x: int\n"),
    (architecture.unlearned_types, "carbonfin/storage/learned_types.py", "found = msgspec.convert(plain, kind)\n"),
    (architecture.unlearned_types, "loans/store.py", "found = msgspec.convert(row.facts, learned(Facts))\n"),
    (architecture.unlearned_types, "loans/store.py", "found = msgspec.json.decode(row.text)\nother = unit.convert(1, 2)\n"),
    (architecture.unlearned_types, "loans/store.py", "_READ = msgspec.json.Decoder(float_hook=refused)\n"),
    (architecture.reserved_arguments, "loans/pages.py", "@get('/x')\ndef shown(*, scheme: str = '') -> str:\n    return scheme\n"),
    (architecture.reserved_arguments, "loans/service.py", "def shown(*, scope: str = '') -> str:\n    return scope\n"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "name", "text"), PLANTED)
def test_a_planted_fault_is_found(check: architecture.Check, name: str, text: str) -> None:
    faults = list(check(_source(name, text)))
    assert faults
    assert all(fault.startswith(name) for fault in faults)


@pytest.mark.parametrize(("check", "name", "text"), ALLOWED)
def test_what_is_right_passes(check: architecture.Check, name: str, text: str) -> None:
    assert list(check(_source(name, text))) == []


def test_every_check_has_a_planted_fault_and_a_case_that_passes() -> None:
    assert {check for check, _, _ in PLANTED} == set(architecture.SOURCE_CHECKS)
    assert {check for check, _, _ in ALLOWED} == set(architecture.SOURCE_CHECKS)


# --- committed text -------------------------------------------------------------------------------------------------
def test_no_committed_file_names_one_machine_or_an_index() -> None:
    faults = [fault for path in architecture.committed_files() for fault in architecture.machine_words_in(path)]
    assert faults == [], _report(faults)


@pytest.mark.parametrize(
    "word",
    [
        "/" + "tmp/out.pdf", "/" + "home/someone/x", "/" + "root/x", "C:" + "\\Users\\x", "/" + "Users/x", "/" + "work/main",
        "https://py" + "pi.org/simple", "files." + "python" + "hosted.org", "10.1" + ".2.3", "192.168" + ".1.1",
        "--extra-" + "index-url " + "https://x.example",
    ],
)  # fmt: skip
def test_a_planted_machine_word_is_found(word: str, tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(f"first line\nsee {word} there\n", encoding="utf-8")
    (fault,) = architecture.machine_words_in(path)
    assert ":2:" in fault


@pytest.mark.parametrize(
    "text", ["http://127.0.0.1:8000/", "sqlite:///var/carbonfin.db", "3.10.1", "the home/page", "template"]
)
def test_ordinary_text_is_no_machine_word(text: str, tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(text, encoding="utf-8")
    assert list(architecture.machine_words_in(path)) == []


# --- parameters -----------------------------------------------------------------------------------------------------
def test_every_parameter_file_parses_and_every_value_has_unit_dates_and_source() -> None:
    files = architecture.parameter_files()
    assert files
    faults = [
        fault for path in files for fault in architecture.parameter_faults(path.read_text(encoding="utf-8"), path.name)
    ]
    assert faults == [], _report(faults)


def test_no_key_and_scope_speaks_in_two_files() -> None:
    owners: dict[str, set[str]] = {}
    for path in architecture.parameter_files():
        for value in architecture.book_of(path).values():
            owners.setdefault(f"{value.key}[{value.scope}]", set()).add(str(path.relative_to(ROOT)))
    assert {key: files for key, files in owners.items() if len(files) > 1} == {}


def test_every_holiday_notice_has_its_day_source_and_grade() -> None:
    notices = architecture.holiday_notices()
    assert notices
    faults = [fault for notice in notices for fault in architecture.notice_faults(notice)]
    assert faults == [], _report(faults)
    years = [notice["year"] for notice in notices]
    assert years == sorted(set(years))


@pytest.mark.parametrize(
    "change",
    [
        {"grade": "rumour"},
        {"document": ""},
        {"known_from": "2025-11-01"},
        {"confirmed": None},
        {"holiday": []},
        {"grade": "memory"},
    ],
)
def test_a_planted_notice_fault_is_found(change: dict[str, object]) -> None:
    good: dict[str, object] = {
        "year": 2026, "known_from": date(2025, 11, 4), "document": "通知", "grade": "read", "confirmed": True, "holiday": [{}],
    }  # fmt: skip
    assert list(architecture.notice_faults(good)) == []
    assert list(architecture.notice_faults({**good, **change}))


_GOOD = (
    '[[parameter]]\nkey = "a.days"\nunit = "days"\ntitle_zh = "天"\ntitle_en = "Days"\n[[parameter.value]]\nvalue = "5"\n'
    'valid_from = 2024-01-01\nknown_from = 2024-01-01\ndocument = "通知"\ngrade = "read"\nconfirmed = true\n'
)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('grade = "read"', 'grade = "memory"'),  # confirmed without anyone having read it
        ('grade = "read"', 'grade = "unknown"'),
        ('document = "通知"', 'document = "-"'),
        ('key = "a.days"', 'key = "days"'),
    ],
)
def test_a_planted_parameter_fault_is_found(old: str, new: str) -> None:
    assert list(architecture.parameter_faults(_GOOD, "p.toml")) == []
    assert list(architecture.parameter_faults(_GOOD.replace(old, new), "p.toml"))


@pytest.mark.parametrize(
    "text",
    [
        "[[parameter]",
        _GOOD.replace('value = "5"', 'value = "five"'),
        _GOOD.replace('value = "5"', 'value = ""'),  # empty, but graded as read
        _GOOD.replace('unit = "days"', 'unit = "date"'),
        _GOOD.replace('unit = "days"', 'unit = "instant"'),
        _GOOD.replace('unit = "days"', 'unit = "furlongs"'),
    ],
)
def test_a_parameter_file_that_cannot_be_read_is_an_error(text: str) -> None:
    with pytest.raises(InvalidInput):
        list(architecture.parameter_faults(text, "p.toml"))

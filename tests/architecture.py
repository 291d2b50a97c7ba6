"""Checks over the source texts, as plain functions: a source in, faults out, each fault `path:line: what`."""

import ast
import re
import subprocess
import tokenize
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from io import StringIO
from pathlib import Path

from carbonfin.rules.parameter_files import book_from_toml
from carbonfin.rules.parameters import Grade, ParameterBook

ROOT = Path(__file__).resolve().parents[1]
DOMAINS = ("pricing", "collateral", "loans", "reporting")
PACKAGES = ("carbonfin", *DOMAINS, "migrations")
OUTER_PACKAGES = frozenset(
    {
        "sqlmodel", "sqlalchemy", "alembic", "psycopg", "sqlite3", "litestar", "litestar_htmx", "jinja2", "msgspec", "pydantic",
        "httpx", "click", "typer", "rich", "granian", "typst", "altair", "vl_convert", "docx", "xlsxwriter", "openpyxl",
        "babel", "structlog", "argon2", "requests",
    }
)  # fmt: skip
_FUNCTION_LINES_MAX = 60
_MODULE_LINES_MAX = 400
_DOORS = "carbonfin/kernel/units.py"
_ENGINE = "carbonfin/storage/engine.py"
_LEARNS = "carbonfin.storage.learned_types"
_EDGES = frozenset({"api", "pages", "commands", "jobs"})
_VAGUE = re.compile(r"(^|_)(utils?|helpers?|managers?|base|data|info|common|misc)(_|$)")
_IMPURE_MODULES = frozenset(
    {"os", "pathlib", "io", "socket", "urllib", "time", "random", "secrets", "logging", "subprocess", "shutil", "tempfile", "requests"}
)  # fmt: skip
# Taking an address apart opens nothing.
_PURE_PARTS = frozenset({"urllib.parse"})
_IMPURE_METHODS = frozenset({"read_text", "read_bytes", "write_text", "write_bytes", "now", "utcnow", "today"})
_EXACT_CALLS = frozenset(
    {"Decimal", "round_half_up", "round_up", "round_down", "cny", "parse_decimal", "quantize", "rate_plus_bp"}
)
_REASONED = re.compile(
    r"#\s*(noqa:\s*[A-Z]+[0-9]+(\s*,\s*[A-Z]+[0-9]+)*|type:\s*ignore\[[a-z-]+(\s*,\s*[a-z-]+)*\])\s*(-|#|\s)\s*\S"
)
_HANDLERS = frozenset({"get", "post", "put", "patch", "delete"})
_FILLED_BY_THE_FRAMEWORK = frozenset({"scope", "state", "query", "cookies", "headers", "socket", "body"})
_SILENCED = re.compile(r"#\s*(noqa|type:\s*ignore)")


@dataclass(frozen=True)
class Source:
    """One Python file: its path under the root, and its text."""

    path: Path
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.text)

    @property
    def name(self) -> str:
        """The path with forward slashes."""
        return self.path.as_posix()

    @property
    def module(self) -> str:
        """The dotted name."""
        return ".".join(self.path.with_suffix("").parts).removesuffix(".__init__")

    def at(self, line: int, what: str) -> str:
        """Write a fault."""
        return f"{self.name}:{line}: {what}"


Check = Callable[[Source], Iterator[str]]


def _sources() -> list[Source]:
    return [
        Source(path=path.relative_to(ROOT), text=path.read_text(encoding="utf-8"))
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
    ]


SOURCES = _sources()


def _is_core(source: Source) -> bool:
    parts = source.path.parts
    return parts[:2] in {("carbonfin", "kernel"), ("carbonfin", "rules")} or (
        parts[0] in DOMAINS and "calc" in parts[1:2]
    )


def core_modules(sources: list[Source]) -> list[str]:
    """Name the modules that must import without database, web or network."""
    return [source.module for source in sources if _is_core(source)]


def private_modules(domain: str) -> list[str]:
    """Name the modules of a domain that other packages may not see."""
    found = {path.stem for path in (ROOT / domain).glob("*.py")} | {
        path.parent.name for path in (ROOT / domain).glob("*/__init__.py")
    }
    return sorted(f"{domain}.{name}" for name in found - {"__init__", "service", "calc"})


def _called(node: ast.AST) -> str:
    """Give the last word of what a call calls."""
    if not isinstance(node, ast.Call):
        return ""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def crossings(source: Source) -> Iterator[str]:
    """Find crossings between Decimal and float outside the module that rounds.

    Types are not known here, so a float may be taken of an array's element, a function's result or a text, but not of
    a plain name or attribute; and a Decimal may be made of a text or whole number, not of a float, quotient or str().
    """
    if source.name == _DOORS:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            what = _crossing(node)
            if what:
                yield source.at(node.lineno, what)


def _crossing(node: ast.Call) -> str:
    called = _called(node)
    if called == "map" and node.args and isinstance(node.args[0], ast.Name) and node.args[0].id in {"float", "Decimal"}:
        return f"map({node.args[0].id}, …): cross by carbonfin.kernel.units"
    if called == "from_float":
        return "from_float: use units.to_decimal"
    if not node.args or not isinstance(node.func, ast.Name | ast.Attribute):
        return ""
    given = node.args[0]
    if isinstance(node.func, ast.Name) and called == "float":
        plain = isinstance(given, ast.Name | ast.Attribute | ast.BinOp)
        if plain or _called(given) in _EXACT_CALLS:
            return "float of what may be a Decimal: use units.to_float"
    if called == "Decimal" and _is_inexact(given):
        return "Decimal of what may be a float: use units.to_decimal"
    return ""


def _is_inexact(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp):
        return _is_inexact(node.operand)
    if isinstance(node, ast.Constant):
        return isinstance(node.value, float)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Div) or _is_inexact(node.left) or _is_inexact(node.right)
    if isinstance(node, ast.JoinedStr):
        parts = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
        return any(_called(part) not in {"normalize", "quantize"} for part in parts)  # a Decimal's own methods
    return _called(node) in {"str", "repr", "float", "format", "item"}


def commits(source: Source) -> Iterator[str]:
    """Find commits anywhere but in the engine, and transactions opened below the edges of a domain."""
    if source.name == _ENGINE:
        return
    part = source.path.parts[1].removesuffix(".py") if len(source.path.parts) > 1 else ""
    below_edges = source.path.parts[0] in DOMAINS and part not in _EDGES
    for node in ast.walk(source.tree):
        called = _called(node)
        if called in {"commit", "rollback"} and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield source.at(node.lineno, f".{called}(): the edge's `with sessions.begin()` does it")
        if below_edges and called == "begin" and isinstance(node, ast.Call):
            yield source.at(node.lineno, ".begin(): a service takes a session, the edge opens it")


def long_functions(source: Source) -> Iterator[str]:
    """Find functions that do not fit a screen; migrations list tables and are left out."""
    if _is_migration(source):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > _FUNCTION_LINES_MAX:
                yield source.at(node.lineno, f"{node.name} has {lines} lines, {_FUNCTION_LINES_MAX} are allowed")


def long_modules(source: Source) -> Iterator[str]:
    """Find modules of more than 400 lines; migrations list tables and are left out."""
    if _is_migration(source):
        return
    lines = len(source.text.splitlines())
    if lines > _MODULE_LINES_MAX:
        yield source.at(1, f"{lines} lines, {_MODULE_LINES_MAX} are allowed")


def _is_migration(source: Source) -> bool:
    return source.path.parts[:2] == ("migrations", "versions")


def module_names(source: Source) -> Iterator[str]:
    """Find modules and packages whose name says nothing."""
    for part in source.path.with_suffix("").parts:
        if _VAGUE.search(part):
            yield source.at(1, f"{part!r} says nothing; name the thing")


def impure_calls(source: Source) -> Iterator[str]:
    """Find files, clocks, sockets and chance in the pure core."""
    if not _is_core(source) or source.name == "carbonfin/kernel/dates.py":
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            for name in named:
                if name not in _PURE_PARTS and name.partition(".")[0] in _IMPURE_MODULES:
                    yield source.at(node.lineno, f"imports {name}; the core is handed what it needs")
        called = _called(node)
        is_open = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and called == "open"
        is_method = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and called in _IMPURE_METHODS
        if is_open or is_method:
            yield source.at(node.lineno, f"{called}(): the core opens no file and reads no clock")


def quantlib_settings(source: Source) -> Iterator[str]:
    """Find QuantLib's global settings outside its one door."""
    if source.name == "carbonfin/kernel/quantlib.py":
        return
    for node in ast.walk(source.tree):
        names = (
            [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom) and node.module == "QuantLib"
            else []
        )
        touched = isinstance(node, ast.Attribute) and node.attr in {"Settings", "evaluationDate", "SavedSettings"}
        if touched or {"Settings", "SavedSettings"} & set(names):
            yield source.at(node.lineno, "QuantLib's settings: use quantlib_on")


def silenced(source: Source) -> Iterator[str]:
    """Find silenced checks that name no rule or give no reason."""
    for token in tokenize.generate_tokens(StringIO(source.text).readline):
        if token.type == tokenize.COMMENT and _SILENCED.search(token.string) and not _REASONED.search(token.string):
            yield source.at(token.start[0], f"{token.string!r}: name the rule and the reason")


def module_state(source: Source) -> Iterator[str]:
    """Find functions that change a module's names."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Global):
            yield source.at(node.lineno, f"global {', '.join(node.names)}: no module-level state but constants")


def mutable_values(source: Source) -> Iterator[str]:
    """Find dataclasses that can be changed after they were checked, or given names they do not have."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.ClassDef):
            continue
        for decorator in node.decorator_list:
            name = decorator.func if isinstance(decorator, ast.Call) else decorator
            if isinstance(name, ast.Name) and name.id == "dataclass":
                words = decorator.keywords if isinstance(decorator, ast.Call) else []
                given = {
                    word.arg for word in words if isinstance(word.value, ast.Constant) and word.value.value is True
                }
                if not {"frozen", "slots"} <= given:
                    yield source.at(node.lineno, f"{node.name} must be frozen=True, slots=True")


def reserved_arguments(source: Source) -> Iterator[str]:
    """Find handlers whose argument bears a name that the web framework fills itself, whatever the request says."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if not any(_called(one) in _HANDLERS for one in node.decorator_list):
            continue
        for argument in (*node.args.args, *node.args.kwonlyargs):
            if argument.arg in _FILLED_BY_THE_FRAMEWORK:
                yield source.at(
                    argument.lineno, f"{node.name}: {argument.arg} is the framework's own; name it otherwise"
                )


def unlearned_types(source: Source) -> Iterator[str]:
    """Find values read as a type that another thread may still be learning: the process would die."""
    if source.module == _LEARNS:
        return
    for node in ast.walk(source.tree):
        kind = _kind_read(node)
        if kind is not None and _called(kind) != "learned":
            yield source.at(kind.lineno, f"read as a type that may not be learned yet; see {_LEARNS}")


def _kind_read(node: ast.AST) -> ast.expr | None:
    """Give the type as which msgspec is to read a value, None where it reads none or plain values."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute | ast.Name):
        return None
    named = next((one.value for one in node.keywords if one.arg == "type"), None)
    place = {"convert": 1, "Decoder": 0}.get(_called(node))
    if _called(node) == "convert" and "msgspec" not in ast.unparse(node.func):
        return None
    if place is not None:
        return named or (node.args[place] if len(node.args) > place else None)
    return named if _called(node) == "decode" else None


def agreements(source: Source) -> Iterator[str]:
    """Find code of the product that claims two people's agreement without the approval that is being carried out."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and _called(node) == "Agreed":
            yield source.at(node.lineno, "Agreed(…): take it from the approval that is carried out, by Agreed.to")


SOURCE_CHECKS: tuple[Check, ...] = (
    crossings, commits, long_functions, long_modules, module_names, impure_calls, quantlib_settings, silenced, module_state,
    mutable_values, reserved_arguments, agreements, unlearned_types,
)  # fmt: skip


# --- committed text -------------------------------------------------------------------------------------------------
_LEFT_OUT = frozenset({".git", ".venv", ".tools", "out", "var", "dist", "build", "__pycache__"})
_NOT_TEXT = frozenset({".png", ".jpg", ".woff2", ".otf", ".ttf", ".ico", ".pdf", ".docx", ".xlsx", ".db"})
_MACHINE_WORDS = re.compile(
    r"(?<![\w.}/])/(?:(?:tmp|work|root|mnt|srv)\b|(?:home|Users)/\w)|[A-Z]:\\\\?Users"
    r"|pypi[.]org|python[h]osted|index-url[ =]+h|(?<![\d.])(?:10\.\d{1,3}|192\.168)\.\d{1,3}\.\d{1,3}(?![\d.])"
)


def committed_files() -> list[Path]:
    """Name the files that the repository carries."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        paths = [path for path in ROOT.rglob("*") if not _LEFT_OUT & set(path.relative_to(ROOT).parts)]
    return [path for path in paths if path.is_file() and path.suffix not in _NOT_TEXT]


def machine_words_in(path: Path) -> Iterator[str]:
    """Find paths of one machine, addresses of a private network and addresses of a package index."""
    name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        found = _MACHINE_WORDS.search(line)
        if found:
            yield f"{name}:{number}: {found[0]!r}"


# --- parameters -----------------------------------------------------------------------------------------------------
_NOTICES = "holidays.toml"
_NOTICE_KEYS = ("year", "known_from", "document", "grade", "confirmed", "holiday")


def _toml_files() -> list[Path]:
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("parameters/*.toml"))


def parameter_files() -> list[Path]:
    """Name the files of built-in parameters."""
    return [path for path in _toml_files() if path.name != _NOTICES and not _has_tables(path)]


def table_files() -> list[Path]:
    """Name the files of built-in decision tables, which stand beside the parameters."""
    return [path for path in _toml_files() if _has_tables(path)]


def _has_tables(path: Path) -> bool:
    return "table" in tomllib.loads(path.read_text(encoding="utf-8"))


def holiday_notices() -> list[dict[str, object]]:
    """Give the built-in holiday notices, which stand in a form of their own."""
    found: list[dict[str, object]] = []
    for path in _toml_files():
        if path.name == _NOTICES:
            found.extend(tomllib.loads(path.read_text(encoding="utf-8"))["notice"])
    return found


def notice_faults(notice: dict[str, object]) -> Iterator[str]:
    """Find notices without day, source or grade, and those that claim more than their grade allows."""
    place = f"notice of {notice.get('year')}"
    yield from (f"{place}: {key} is missing" for key in _NOTICE_KEYS if notice.get(key) in (None, "", []))
    if notice.get("grade") not in set(Grade):
        yield f"{place}: grade {notice.get('grade')!r} is unknown"
    if type(notice.get("known_from")) is not date:
        yield f"{place}: known_from must be a date"
    if notice.get("confirmed") and notice.get("grade") in {Grade.MEMORY, Grade.UNKNOWN}:
        yield f"{place}: confirmed, but its grade is {notice.get('grade')}"


def book_of(path: Path) -> ParameterBook:
    """Read one parameter file."""
    return book_from_toml(path.read_text(encoding="utf-8"), file_name=path.name)


def parameter_faults(text: str, file_name: str) -> Iterator[str]:
    """Find values without a document, or that claim more than their grade allows; the reader refuses the rest."""
    for value in book_from_toml(text, file_name=file_name).values():
        place = f"{file_name}: {value.key}[{value.scope}]"
        if "." not in value.key:
            yield f"{place}: a key is dotted, package first"
        if not re.search(r"\w", value.document):
            yield f"{place}: the document is not named"
        if value.confirmed and value.grade in {Grade.MEMORY, Grade.UNKNOWN}:
            yield f"{place}: confirmed, but its grade is {value.grade}"

"""What stands in the documentation is so, and what is stands in the documentation."""

import json
import re
import shlex
import typing
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import msgspec
import pytest
from typer.testing import CliRunner

from carbonfin.kernel.actors import Role
from carbonfin.kernel.allowances import Scheme
from carbonfin.kernel.errors import ERROR_KINDS
from carbonfin.rules.parameters import Grade
from carbonfin.web.problem_kinds import PROBLEM_KINDS
from tests.docs import registers

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))
PAGES = sorted(path for path in [*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"] if path.exists())
GUIDES = ("bank-integrator", "loan-officer", "bureau", "auditor", "developer", "operator", "administrator")
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (?P<words>.+)$", re.MULTILINE)
_CONSOLE = re.compile(r"^```console\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)
_SETTING = re.compile(r"\bCARBONFIN_[A-Z_]+[A-Z]\b")
_SECTIONS = ("Context", "Decision", "Consequences", "What would change our mind")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def _ids(paths: list[Path]) -> list[str]:
    return [path.relative_to(ROOT).as_posix() for path in paths]


# --- links ----------------------------------------------------------------------------------------------------------
def _anchors(text: str) -> set[str]:
    """Give the anchors of a page's headings, made as the hosting sites make them."""
    found: set[str] = set()
    for heading in _HEADING.finditer(_without_code(text)):
        words = re.sub(r"[`*]", "", heading["words"]).strip().lower()
        found.add(re.sub(r"[^\w\- ]", "", words).replace(" ", "-"))
    return found


def broken_links(page: Path) -> Iterator[str]:
    """Name the relative links of a page that lead nowhere."""
    for match in _LINK.finditer(_without_code(_read(page))):
        target = unquote(match[1] or match[2])
        if re.match(r"[a-z]+:", target):
            continue
        path_text, _, anchor = target.partition("#")
        path = (page.parent / path_text).resolve() if path_text else page
        if not path.exists() or (anchor and path.suffix == ".md" and anchor not in _anchors(_read(path))):
            yield target


@pytest.mark.parametrize("page", PAGES, ids=_ids(PAGES))
def test_every_relative_link_resolves(page: Path) -> None:
    assert list(broken_links(page)) == []


@pytest.mark.parametrize("page", PAGES, ids=_ids(PAGES))
def test_every_page_has_one_title_at_its_head(page: Path) -> None:
    text = _without_code(_read(page))
    assert text.startswith("# ")
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1


def test_every_page_is_reached_from_the_index() -> None:
    index = DOCS / "README.md"
    linked = {
        (index.parent / unquote(match[1] or match[2]).partition("#")[0]).resolve()
        for match in _LINK.finditer(_read(index))
    }
    assert list(_ids([page for page in PAGES if page.is_relative_to(DOCS) and page not in {*linked, index}])) == []


# --- decisions ------------------------------------------------------------------------------------------------------
def test_decisions_are_numbered_without_gap() -> None:
    numbers = [int(path.name[:4]) for path in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 15


def decision_faults(name: str, text: str) -> Iterator[str]:
    """Name what a decision record lacks."""
    if not re.match(rf"# {name[:4]} \S", text):
        yield "the title does not start with the number"
    if not re.search(r"^Status: (accepted|replaced by [0-9]{4}), 20[0-9]{2}-[0-9]{2}-[0-9]{2}$", text, re.MULTILINE):
        yield "no status with a day"
    headings = [match["words"] for match in _HEADING.finditer(text)][1:]
    if headings != list(_SECTIONS):
        yield f"sections are {headings}"
    for section in re.split(r"^## .*$", text, flags=re.MULTILINE)[1:]:
        if len(section.split()) < 12:
            yield "a section says next to nothing"
    if len(text.splitlines()) > 60:
        yield "longer than a page"


@pytest.mark.parametrize("path", DECISIONS, ids=_ids(DECISIONS))
def test_decisions_have_their_sections(path: Path) -> None:
    assert list(decision_faults(path.name, _read(path))) == []


# --- guides, problems, glossary -------------------------------------------------------------------------------------
@pytest.mark.parametrize("reader", GUIDES)
def test_every_reader_has_a_guide(reader: str) -> None:
    text = _read(DOCS / "guides" / f"{reader}.md")
    assert len(text) > 1000
    chinese = len(re.findall(r"[\u4e00-\u9fff]", text))
    assert (chinese > len(re.findall(r"[A-Za-z]+", text))) is (reader in {"loan-officer", "bureau", "administrator"})


def test_every_problem_has_a_section_with_status_meaning_causes_and_remedy() -> None:
    sections = dict(
        re.findall(r"^## `([a-z-]+)`\n(.*?)(?=^## |\Z)", _read(DOCS / "problems.md"), re.MULTILINE | re.DOTALL)
    )
    assert {kind.code for kind in ERROR_KINDS} <= set(sections)
    assert set(sections) == {kind.code for kind in PROBLEM_KINDS}
    for kind in PROBLEM_KINDS:
        section = sections[kind.code]
        assert f"**Status {kind.status}.**" in section, kind.code
        assert kind.title.en in section, kind.code
        assert kind.title.zh in section, kind.code
        assert "**Typical causes.**" in section, kind.code
        assert "**What to do.**" in section, kind.code


def test_every_kind_of_error_has_a_status() -> None:
    statuses = {kind.code: kind.status for kind in PROBLEM_KINDS}
    expected = {
        "invalid-input": 422, "not-found": 404, "conflict": 409, "not-permitted": 403, "not-applicable": 422,
        "missing-data": 409, "upstream-failed": 502, "calculation-failed": 500,
    }  # fmt: skip
    assert {kind.code: statuses[kind.code] for kind in ERROR_KINDS} == expected


@pytest.mark.parametrize("word", [*Scheme, *(f"`{role}`" for role in Role)])
def test_the_glossary_names_schemes_and_roles(word: str) -> None:
    assert word in _read(DOCS / "glossary.md")


@pytest.mark.parametrize("grade", list(Grade))
def test_every_grade_is_explained(grade: Grade) -> None:
    assert f"| `{grade}` |" in _read(DOCS / "facts.md")


# --- routes, commands, facts ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", list(registers.REGISTERS))
def test_registers_say_what_is(name: str) -> None:
    path, _ = registers.REGISTERS[name]
    assert _read(path) == registers.written(name), "run: python -m tests.docs.registers"


def test_every_route_of_the_application_is_in_the_register() -> None:
    text = _read(DOCS / "reference/routes.md")
    assert [entry for entry in registers.route_handlers() if f"| `{entry}` |" not in text] == []


def test_every_route_says_what_it_gives() -> None:
    rows = re.findall(r"^\| `([A-Z]+ /\S*)` \| [^|]+ \| (.+) \|$", _read(DOCS / "reference/routes.md"), re.MULTILINE)
    assert rows
    assert [entry for entry, words in rows if len(words.split()) < 3 or "callable" in words] == []


def test_the_register_of_facts_names_every_unconfirmed_parameter() -> None:
    text = _read(DOCS / "facts.md")
    values = registers.unconfirmed()
    assert values
    assert sorted({value.key for value in values if f"`{value.key}`" not in text}) == []


# --- commands in text -----------------------------------------------------------------------------------------------
def console_lines(text: str) -> Iterator[str]:
    """Give the commands of console blocks, without their prompt."""
    for block in _CONSOLE.finditer(text):
        for line in block["body"].replace("\\\n", " ").splitlines():
            if line.startswith("$ "):
                yield line[2:].split("  #", 1)[0].strip()


CONSOLE = [(page, line) for page in PAGES for line in console_lines(_read(page))]
CARBONFIN = [(page, line) for page, line in CONSOLE if re.search(r"(^|/)carbonfin ", line)]


def unknown_words(line: str) -> Iterator[str]:
    """Name the commands and options of a `carbonfin …` line that the command line does not know."""
    known = registers.commands()
    words = shlex.split(line[line.index("carbonfin ") :])[1:]
    options = [word.partition("=")[0] for word in words if word.startswith("-")]
    main_options = {"--json", "--as", "--organization", "--help"}
    values = {place + 1 for place, word in enumerate(words) if word in {"--as", "--organization"}}
    asked = [word for place, word in enumerate(words) if not word.startswith("-") and place not in values]
    paths = [path for path in known if asked[: len(path.split()) - 1] == path.split()[1:]]
    groups = {tuple(path.split()[1:][:length]) for path in known for length in range(len(path.split()))}
    if not paths and tuple(asked) not in groups:
        yield f"no command {' '.join(asked)!r}"
        return
    allowed = main_options.union(*(registers.options_of(known[path]) for path in paths))
    yield from (f"no option {option}" for option in options if option not in allowed)


@pytest.mark.parametrize(("page", "line"), CARBONFIN, ids=lambda part: part if isinstance(part, str) else part.name)
def test_commands_in_the_text_exist(page: Path, line: str) -> None:
    assert list(unknown_words(line)) == [], page.name


HELP = sorted({line for _, line in CARBONFIN if line.endswith(" --help")})


@pytest.mark.parametrize("line", HELP)
def test_help_in_the_text_runs(line: str) -> None:
    result = CliRunner().invoke(registers.whole_command_line(), shlex.split(line)[1:], prog_name="carbonfin")
    assert result.exit_code == 0, result.output
    assert "Usage: carbonfin" in result.output


def test_there_is_help_for_every_group_in_the_text() -> None:
    groups = {" ".join(path.split()[:2]) for path in registers.commands() if len(path.split()) > 2}
    assert {f"{group} --help" for group in groups} | {"carbonfin --help"} <= set(HELP)


# --- requests in text -----------------------------------------------------------------------------------------------
_REQUEST = re.compile(r"^```json (?P<method>[A-Z]+) (?P<path>/\S+)\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)


def requests_in(text: str) -> list[tuple[str, str]]:
    """Give the example requests of a page: the route and the body."""
    return [(f"{match['method']} {match['path']}", match["body"]) for match in _REQUEST.finditer(text)]


REQUESTS = [request for page in PAGES for request in requests_in(_read(page))]


def _body_type(entry: str) -> type[msgspec.Struct]:
    handlers = {re.sub(r":[a-z]+}", "}", name): handler for name, handler in registers.route_handlers().items()}
    body = typing.get_type_hints(registers.function_of(handlers[entry]))["data"]
    assert issubclass(body, msgspec.Struct)
    return body


@pytest.mark.parametrize(("entry", "body"), REQUESTS, ids=[entry for entry, _ in REQUESTS])
def test_requests_in_the_text_are_what_the_routes_read(entry: str, body: str) -> None:
    wanted = _body_type(entry)
    read = msgspec.json.decode(body, type=wanted)
    assert {key for key, value in msgspec.to_builtins(read).items() if value is not None} >= set(json.loads(body))
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**json.loads(body), "misspelt": 1}, type=wanted)


def test_there_are_requests_to_read() -> None:
    assert len(REQUESTS) >= 4


# --- make targets and settings --------------------------------------------------------------------------------------
def _make_targets() -> list[str]:
    phony = re.search(r"^\.PHONY: (.+)$", _read(ROOT / "Makefile"), re.MULTILINE)
    assert phony
    return phony[1].split()


@pytest.mark.parametrize("target", _make_targets())
def test_every_make_target_is_described(target: str) -> None:
    assert re.search(rf"^\| `make {target}\b", _read(DOCS / "guides/developer.md"), re.MULTILINE)


def test_make_targets_in_the_text_exist() -> None:
    named = {
        name
        for page in PAGES
        for name in re.findall(r"\bmake ([a-z]+)", " ".join(re.findall(r"`[^`\n]*`", _read(page))))
    }
    named |= {line.split()[1] for _, line in CONSOLE if line.startswith("make ")}
    assert named - set(_make_targets()) == set()


def _settings_in_code() -> set[str]:
    folders = ("carbonfin", "pricing", "collateral", "loans", "reporting", "tests", "benchmarks", "migrations")
    sources = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    found = {name for path in [*sources, ROOT / ".ci/run", ROOT / "Makefile"] for name in _SETTING.findall(_read(path))}
    return found - {"CARBONFIN_PLANTED"}


def test_every_setting_is_described_and_every_described_setting_exists() -> None:
    described = set(re.findall(r"^\| `(CARBONFIN_[A-Z_]+)`", _read(DOCS / "guides/operator.md"), re.MULTILINE))
    assert described == _settings_in_code()


def test_what_the_clean_machine_demands_is_read_by_the_tests() -> None:
    demanded = set(re.findall(r"\b(CARBONFIN_REQUIRE_[A-Z]+)=1", _read(ROOT / ".ci/run")))
    sources = [path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)]
    read = {name for path in sources for name in re.findall(r"CARBONFIN_REQUIRE_[A-Z]+", _read(path))}
    assert demanded
    assert demanded == read


# --- the checks themselves ------------------------------------------------------------------------------------------
def test_a_broken_link_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    (tmp_path / "there.md").write_text("# There\n\n## A `code` heading: 贴息\n", encoding="utf-8")
    page.write_text(
        "# P\n[a](there.md) [b](missing.md) [c](there.md#no) [d](there.md#a-code-heading-贴息) [e](#p) [f](https://x.example)\n"
        "```\n[g](not/a/link.md)\n```\n![h](picture.png)\n",
        encoding="utf-8",
    )
    assert list(broken_links(page)) == ["missing.md", "there.md#no", "picture.png"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("## Consequences", "## Results"),
        ("Status: accepted, 2026-11-22", "Status: maybe"),
        ("# 0001 ", "# 0002 "),
        (
            "## What would change our mind\n",
            "## What would change our mind\n\nNothing.\n\n## What would change our mind\n",
        ),
    ],
)
def test_a_decision_without_its_parts_is_seen(old: str, new: str) -> None:
    text = _read(DECISIONS[0])
    assert old in text
    assert list(decision_faults(DECISIONS[0].name, text.replace(old, new))) != []


@pytest.mark.parametrize("line", ["carbonfin frobnicate", "carbonfin db upgrade --sideways", "carbonfin db upgrde"])
def test_an_unknown_command_or_option_is_seen(line: str) -> None:
    assert list(unknown_words(line)) != []


@pytest.mark.parametrize(
    "line", ["carbonfin --json db check", "carbonfin --as someone db upgrade", "carbonfin serve --port 9000"]
)
def test_a_known_command_is_known(line: str) -> None:
    assert list(unknown_words(line)) == []


def test_console_lines_are_read() -> None:
    text = "```console\n$ make demo\nan answer\n$ carbonfin serve \\\n  --port 1  # a remark\n```\n```sh\n$ not this\n```\n"
    assert list(console_lines(text)) == ["make demo", "carbonfin serve    --port 1"]


def test_a_register_without_marks_is_an_error() -> None:
    with pytest.raises(ValueError, match="marks"):
        registers.marked("# page\n", "routes")

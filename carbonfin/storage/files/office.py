"""Workbooks and Word files (OOXML), and OFD: what must not be in them, part by part.

A part passes only by an ending of a closed list; what a part is, is told by its root element and not by its name.
"""

import posixpath
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from carbonfin.storage.files.packages import Package, local, walk, walker
from carbonfin.storage.files.refusals import acting, damaged, refused
from carbonfin.storage.files.tables import acts, formula_refusal

XLSX_NAME, DOCX_NAME, OFD_NAME = "xlsx", "docx", "OFD"
_CONTENT_TYPES = "[Content_Types].xml"
MAIN_PARTS: Mapping[str, str] = {
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml": XLSX_NAME,
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml": DOCX_NAME,
}
_PICTURES = frozenset({"png", "jpg", "jpeg", "gif", "bmp", "tif", "tiff", "emf", "wmf"})
_OFFICE_ENDINGS = frozenset({"xml", "rels", "vml", "odttf"}) | _PICTURES
_OFD_ENDINGS = frozenset({"xml", "ttf", "otf", "ttc", "jb2", "gbig2", "esl", "dat"}) | _PICTURES
_FORBIDDEN_PARTS: tuple[tuple[str, str, str], ...] = (
    ("vbaproject", "macros (VBA)", "宏（VBA）"),
    ("vbadata", "macros (VBA)", "宏（VBA）"),
    ("/macrosheets/", "macros (Excel 4.0)", "宏表"),
    ("/dialogsheets/", "a dialogue sheet", "对话框工作表"),
    ("/activex/", "ActiveX controls", "ActiveX 控件"),
    ("/embeddings/", "embedded objects (OLE)", "嵌入对象（OLE）"),
    ("/externallinks/", "links to other files", "外部链接"),
    ("/querytables/", "a query of outside data", "外部数据查询"),
    ("/connections.xml", "a connection to outside data", "外部数据连接"),
    ("/model/", "a data model", "数据模型"),
    ("customui/", "commands of its own", "自定义功能区"),
    ("/webextensions/", "an add-in", "加载项"),
)
_FORBIDDEN_TYPES = ("macroenabled", "vbaproject", "vbadata", "macrosheet", "activex", "oleobject", "externallink",
                    "controlproperties", "webextension", "querytable", "connections")  # fmt: skip
_FORBIDDEN_TIES = frozenset(
    name.lower() for name in (
        "vbaProject", "wordVbaData", "oleObject", "package", "control", "activeXControlBinary", "externalLink",
        "externalLinkPath", "attachedTemplate", "subDocument", "aFChunk", "frame", "xlMacrosheet", "dialogsheet",
        "connections", "queryTable", "webextension", "webextensiontaskpanes", "extensibility", "mailMergeSource",
        "recipientData", "attachedToolbars",
    )
)  # fmt: skip
_LINK_SCHEMES = frozenset({"http", "https", "mailto"})
_ACTING_FIELDS = frozenset(
    {"DDE", "DDEAUTO", "INCLUDE", "INCLUDETEXT", "INCLUDEPICTURE", "IMPORT", "LINK", "EMBED", "DATABASE", "MACROBUTTON",
     "CONTROL", "HTMLACTIVEX", "RD"}
)  # fmt: skip
_QUOTED = re.compile(r'"[^"]*"')
_ACTING_FUNCTIONS = re.compile(
    r"\b(WEBSERVICE|FILTERXML|RTD|CALL|REGISTER(\.ID)?|EXEC|DDE|IMPORTXML|IMPORTDATA|IMPORTFEED|IMPORTHTML|IMPORTRANGE|"
    r"HYPERLINK|IMAGE|CUBE[A-Z]+)\s*\(|\|",  # a bar calls another program (DDE); no operator is written so
    re.IGNORECASE,
)
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz$"
_SHOWN = 40
_WORD_SPACE, _SHEET_SPACE = "/wordprocessingml/", "/spreadsheetml/"
_ACTING_OFD = frozenset({"GotoA", "Movie", "Sound"})
_OFD_SPACE = "ofdspec.org"


def office_kind(package: Package) -> str | None:
    """Tell a workbook from a Word file and from OFD by what the package says of its main part; None where neither."""
    if _CONTENT_TYPES in package.names:
        mains = {MAIN_PARTS[kind] for kind in _content_types(package, "OOXML") if kind in MAIN_PARTS}
        return mains.pop() if len(mains) == 1 else None
    return OFD_NAME if "OFD.xml" in package.names else None


def refuse_acting_office(package: Package, kind: str) -> None:
    """Refuse a workbook or Word file with macros, controls, embedded objects, outside data or acting cells.

    Raises:
        InvalidInput: What was found, by its part, field or cell.
    """
    for content_type in _content_types(package, kind):
        if any(word in content_type.lower() for word in _FORBIDDEN_TYPES):
            raise acting(kind, f"a part of the type {content_type}", "宏、控件或外部链接")
    _require_endings(package, kind, _OFFICE_ENDINGS)
    for name in package.names:
        for word, what, zh in _FORBIDDEN_PARTS:
            if word in f"/{name}".lower():
                raise acting(kind, f"{what} ({name})", zh)
        if name.lower().endswith(".rels"):
            _look_at_ties(package, name, kind)
    if kind == XLSX_NAME:
        _look_at_workbook(package)
    else:
        _look_at_word(package)


def refuse_acting_ofd(package: Package) -> None:
    """Refuse an OFD whose root is another, or that opens attachments, plays media or holds foreign parts.

    Raises:
        InvalidInput: What was found.
    """
    _require_endings(package, OFD_NAME, _OFD_ENDINGS)
    for name in package.names:
        if not name.lower().endswith(".xml"):
            continue
        found: list[str] = []
        parser = walker(OFD_NAME)
        parser.StartElementHandler = lambda element, _, found=found: found.append(element)
        walk(parser, package.read(name), kind=OFD_NAME, name=name)
        if name == "OFD.xml" and not (found and local(found[0]) == "OFD" and _OFD_SPACE in found[0]):
            raise damaged(OFD_NAME, "its root is not of GB/T 33190")
        bad = next((local(one) for one in found if local(one) in _ACTING_OFD), None)
        if bad is not None:
            raise acting(OFD_NAME, f"an action {bad} ({name})", "可执行动作或音视频")


def _require_endings(package: Package, kind: str, allowed: frozenset[str]) -> None:
    for name in package.names:
        ending = name.rpartition(".")[2].lower()
        printer = ending == "bin" and "/printersettings/" in f"/{name}".lower()
        if ending not in allowed and not (printer and kind == XLSX_NAME):
            raise acting(kind, f"a part of an unknown kind ({name})", f"未知部件（{name}）")
        if ending == "vml" and re.search(rb"<\s*script|FmlaMacro|FmlaPict", package.read(name), re.IGNORECASE):
            raise acting(kind, f"a script or an object ({name})", "脚本或嵌入对象")


def _content_types(package: Package, kind: str) -> list[str]:
    found: list[str] = []

    def start(_: str, attributes: Mapping[str, str]) -> None:
        found.extend(value for name, value in attributes.items() if local(name) == "ContentType")

    parser = walker(kind)
    parser.StartElementHandler = start
    walk(parser, package.read(_CONTENT_TYPES), kind=kind, name=_CONTENT_TYPES)
    return found


def _look_at_ties(package: Package, name: str, kind: str) -> None:
    """Look at the relationships of a part: what it is tied to inside, and what outside."""

    def start(element: str, attributes: Mapping[str, str]) -> None:
        if local(element) != "Relationship":
            return
        tie = attributes.get("Type", "").rstrip("/").rpartition("/")[2].lower()
        if tie in _FORBIDDEN_TIES:
            raise acting(kind, f"a tie of the kind {tie} ({name})", "宏、嵌入对象或外部链接")
        if attributes.get("TargetMode", "").lower() != "external":
            return
        scheme = _scheme_of(attributes.get("Target", ""))
        if tie != "hyperlink" or scheme not in _LINK_SCHEMES:
            raise acting(kind, f"a link of the kind {tie} to the outside ({name})", "指向外部的链接")

    parser = walker(kind)
    parser.StartElementHandler = start
    walk(parser, package.read(name), kind=kind, name=name)


def _scheme_of(target: str) -> str:
    try:
        return urlsplit(target.strip()).scheme.lower()
    except ValueError:
        return ""


class _Word:
    """Looks for fields that fetch or run something; field codes may be spread over many runs and nested."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._fields: list[str] = []
        self._in_code = False

    def start(self, element: str, attributes: Mapping[str, str]) -> None:
        own = {local(name): value for name, value in attributes.items()}
        match local(element):
            case "instrText" | "delInstrText":
                self._in_code = True
            case "fldSimple":
                self._judge(own.get("instr", ""))
            case "fldChar" if own.get("fldCharType") == "begin":
                self._fields.append("")
            case "fldChar" if own.get("fldCharType") == "end" and self._fields:
                self._judge(self._fields.pop())
            case "altChunk" | "object" | "control" | "subDoc" if _WORD_SPACE in element:
                raise acting(DOCX_NAME, f"an embedded {local(element)} ({self._part})", "嵌入对象")

    def text(self, text: str) -> None:
        if self._in_code:
            if not self._fields:
                self._fields.append("")
            self._fields[-1] += text

    def end(self, element: str) -> None:
        if local(element) in {"instrText", "delInstrText"}:
            self._in_code = False

    def finish(self) -> None:
        for code in self._fields:
            self._judge(code)

    def _judge(self, code: str) -> None:
        kind = code.split(maxsplit=1)[0].upper() if code.strip() else ""
        if kind in _ACTING_FIELDS:
            raise acting(DOCX_NAME, f"a field {kind} ({self._part})", "自动执行或引用外部内容的域")


def _look_at_word(package: Package) -> None:
    for name in package.names:
        if name.lower().endswith(".xml"):
            part, parser = _Word(name), walker(DOCX_NAME)
            parser.StartElementHandler, parser.EndElementHandler = part.start, part.end
            parser.CharacterDataHandler = part.text
            walk(parser, package.read(name), kind=DOCX_NAME, name=name)
            part.finish()


class _Sheet:
    """Reads one part of a workbook: shared texts, or the cells of a sheet with their formulas."""

    def __init__(self, part: str, acting_texts: Mapping[str, str], shown: str) -> None:
        self.part = part
        self._shown = shown
        self.acting_texts: dict[str, str] = {}  # shared texts that may act, by their place
        self._known = acting_texts
        self._shared_count = 0
        self._words: list[str] = []
        self._listens = False
        self._skips = 0
        self._cell = ("", "")
        self._row = self._column = 0

    def start(self, element: str, attributes: Mapping[str, str]) -> None:
        match local(element):
            case "macrosheet" | "dialogsheet" | "externalLink" | "ddeLink" | "oleLink":
                raise acting(XLSX_NAME, f"a {local(element)} ({self.part})", "宏表、对话框或外部链接")
            case "oleObject" | "control" if _SHEET_SPACE in element:
                raise acting(XLSX_NAME, f"an embedded {local(element)} ({self.part})", "嵌入对象或控件")
            case "definedName":
                self._judge_name(attributes)
                self._listen()
            case "row":
                self._row = _whole(attributes.get("r"), self._row + 1)
                self._column = 0
            case "c":
                self._column += 1
                reference = attributes.get("r") or f"{_letters(self._column)}{self._row}"
                self._column = _column_of(reference, self._column)
                self._cell = (reference, attributes.get("t", "n"))
            case "rPh":
                self._skips += 1
            case "si" | "is":
                self._words = []
            case "t" | "v" | "f" if not self._skips:
                if local(element) != "t":
                    self._words = []
                self._listens = True

    def _listen(self) -> None:
        self._words, self._listens = [], True

    def _judge_name(self, attributes: Mapping[str, str]) -> None:
        name = attributes.get("name", "").lower()
        if any(attributes.get(flag) in {"1", "true"} for flag in ("function", "vbProcedure", "xlm")):
            raise acting(XLSX_NAME, f"a macro behind the name {name}", "以名称调用的宏")
        if name.removeprefix("_xlnm.").startswith(("auto_open", "auto_close", "auto_activate", "auto_deactivate")):
            raise acting(XLSX_NAME, f"a name that runs by itself ({name})", "自动执行的名称")

    def text(self, text: str) -> None:
        if self._listens:
            self._words.append(text)

    def end(self, element: str) -> None:
        match local(element):
            case "rPh":
                self._skips = max(0, self._skips - 1)
            case "t":
                self._listens = False
            case "si":
                text = "".join(self._words)
                if acts(text):
                    self.acting_texts[str(self._shared_count)] = text
                self._shared_count += 1
            case "is":
                self._judge_text("".join(self._words))
            case "v":
                self._listens = False
                if self._cell[1] == "s":
                    self._judge_text(self._known.get("".join(self._words).strip(), ""))
            case "f" | "definedName":
                self._listens = False
                self._judge_formula("".join(self._words))

    def _judge_text(self, text: str) -> None:
        if acts(text):
            reference = self._cell[0]
            raise formula_refusal(
                f"xlsx ({self._shown})",
                row=_whole(reference.lstrip(_LETTERS), 0),
                column=_letters(_column_of(reference, 0)),
                sign=text.lstrip(" ")[:1],
            )

    def _judge_formula(self, formula: str) -> None:
        bad = _ACTING_FUNCTIONS.search(_QUOTED.sub("", formula))
        if bad is not None:
            raise refused(
                f"the formula in {self._cell[0] or 'a name'} of {self._shown} reaches outside the workbook",
                f"{self._shown} 的 {self._cell[0] or '名称'} 中的公式引用外部内容",
                remedy="Replace the formula by its value.",
                remedy_zh="请将公式替换为数值。",
                cell=self._cell[0],
            )


def _look_at_workbook(package: Package) -> None:
    """Look at every part; where a shared text may act, once more for the cell that shows it."""
    shown = _sheet_names(package)
    acting_texts: dict[str, str] = {}
    for name in package.names:
        acting_texts |= _read_sheet(package, name, {}, shown).acting_texts
    for name in package.names if acting_texts else ():
        _read_sheet(package, name, acting_texts, shown)


def _read_sheet(package: Package, name: str, acting_texts: Mapping[str, str], shown: Mapping[str, str]) -> _Sheet:
    part = _Sheet(name, acting_texts, shown.get(name, name))
    if name.lower().endswith(".xml"):
        parser = walker(XLSX_NAME)
        parser.StartElementHandler, parser.EndElementHandler = part.start, part.end
        parser.CharacterDataHandler = part.text
        walk(parser, package.read(name), kind=XLSX_NAME, name=name)
    return part


def _sheet_names(package: Package) -> Mapping[str, str]:
    """Give the names of the sheets as people see them, by their parts."""
    ties = _attributes(package, "xl/_rels/workbook.xml.rels", "Relationship")
    targets = {tie.get("Id", ""): tie.get("Target", "") for tie in ties}
    sheets = _attributes(package, "xl/workbook.xml", "sheet")
    names: dict[str, str] = {}
    for sheet in sheets:
        target = targets.get(sheet.get("id", ""), "")
        part = posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")
        names[part] = sheet.get("name", part)[:_SHOWN]
    return names


def _attributes(package: Package, name: str, element: str) -> list[dict[str, str]]:
    """Give the attributes of every element of a name in a part; nothing where there is no such part."""
    found: list[dict[str, str]] = []

    def start(here: str, attributes: Mapping[str, str]) -> None:
        if local(here) == element:
            found.append({local(attribute): value for attribute, value in attributes.items()})

    if name in package.names:
        parser = walker(XLSX_NAME)
        parser.StartElementHandler = start
        walk(parser, package.read(name), kind=XLSX_NAME, name=name)
    return found


def _whole(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else otherwise


def _column_of(reference: str, otherwise: int) -> int:
    letters = re.match(r"\$?([A-Za-z]{1,3})", reference)
    if letters is None:
        return otherwise
    number = 0
    for letter in letters.group(1).upper():
        number = number * 26 + ord(letter) - 64
    return number


def _letters(number: int) -> str:
    letters = ""
    while number > 0:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters

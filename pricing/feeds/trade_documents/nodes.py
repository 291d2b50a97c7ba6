"""XML and JSON read safely into one kind of tree whose nodes know where they stand in the document."""

import json
import re
from collections.abc import Iterator
from xml.parsers import expat

from carbonfin.kernel.errors import InvalidInput

DOCUMENT_BYTES_MAX = 1_000_000
NODES_MAX = 20_000
DEPTH_MAX = 60
TEXT_KEY = "@data"
NOTHING = "nothing"
_UNHELD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class Node:
    """An element or a member: name, text, attributes, children, and its path in the document."""

    __slots__ = ("attributes", "children", "name", "path", "text")

    def __init__(self, *, name: str, path: str) -> None:
        self.name, self.path, self.text = name, path, ""
        self.attributes: dict[str, str] = {}
        self.children: list[Node] = []

    def named(self, name: str) -> list["Node"]:
        """Give the children of a name."""
        return [child for child in self.children if child.name == name]

    def walk(self) -> Iterator["Node"]:
        """Give the node and everything below it."""
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def said(self) -> str:
        """What stands here, short: the text, or the names below."""
        shown = self.text or ", ".join(child.name for child in self.children[:4]) or NOTHING
        return shown[:60]


def read_tree(content: bytes) -> Node:
    """Read a document of either shape by its first character.

    Raises:
        InvalidInput: It is too large, too deep, not UTF-8, not well-formed, or declares a document type.
    """
    if len(content) > DOCUMENT_BYTES_MAX:
        raise _refused(
            f"the document has {len(content)} bytes; at most {DOCUMENT_BYTES_MAX} are read",
            f"文件 {len(content)} 字节，超出上限 {DOCUMENT_BYTES_MAX} 字节",
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refused("the document is not UTF-8", "文件不是 UTF-8 编码") from error
    start = text.lstrip()[:1]
    if start == "<":
        return _read_xml(text)
    if start == "{":
        return _read_json(text)
    raise _refused(
        f"the document starts with {start!r}; FpML starts with < and CDM with {{",
        f"文件以“{start}”开头，既不是 FpML（<）也不是 CDM（{{）",
    )


class _Building:
    """What the XML parser tells, put together; limits are held while it runs."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[Node] = []
        self._texts: list[list[str]] = []
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        self._count += 1
        _hold_limits(self._count, len(self._open))
        if self._open:
            parent = self._open[-1]
            node = Node(name=local, path=f"{parent.path}/{local}[{len(parent.named(local)) + 1}]")
            parent.children.append(node)
        else:
            node = Node(name=local, path=f"/{local}")
            self.root = node
        node.attributes = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        self._open.append(node)
        self._texts.append([])

    def end(self, _: str) -> None:
        self._open.pop().text = "".join(self._texts.pop()).strip()

    def data(self, text: str) -> None:
        self._texts[-1].append(text)


def _read_xml(text: str) -> Node:
    building = _Building()
    parser = expat.ParserCreate(encoding="utf-8", namespace_separator=" ")
    parser.StartElementHandler = building.start
    parser.EndElementHandler = building.end
    parser.CharacterDataHandler = building.data

    def refuse_doctype(*_: object) -> None:
        raise _refused(
            "the document declares a document type; entities are not read", "文件含文档类型声明（DTD），不予读取"
        )

    parser.StartDoctypeDeclHandler = refuse_doctype
    try:
        parser.Parse(text.encode(), True)  # noqa: FBT003 - expat's own signature
    except expat.ExpatError as error:
        raise _refused(f"the XML is not well-formed: {error}", f"XML 格式有误：第 {error.lineno} 行") from error
    assert building.root is not None, "well-formed XML has a root"
    return building.root


def _read_json(text: str) -> Node:
    try:
        value = json.loads(
            text, parse_int=str, parse_float=str, parse_constant=_no_constant, object_pairs_hook=_no_duplicates
        )
    except RecursionError as error:
        raise _refused("the document is nested too deep", "文件嵌套过深") from error
    except ValueError as error:
        raise _refused(f"the JSON is not well-formed: {error}", f"JSON 格式有误：{error}") from error
    count = [0]
    return _node("trade document", "", value, count, 0)


def _node(name: str, path: str, value: object, count: list[int], depth: int) -> Node:
    count[0] += 1
    _hold_limits(count[0], depth)
    node = Node(name=name, path=path)
    if not isinstance(value, dict):
        plain = "" if value is None else ("true" if value is True else "false" if value is False else str(value))
        node.text = _held(plain)
        return node
    for key, member in value.items():
        at = f"{path}.{_held(key)}" if path else _held(key)
        if key == TEXT_KEY:
            node.text = _node(key, at, member, count, depth + 1).text
        elif key.startswith("@"):
            node.attributes[key] = _held(str(member))
        elif isinstance(member, list):
            node.children += [_node(key, f"{at}[{place}]", item, count, depth + 1) for place, item in enumerate(member)]
        else:
            node.children.append(_node(key, at, member, count, depth + 1))
    return node


def _held(text: str) -> str:
    """Refuse what JSON can escape and neither XML nor UTF-8 can hold: control characters, halves of a character."""
    found = _UNHELD.search(text)
    if found is not None:
        code = ord(found.group())
        raise _refused(f"the character U+{code:04X} stands in a text", f"文本中含有无效字符 U+{code:04X}")
    return text


def _hold_limits(count: int, depth: int) -> None:
    if count > NODES_MAX:
        raise _refused(f"the document has more than {NODES_MAX} elements", f"文件元素超过 {NODES_MAX} 个")
    if depth > DEPTH_MAX:
        raise _refused(f"the document is nested deeper than {DEPTH_MAX}", f"文件嵌套超过 {DEPTH_MAX} 层")


def _no_constant(text: str) -> object:
    raise ValueError(f"{text} is no number")


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice in one object")
    return members


def _refused(detail: str, zh: str) -> InvalidInput:
    return InvalidInput(
        detail,
        zh=zh,
        field="document",
        remedy="Send one FpML 5 data document or one CDM trade state, UTF-8.",
        remedy_zh="请提交一份 UTF-8 编码的 FpML 5 数据文档或 CDM 交易状态文档。",
    )

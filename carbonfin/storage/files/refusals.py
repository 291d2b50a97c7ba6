"""How a file is refused: which one, why, and what the sender can do."""

from carbonfin.kernel.errors import InvalidInput

FIELD = "file"


def refused(detail: str, zh: str, *, remedy: str, remedy_zh: str, **context: object) -> InvalidInput:
    """Give the refusal of a file's content."""
    return InvalidInput(detail, zh=zh, field=FIELD, remedy=remedy, remedy_zh=remedy_zh, **context)


def damaged(kind: str, why: str) -> InvalidInput:
    """Give the refusal of a file that is not built as its type must be."""
    return refused(
        f"the file is no sound {kind}: {why}",
        f"文件不是完好的 {kind} 文件",
        remedy="Save or scan it again and send that.",
        remedy_zh="请重新保存或扫描后再上传。",
    )


def acting(kind: str, what: str, zh: str) -> InvalidInput:
    """Give the refusal of a file that does more than show itself."""
    return refused(
        f"the {kind} holds {what}",
        f"{kind} 文件含有{zh}，不予接收",
        remedy="Remove it, or print the document to a plain PDF and send that.",
        remedy_zh="请删除该内容，或打印为普通 PDF 后上传。",
        found=what,
    )

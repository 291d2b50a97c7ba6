"""What the validation of a drafted rule found, in the words that stand in its approval's timeline."""

from collections.abc import Sequence
from dataclasses import dataclass

_TOLD_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One thing that was found; a fatal one forbids proposing."""

    zh: str
    en: str
    is_fatal: bool


def validation_words(digest: str, findings: Sequence[Found]) -> str:
    """Say what a validation found of which content, in Chinese and English; of many findings the first are told.

    Args:
        digest: The SHA-256 of what was validated.
        findings: All that was found.
    """
    fatal = sum(one.is_fatal for one in findings)
    said = "校验未通过" if fatal else "校验通过"
    said_en = "not sound" if fatal else "sound"
    told = findings[:_TOLD_MAX]
    more, more_en = ("；其余从略", "; and more") if len(told) < len(findings) else ("", "")
    zh = "；".join(f"{'【不能发起】' if one.is_fatal else '【提示】'}{one.zh}" for one in told) or "无发现"
    en = "; ".join(f"[{'forbids it' if one.is_fatal else 'worth knowing'}] {one.en}" for one in told) or "nothing found"
    return (
        f"{said}，内容摘要 {digest}，发现 {len(findings)} 项：{zh}{more}\n"
        f"{said_en}, digest {digest}, findings {len(findings)}: {en}{more_en}"
    )

"""Passwords known from breaches, as a sorted list that the operator keeps beside the service; no list comes with it."""

import hashlib
import re
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import BinaryIO

from carbonfin.kernel.errors import InvalidInput, UpstreamFailed

_LINE = re.compile(rb"[0-9A-Fa-f]{40}(:[0-9]+)?")
_DIGITS = 40
_AFTER_ALL = b"~"  # sorts behind every digest: what stands past the end of the list
_LOOKED_AT = 1000


@dataclass(frozen=True, slots=True)
class KnownPasswords:
    """A file of SHA-1 digests in hexadecimal, sorted, one a line, each with or without `:` and how often it was seen.

    That is the form in which Pwned Passwords are handed out. It may be larger than memory: one password takes about
    as many short reads as the binary logarithm of its size.
    """

    file: Path

    def holds(self, password: str) -> bool:
        """Whether the list has the password.

        Raises:
            UpstreamFailed: The list cannot be read: no password is taken on trust.
        """
        digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
        with self._opened() as (lines, size):
            place = bisect_left(range(size), digest, key=lambda position: _digest_at(lines, position))
            return _digest_at(lines, place) == digest

    def require_sound(self, *, name: str) -> None:
        """Look at the beginning of the list; `name` is the setting that gives it.

        Raises:
            InvalidInput: It cannot be read, or its first thousand lines are no sorted digests.
        """
        try:
            with self._opened() as (lines, _):
                first = [line.rstrip(b"\r\n") for line in islice(lines, _LOOKED_AT)]
        except UpstreamFailed as error:
            raise _unsound(name, "it cannot be read", "无法读取该文件") from error
        faulty = next((number for number, line in enumerate(first, 1) if not _LINE.fullmatch(line)), None)
        if faulty is not None or not first:
            raise _unsound(name, f"line {faulty or 1} is no SHA-1 digest", f"第 {faulty or 1} 行不是 SHA-1 摘要")
        digests = [line[:_DIGITS].upper() for line in first]
        unsorted = next((number for number, (one, two) in enumerate(pairwise(digests), 2) if two < one), None)
        if unsorted is not None:
            raise _unsound(name, f"line {unsorted} is out of order", f"第 {unsorted} 行未按顺序排列")

    @contextmanager
    def _opened(self) -> Iterator[tuple[BinaryIO, int]]:
        try:
            with self.file.open("rb") as lines:
                yield lines, self.file.stat().st_size
        except OSError as error:
            raise UpstreamFailed(
                f"the list of known passwords cannot be read: {type(error).__name__}",
                zh="无法读取已泄露密码名单，暂不能设置密码",
                field="new",
                remedy="Try again later, or tell the operator.",
                remedy_zh="请稍后重试，或联系运维人员。",
            ) from error


def _digest_at(lines: BinaryIO, position: int) -> bytes:
    """Give the digest of the first line that begins at a position or behind it."""
    lines.seek(max(position - 1, 0))
    if position:
        lines.readline()  # the rest of the line before; its end alone where one begins at the position
    return lines.readline()[:_DIGITS].upper() or _AFTER_ALL


def _unsound(name: str, why: str, zh: str) -> InvalidInput:
    return InvalidInput(
        f"{name}: {why}",
        zh=f"{name}：{zh}",
        field=name,
        remedy="Give a sorted file of SHA-1 digests, one a line, such as Pwned Passwords ordered by hash.",
        remedy_zh="请提供按顺序排列、每行一个 SHA-1 摘要的文件。",
    )

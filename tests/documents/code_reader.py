"""A QR code read back from a picture, by ISO/IEC 18004:2015: another way than the one that drew it.

Upright codes of error correction level M in versions 1 to 13, whose text is one segment of bytes. A code that is not
whole in every bit is refused: the reader corrects nothing.
"""

import numpy as np
import numpy.typing as npt
import pypdfium2

Modules = npt.NDArray[np.bool_]

_FORMAT_MASK, _FORMAT_DIVISOR = 0x5412, 0x537  # 7.9.1, annex C
_LEVEL_M = 0b00
_FIELD = 0x11D  # 7.5.2: x^8 + x^4 + x^3 + x^2 + 1
_BYTES = 0b0100
_RUNS = (1, 1, 3, 1, 1)
# Version: error correction codewords a block, then (blocks, data codewords a block); table 9, level M.
_BLOCKS = {
    1: (10, ((1, 16),)), 2: (16, ((1, 28),)), 3: (26, ((1, 44),)), 4: (18, ((2, 32),)), 5: (24, ((2, 43),)),
    6: (16, ((4, 27),)), 7: (18, ((4, 31),)), 8: (22, ((2, 38), (2, 39))), 9: (22, ((3, 36), (2, 37))),
    10: (26, ((4, 43), (1, 44))), 11: (30, ((1, 50), (4, 51))), 12: (22, ((6, 36), (2, 37))),
    13: (22, ((8, 37), (1, 38))),
}  # fmt: skip
# Centres of alignment patterns beside row and column 6; annex E.
_ALIGNED = {
    1: (), 2: (18,), 3: (22,), 4: (26,), 5: (30,), 6: (34,), 7: (22, 38), 8: (24, 42), 9: (26, 46), 10: (28, 50),
    11: (30, 54), 12: (32, 58), 13: (34, 62),
}  # fmt: skip
_MASKS = (
    lambda row, column: (row + column) % 2 == 0,
    lambda row, _: row % 2 == 0,
    lambda _, column: column % 3 == 0,
    lambda row, column: (row + column) % 3 == 0,
    lambda row, column: (row // 2 + column // 3) % 2 == 0,
    lambda row, column: row * column % 2 + row * column % 3 == 0,
    lambda row, column: (row * column % 2 + row * column % 3) % 2 == 0,
    lambda row, column: ((row + column) % 2 + row * column % 3) % 2 == 0,
)  # table 10


def codes_of(pdf: bytes, *, scale: float = 3.0) -> list[str]:
    """Give the text of the code on each page that has one, read off the page's picture."""
    document = pypdfium2.PdfDocument(pdf)
    pictures = [page.render(scale=scale, grayscale=True).to_numpy().squeeze() < 128 for page in document]
    document.close()
    return [text_of(modules_of(dark)) for dark in pictures if _finders(dark)]


def modules_of(dark: Modules) -> Modules:
    """Find the three finder patterns of an upright code and sample its modules at their centres."""
    found = _finders(dark)
    assert len(found) == 3, f"{len(found)} finder patterns"
    centres, width = [centre for centre, _ in found], 7 * sum(module for _, module in found) / 3
    top, left = min(centres, key=sum)
    right = max(centres, key=lambda centre: centre[1] - centre[0])
    below = max(centres, key=lambda centre: centre[0] - centre[1])
    assert abs(right[0] - top) < width / 4, "the code is not upright"
    size = round(7 * (right[1] - left) / width) + 7
    step_across, step_down = (right[1] - left) / (size - 7), (below[0] - top) / (size - 7)
    rows = np.round(top + (np.arange(size) - 3) * step_down).astype(int)
    columns = np.round(left + (np.arange(size) - 3) * step_across).astype(int)
    return dark[np.ix_(rows, columns)]


def _finders(dark: Modules) -> list[tuple[tuple[float, float], float]]:
    """Give centre and module of each finder pattern."""
    seen: list[tuple[tuple[float, float], float]] = []
    for row in range(dark.shape[0]):
        for column, module in _crossings(dark[row]):
            if not _is_ringed(dark, row, column, module):
                continue
            for middle, size in _crossings(dark[:, round(column)]):
                if abs(middle - row) <= module and abs(size - module) < module / 2:
                    near = any(abs(a - middle) + abs(b - column) < 4 * module for (a, b), _ in seen)
                    seen += [] if near else [((middle, column), (module + size) / 2)]
    return seen


def _is_ringed(dark: Modules, row: int, column: float, module: float) -> bool:
    """Whether a light ring and a dark one lie about a place; letters have crossings too, but no rings."""
    for away, is_dark in ((1, True), (2, False), (3, True)):
        rows = np.round(row + np.array([-away, 0, away]) * module).astype(int)
        columns = np.round(column + np.array([-away, 0, away]) * module).astype(int)
        if rows[0] < 0 or columns[0] < 0 or rows[2] >= dark.shape[0] or columns[2] >= dark.shape[1]:
            return False
        ring = dark[np.ix_(rows, columns)]
        if np.count_nonzero(ring == is_dark) < (9 if is_dark and away == 1 else 8):  # the centre is dark
            return False
    return True


def _crossings(line: Modules) -> list[tuple[float, float]]:
    """Give where a line crosses a finder pattern through its middle, and the module: runs of 1:1:3:1:1."""
    edges = np.flatnonzero(np.diff(line.astype(np.int8))) + 1
    if len(edges) < 6:
        return []
    runs = np.lib.stride_tricks.sliding_window_view(np.diff(edges), 5)
    module = runs.sum(axis=1) / 7
    fits = (np.abs(runs - np.outer(module, _RUNS)) < 0.6 * module[:, None]).all(axis=1) & line[edges[:-5]]
    return [(float(edges[at + 2] + edges[at + 3] - 1) / 2, float(module[at])) for at in np.flatnonzero(fits)]


def text_of(modules: Modules) -> str:
    """Read the text of a code from its modules; each block's codewords must be whole."""
    size = len(modules)
    version = (size - 17) // 4
    mask = _mask(modules)
    words = _codewords(modules, version, mask)
    check_count, groups = _BLOCKS[version]
    lengths = [length for count, length in groups for _ in range(count)]
    assert len(words) == sum(lengths) + check_count * len(lengths)
    blocks: list[list[int]] = [[] for _ in lengths]
    waiting = iter(words)
    for place in range(max(lengths)):
        for block, length in zip(blocks, lengths, strict=True):
            if place < length:
                block.append(next(waiting))
    checks: list[list[int]] = [[] for _ in lengths]
    for _ in range(check_count):
        for check in checks:
            check.append(next(waiting))
    for block, check in zip(blocks, checks, strict=True):
        assert is_whole([*block, *check], check_count), "a codeword is damaged"
    bits = "".join(f"{word:08b}" for block in blocks for word in block)
    assert int(bits[:4], 2) == _BYTES, f"mode {bits[:4]}"
    width = 8 if version < 10 else 16
    length = int(bits[4 : 4 + width], 2)
    begin = 4 + width
    return bytes(int(bits[at : at + 8], 2) for at in range(begin, begin + 8 * length, 8)).decode()


def is_whole(words: list[int], check_count: int) -> bool:
    """Whether a block is a word of its Reed-Solomon code: nought at each of the first powers of 2."""
    return all(_value_at(words, power) == 0 for power in range(check_count))


def _value_at(words: list[int], power: int) -> int:
    root = 1
    for _ in range(power):
        root = _times(root, 2)
    value = 0
    for word in words:
        value = _times(value, root) ^ word
    return value


def _times(one: int, other: int) -> int:
    product = 0
    while other:
        product ^= one if other & 1 else 0
        one = one << 1 ^ (_FIELD if one & 0x80 else 0)
        other >>= 1
    return product


def _mask(modules: Modules) -> int:
    """Read the format information beside the upper left finder: level M, its check whole; and give the mask."""
    places = [(8, column) for column in (0, 1, 2, 3, 4, 5, 7, 8)] + [(row, 8) for row in (7, 5, 4, 3, 2, 1, 0)]
    told = int("".join("1" if modules[place] else "0" for place in places), 2) ^ _FORMAT_MASK
    rest = told
    for shift in range(4, -1, -1):
        rest ^= _FORMAT_DIVISOR << shift if rest >> shift + 10 & 1 else 0
    assert rest == 0, "the format information is damaged"
    assert told >> 13 == _LEVEL_M, f"level {told >> 13:02b}"
    return told >> 10 & 0b111


def _codewords(modules: Modules, version: int, mask: int) -> list[int]:
    """Walk up and down in columns of two from the lower right, past what is no text, and lift the mask."""
    size = len(modules)
    fixed = _fixed(version, size)
    bits = []
    upwards = True
    for right in [*range(size - 1, 6, -2), 5, 3, 1]:
        for row in range(size - 1, -1, -1) if upwards else range(size):
            bits += [
                bool(modules[row, column]) ^ _MASKS[mask](row, column)
                for column in (right, right - 1)
                if not fixed[row, column]
            ]
        upwards = not upwards
    whole = len(bits) - len(bits) % 8
    return [sum(bit << 7 - place for place, bit in enumerate(bits[at : at + 8])) for at in range(0, whole, 8)]


def _fixed(version: int, size: int) -> Modules:
    """Give the modules that hold no text: finders, formats, timing, alignment and, from version 7 on, the version."""
    fixed = np.zeros((size, size), dtype=bool)
    fixed[:9, :9] = fixed[:9, -8:] = fixed[-8:, :9] = True
    fixed[6, :] = fixed[:, 6] = True
    centres = (6, *_ALIGNED[version])
    corners = {(6, 6), (6, centres[-1]), (centres[-1], 6)}
    for row in centres:
        for column in centres:
            if (row, column) not in corners:
                fixed[row - 2 : row + 3, column - 2 : column + 3] = True
    if version >= 7:
        fixed[:6, -11:-8] = fixed[-11:-8, :6] = True
    return fixed

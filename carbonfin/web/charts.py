"""Charts inside a page: many drawings in one document, under a policy that allows no inline style."""

import re

_IDENTIFIER = re.compile(r'\bid="([^"]+)"')
_STYLE_ATTRIBUTE = re.compile(r'\sstyle="([^"]*)"')
_STYLE_PROPERTY = re.compile(r"\s*([a-z-]+)\s*:\s*([^;]+?)\s*(?:;|$)")
_PROLOGUE = re.compile(r"<\?xml[^>]*\?>|<!DOCTYPE[^>]*>", re.DOTALL)
_FORBIDDEN = re.compile(r"<script\b|<foreignObject\b|\son[a-z]+=|(?:href|src)=\"(?!#)", re.IGNORECASE)


def inline_svg(svg: str, *, name: str) -> str:
    """Give a drawing that may stand in a page beside others.

    Its identifiers get the chart's name in front, so that a clip path of one chart never cuts another; style attributes
    become presentation attributes, which a strict content policy lets draw.

    Args:
        svg: One SVG drawing of our own.
        name: Unique in the page.

    Raises:
        ValueError: The drawing holds a script, a handler or an outside address.
    """
    if _FORBIDDEN.search(svg):
        message = f"chart {name} holds a script, a handler or an outside address"
        raise ValueError(message)
    drawing = _PROLOGUE.sub("", svg).strip()
    for identifier in sorted(set(_IDENTIFIER.findall(drawing)), key=len, reverse=True):
        own = f"{name}-{identifier}"
        drawing = drawing.replace(f'id="{identifier}"', f'id="{own}"')
        drawing = drawing.replace(f"url(#{identifier})", f"url(#{own})")
        drawing = drawing.replace(f'href="#{identifier}"', f'href="#{own}"')
    return _STYLE_ATTRIBUTE.sub(_as_attributes, drawing)


def _as_attributes(match: re.Match[str]) -> str:
    properties = _STYLE_PROPERTY.findall(match.group(1).replace("&quot;", "'"))
    return "".join(f' {name}="{value}"' for name, value in properties)

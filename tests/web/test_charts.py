"""Charts stand side by side in one page, and bring nothing that acts."""

import pytest

from carbonfin.web.charts import inline_svg

DRAWING = (
    '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">'
    '<defs><clipPath id="clip1"><rect width="5" height="5"/></clipPath><clipPath id="clip10"><rect/></clipPath></defs>'
    '<g clip-path="url(#clip1)"><use href="#clip10"/><text style="font-size: 11px; fill:#111a17">碳价</text></g></svg>'
)


def test_identifiers_get_the_charts_name() -> None:
    first, second = inline_svg(DRAWING, name="close"), inline_svg(DRAWING, name="volume")
    assert 'id="close-clip1"' in first
    assert "url(#close-clip1)" in first
    assert 'href="#close-clip10"' in first
    assert "close-" not in second
    assert "close-close" not in first
    assert "<?xml" not in first


def test_style_becomes_attributes_that_the_policy_lets_draw() -> None:
    drawn = inline_svg(DRAWING, name="close")
    assert "style=" not in drawn
    assert '<text font-size="11px" fill="#111a17">碳价</text>' in drawn


@pytest.mark.parametrize(
    "part",
    [
        "<script>alert(1)</script>",
        '<g onclick="x()"/>',
        '<image href="https://elsewhere.example/a.png"/>',
        "<foreignObject/>",
        '<a href="javascript:x()"/>',
    ],
)
def test_what_acts_or_comes_from_elsewhere_is_refused(part: str) -> None:
    with pytest.raises(ValueError, match="script, a handler or an outside address"):
        inline_svg(f"<svg>{part}</svg>", name="chart")

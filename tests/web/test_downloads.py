"""Names and cells that no system takes amiss."""

import pytest

from carbonfin.web.downloads import csv_text, download, file_name


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("贷款条款清单 L1", "贷款条款清单 L1.pdf"),
        ("../../etc/passwd", "etc-passwd.pdf"),
        ('a"b\r\nSet-Cookie: x', "a-b-Set-Cookie- x.pdf"),
        ("", "download.pdf"),
        ("x" * 300, "x" * 120 + ".pdf"),
    ],
)
def test_file_names_are_safe(stem: str, name: str) -> None:
    assert file_name(stem, "pdf") == name


def test_an_unknown_ending_is_refused() -> None:
    with pytest.raises(ValueError, match="exe"):
        file_name("x", "exe")


def test_a_download_carries_both_forms_of_its_name() -> None:
    answer = download(b"%PDF", stem="条款清单", ending="pdf")
    assert answer.headers["Content-Disposition"] == (
        "attachment; filename=\"____.pdf\"; filename*=UTF-8''%E6%9D%A1%E6%AC%BE%E6%B8%85%E5%8D%95.pdf"
    )
    assert answer.media_type == "application/pdf"


def test_csv_cells_never_act_as_formulas() -> None:
    rows = [["名称", "金额"], ["=SUM(A1)", "-38935.49"], ["+1", '引"号'], ["@x", "a,b"], ["-cmd", "75.02"]]
    assert csv_text(rows).decode("utf-8-sig") == (
        '名称,金额\r\n\'=SUM(A1),-38935.49\r\n\'+1,"引""号"\r\n\'@x,"a,b"\r\n\'-cmd,75.02\r\n'
    )

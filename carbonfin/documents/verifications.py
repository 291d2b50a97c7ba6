"""How a reader checks that a document was issued: what its QR code says, its drawing, and the words beside it.

A code leads to the service's own page only where the operator has said at which address people reach it; otherwise it
holds the number and the digest alone, and the words say so. Number, version and digest are the sheet's own.
"""

import io
from urllib.parse import urlencode

import segno

from carbonfin.documents.sheets import Sheet

PAGE = "/verify"
_ONLINE_ZH = (
    "可核验出具机构是否登记有此编号、版本与摘要的文件、何时登记、是否已被替代或过期。"
    "核验不显示文件内容，也不证明纸面内容未被改动。"
)
_ONLINE_EN = "Scan to verify that the issuer holds a document of this number, version and digest."
_OFFLINE_ZH = "出具机构未提供网上核验地址，二维码只载编号、版本与摘要；请凭以下各项向出具机构核验。"
_OFFLINE_EN = "The code holds number, version and digest alone; ask the issuer."
TITLE_ZH, TITLE_EN = "核验", "Verification"
ALT_ZH = "核验二维码"
_ERROR_CORRECTION = "m"  # 15 % of the code may be lost: paper is folded and stamped
_QUIET_MODULES = 4  # ISO/IEC 18004, 6.3.8
_PICTURE_SCALE = 8


def code_content(sheet: Sheet) -> str:
    """Give what the code of a sheet says: the page with the four things it asks for, or number and digest alone."""
    assert sheet.verification is not None, "only a sheet that can be verified has a code"
    if not sheet.verification.address:
        return f"No. {sheet.number}\nVersion {sheet.version}\nSHA-256 {sheet.digest}"
    asked = {
        "issuer": sheet.verification.issuer_code, "number": sheet.number, "version": sheet.version,
        "digest": sheet.digest,
    }  # fmt: skip
    return f"{sheet.verification.address}{PAGE}?{urlencode(asked)}"


def code_words(sheet: Sheet) -> tuple[str, ...]:
    """Give the paragraphs beside the code: how to verify, what it tells and what it does not."""
    assert sheet.verification is not None, "only a sheet that can be verified has a code"
    facts = (
        f"出具机构代码 {sheet.verification.issuer_code or '未登记'}　·　编号 {sheet.number}　·　版本 {sheet.version}",
        f"摘要 {sheet.digest}",
    )
    if not sheet.verification.address:
        return (f"{_OFFLINE_ZH}{_OFFLINE_EN}", *facts)
    return (f"扫码，或在 {sheet.verification.address}{PAGE} 输入以下各项，{_ONLINE_ZH}{_ONLINE_EN}", *facts)


def code_svg(content: str) -> str:
    """Draw a code as SVG; equal texts give equal drawings."""
    drawing = io.BytesIO()
    _code(content).save(drawing, kind="svg", border=_QUIET_MODULES, xmldecl=False, svgclass=None, lineclass=None,
                        light="#fff", omitsize=True, nl=False)  # fmt: skip
    return drawing.getvalue().decode()


def code_png(content: str) -> bytes:
    """Draw a code as PNG, for Word; equal texts give equal bytes."""
    picture = io.BytesIO()
    _code(content).save(picture, kind="png", border=_QUIET_MODULES, scale=_PICTURE_SCALE)
    return picture.getvalue()


def _code(content: str) -> segno.QRCode:
    return segno.make_qr(content, error=_ERROR_CORRECTION, boost_error=False)

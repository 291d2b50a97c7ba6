"""Consent to use an enterprise's data: for one purpose, with its document, until it ends or is withdrawn (授权).

A carbon rating is credit information (征信业务管理办法): consent and purpose stand on record before data is taken.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from carbonfin.kernel.errors import InvalidInput, NotApplicable
from loans.calc.account_entries import refuse_text

_EVIDENCE_LENGTH_MAX = 200


class ConsentPurpose(StrEnum):
    """What the data may be used for."""

    RATING = "rating"
    LENDING = "lending"
    REPORTING = "reporting"


class ConsentState(StrEnum):
    """Whether consent was given or taken back."""

    GIVEN = "given"
    WITHDRAWN = "withdrawn"


PURPOSE_NAMES_ZH = {
    ConsentPurpose.RATING: "碳评级",
    ConsentPurpose.LENDING: "贷款审批与定价",
    ConsentPurpose.REPORTING: "统计报送与披露",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One statement of consent or withdrawal.

    Attributes:
        given_on: Day of the document.
        valid_to: Last day of a consent; None until withdrawn.
        evidence: The document: its number or the digest of the file.
    """

    purpose: ConsentPurpose
    state: ConsentState
    given_on: date
    valid_to: date | None
    evidence: str

    def __post_init__(self) -> None:
        """Refuse a consent without its document, and one that ends before it begins."""
        if not self.evidence.strip():
            raise InvalidInput("the document is not named", zh="须填写授权书编号或文件摘要", field="evidence")
        refuse_text(self.evidence, field="evidence", most=_EVIDENCE_LENGTH_MAX)
        if self.valid_to is not None and (self.state is ConsentState.WITHDRAWN or self.valid_to < self.given_on):
            raise InvalidInput(
                f"valid_to is {self.valid_to}; a withdrawal has none, and a consent ends after {self.given_on}",
                zh="有效期应晚于授权日；撤回不填有效期", field="valid_to",
            )  # fmt: skip


def refuse_without(consent: Consent | None, *, purpose: ConsentPurpose, on: date, code: str) -> Consent:
    """Give the standing consent back, or refuse to take or use data of an enterprise on a day without one.

    Args:
        consent: The last statement known, or None.
        purpose: What the data is for.
        on: The day.
        code: The enterprise, as the refusal names it.

    Raises:
        NotApplicable: None was given, it has not begun, is over, or was withdrawn.
    """
    if consent is None:
        why = ("has given no consent", "没有授权记录")
    elif consent.state is ConsentState.WITHDRAWN:
        why = (f"withdrew its consent on {consent.given_on}", f"已于 {consent.given_on} 撤回授权")
    elif on < consent.given_on or (consent.valid_to is not None and consent.valid_to < on):
        why = (f"has no consent in force on {on}", f"在 {on} 没有有效授权")
    else:
        return consent
    raise NotApplicable(
        f"{code} {why[0]} for {purpose}; its data is neither taken nor used",
        zh=f"{code} {why[1]}（{PURPOSE_NAMES_ZH[purpose]}），不得采集或使用其数据",
        field="usci",
        remedy="Record the consent with its document first.",
        remedy_zh="请先登记授权及其文件。",
    )

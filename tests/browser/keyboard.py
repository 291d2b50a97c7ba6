"""Hands on the keys: what a person does who has no mouse."""

import pytest
from playwright.sync_api import Page

_STEPS_MOST = 120


def tab_to(page: Page, selector: str) -> None:
    """Press the Tab key until what is asked for has the focus."""
    for _ in range(_STEPS_MOST):
        if page.evaluate("selector => document.activeElement?.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"the Tab key does not reach {selector}")


def type_day(page: Page, text: str) -> None:
    """Type a day into the focused field, in the order of the browser's own language."""
    year, month, day = text.split("-")
    for digits in (month + day + year, year + "/" + month + day):
        page.keyboard.type(digits)
        if page.evaluate("document.activeElement.value") == text:
            return
        for _ in range(3):
            page.keyboard.press("ArrowLeft")
    pytest.fail(f"{text} cannot be typed")

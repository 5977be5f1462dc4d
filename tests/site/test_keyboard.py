"""Every flow by keyboard alone: what has the focus is seen, and it is where the eye is."""

import pytest

from tests.site.visitor import FOCUSED, Typist
from tests.site.walks import WALKS

pytestmark = [pytest.mark.live, pytest.mark.browser]


@pytest.mark.parametrize("walk", WALKS)
def test_a_keyboard_is_enough(take, walk):
    take(walk, as_=Typist)


def test_a_page_that_asks_for_a_code_has_the_focus_in_its_field_and_one_that_explains_first_has_not(visit):
    visitor = visit("unasked")
    visitor.logs_in("/mfa/enrol/")
    assert visitor.page.locator("body").evaluate(FOCUSED)
    visitor.sets_up()
    visitor.logs_out()
    visitor.logs_in()
    assert visitor.main("[name=code]").evaluate(FOCUSED)
    visitor.presses(visitor.link("/mfa/recover/"))
    assert visitor.main("[name=code]").evaluate(FOCUSED)


def test_an_empty_field_is_not_sent(visit):
    visitor = visit("enrolled", as_=Typist)
    visitor.logs_in()
    visitor.page.keyboard.press("Enter")
    assert visitor.main("[name=code]:invalid").evaluate(FOCUSED)
    visitor.at("/mfa/verify/")

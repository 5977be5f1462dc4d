"""What no visitor notices: nothing inline, nothing from elsewhere, nothing kept. The rest is in ``check_manners``."""

import pytest

from tests.site.walks import WALKS

pytestmark = [pytest.mark.live, pytest.mark.browser]

INLINE = """[...document.querySelectorAll("*")].filter(element =>
    element.matches("style, [style], script:not([src])")
    || element.getAttributeNames().some(name => name.startsWith("on"))
    || /^(javascript|blob|data):/.test(element.href)
).map(element => element.outerHTML)"""


def has_nothing_inline(visitor, state):
    assert visitor.page.evaluate(INLINE) == [], state


@pytest.mark.parametrize("walk", WALKS)
def test_pages_bear_the_strictest_policy(take, walk):
    take(walk, looks=[has_nothing_inline])


def shown(visitor):
    return visitor.page.locator("body").inner_text()


def test_going_back_after_logging_out_shows_no_codes(visit):
    visitor = visit("enrolled")
    visitor.logs_in("/mfa/codes/")
    visitor.verifies()
    assert visitor.person.codes[0] in shown(visitor)
    visitor.logs_out()
    visitor.page.go_back(wait_until="commit")
    visitor.at("/accounts/login/")
    assert not any(code in shown(visitor) for code in visitor.person.codes)


def test_going_back_after_logging_out_shows_no_secret(visit):
    visitor = visit("newcomer")
    visitor.logs_in()
    secret = visitor.main("#secret").inner_text()
    visitor.logs_out()
    visitor.page.go_back(wait_until="commit")
    visitor.at("/accounts/login/")
    assert secret not in shown(visitor)


def test_a_visitor_can_choose_a_language_and_keeps_it(visit):
    visitor = visit("enrolled")
    visitor.goes("/accounts/login/")
    visitor.presses(visitor.page.locator("[name=language][value=de]"))
    assert visitor.page.locator("html").get_attribute("lang") == "de"
    visitor.gives_password()
    visitor.at("/mfa/verify/")
    assert visitor.page.locator("html").get_attribute("lang") == "de"
    visitor.presses(visitor.page.locator("[name=language][value=en]"))
    visitor.at("/mfa/verify/")
    assert visitor.page.locator("html").get_attribute("lang") == "en"

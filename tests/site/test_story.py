"""What visitors do and meet, each way: with and without scripts, in German, on a phone."""

from functools import partial

import pytest

from tests.site.walks import WALKS

pytestmark = [pytest.mark.live, pytest.mark.browser]

WIDTHS = "[document.documentElement.scrollWidth, innerWidth]"


def on_a_phone(visitor, state):
    """Nothing sticks out at the side."""
    width, seen = visitor.page.evaluate(WIDTHS)
    assert width <= seen == 360, state


def in_german(visitor, state):
    assert visitor.page.locator("html").get_attribute("lang") == "de", state


WAYS = {
    "with scripts": {},
    "without scripts": {"scripts": False},
    "in German": {"language": "de", "looks": [in_german]},
    "on a phone, in German": {
        "language": "de",
        "viewport": {"width": 360, "height": 740},
        "long": True,
        "looks": [on_a_phone],
    },
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("walk", WALKS)
def test_the_visitors_story(take, walk, way):
    take(walk, **WAYS[way])


def clipboard(visitor):
    return visitor.page.evaluate("navigator.clipboard.readText()")


def test_who_has_scripts_can_copy_the_secret_and_the_codes_and_print_them(visit):
    visitor = visit("newcomer")
    visitor.page.add_init_script("window.print = () => { document.title = 'printed'; }")
    visitor.logs_in()
    visitor.press(visitor.main("[data-copy]"))
    assert visitor.main("[role=status]:not(:empty)").inner_text() == "Copied"
    assert clipboard(visitor) == visitor.scans().secret
    visitor.sets_up()
    visitor.press(visitor.main("[data-copy]"))
    assert visitor.main("[role=status]:not(:empty)").inner_text() == "Copied"
    assert clipboard(visitor).splitlines() == visitor.person.codes
    visitor.press(visitor.main("[data-print]"))
    assert visitor.page.title() == "printed"


def test_who_has_no_scripts_sees_no_button_that_would_do_nothing(visit):
    visitor = visit("newcomer", scripts=False)
    visitor.logs_in()
    assert not visitor.main("[data-copy]").is_visible()
    visitor.sets_up()
    assert not visitor.main("[data-copy]").is_visible()
    assert not visitor.main("[data-print]").is_visible()


def test_codes_are_printed_with_whose_they_are_and_without_buttons(visit):
    visitor = visit("enrolled")
    visitor.logs_in("/mfa/codes/")
    visitor.verifies()
    visitor.page.emulate_media(media="print")
    printed = visitor.page.locator("body").inner_text()
    assert all(code in printed for code in visitor.person.codes)
    assert visitor.person.email in printed
    assert visitor.page.locator("a:not(.brand), button, summary").filter(visible=True).count() == 0


def test_a_code_can_be_pasted_as_it_was_copied(visit):
    visitor = visit("enrolled")
    visitor.logs_in()
    code = visitor.app()
    visitor.page.evaluate("text => navigator.clipboard.writeText(text)", f" {code[:3]} {code[3:]}\n")
    visitor.page.keyboard.press("Control+v")
    visitor.presses(visitor.main("form button"))
    visitor.at("/")


def test_who_clicks_twice_sends_one_code(visit):
    visitor = visit("enrolled")
    visitor.logs_in()
    visitor.fills(visitor.main("[name=code]"), visitor.app())
    held = []
    visitor.page.route("**/mfa/verify/**", partial(held.append))  # a server that takes its time
    button = visitor.main("form button").bounding_box()
    for _ in range(2):
        visitor.page.mouse.click(button["x"] + 9, button["y"] + 9)
        visitor.page.wait_for_timeout(100)
    assert [route.request.method for route in held] == ["POST"]
    with visitor.page.expect_navigation():
        held[0].continue_()
    visitor.at("/")


def test_logging_out_in_one_tab_ends_the_visit_in_the_other(visit):
    visitor = visit("enrolled")
    visitor.logs_in()
    visitor.verifies()
    other = visitor.page.context.new_page()
    other.goto(visitor.live.url)
    other.locator('form[action$="/logout/"] button').click()
    other.wait_for_url("**/accounts/login/")
    visitor.goes("/")
    visitor.at("/accounts/login/")


def test_who_was_logged_out_elsewhere_is_led_back_to_where_they_were(visit, live):
    visitor = visit("enrolled")
    visitor.logs_in("/mfa/")
    visitor.verifies()
    live.manage(code=f"from tests.site import people; people.revoke({visitor.person.email!r})")
    visitor.passes(31)  # a verified visit is asked about every 30 seconds
    visitor.goes("/mfa/")
    visitor.at("/accounts/login/")
    visitor.gives_password()
    visitor.verifies()
    visitor.at("/mfa/")

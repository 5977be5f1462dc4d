"""Every page of ours in the admin, light and dark, on a desk and on a phone: for all, and as wide as the screen."""

import pytest

from tests.site.clerk import Clerk, at_desk
from tests.site.test_accessibility import FEWEST_RULES, TAGS
from tests.site.tour import tour
from tests.site.visitor import Person

pytestmark = [pytest.mark.live, pytest.mark.browser]

#: What Django's own templates and styles of the admin do wrong, by axe-core's rule and where.
DJANGO = {
    "label-title-only": "#searchbar",  # its label is a picture, whose text says Search
    "label": ".select2-search__field",  # of the widget that completes names
    "link-in-text-block": ".breadcrumbs, #toolbar",  # before 6.0 they aren't underlined
}
#: Without its own copies of imported styles, which it would put inline.
RUN = """async ([tags, excused]) => {
    const { passes, violations } = await axe.run(document, { runOnly: tags, preload: false });
    const found = violations.flatMap(({ id, nodes }) => nodes
        .filter(({ target }) => !excused[id]
            || document.querySelector(target.at(-1))?.closest(excused[id]) === null)
        .map(({ html, target }) => `${id}: ${target} ${html}`));
    return [passes.length, found];
}"""
WIDTHS = "[document.documentElement.scrollWidth, innerWidth]"
SCREENS = {
    "desk, light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "phone, dark": {"color_scheme": "dark", "viewport": {"width": 390, "height": 844}, "long": True},
}


@pytest.fixture
def axe(packages):
    source = (packages / "axe-core" / "axe.min.js").read_text()

    def look(clerk, state):
        clerk.page.evaluate(source)
        passed, found = clerk.page.evaluate(RUN, [TAGS, DJANGO])
        assert found == [], state
        assert passed >= FEWEST_RULES, state

    return look


def nothing_sticks_out(clerk, state):
    width, seen = clerk.page.evaluate(WIDTHS)
    assert width <= seen, state


@pytest.mark.parametrize("screen", SCREENS)
def test_all_staff_can_use_every_page(visit, live, axe, screen):
    options = dict(SCREENS[screen])
    long, chief = options.pop("long", False), Person(**at_desk(live, "colleague(chief=True)"))
    tour(visit(chief, as_=Clerk, looks=[axe, nothing_sticks_out], **options), long=long)

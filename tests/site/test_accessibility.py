"""axe-core finds nothing to complain about: on each page, in each of its states, light and dark."""

import pytest

from tests.site.walks import WALKS

pytestmark = [pytest.mark.live, pytest.mark.browser]

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """async tags => {
    const { passes, violations } = await axe.run(document, { runOnly: tags });
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
    return [passes.length, found];
}"""
FEWEST_RULES = 15
BRIGHTNESS = "getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g)"
SCHEMES = {"light": range(240, 256), "dark": range(60)}


@pytest.fixture
def axe(packages):
    """What axe-core says of what a visitor sees. A policy that forbids scripts from elsewhere doesn't reach it."""
    source = (packages / "axe-core" / "axe.min.js").read_text()

    def look(visitor, state):
        visitor.page.evaluate(source)
        passed, found = visitor.page.evaluate(RUN, TAGS)
        assert found == [], state
        assert passed >= FEWEST_RULES, state

    return look


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("walk", WALKS)
def test_everybody_can_use_every_page(take, axe, walk, scheme):
    def is_as_wanted(visitor, state):
        assert all(int(colour) in SCHEMES[scheme] for colour in visitor.page.evaluate(BRIGHTNESS)), state

    take(walk, color_scheme=scheme, looks=[is_as_wanted, axe])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_everybody_can_use_the_single_page(visit, axe, scheme):
    visitor = visit("newcomer", color_scheme=scheme, looks=[axe])
    visitor.goes("/spa/")
    visitor.page.wait_for_load_state("networkidle")
    visitor.sees("single page")


def test_a_page_with_a_fault_is_complained_about(visit, axe):
    visitor = visit("newcomer", looks=[axe])
    visitor.goes("/accounts/login/")
    visitor.page.evaluate("document.querySelector('label').remove()")
    with pytest.raises(AssertionError, match="label"):
        visitor.sees("log in, without a label")

"""docs/audit.md lists the tags that there are, and the tags keep to its grammar."""

import re
from pathlib import Path

import pytest

from stytch_totp.operations.audit import _FAILURES, Tag

PAGE = Path(__file__).resolve().parent.parent / "docs" / "audit.md"
FAILING = {"refused", "replayed", "locked", "locked_out", "denied", "exposed", "faulty", "unreadable"}


def tag_table():
    """What stands between the marks in docs/audit.md."""
    rows = ["| tag | in words |", "|---|---|", *(f"| `{tag.value}` | {tag.label} |" for tag in Tag)]
    return "\n".join(rows)


def test_aa06_the_documented_tags_are_those_that_there_are():
    text = PAGE.read_text()
    found = text.partition("<!-- tags -->\n")[2].partition("\n<!-- /tags -->")[0]
    assert found == tag_table()


@pytest.mark.parametrize("tag", Tag)
def test_aa06_a_tag_keeps_to_the_grammar(tag):
    assert re.fullmatch(r"(project|organization|member):[a-z_]+:[a-z_]+", tag.value)
    assert len(tag.value) <= 64


@pytest.mark.parametrize("tag", Tag)
def test_aa06_failures_are_told_by_their_last_word(tag):
    assert (tag in _FAILURES) is (tag.value.rpartition(":")[2] in FAILING)

"""Links of the hash chain: each event's depends on all before it."""

import hashlib

import pytest

from stytch_totp.core.chain import START, link

EVENT = {"at": 1_800_000_000, "tag": "member:totp:refused", "details": {"rows": 3, "why": "x"}, "member_id": "None"}


def test_aa07_a_link_is_the_digest_of_the_one_before_it_and_of_the_event():
    said = '{"at":1800000000,"details":{"rows":3,"why":"x"},"member_id":"None","tag":"member:totp:refused"}'
    assert link(START, EVENT) == hashlib.sha256(f"{'0' * 64}\n{said}".encode()).hexdigest()


def test_aa07_a_link_knows_no_order_of_columns():
    assert link(START, dict(reversed(EVENT.items()))) == link(START, EVENT)


@pytest.mark.parametrize("name", EVENT)
def test_aa07_every_column_counts(name):
    assert link(START, EVENT | {name: "something else"}) != link(START, EVENT)
    without = {key: value for key, value in EVENT.items() if key != name}
    assert link(START, without) != link(START, EVENT)


def test_aa07_the_same_event_elsewhere_has_another_link():
    assert link(link(START, EVENT), EVENT) != link(START, EVENT)


def test_aa07_text_of_any_alphabet_is_linked_alike():
    assert link(START, {"reason": "ügü \u202e\n"}) == link(START, {"reason": "ügü \u202e\n"})
    assert link(START, {"reason": "ü"}) != link(START, {"reason": "u"})

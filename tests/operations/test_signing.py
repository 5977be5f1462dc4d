"""The key that signs is changed without a JWT being refused (SE-12)."""

import pytest

from stytch_totp.core import jwt
from stytch_totp.models import AuditEvent, SigningKey
from stytch_totp.operations import signing
from stytch_totp.operations.audit import Actor, Tag
from tests.operations.situations import find, session_of

pytestmark = pytest.mark.django_db

COMMAND = Actor("system", "stytch_totp_rotate_signing_key", "request-id-test-tests")


def kid(token):
    return jwt.pyjwt.get_unverified_header(token)["kid"]


def test_se12_a_new_key_signs_and_the_former_one_is_published(member, clock):
    former = signing.key_set()[0]
    made = signing.rotate(COMMAND)
    assert signing.key_set() == [made, former]
    assert made.current == signing.CURRENT
    former.refresh_from_db()
    assert (former.current, former.retired_at) == (None, clock())


def test_se12_a_jwt_of_the_former_key_is_good(member):
    session = session_of(member, "password")
    before = signing.mint(session)
    made = signing.rotate(COMMAND)
    after = signing.mint(session)
    assert kid(before) != kid(after) == f"jwk-test-{made.pk}"
    assert find(session_jwt=before) == find(session_jwt=after) == session


def test_se12_rotations_follow_each_other(member):
    keys = [signing.key_set()[0], signing.rotate(COMMAND), signing.rotate(COMMAND)]
    assert SigningKey.objects.get(current=signing.CURRENT) == keys[2]
    assert set(SigningKey.objects.all()) == set(keys)


def test_se12_of_two_rotations_at_once_one_makes_a_key(monkeypatch):
    signing.key_set()
    new_key, quicker = signing._new_key, []

    def overtaken():
        if not quicker:
            quicker.append(None)
            quicker.append(signing.rotate(COMMAND))
        return new_key()

    monkeypatch.setattr(signing, "_new_key", overtaken)
    assert signing.rotate(COMMAND) is None
    assert SigningKey.objects.get(current=signing.CURRENT) == quicker[1]
    assert SigningKey.objects.count() == 2
    assert AuditEvent.objects.filter(tag=Tag.SIGNING_KEY_ROTATED).count() == 1


def test_a_first_rotation_makes_both():
    made = signing.rotate(COMMAND)
    assert SigningKey.objects.count() == 2
    assert SigningKey.objects.get(current=signing.CURRENT) == made


def test_aa11_a_rotation_is_on_record():
    former = signing.key_set()[0]
    made = signing.rotate(COMMAND)
    event = AuditEvent.objects.get(tag=Tag.SIGNING_KEY_ROTATED)
    assert event.details == {"kid": f"jwk-test-{made.pk}", "former": f"jwk-test-{former.pk}"}
    assert (event.actor_kind, event.actor_id) == ("system", "stytch_totp_rotate_signing_key")

import pickle

import pytest
from django.core import serializers
from django.db import IntegrityError, transaction
from django.forms.models import model_to_dict

from stytch_totp.conf import conf
from stytch_totp.core import sealing, totp
from stytch_totp.core.sealing import SealError, Tampered, UnknownKey
from stytch_totp.models import RecoveryCode, TOTPRegistration
from tests.factories import MemberFactory

NOW = 1_800_000_000
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
CODE = "ckss-2skx-ebow"
PENDING, ACTIVE = TOTPRegistration.State.PENDING, TOTPRegistration.State.ACTIVE

pytestmark = pytest.mark.django_db


def registered(member, state=ACTIVE, **fields) -> TOTPRegistration:
    made = TOTPRegistration(member=member, state=state, created_at=NOW, expires_at=NOW + 600, **fields)
    made.seal(SECRET)
    made.save(force_insert=True)
    return made


def with_code(member, code=CODE) -> RecoveryCode:
    made = RecoveryCode.make(registered(member), 0, code)
    made.save(force_insert=True)
    return made


# Steps


@pytest.mark.parametrize(
    ("last", "step", "granted"),
    [
        (-1, 0, True),
        (-1, 5, True),
        (5, 6, True),
        (5, 1000, True),
        (5, 5, False),
        (5, 4, False),
        (5, 0, False),
        (2**62, 2**62, False),
    ],
)
def test_tv04_a_step_is_claimed_only_if_it_is_later_than_the_last(member, last, step, granted):
    registration = registered(member, last_step=last)
    assert TOTPRegistration.objects.spend(registration, step, NOW) is granted
    registration.refresh_from_db()
    assert registration.last_step == max(last, step if granted else last)


def test_tv03_of_two_claims_one_is_granted(member):
    registration = registered(member)
    again = TOTPRegistration.objects.get()
    assert TOTPRegistration.objects.spend(registration, 60_000_000, NOW) is True
    assert TOTPRegistration.objects.spend(again, 60_000_000, NOW) is False


def test_tv14_the_larger_of_two_steps_spends_the_smaller(member):
    registration = registered(member)
    assert TOTPRegistration.objects.spend(registration, 60_000_001, NOW)
    assert not TOTPRegistration.objects.spend(registration, 60_000_000, NOW)


def test_the_first_claim_on_a_pending_registration_makes_it_active(member):
    registration = registered(member, PENDING)
    assert TOTPRegistration.objects.spend(registration, 60_000_000, NOW)
    registration.refresh_from_db()
    assert (registration.state, registration.verified_at, registration.last_step) == (ACTIVE, NOW, 60_000_000)


@pytest.mark.parametrize(("after", "granted"), [(0, True), (599, True), (600, False), (601, False)])
def test_en08_a_pending_registration_expires_to_the_second(member, after, granted):
    registration = registered(member, PENDING)
    assert TOTPRegistration.objects.spend(registration, 60_000_000, NOW + after) is granted
    registration.refresh_from_db()
    assert registration.state == (ACTIVE if granted else PENDING)


def test_en08_an_active_registration_does_not_expire(member):
    assert TOTPRegistration.objects.spend(registered(member), 60_000_000, NOW + 10**9)


def test_a_claim_read_while_pending_fails_once_another_has_activated(member):
    registration = registered(member, PENDING)
    stale = TOTPRegistration.objects.get()
    assert TOTPRegistration.objects.spend(registration, 60_000_000, NOW)
    assert not TOTPRegistration.objects.spend(stale, 60_000_001, NOW)


def test_a_claim_touches_one_registration(member):
    mine, other = registered(member), registered(MemberFactory.create())
    assert TOTPRegistration.objects.spend(mine, 60_000_000, NOW)
    other.refresh_from_db()
    assert (other.last_step, other.verified_at) == (-1, None)


def test_a_claim_on_a_deleted_registration_fails(member):
    registration = registered(member)
    TOTPRegistration.objects.all().delete()
    assert not TOTPRegistration.objects.spend(registration, 60_000_000, NOW)


@pytest.mark.parametrize("state", [PENDING, ACTIVE])
def test_a_burnt_step_is_not_to_be_had_and_its_neighbours_are(member, state):
    registration = registered(member, state)
    TOTPRegistration.objects.burn(registration, 60_000_005)
    assert not TOTPRegistration.objects.spend(registration, 60_000_005, NOW)
    assert TOTPRegistration.objects.get().state == state
    assert TOTPRegistration.objects.spend(registration, 60_000_004, NOW)
    registration.refresh_from_db()
    assert not TOTPRegistration.objects.spend(registration, 60_000_005, NOW)
    assert TOTPRegistration.objects.spend(registration, 60_000_006, NOW)


def test_burning_spends_nothing_and_touches_one_registration(member):
    mine, other = registered(member, last_step=7), registered(MemberFactory.create())
    TOTPRegistration.objects.burn(mine, 60_000_005)
    rows = TOTPRegistration.objects.values_list("pk", "last_step", "burnt_step", "verified_at")
    assert set(rows) == {(mine.pk, 7, 60_000_005, None), (other.pk, -1, -1, None)}


def test_the_last_step_that_was_burnt_is_the_one_that_is_kept(member):
    registration = registered(member)
    for step in (60_000_005, 60_000_003):
        TOTPRegistration.objects.burn(registration, step)
    assert not TOTPRegistration.objects.spend(registration, 60_000_003, NOW)
    assert TOTPRegistration.objects.spend(registration, 60_000_005, NOW)


def test_a_new_registration_has_no_burnt_step(member):
    assert registered(member).burnt_step == -1


@pytest.mark.parametrize("state", [PENDING, ACTIVE])
def test_en05_a_member_has_at_most_one_registration_of_each_state(member, state):
    registered(member, PENDING)
    registered(member, ACTIVE)
    with pytest.raises(IntegrityError), transaction.atomic():
        registered(member, state)
    registered(MemberFactory.create(), state)


# Secrets


def test_a_secret_is_revealed_by_name(member):
    registered(member)
    assert TOTPRegistration.objects.select_related("member").get().reveal() == totp.decode_secret(SECRET)


def test_a_secret_that_is_not_base32_is_not_sealed(member):
    with pytest.raises(ValueError, match="base32"):
        TOTPRegistration(member=member).seal("0189" * 8)


def test_cr03_a_sealed_secret_copied_to_another_row_does_not_open(member):
    mine = registered(member)
    same_member = registered(member, PENDING)
    same_organization = registered(MemberFactory.create(organization=member.organization))
    elsewhere = registered(MemberFactory.create())
    rows = [mine, same_member, same_organization, elsewhere]
    for victim in rows:
        for origin in rows:
            TOTPRegistration.objects.filter(pk=victim.pk).update(sealed_secret=origin.sealed_secret)
            read = TOTPRegistration.objects.get(pk=victim.pk)
            if victim is origin:
                assert read.reveal() == totp.decode_secret(SECRET)
            else:
                with pytest.raises(Tampered):
                    read.reveal()


def test_cr03_a_row_moved_to_another_member_does_not_open(member):
    registered(member)
    other = MemberFactory.create(organization=member.organization)
    TOTPRegistration.objects.update(member=other)
    with pytest.raises(Tampered):
        TOTPRegistration.objects.get().reveal()


def test_cr03_a_member_moved_to_another_organization_does_not_open(member):
    registered(member)
    member.organization = MemberFactory.create().organization
    member.save()
    with pytest.raises(Tampered):
        TOTPRegistration.objects.get().reveal()


def test_cr03_a_secret_does_not_open_as_a_code_nor_a_code_as_a_secret(member):
    code = with_code(member)
    registration = code.registration
    RecoveryCode.objects.update(sealed_code=registration.sealed_secret)
    TOTPRegistration.objects.update(sealed_secret=code.sealed_code)
    for row in (RecoveryCode.objects.get(), TOTPRegistration.objects.get()):
        with pytest.raises(Tampered):
            row.reveal()


@pytest.mark.parametrize("value", [b"", b"12345678901234567890", SECRET.encode(), b"\x00" * 60, b"\x01" + b"A" * 60])
def test_cr14_a_value_that_is_not_sealed_is_never_taken_for_a_secret(member, value):
    registered(member)
    TOTPRegistration.objects.update(sealed_secret=value)
    with pytest.raises(SealError):
        TOTPRegistration.objects.get().reveal()


def test_cr07_without_its_key_a_secret_does_not_open_and_with_it_opens_again(member, settings, configure):
    registered(member)
    before = settings.STYTCH_TOTP["KEYRING"]
    configure(KEYRING=[sealing.generate_key("other")])
    with pytest.raises(UnknownKey):
        TOTPRegistration.objects.get().reveal()
    configure(KEYRING=[sealing.generate_key("other"), *before])
    assert TOTPRegistration.objects.get().reveal() == totp.decode_secret(SECRET)


# Recovery codes


def test_a_code_is_found_by_its_digest_and_shown_by_name(member):
    code = with_code(member)
    found = RecoveryCode.objects.find(code.registration, CODE)
    assert found == code
    assert found.reveal() == CODE
    for other in ("ckss-2skx-ebox", "CKSS-2SKX-EBOW", "ckss2skxebow", "", code.digest):
        assert RecoveryCode.objects.find(code.registration, other) is None


def test_a_code_of_another_registration_is_not_found(member):
    code = with_code(member)
    other = with_code(MemberFactory.create(organization=member.organization), "abcd-1234-efgh")
    assert RecoveryCode.objects.find(other.registration, CODE) is None
    assert RecoveryCode.objects.find(code.registration, "abcd-1234-efgh") is None


def test_cr09_the_same_code_of_two_members_has_two_digests(member):
    colleague = MemberFactory.create(organization=member.organization)
    stranger = MemberFactory.create()
    assert len({with_code(one).digest for one in (member, colleague, stranger)}) == 3


def test_cr09_a_code_is_found_and_shown_after_a_rotation_of_the_keyring(member, settings, configure):
    code = with_code(member)
    configure(KEYRING=[sealing.generate_key("new"), *settings.STYTCH_TOTP["KEYRING"]])
    found = RecoveryCode.objects.find(code.registration, CODE)
    assert found == code
    assert found.reveal() == CODE
    newer = RecoveryCode.make(code.registration, 1, CODE)
    assert newer.digest != code.digest


def test_rc02_of_two_uses_one_is_granted(member):
    code = with_code(member)
    again = RecoveryCode.objects.get()
    assert RecoveryCode.objects.spend(code, NOW) is True
    assert RecoveryCode.objects.spend(again, NOW + 1) is False
    assert RecoveryCode.objects.get().used_at == NOW


def test_rc06_a_used_code_is_erased_and_still_known_as_used(member):
    code = with_code(member)
    RecoveryCode.objects.spend(code, NOW)
    kept = RecoveryCode.objects.find(code.registration, CODE)
    assert (kept.sealed_code, kept.used_at) == (None, NOW)


def test_spending_touches_one_code(member):
    code = with_code(member)
    other = RecoveryCode.make(code.registration, 1, "abcd-1234-efgh")
    other.save(force_insert=True)
    RecoveryCode.objects.spend(code, NOW)
    other.refresh_from_db()
    assert other.used_at is None
    assert other.reveal() == "abcd-1234-efgh"


def test_rc14_a_set_holds_a_code_once(member):
    code = with_code(member)
    with pytest.raises(IntegrityError), transaction.atomic():
        RecoveryCode.make(code.registration, 1, CODE).save(force_insert=True)


def test_where_codes_are_not_viewable_nothing_that_could_be_shown_is_kept(member, configure):
    configure(RECOVERY_CODES_VIEWABLE=False)
    code = with_code(member)
    assert RecoveryCode.objects.get().sealed_code is None
    assert RecoveryCode.objects.find(code.registration, CODE) == code
    assert RecoveryCode.objects.spend(code, NOW)


def test_cr03_a_code_copied_to_another_row_does_not_open(member):
    code = with_code(member)
    other = RecoveryCode.make(code.registration, 1, "abcd-1234-efgh")
    other.sealed_code = code.sealed_code
    other.save(force_insert=True)
    with pytest.raises(Tampered):
        RecoveryCode.objects.get(pk=other.pk).reveal()


# What rows show


def test_cr13_rows_show_no_secret(member):
    code = with_code(member)
    secret = totp.decode_secret(SECRET)
    for row in (TOTPRegistration.objects.get(), RecoveryCode.objects.get()):
        row.reveal()
        shown = [
            repr(row),
            str(row),
            repr(model_to_dict(row)),
            repr(vars(row)),
            serializers.serialize("json", [row]),
            repr(pickle.dumps(row)),
        ]
        for text in shown:
            for clear in (SECRET, repr(secret)[2:-1], secret.hex(), CODE, CODE.replace("-", "")):
                assert clear not in text
    assert bytes(code.sealed_code)[:1] == sealing.VERSION
    assert conf().keys.keys[0].kid == "tests"

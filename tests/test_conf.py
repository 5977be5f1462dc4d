import base64
import dataclasses
import hashlib
import os

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory

from stytch_totp.conf import Conf, conf, faults, now, public_id
from stytch_totp.core.guard import LockPolicy
from tests.clock import CLOCK

UUID = "11111111-1111-4111-8111-111111111111"
KEY = base64.b64encode(hashlib.sha256(b"a key of this file").digest()).decode()


def codes(**entries):
    """The faults of otherwise good settings with these entries."""
    good = {
        "PROJECT_ID": "project-test-11111111-1111-4111-8111-111111111111",
        "SECRETS": ["secret-test-of-this-file-0123456789"],
        "KEYRING": [f"k1:{KEY}"],
    }
    return [fault.code for fault in faults(good | entries)]


def without(settings, name):
    settings.STYTCH_TOTP = {key: value for key, value in settings.STYTCH_TOTP.items() if key != name}


def test_the_defaults():
    assert Conf() == Conf(
        project_id="",
        project_name="Example",
        secrets=(),
        public_tokens=(),
        allowed_origins=(),
        keyring=(),
        lock_threshold=10,
        lock_minutes=60,
        lock_longest_minutes=7 * 24 * 60,
        intermediate_session_minutes=10,
        intermediate_session_failures=5,
        rotate_session_token=True,
        origin_required=True,
        browser_session_minutes=30 * 24 * 60,
        bind_intermediate_session=True,
        bind_pending_totp=True,
        enrolment_minutes=10,
        step_up_minutes=10,
        guard_other_factors=True,
        recovery_shows_codes=False,
        forget_deleted_totp=True,
        discovery_creates_organizations=True,
        organization_resolver="",
        recheck_seconds=30,
        users_require_mfa=False,
        admin_requires_mfa=True,
        recovery_codes_viewable=True,
        foreign_recovery_codes=False,
        signing_key_bits=2048,
    )


def test_every_setting_has_its_sentence():
    for one in dataclasses.fields(Conf):
        assert one.metadata["sentence"].endswith((".", "True.")), one.name


def test_settings_are_read_once_and_are_typed(configure):
    configure(LOCK_THRESHOLD=3, LOCK_MINUTES=5, LOCK_LONGEST_MINUTES=7)
    assert conf() is conf()
    assert conf().lock_threshold == 3
    assert conf().lock_policy == LockPolicy(3, 300, 420)
    assert conf().secrets == ("secret-test-of-the-test-suite-0123456789",)
    assert conf().environment == "test"


def test_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        conf().lock_threshold = 1_000_000


def test_changed_settings_are_read_anew(configure, settings):
    before = conf()
    configure(LOCK_THRESHOLD=4)
    assert (before.lock_threshold, conf().lock_threshold) == (10, 4)
    settings.SECRET_KEY = "another" * 10
    again = conf()
    settings.TIME_ZONE = "Europe/Berlin"
    assert conf() is again


def test_cr15_a_changed_secret_key_changes_nothing_sealed(settings):
    sealed, digest = conf().keys.seal(b"clear", "row"), conf().keys.digest("code", "row")
    settings.SECRET_KEY = "another" * 10
    assert conf().keys.open(sealed, "row") == b"clear"
    assert conf().keys.digest("code", "row") == digest


@pytest.mark.parametrize("environment", ["test", "live"])
def test_the_environment_is_the_second_word_of_the_project(configure, environment):
    configure(PROJECT_ID=f"project-{environment}-11111111-1111-4111-8111-111111111111", PUBLIC_TOKENS=[])
    assert conf().environment == environment
    assert public_id("member", "x") == f"member-{environment}-x"


# The clock


@pytest.mark.parametrize("clock", ["tests.clock.CLOCK", CLOCK, CLOCK.__call__], ids=["path", "object", "function"])
def test_the_clock_is_a_callable_or_its_dotted_path(configure, clock):
    configure(CLOCK=clock)
    CLOCK.at = 1_700_000_000.999
    assert now() == 1_700_000_000
    assert type(now()) is int


def test_the_clock_is_read_each_time():
    first = now()
    CLOCK.advance(61)
    assert now() == first + 61


# What is refused


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ({}, []),
        ({"LOCK_TRESHOLD": 3}, ["unknown_setting"]),
        ({"lock_threshold": 3}, ["unknown_setting"]),
        ({"ENVIRONMENT": "live"}, ["unknown_setting"]),
        ({"KEYS": []}, ["unknown_setting"]),
        ({"X": 3, "Y": 2}, ["unknown_setting", "unknown_setting"]),
        ({"LOCK_THRESHOLD": "3"}, ["bad_type"]),
        ({"LOCK_THRESHOLD": 3.0}, ["bad_type"]),
        ({"LOCK_THRESHOLD": True}, ["bad_type"]),
        ({"LOCK_THRESHOLD": None}, ["bad_type"]),
        ({"ROTATE_SESSION_TOKEN": 0}, ["bad_type"]),
        ({"ROTATE_SESSION_TOKEN": "False"}, ["bad_type"]),
        ({"RECOVERY_CODES_VIEWABLE": None}, ["bad_type"]),
        ({"PROJECT_NAME": b"Example"}, ["bad_type"]),
        ({"PROJECT_ID": None}, ["bad_type"]),
        ({"SECRETS": "secret-test-of-this-file-0123456789"}, ["bad_type"]),
        ({"SECRETS": {"secret-test-of-this-file-0123456789"}}, ["bad_type"]),
        ({"KEYRING": f"k1:{KEY}"}, ["keyring_not_a_list"]),
        ({"KEYRING": {"k1": KEY}}, ["keyring_not_a_list"]),
        ({"KEYRING": None}, ["keyring_not_a_list"]),
        ({"CLOCK": 5}, ["bad_type"]),
        ({"CLOCK": None}, ["bad_type"]),
        ({"CLOCK": "tests.clock.no_such_clock"}, ["clock"]),
        ({"ORGANIZATION_RESOLVER": 5}, ["bad_type"]),
        ({"ORGANIZATION_RESOLVER": None}, ["bad_type"]),
        ({"ORGANIZATION_RESOLVER": "tests.clock.no_such_resolver"}, ["organization_resolver"]),
        ({"ORGANIZATION_RESOLVER": "no_dots"}, ["organization_resolver"]),
        ({"ORGANIZATION_RESOLVER": "tests.clock.CLOCK"}, []),
        ({"ORGANIZATION_RESOLVER": lambda request: None}, []),
        ({"ADMIN_REQUIRES_MFA": 1}, ["bad_type"]),
        ({"USERS_REQUIRE_MFA": "yes"}, ["bad_type"]),
        ({"PROJECT_ID": ""}, ["project_id"]),
        ({"PROJECT_ID": "project-prod-11111111-1111-4111-8111-111111111111"}, ["project_id"]),
        ({"PROJECT_ID": "project-test-11111111"}, ["project_id"]),
        ({"PROJECT_ID": "project-test-------------------------------------"}, ["project_id"]),
        ({"PROJECT_ID": "project-test-11111111-1111-4111-8111-11111111111A"}, ["project_id"]),
        ({"PROJECT_ID": "project-test-11111111-1111-4111-8111-111111111111\n"}, ["project_id"]),
        ({"PROJECT_ID": "organization-test-11111111-1111-4111-8111-111111111111"}, ["project_id"]),
        ({"SECRETS": []}, ["no_secrets"]),
        ({"SECRETS": ["short"]}, ["short_secret"]),
        ({"SECRETS": ["secret-test-of-this-file-0123456789", ""]}, ["short_secret"]),
        ({"SECRETS": [None]}, ["short_secret"]),
        ({"KEYRING": []}, ["keyring_empty"]),
        ({"SECRETS": [], "KEYRING": []}, ["no_secrets", "keyring_empty"]),
        ({"PUBLIC_TOKENS": f"public-token-test-{UUID}"}, ["bad_type"]),
        ({"PUBLIC_TOKENS": [f"public-token-test-{UUID}", f"public-token-live-{UUID}"]}, ["public_token"]),
        ({"PUBLIC_TOKENS": [f"project-test-{UUID}"]}, ["public_token"]),
        ({"PUBLIC_TOKENS": [""]}, ["public_token"]),
        ({"PUBLIC_TOKENS": [None]}, ["public_token"]),
        ({"PUBLIC_TOKENS": [f"public-token-live-{UUID}"], "PROJECT_ID": f"project-live-{UUID}"}, []),
        ({"PUBLIC_TOKENS": [f"public-token-test-{UUID}"], "PROJECT_ID": f"project-live-{UUID}"}, ["public_token"]),
        ({"PUBLIC_TOKENS": ["x"], "PROJECT_ID": "x"}, ["project_id"]),
        ({"ALLOWED_ORIGINS": "https://app.example.org"}, ["bad_type"]),
    ],
)
def test_what_is_wrong_has_a_name(entries, expected):
    assert codes(**entries) == expected


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.org",
        "http://localhost:3000",
        "https://[::1]:8443",
        "http://10.0.0.1",
        "https://xn--bcher-kva",
    ],
)
def test_ap07_an_origin_is_listed_as_browsers_send_it(origin):
    assert codes(ALLOWED_ORIGINS=["https://a.example", origin]) == []


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "",
        "app.example.org",
        "//app.example.org",
        "https://",
        "https://app.example.org/",
        "https://app.example.org/page",
        "https://app.example.org?",
        "https://app.example.org#",
        "https://App.example.org",
        "HTTPS://app.example.org",
        "https://*.example.org",
        "https://user@app.example.org",
        "https://app.example.org\n",
        " https://app.example.org",
        "https://a.example https://b.example",
        "https://a.example,https://b.example",
        "https://b\u00fccher.example",
        "ftp://app.example.org",
        "file://",
        None,
        7,
    ],
    ids=ascii,
)
def test_ap07_what_no_browser_sends_is_no_origin(origin):
    assert codes(ALLOWED_ORIGINS=["https://a.example", origin]) == ["allowed_origin"]


RANGES = [
    ("LOCK_THRESHOLD", 1, 100),
    ("LOCK_MINUTES", 5, 10080),
    ("LOCK_LONGEST_MINUTES", 5, 10080),
    ("INTERMEDIATE_SESSION_MINUTES", 1, 60),
    ("INTERMEDIATE_SESSION_FAILURES", 1, 100),
    ("BROWSER_SESSION_MINUTES", 60, 527_040),
    ("ENROLMENT_MINUTES", 0, 527_040),
    ("STEP_UP_MINUTES", 0, 527_040),
    ("RECHECK_SECONDS", 0, 300),
    ("AUDIT_RETENTION_DAYS", 0, 36_500),
    ("SESSION_RETENTION_DAYS", 1, 36_500),
    ("SIGNING_KEY_BITS", 2048, 4096),
]


@pytest.mark.parametrize(("name", "low", "high"), RANGES)
def test_rl22_a_number_stays_in_its_range(name, low, high):
    assert codes(**{name: low}) == codes(**{name: high}) == []
    for value in (low - 1, high + 1, -1, 10**400):
        assert codes(**{name: value}) == ["out_of_range"]


def test_every_number_has_a_range():
    numbers = {one.name.upper() for one in dataclasses.fields(Conf) if type(one.default) is int}
    assert numbers == {name for name, _, _ in RANGES}


@pytest.mark.parametrize("given", [None, [], "PROJECT_ID", 7])
def test_what_is_no_dictionary_is_refused(given):
    assert [fault.code for fault in faults(given)] == ["not_a_dictionary"]


# The keyring


def test_cr05_without_a_keyring_nothing_runs(settings):
    without(settings, "KEYRING")
    for _ in range(2):
        with pytest.raises(ImproperlyConfigured, match="keyring_empty"):
            conf()
    with pytest.raises(ImproperlyConfigured):
        now()


def test_cr05_without_settings_nothing_runs(settings):
    del settings.STYTCH_TOTP
    with pytest.raises(ImproperlyConfigured, match=r"project_id.*no_secrets.*keyring_empty"):
        conf()


@pytest.mark.parametrize("where", ["SECRET_KEY", "SECRET_KEY_FALLBACKS"])
@pytest.mark.parametrize(
    "derive",
    [lambda key: key.encode()[:32], lambda key: hashlib.sha256(key.encode()).digest()],
    ids=["raw", "sha256"],
)
def test_cr05_a_key_is_not_made_from_the_secret_key(configure, settings, where, derive):
    key = "a secret key of a site, of fifty characters or more"
    setattr(settings, where, key if where == "SECRET_KEY" else ["another one", key])
    configure(KEYRING=[f"k1:{KEY}", f"k2:{base64.b64encode(derive(key)).decode()}"])
    with pytest.raises(ImproperlyConfigured, match="keyring_forbidden"):
        conf()


def test_cr05_a_short_secret_key_forbids_nothing_by_accident(configure, settings):
    settings.SECRET_KEY = "short"
    configure(KEYRING=[f"k1:{KEY}"])
    assert conf().keys.keys[0].kid == "k1"


# What is shown


def test_cr13_the_settings_show_no_secret(configure):
    secret, key = f"secret-test-{os.urandom(12).hex()}", base64.b64encode(os.urandom(32)).decode()
    configure(SECRETS=[secret], KEYRING=[f"k1:{key}"])
    _ = conf().keys, conf().secret_digests
    for shown in (repr(conf()), str(conf()), f"{conf()}"):
        assert secret not in shown
        assert key not in shown


@pytest.mark.parametrize(
    "entries",
    [{"SECRETS": ["tooshort-9f3b"]}, {"KEYRING": ["k1:Zm9vYmFyLWJhei1xdXV4"]}, {"KEYRING": ["Zm9vYmFyLWJhei1xdXV4"]}],
    ids=ascii,
)
def test_cr13_a_refusal_quotes_no_secret(configure, entries):
    configure(**entries)
    with pytest.raises(ImproperlyConfigured) as caught:
        conf()
    assert "tooshort" not in str(caught.value)
    assert "Zm9vYmFyLWJhei1xdXV4" not in str(caught.value)


def test_se01_secrets_are_known_by_their_digests():
    expected = hashlib.sha256(b"stytch_totp:secret:secret-test-of-the-test-suite-0123456789").hexdigest()
    assert conf().secret_digests == (expected,)


# The organization that a request is about


def slug_by_host(request):
    return request.get_host().partition(".")[0]


@pytest.mark.parametrize("resolver", [f"{__name__}.slug_by_host", slug_by_host], ids=["path", "function"])
def test_the_resolver_is_a_callable_or_its_dotted_path(configure, settings, resolver):
    settings.ALLOWED_HOSTS = [".example.org"]
    configure(ORGANIZATION_RESOLVER=resolver)
    request = RequestFactory().get("/", headers={"Host": "acme.example.org"})
    assert conf().resolve_organization(request) == "acme"


def test_without_a_resolver_no_request_is_about_any_organization():
    assert conf().resolve_organization(RequestFactory().get("/")) is None

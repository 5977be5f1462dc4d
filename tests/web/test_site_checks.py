"""What is set up halfway guards nothing, and each half says so by itself."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.views import LoginView
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import Error, Warning, run_checks  # noqa: A004 - Django's name
from django.urls import path

from stytch_totp.web import checks
from stytch_totp.web.middleware import MFAMiddleware

pytestmark = pytest.mark.django_db

OURS = "stytch_totp.web.middleware.MFAMiddleware"
SESSION = "django.contrib.sessions.middleware.SessionMiddleware"
AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
urlpatterns = [path("accounts/login/", LoginView.as_view())]  # and no pages of ours


class OwnMFAMiddleware(MFAMiddleware):
    pass


class OwnSessionMiddleware(SessionMiddleware):
    pass


class OwnAuthenticationMiddleware(AuthenticationMiddleware):
    pass


def function_middleware(get_response):
    return get_response


def found():
    return [message for message in run_checks() if message.id and message.id.startswith("stytch_totp.")]


def ids():
    return {message.id.removeprefix("stytch_totp.") for message in found()}


def without(settings, *names):
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if one not in names]


def moved_behind(settings, name):
    without(settings, name)
    settings.MIDDLEWARE.append(name)


def renamed(settings):
    """With the host's own subclasses in their places."""
    own = {
        OURS: f"{__name__}.OwnMFAMiddleware",
        SESSION: f"{__name__}.OwnSessionMiddleware",
        AUTHENTICATION: f"{__name__}.OwnAuthenticationMiddleware",
    }
    settings.MIDDLEWARE = [own.get(one, one) for one in settings.MIDDLEWARE]


def templates(settings, **changes):
    settings.TEMPLATES = [{**settings.TEMPLATES[0], **changes}]


def in_memory(settings, alias="default", backend="locmem.LocMemCache"):
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    settings.SESSION_CACHE_ALIAS = alias
    settings.CACHES = {
        "default": settings.CACHES["default"],
        alias: {"BACKEND": f"django.core.cache.backends.{backend}"},
    }


ALONE = {
    "middleware_missing": (lambda settings: without(settings, OURS), Warning),
    "admin_without_middleware": (
        lambda settings: (without(settings, OURS), setattr(settings, "ROOT_URLCONF", "tests.web.admin_alone")),
        Warning,
    ),
    "middleware_without_session": (lambda settings: moved_behind(settings, SESSION), Error),
    "middleware_without_authentication": (lambda settings: moved_behind(settings, AUTHENTICATION), Error),
    "pages_not_served": (lambda settings: setattr(settings, "ROOT_URLCONF", __name__), Error),
    "login_url": (lambda settings: setattr(settings, "LOGIN_URL", "no-such-name"), Error),
    "login_url_not_served": (lambda settings: setattr(settings, "LOGIN_URL", "/nowhere/"), Warning),
    "templates_not_found": (lambda settings: templates(settings, APP_DIRS=False, DIRS=[]), Error),
    "sessions_in_cookies": (
        lambda settings: setattr(settings, "SESSION_ENGINE", "django.contrib.sessions.backends.signed_cookies"),
        Warning,
    ),
    "sessions_in_local_memory": (in_memory, Warning),
}


@pytest.mark.parametrize("fault", ALONE)
def test_dj01_a_misconfiguration_has_an_id_of_its_own_and_says_what_to_do(settings, fault):
    break_it, severity = ALONE[fault]
    break_it(settings)
    (message,) = found()
    assert (message.id, type(message)) == (f"stytch_totp.{fault}", severity)
    assert message.msg
    assert message.hint


def test_dj01_no_check_goes_untried():
    text = Path(checks.__file__).read_text()
    told = set(re.findall(r'id="stytch_totp.([a-z_]+)"', text))
    (made,) = re.findall(r'id=f"stytch_totp.([a-z_]+)\{', text)
    assert told | {f"{made}{name}" for name in ("session", "authentication")} == set(ALONE)


def test_a_good_site_is_silent():
    assert found() == []


def test_the_hosts_own_middleware_is_known_by_what_it_is_made_of(settings):
    settings.MIDDLEWARE = [f"{__name__}.function_middleware", *settings.MIDDLEWARE]
    renamed(settings)
    assert found() == []


@pytest.mark.parametrize(
    ("name", "fault"), [(SESSION, "middleware_without_session"), (AUTHENTICATION, "middleware_without_authentication")]
)
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("change", [without, moved_behind], ids=["missing", "behind"])
def test_what_the_middleware_needs_stands_before_it(settings, change, name, fault, own):
    change(settings, name)
    if own:
        renamed(settings)
    assert ids() == {fault}


def test_of_two_the_first_counts(settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, SESSION, AUTHENTICATION]
    assert found() == []


def test_a_host_of_the_api_alone_is_told_nothing(settings):
    """Whatever would matter to a site."""
    without(settings, OURS, SESSION, AUTHENTICATION)
    settings.ROOT_URLCONF, settings.LOGIN_URL = "stytch_totp.api.urls", "no-such-name"
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    templates(settings, APP_DIRS=False, DIRS=[])
    assert found() == []


def test_faults_that_come_together_are_told_together(settings):
    moved_behind(settings, SESSION)
    settings.ROOT_URLCONF, settings.LOGIN_URL = __name__, "no-such-name"
    assert ids() == {"middleware_without_session", "pages_not_served", "login_url"}


@pytest.mark.parametrize("login", ["/accounts/login/", "login", "https://sso.example.org/", "admin:login"])
def test_a_login_page_is_a_path_a_name_or_another_site(settings, login):
    settings.LOGIN_URL = login
    assert found() == []


def test_where_the_hosts_own_base_is_found_the_other_templates_are_missed_all_the_same(settings):
    """The example has a ``base.html`` of its own, as any site that wants its looks."""
    templates(settings, APP_DIRS=False)
    assert ids() == {"templates_not_found"}


@pytest.mark.parametrize("cache", ["redis.RedisCache", "db.DatabaseCache"])
def test_sessions_in_a_cache_that_processes_share_are_good(settings, cache):
    in_memory(settings, "shared", cache)
    assert "sessions_in_local_memory" not in ids()


@pytest.mark.parametrize("engine", ["db", "file", "cached_db"])
def test_sessions_that_the_server_keeps_are_good(settings, engine):
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    assert found() == []


@pytest.mark.parametrize("alias", ["default", "sessions"])
def test_the_cache_that_sessions_are_in_is_the_one_that_is_looked_at(settings, alias):
    in_memory(settings, alias)
    assert ids() == {"sessions_in_local_memory"}

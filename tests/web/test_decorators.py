"""Single views that ask for more than the site does."""

from urllib.parse import unquote

import pytest
from asgiref.sync import async_to_sync, iscoroutinefunction
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.test import AsyncClient
from django.urls import path
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from example_project import urls
from stytch_totp.web.decorators import MFARequiredMixin, mfa_exempt, mfa_required, step_up
from tests.clock import CLOCK
from tests.web.visitors import HTML, Visitor, not_enrolled, password_only, stale, verified, verify

pytestmark = pytest.mark.django_db


def plain(request, **_):
    return HttpResponse("reached")


async def slow(request, **_):
    return HttpResponse("reached")


class Sync(MFARequiredMixin, View):
    def get(self, request, **_):
        return HttpResponse("reached")

    post = get


class Async(MFARequiredMixin, View):
    async def get(self, request, **_):
        return HttpResponse("reached")

    async def post(self, request, **_):
        return HttpResponse("reached")


class SyncLately(Sync):
    mfa_max_age = 60


class AsyncLately(Async):
    mfa_max_age = 60


WRAPPED = {"sync": plain, "async": slow}
DEMANDED = {name: mfa_required(view) for name, view in WRAPPED.items()} | {
    "mixin": Sync.as_view(),
    "async-mixin": Async.as_view(),
}
LATELY = {name: step_up(60)(view) for name, view in WRAPPED.items()} | {
    "mixin": SyncLately.as_view(),
    "async-mixin": AsyncLately.as_view(),
}
BY_DEFAULT = {name: step_up()(view) for name, view in WRAPPED.items()}
# Marked as open, so that nothing but the decorator stands before them.
urlpatterns = [
    path(f"{table}/{name}/", login_not_required(view))
    for table, views in (("demanded", DEMANDED), ("lately", LATELY), ("by-default", BY_DEFAULT))
    for name, view in views.items()
]
urlpatterns += [
    path("exempt/", mfa_exempt(mfa_required(plain))),
    path("behind-login/", mfa_required(plain)),
    *urls.urlpatterns,
]


@pytest.fixture(autouse=True)
def _site(settings):
    settings.ROOT_URLCONF = __name__


def over_wsgi(client, method, address, **headers):
    return getattr(client, method)(address, headers=headers)


def over_asgi(client, method, address, **headers):
    """With the same session."""
    made = AsyncClient()
    made.cookies = client.cookies
    return async_to_sync(getattr(made, method))(address, headers=headers)


over = pytest.mark.parametrize("ask", [over_wsgi, over_asgi])
STATES = {
    # where a visitor is led by a view that asks for a factor, and by one that asks for it within a minute
    "nobody": (lambda _: Visitor(), "login", "login"),
    "not enrolled": (not_enrolled, "enrol", "enrol"),
    "password only": (password_only, "verify", "verify"),
    "verified": (verified, None, None),
    "stale": (stale, None, "verify"),
}


def led_to(response, address):
    """The last word of the page that a visitor is sent to; None if they reached the view."""
    if response.status_code == 200:
        assert response.content == b"reached"
        return None
    page, _, following = response["Location"].partition("?next=")
    assert (response.status_code, unquote(following)) == (302, address)
    assert response["Cache-Control"] == "no-store, private"
    return page.rstrip("/").rpartition("/")[2]


@over
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", DEMANDED)
def test_a_visitor_is_led_to_what_the_view_asks_whatever_the_policy(globex, ask, state, kind):
    make, demanded, lately = STATES[state]
    client = make(globex).client
    for address, page in ((f"/demanded/{kind}/", demanded), (f"/lately/{kind}/", lately)):
        assert led_to(ask(client, "get", address, Accept=HTML), address) == page


@over
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", DEMANDED)
def test_a_script_is_told_what_the_view_asks(globex, ask, state, kind):
    words = {"login": "user_unauthenticated", "enrol": "mfa_enrollment_required", "verify": "mfa_required"}
    make, demanded, lately = STATES[state]
    client = make(globex).client
    for address, page, age in ((f"/demanded/{kind}/", demanded, ""), (f"/lately/{kind}/", lately, 'max_age="60"')):
        response = ask(client, "post", address, Accept="application/json")
        if page is None:
            assert response.content == b"reached"
            continue
        word, told = "step_up_required" if state == "stale" else words[page], response.json()
        assert (response.status_code, told["error_type"]) == (401 if page == "login" else 403, word)
        assert age in response["WWW-Authenticate"] or page == "login"
        assert told.get("error_details", {}).get("url") == (None if page == "login" else f"/mfa/{page}/")


@over
@pytest.mark.parametrize("kind", DEMANDED)
@pytest.mark.parametrize(("age", "page"), [(60, None), (61, "verify")])
def test_an_age_is_exact_to_the_second_and_a_new_code_lifts_it(globex, ask, kind, age, page):
    made = verified(globex)
    CLOCK.advance(age)
    address = f"/lately/{kind}/"
    assert led_to(ask(made.client, "get", address, Accept=HTML), address) == page
    verify(made.client, made.secret)
    assert led_to(ask(made.client, "get", address, Accept=HTML), address) is None


@pytest.mark.parametrize(
    ("minutes", "age", "word"),
    [
        (10, 600, None),
        (10, 601, "step_up_required"),
        (1, 60, None),
        (1, 61, "step_up_required"),
        (0, 10**5, None),
    ],
)
def test_without_an_age_of_its_own_a_view_takes_the_sites(globex, configure, minutes, age, word):
    configure(STEP_UP_MINUTES=minutes, RECHECK_SECONDS=0)
    made = verified(globex)
    CLOCK.advance(age)
    for kind in BY_DEFAULT:
        response = over_wsgi(made.client, "get", f"/by-default/{kind}/", Accept="application/json")
        assert response.status_code == (200 if word is None else 403)
        assert word is None or response.json()["error_type"] == word


def test_where_the_site_asks_for_no_age_it_still_asks_for_a_factor(globex, configure):
    configure(STEP_UP_MINUTES=0)
    response = over_wsgi(password_only(globex).client, "get", "/by-default/sync/", Accept="application/json")
    assert response.json()["error_type"] == "mfa_required"
    assert "max_age" not in response["WWW-Authenticate"]


def test_the_sites_age_is_read_when_it_is_asked_for(globex, configure):
    """The decorator runs when the module is imported, before settings are overridden."""
    made = verified(globex)
    CLOCK.advance(90)
    for minutes, status in ((1, 403), (2, 200)):
        configure(STEP_UP_MINUTES=minutes)
        assert over_wsgi(made.client, "get", "/by-default/sync/", Accept="application/json").status_code == status


@pytest.mark.parametrize("age", [0, -1, -600])
def test_an_age_that_no_factor_could_have_is_refused_where_it_is_written(age):
    with pytest.raises(ValueError, match="1 or more"):
        step_up(age)


@pytest.mark.parametrize("age", [1_800_000_000, 10**12])
def test_an_age_of_more_than_all_time_lets_nobody_in_who_has_shown_nothing(globex, age):
    request = password_only(globex).client.get("/", headers={"Accept": HTML}).wsgi_request
    for view in (step_up(age)(plain), type("Old", (Sync,), {"mfa_max_age": age}).as_view()):
        assert view(request).status_code == 302


# What is left of the view


@pytest.mark.parametrize("guard", [mfa_required, step_up(), step_up(60)])
def test_the_marks_of_a_view_survive_the_guard(guard):
    view = PasswordChangeView.as_view(success_url="/")
    guarded = guard(csrf_exempt(view))
    assert (guarded.view_class, guarded.view_initkwargs) == (PasswordChangeView, {"success_url": "/"})
    assert (guarded.csrf_exempt, guarded.__name__, guarded.__wrapped__.__wrapped__) == (True, view.__name__, view)
    assert getattr(guard(login_not_required(plain)), "login_required", True) is False
    del plain.login_required


@pytest.mark.parametrize("guard", [mfa_required, step_up()])
def test_an_async_view_stays_one_and_a_sync_view_does_not_become_one(guard):
    assert iscoroutinefunction(guard(slow))
    assert iscoroutinefunction(guard(Async.as_view()))
    assert not iscoroutinefunction(guard(plain))
    assert not iscoroutinefunction(guard(Sync.as_view()))


def test_what_the_path_says_reaches_the_view(globex):
    got = []

    def view(request, *args, **kwargs):
        got.append((args, kwargs))
        return HttpResponse("reached")

    request = verified(globex).client.get("/demanded/sync/").wsgi_request
    mfa_required(view)(request, 1, pk=2)
    assert got == [((1,), {"pk": 2})]


def test_a_view_that_the_middleware_lets_everybody_see_is_guarded_all_the_same(globex):
    for make, page in ((password_only, "verify"), (verified, None)):
        client = make(globex).client
        assert led_to(over_wsgi(client, "get", "/exempt/", Accept=HTML), "/exempt/") == page


def test_behind_djangos_own_middleware_who_is_not_logged_in_is_sent_to_log_in(client):
    response = over_wsgi(client, "get", "/behind-login/", Accept=HTML)
    assert response["Location"] == "/accounts/login/?next=/behind-login/"


# Without the middleware


@pytest.mark.parametrize("guard", [mfa_required, step_up()])
@pytest.mark.parametrize("view", [plain, Sync.as_view(), SyncLately.as_view()])
def test_a_view_says_that_the_middleware_is_missing_instead_of_guarding_nothing(rf, guard, view):
    with pytest.raises(ImproperlyConfigured, match="MFAMiddleware"):
        guard(view)(rf.get("/"))


@pytest.mark.parametrize("guard", [mfa_required, step_up()])
@pytest.mark.parametrize("view", [slow, Async.as_view()])
def test_an_async_view_says_so_too(async_rf, guard, view):
    with pytest.raises(ImproperlyConfigured, match="MFAMiddleware"):
        async_to_sync(guard(view))(async_rf.get("/"))


@pytest.mark.parametrize("kind", [Sync, SyncLately, Async, AsyncLately])
def test_a_mixin_says_so_too(rf, kind):
    view = kind.as_view()
    with pytest.raises(ImproperlyConfigured, match="MFAMiddleware"):
        (async_to_sync(view) if iscoroutinefunction(view) else view)(rf.get("/"))

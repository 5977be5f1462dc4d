"""The requests that are measured, and the bare view that they are measured against."""

import json
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.handlers.wsgi import WSGIHandler
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import include, path
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

from stytch_totp.conf import conf, public_id
from stytch_totp.core import qr, totp
from stytch_totp.core.factors import Factor, factor
from stytch_totp.models import AuditEvent, Guard, Member, Organization, RecoveryCode, Session
from stytch_totp.operations import enrolment, grants, members, organizations, signing, users
from stytch_totp.operations.audit import SYSTEM
from stytch_totp.web.decorators import mfa_exempt
from tests.clock import CLOCK
from tests.conftest import basic
from tests.factories import ACTOR, MemberFactory, code_of, enrol, make_member


@api_view(["POST"])
@authentication_classes([])
@permission_classes([])
def bare(request: Request) -> Response:
    """What any view that changes a row does: read the body, one SELECT, one UPDATE, a transaction, JSON."""
    with transaction.atomic():
        member = Member.objects.get(pk=request.data["member_id"])
        Member.objects.filter(pk=member.pk).update(updated_at=request.data["now"])
    return Response({"member_id": str(member.pk), "email_address": member.email})


def page(request: HttpRequest) -> HttpResponse:
    """What any page costs before it shows anything: its visitor's session and user."""
    return HttpResponse(request.user.get_username())


urlpatterns = [
    path("bare", bare),
    path("guarded", page),
    path("open", mfa_exempt(partial(page))),
    path("", include("example_project.urls")),
]

application = WSGIHandler()


def _post(route: str, body: dict[str, Any]) -> Callable[[], Any]:
    """A request as a WSGI server hands it over, from its environment to the last byte of the answer."""
    return _request(route, body, {"Authorization": basic(conf().project_id, conf().secrets[0])})


def _post_from_page(route: str, body: dict[str, Any], session_token: str = "") -> Callable[[], Any]:
    token = conf().public_tokens[0]
    headers = {"Authorization": basic(token, session_token or token), "Origin": conf().allowed_origins[0]}
    return _request(route, body, headers)


def _request(route: str, body: dict[str, Any], headers: dict[str, str]) -> Callable[[], Any]:
    made = RequestFactory().post(route, json.dumps(body), content_type="application/json", headers=headers)
    return lambda: _serve(made.environ)


def _serve(environ: dict[str, Any]) -> None:
    answers: list[str] = []
    response = application(environ, lambda status, headers: answers.append(status))
    body = b"".join(response)
    response.close()
    assert answers == ["200 OK"], body


def _of(member: Member) -> dict[str, str]:
    return {
        "organization_id": public_id("organization", member.organization_id),
        "member_id": public_id("member", member.pk),
    }


def _begun(member: Member) -> str:
    return grants.begin(member, _shown(), SYSTEM)


def _shown() -> list[Factor]:
    return [factor("password", None, int(CLOCK()))]


def _user() -> tuple[Member, str]:
    user = make_member(organization=organizations.consumer())
    return user, enrol(user)[0]


def _bare() -> Callable[[], Any]:
    return _post("/bare", {"member_id": str(make_member().pk), "now": 1})


def _authenticate() -> Callable[[], Any]:
    member = make_member()
    secret, _ = enrol(member)
    body = _of(member) | {"code": code_of(secret), "intermediate_session_token": _begun(member)}
    return _post("/v1/b2b/totp/authenticate", body)


def _authenticate_on_a_page() -> Callable[[], Any]:
    member = make_member()
    secret, _ = enrol(member)
    body = _of(member) | {"code": code_of(secret), "intermediate_session_token": _begun(member)}
    return _post_from_page("/sdk/v1/b2b/totp/authenticate", body)


def _authenticate_a_user() -> Callable[[], Any]:
    user, secret = _user()
    body = {"user_id": user.public_id, "totp_code": code_of(secret), "session_duration_minutes": 60}
    return _post("/v1/totps/authenticate", body)


def _step_up_a_user_on_a_page() -> Callable[[], Any]:
    user, secret = _user()
    draft = grants.draft(user, None, _shown(), actor=ACTOR, minutes=60)
    draft.write()
    assert draft.granted
    return _post_from_page("/sdk/v1/totps/authenticate", {"totp_code": code_of(secret)}, draft.granted.token)


def _recover() -> Callable[[], Any]:
    member = make_member()
    _, codes = enrol(member)
    body = _of(member) | {"recovery_code": codes[0], "intermediate_session_token": _begun(member)}
    return _post("/v1/b2b/recovery_codes/recover", body)


def _create() -> Callable[[], Any]:
    member = make_member()
    return _post("/v1/b2b/totp", _of(member) | {"intermediate_session_token": _begun(member)})


@cache
def _verified() -> str:
    """The cookie of a visitor who has verified at the page."""
    client, user = Client(), get_user_model().objects.create_user("visitor")
    secret, _ = enrol(users.sync_user(user))
    client.force_login(user)
    client.post("/mfa/verify/", {"code": code_of(secret)})
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _visit(route: str) -> Callable[[], Any]:
    cookie = f"{settings.SESSION_COOKIE_NAME}={_verified()}"
    made = RequestFactory().get(route, headers={"Cookie": cookie, "Accept": "text/html"})
    return lambda: _serve(made.environ)


REQUESTS: dict[str, Callable[[], Callable[[], Any]]] = {
    "bare view": _bare,
    "totp/authenticate": _authenticate,
    "totp/authenticate, page": _authenticate_on_a_page,
    "totps/authenticate, User": _authenticate_a_user,
    "totps/authenticate, User's page": _step_up_a_user_on_a_page,
    "recovery_codes/recover": _recover,
    "totp create": _create,
    "open page": partial(_visit, "/open"),
    "guarded page, verified": partial(_visit, "/guarded"),
}
#: What a request is measured against, if not the bare view: a guarded page against the same one that is exempt.
BASELINES = {"guarded page, verified": "open page"}
_URI = totp.provisioning_uri(totp.generate_secret(), issuer="Example (Organization 1)", account="member1@example.com")
PARTS: dict[str, tuple[str, Callable[[], Any]]] = {
    "QR making": ("totp create", lambda: qr.png_data_uri(_URI)),
    "JWT signing": ("totp/authenticate", lambda: signing.sign({"sub": "member-test"})),
}


def populate() -> None:
    """Many more rows, to see that no request asks more of the database for them."""
    organization = Organization.objects.first()
    made = MemberFactory.create_batch(1000, organization=organization)
    member = members.reload(made[0])
    for number in range(1000):
        grants.draft(made[number], None, _shown(), actor=ACTOR).write()
        AuditEvent.objects.create(at=0, tag="x", outcome="success", actor_kind="system", member_id=member.pk)
    assert Session.objects.count() >= 1000
    assert Guard.objects.count() >= 3000
    assert RecoveryCode.objects.exists()
    assert enrolment.DEFAULT_MINUTES

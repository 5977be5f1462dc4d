"""People at a site: logged in, verified, and every state between and beyond."""

from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import factory
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.test import Client

from stytch_totp.conf import conf
from stytch_totp.models import Member, Organization
from stytch_totp.operations import members, sessions
from tests.clock import CLOCK
from tests.factories import ACTOR, OrganizationFactory, code_of, enrol, make_member

LOGIN = "/accounts/login/"
STAFF = {"is_staff": True, "is_superuser": True}
PASSWORD = "correct horse battery"
HTML = "text/html,application/xhtml+xml,*/*;q=0.8"


class UserFactory(factory.django.DjangoModelFactory[User]):
    class Meta:
        model = get_user_model()
        skip_postgeneration_save = True

    username = factory.Sequence("user{}@example.com".format)
    email = factory.LazyAttribute(lambda user: user.username)
    password = factory.django.Password(PASSWORD)


@dataclass
class Visitor:
    """Somebody with a browser. ``secret`` is their authenticator app's, "" without one."""

    client: Client = field(default_factory=Client)
    user: Any = None
    member: Member | None = None
    secret: str = ""
    codes: list[str] = field(default_factory=list)

    def get(self, path: str, accept: str = HTML, **options: Any) -> Any:
        """A page as a browser asks for it."""
        return self.client.get(path, headers={"Accept": accept}, **options)

    def led_to(self, path: str = "/inside/") -> str:
        """Where a page leads the visitor; "" if it is shown."""
        answer = self.get(path)
        assert answer.status_code in (200, 302), answer.status_code
        place: str = answer.get("Location", "").partition("?")[0]
        return place


def person(organization: Organization | None = None, *, enrolled: bool = False, **fields: Any) -> Visitor:
    """A user, not logged in, with a member in ``organization`` if one is given; ``fields`` are the user's."""
    user = UserFactory.create(**fields)
    if organization is None:
        return Visitor(user=user)
    return join(Visitor(user=user), organization, enrolled=enrolled)


def join(visitor: Visitor, organization: Organization, *, enrolled: bool = False) -> Visitor:
    """Make the visitor a member of one more organization; as which they act afterwards is for the site to find out."""
    visitor.member = make_member(organization=organization, user=visitor.user, email=visitor.user.email)
    visitor.secret, visitor.codes = enrol(visitor.member) if enrolled else ("", [])
    visitor.member = members.reload(visitor.member)
    return visitor


def log_in(client: Client, user: Any) -> None:
    """As the site's own login does it, without the form."""
    client.force_login(user)


def verify(client: Client, secret: str) -> Any:
    """Show the second factor at the page, in the next step of the clock: each is spent once."""
    CLOCK.advance(30)
    response = client.post("/mfa/verify/", {"code": code_of(secret)})
    assert response.status_code == 302, response.content
    return response


def choose(client: Client, member: Member) -> None:
    """Act as this member from now on, by the page."""
    assert client.post("/mfa/organizations/", {"member": str(member.pk)}).status_code == 302


def session_of(visitor: Visitor) -> dict[str, Any]:
    """What the visitor's Django session holds."""
    return dict(visitor.client.session.items())


def put_session(visitor: Visitor, kept: dict[str, Any]) -> None:
    """Give the visitor a new session that holds ``kept``: a state can be asked again after it was ended."""
    fresh = import_module(settings.SESSION_ENGINE).SessionStore()
    fresh.update(kept)
    fresh.create()
    fresh.save()
    visitor.client.cookies[settings.SESSION_COOKIE_NAME] = fresh.session_key


# States


def anonymous(organization: Organization, **fields: Any) -> Visitor:
    return Visitor()


def not_enrolled(organization: Organization, **fields: Any) -> Visitor:
    """Password shown, and nothing else to show."""
    made = person(organization, **fields)
    log_in(made.client, made.user)
    return made


def password_only(organization: Organization, **fields: Any) -> Visitor:
    """Password shown; the factor that they own is not."""
    made = person(organization, enrolled=True, **fields)
    log_in(made.client, made.user)
    return made


def pending(organization: Organization, **fields: Any) -> Visitor:
    """A TOTP begun at the page and never confirmed."""
    made = not_enrolled(organization, **fields)
    assert made.get("/mfa/enrol/").status_code == 200
    return made


def verified(organization: Organization, **fields: Any) -> Visitor:
    made = password_only(organization, **fields)
    verify(made.client, made.secret)
    return made


def unchecked(organization: Organization, **fields: Any) -> Visitor:
    """Verified, and the site has to ask the database again whether that still holds."""
    made = verified(organization, **fields)
    CLOCK.advance(conf().recheck_seconds)
    return made


def stale(organization: Organization, **fields: Any) -> Visitor:
    """Verified longer ago than a step-up admits, and asked of the database just now."""
    made = stale_unchecked(organization, **fields)
    made.get("/mfa/")
    return made


def stale_unchecked(organization: Organization, **fields: Any) -> Visitor:
    """Verified longer ago than a step-up admits, and not asked of the database since."""
    made = verified(organization, **fields)
    CLOCK.advance(conf().step_up_minutes * 60 + 1)
    return made


def other_organization(organization: Organization, **fields: Any) -> Visitor:
    """Verified as a member of another organization, and acting now as one of ``organization``, enrolled there, too."""
    made = person(OrganizationFactory.create(), enrolled=True, **fields)
    log_in(made.client, made.user)
    verify(made.client, made.secret)
    join(made, organization, enrolled=True)
    choose(made.client, made.member)
    return made


def not_chosen(organization: Organization, **fields: Any) -> Visitor:
    """A member of two organizations that hasn't said as which they come."""
    made = person(OrganizationFactory.create(), **fields)
    join(made, organization, enrolled=True)
    log_in(made.client, made.user)
    return made


def other_users_mark(organization: Organization, **fields: Any) -> Visitor:
    """Somebody else's browser, in which that one is verified: this one logs in there by password."""
    owner = verified(organization, **fields)
    made = person(organization, enrolled=True, **fields)
    made.client = owner.client
    made.client.post("/accounts/login/", {"username": made.user.username, "password": PASSWORD})
    return made


def revoked(organization: Organization, **fields: Any) -> Visitor:
    """Verified; the session was revoked, and what the site takes for granted has run out."""
    made = verified(organization, **fields)
    sessions.revoke_of_member(made.member, actor=ACTOR)
    CLOCK.advance(conf().recheck_seconds)
    return made


STATES: dict[str, Any] = {
    one.__name__: one
    for one in (
        anonymous,
        not_enrolled,
        password_only,
        pending,
        verified,
        unchecked,
        stale,
        stale_unchecked,
        other_organization,
        not_chosen,
        other_users_mark,
        revoked,
    )
}


def visitor(state: str, organization: Organization, **fields: Any) -> Visitor:
    """A visitor in one of STATES; ``fields`` are their user's: ``is_superuser=True``."""
    made: Visitor = STATES[state](organization, **fields)
    return made

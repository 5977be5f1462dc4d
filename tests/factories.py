"""Rows in the situations that tests are about."""

from typing import Any

import factory
import pyotp

from stytch_totp.models import Guard, Member, Organization
from stytch_totp.operations import enrolment, members
from stytch_totp.operations.audit import Actor
from tests.clock import CLOCK

ACTOR = Actor("project", "tests", "request-id-test-tests")


class OrganizationFactory(factory.django.DjangoModelFactory[Organization]):
    class Meta:
        model = Organization

    name = factory.Sequence("Organization {}".format)
    slug = factory.Sequence("organization-{}".format)
    created_at = factory.LazyFunction(lambda: int(CLOCK()))
    updated_at = factory.LazyFunction(lambda: int(CLOCK()))


class MemberFactory(factory.django.DjangoModelFactory[Member]):
    class Meta:
        model = Member
        skip_postgeneration_save = True

    organization = factory.SubFactory(OrganizationFactory)
    email = factory.Sequence("member{}@example.com".format)
    email_key = factory.LazyAttribute(lambda member: member.email.lower())
    email_verified = True
    created_at = factory.LazyFunction(lambda: int(CLOCK()))
    updated_at = factory.LazyFunction(lambda: int(CLOCK()))

    @factory.post_generation
    def guards(self: Any, create: bool, extracted: Any, **_: Any) -> None:
        Guard.objects.bulk_create(Guard(member=self, kind=kind) for kind in Guard.Kind)


def make_member(**fields: Any) -> Member:
    """A member as operations get it."""
    return members.reload(MemberFactory.create(**fields))


def enrol(member: Member) -> tuple[str, list[str]]:
    """Give the member an active TOTP: its secret and its recovery codes. Its current code is not spent."""
    secret = pyotp.random_base32()
    made = enrolment.migrate(member, secret=secret, recovery_codes=[], actor=ACTOR)
    return secret, made.recovery_codes


def code_of(secret: str, *, steps: int = 0) -> str:
    """The code of the current step by the test clock, or of one so many steps away."""
    return pyotp.TOTP(secret).at(int(CLOCK()) + 30 * steps)


def wrong_code(secret: str) -> str:
    """Six digits that are no code of any step near the test clock."""
    near = {code_of(secret, steps=steps) for steps in range(-20, 21)}
    return next(code for code in map("{:06d}".format, range(1000)) if code not in near)

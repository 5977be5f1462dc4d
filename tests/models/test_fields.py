"""DJ-06, TE-03: text that names or proves something is compared byte for byte, on every database."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction

from stytch_totp.models import IntermediateSession, Member, Organization, RecoveryCode, Session, TOTPRegistration
from stytch_totp.models.fields import ExactCharField
from tests.factories import MemberFactory, OrganizationFactory

NOW = 1_800_000_000
#: Equal to the first one, each of them, under some usual collation.
SPELLINGS = [
    "abc",
    "ABC",
    "Abc",
    "abc ",
    "abc  ",
    " abc",
    "äbc",
    "åbc",
    "ａbc",
    "abc\t",
    "abc\u200b",
    "ab",
    "abcd",
    "аbc",
]


def make_slug(text: str) -> Any:
    return OrganizationFactory.create(slug=text)


def make_organization_external_id(text: str) -> Any:
    return OrganizationFactory.create(external_id=text)


def one_organization() -> Organization:
    return Organization.objects.filter(name="the one").first() or OrganizationFactory.create(name="the one")


def one_member() -> Member:
    return Member.objects.filter(name="the one").first() or MemberFactory.create(name="the one")


def make_email_key(text: str) -> Any:
    return MemberFactory.create(organization=one_organization(), email_key=text)


def make_member_external_id(text: str) -> Any:
    return MemberFactory.create(organization=one_organization(), external_id=text)


def make_session(text: str) -> Any:
    return Session.objects.create(
        member=one_member(), token_digest=text, sealed_token=b"x", started_at=NOW, last_accessed_at=NOW, expires_at=NOW
    )


def make_intermediate_session(text: str) -> Any:
    return IntermediateSession.objects.create(member=one_member(), token_digest=text, created_at=NOW, expires_at=NOW)


def make_code(text: str) -> Any:
    registration, _ = TOTPRegistration.objects.get_or_create(
        member=one_member(), defaults={"sealed_secret": b"x", "expires_at": NOW, "created_at": NOW}
    )
    return RecoveryCode.objects.create(registration=registration, position=0, digest=text)


COLUMNS = {
    (Organization, "slug"): make_slug,
    (Organization, "external_id"): make_organization_external_id,
    (Member, "email_key"): make_email_key,
    (Member, "external_id"): make_member_external_id,
    (Session, "token_digest"): make_session,
    (IntermediateSession, "token_digest"): make_intermediate_session,
    (RecoveryCode, "digest"): make_code,
}


def name(column: Any) -> str:
    return f"{column[0].__name__}.{column[1]}" if isinstance(column, tuple) else ""


@pytest.mark.django_db
@pytest.mark.parametrize(("column", "make"), COLUMNS.items(), ids=name)
def test_dj06_spellings_that_look_alike_are_rows_of_their_own(column, make):
    model, field = column
    made = {text: make(text).pk for text in SPELLINGS}
    assert len(set(made.values())) == len(SPELLINGS)
    for text, pk in made.items():
        assert list(model.objects.filter(**{field: text}).values_list("pk", field)) == [(pk, text)]
        assert list(model.objects.filter(**{f"{field}__in": [text]}).values_list("pk", flat=True)) == [pk]
    assert not model.objects.filter(**{f"{field}__in": ["aBc", "abc   ", "abć", "0", ""]}).exists()


@pytest.mark.django_db
@pytest.mark.parametrize(("column", "make"), COLUMNS.items(), ids=name)
def test_dj06_the_same_spelling_is_refused_a_second_time(column, make):
    make("abc")
    with pytest.raises(IntegrityError), transaction.atomic():
        make("abc")


@pytest.mark.django_db
def test_dj06_a_number_is_compared_as_text():
    """MariaDB holds every text that begins with no digit for equal to 0."""
    make_slug("abc")
    assert not Organization.objects.filter(slug=0).exists()


@pytest.mark.django_db
def test_dj06_the_columns_have_a_binary_collation_in_the_database():
    expected = {"mysql": "utf8mb4_nopad_bin", "postgresql": None, "sqlite": None}[connection.vendor]
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_app_config("stytch_totp").get_models():
            described = connection.introspection.get_table_description(cursor, model._meta.db_table)
            collations = {column.name: column.collation for column in described}
            for field in model._meta.fields:
                if isinstance(field, ExactCharField):
                    found[model, field.name] = collations[field.column]
    assert found == dict.fromkeys(found, expected)
    assert found.keys() > COLUMNS.keys()


@pytest.mark.parametrize(
    ("vendor", "mariadb", "collation"),
    [("mysql", True, "utf8mb4_nopad_bin"), ("mysql", False, "utf8mb4_0900_bin"), ("postgresql", False, None)],
)
def test_dj06_each_database_is_asked_in_its_own_words(vendor, mariadb, collation):
    asked = SimpleNamespace(
        vendor=vendor,
        mysql_is_mariadb=mariadb,
        data_types={"CharField": "varchar(%(max_length)s)"},
        data_type_check_constraints={},
        ops=connection.ops,
    )
    field = Organization._meta.get_field("slug")
    assert field.db_parameters(asked).get("collation") == collation

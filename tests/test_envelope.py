"""A refusal as HTTP says it."""

import logging
import re

import pytest
from django.db import IntegrityError, InterfaceError, OperationalError

from stytch_totp import errors
from stytch_totp.core.sealing import SealError, Tampered, UnknownKey
from stytch_totp.envelope import MULTI_FACTOR, UNAVAILABLE, challenge, envelope, new_request_id, unavailable

CHALLENGING = (errors.MFARequired, errors.StepUpRequired, errors.MFAEnrollmentRequired)


@pytest.mark.parametrize("product", ["", "b2b/"])
def test_the_body_is_the_contracts(product):
    assert envelope(errors.MFARequired(), "request-id-test-x", product=product) == {
        "status_code": 403,
        "request_id": "request-id-test-x",
        "error_type": "mfa_required",
        "error_message": "This needs a second factor; show one.",
        "error_url": f"https://stytch.com/docs/{product}api/errors/403#mfa_required",
    }


def test_details_stand_in_it_if_there_are_any():
    assert envelope(errors.StepUpRequired(max_age=60), "x")["error_details"] == {"max_age": 60}
    assert "error_details" not in envelope(errors.StepUpRequired(), "x")


def test_a_message_that_was_said_otherwise_is_told():
    assert envelope(errors.BadRequest("Said otherwise."), "x")["error_message"] == "Said otherwise."


def test_request_ids_are_the_projects_and_never_the_same():
    made = {new_request_id() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"request-id-test-[0-9a-f-]{36}", one) for one in made)


@pytest.mark.parametrize("refusal", CHALLENGING)
@pytest.mark.parametrize("max_age", [None, 1, 600])
def test_what_a_factor_would_lift_says_which_in_the_words_of_rfc_9470(refusal, max_age):
    error = refusal(**({} if max_age is None else {"max_age": max_age}))
    scheme, _, rest = challenge(error).partition(" ")
    given = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"(?:, |$)', rest)
    assert scheme == "Bearer"
    assert ", ".join(f'{name}="{value}"' for name, value in given) == rest
    assert dict(given) == {
        "error": "insufficient_user_authentication",
        "error_description": error.message,
        "acr_values": MULTI_FACTOR,
    } | ({} if max_age is None else {"max_age": str(max_age)})


@pytest.mark.parametrize("refusal", [errors.UserUnauthenticated, errors.NotAMember, errors.OrganizationNotChosen])
def test_what_no_factor_would_lift_asks_for_none(refusal):
    assert challenge(refusal()) == "Bearer"


@pytest.mark.parametrize("refusal", CHALLENGING)
def test_no_message_breaks_out_of_its_quotes(refusal):
    assert not set('"\\\r\n') & set(refusal.message)
    assert refusal.message.isascii()


@pytest.mark.parametrize(
    ("failure", "level"),
    [
        (OperationalError("database is locked: row 7f3b"), "WARNING"),
        (InterfaceError("connection 7f3b"), "WARNING"),
        (IntegrityError("key 7f3b"), "WARNING"),
        (SealError("7f3b"), "ERROR"),
        (Tampered("7f3b"), "ERROR"),
        (UnknownKey("7f3b"), "ERROR"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_failure_is_answered_as_trouble_and_logged_by_its_type_alone(caplog, failure, level):
    assert isinstance(failure, UNAVAILABLE)
    with caplog.at_level(logging.DEBUG, "stytch_totp"):
        assert type(unavailable(failure)) is errors.ServiceUnavailable
    ((_, severity, message),) = [(one.name, one.levelname, one.getMessage()) for one in caplog.records]
    assert (severity, type(failure).__name__ in message, "7f3b" in message) == (level, True, False)

"""The OpenAPI document: of every endpoint, in the words of Stytch's own, and open to everybody."""

import pytest
from drf_spectacular.drainage import GENERATOR_STATS, reset_generator_stats
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator
from rest_framework.serializers import ValidationError

from stytch_totp import errors
from stytch_totp.api import inputs
from stytch_totp.api.openapi import document
from stytch_totp.api.urls import ENDPOINTS
from stytch_totp.envelope import envelope
from tests.contract.openapi import DOCUMENTS

FIELDS = [
    inputs.Text(shortest=1, longest=3),
    inputs.Choice(("totp", "sms_otp")),
    inputs.Choices(("totp", "sms_otp")),
    inputs.Texts(),
    inputs.Number(5, 60),
    inputs.Flag(),
    inputs.Object(),
    inputs.Objects(),
    inputs.Items(),
    inputs.Anything(),
]
VALUES = [
    *("", "a", "abc", "abcd", "totp", "5", 4, 5, 60, 61, 5.5, True, False, {}, {"a": 1}),
    *([], ["a"], ["totp", "sms_otp"], ["totp", 5], ["a" * 1024], ["a" * 1025], [5], [{}], [{}, "a"], [[]]),
]


@pytest.fixture(scope="module")
def made():
    document.cache_clear()
    reset_generator_stats()
    return document()


def fields(whole: dict, schema: dict) -> set[str]:
    """The names of an object's properties, through references and compositions."""
    if "$ref" in schema:
        return fields(whole, whole["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    return set(schema.get("properties", {})).union(*(fields(whole, part) for part in schema.get("allOf", [])))


def asked(whole: dict, operation: dict) -> set[str]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    query = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
    return fields(whole, body) | query


def test_it_is_a_valid_document_and_made_without_a_warning(made):
    validate_schema(made)
    assert not GENERATOR_STATS._warn_cache
    assert not GENERATOR_STATS._error_cache


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: type(field).__name__)
def test_it_says_of_a_field_what_the_field_takes(field):
    def takes(value):
        try:
            field.run_validation(value)
        except ValidationError:
            return False
        return True

    told = Draft202012Validator(field.schema)
    assert [takes(value) for value in VALUES] == [told.is_valid(value) for value in VALUES]


def test_it_has_each_endpoint_once_and_nothing_else(made):
    served = {
        (verb, f"/{root}/" + endpoint.route.replace("<str:", "{").replace(">", "}"))
        for endpoint in ENDPOINTS
        for root in endpoint.roots
        for verb in endpoint.actions
    }
    told = {(verb, path) for path, operations in made["paths"].items() for verb in operations}
    assert told == served
    names = [operation["operationId"] for operations in made["paths"].values() for operation in operations.values()]
    assert len(set(names)) == len(names) == len(served)


def test_it_is_served_to_everybody(made, client):
    answer = client.get("/openapi.json")
    assert answer.json() == made
    assert answer["Content-Type"] == "application/json"
    assert client.post("/openapi.json").status_code == 405


@pytest.mark.django_db
@pytest.mark.parametrize("details", [{}, {"max_age": 300}])
def test_it_says_of_answers_and_errors_what_they_share(made, api, details):
    told = {name: Draft202012Validator(made["components"]["schemas"][name]) for name in ("Answer", "Error")}
    told["Answer"].validate(api("POST", "/v1/b2b/organizations", {"organization_name": "Acme"}).json())
    told["Error"].validate(api("POST", "/v1/b2b/organizations", {}).json())
    told["Error"].validate(envelope(errors.StepUpRequired(**details), "request-id"))


@pytest.mark.parametrize("product", DOCUMENTS)
def test_a_back_end_is_asked_for_nothing_that_stytch_does_not_ask_for(made, product):
    theirs = DOCUMENTS[product]
    compared = 0
    for path, operations in theirs["paths"].items():
        for verb, operation in operations.items():
            if verb in made["paths"].get(path, {}):
                compared += 1
                assert asked(made, made["paths"][path][verb]) <= asked(theirs, operation), f"{verb} {path}"
    assert compared > 15

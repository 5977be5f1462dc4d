"""What a caller may ask for in one request."""

import pytest

SEARCH = "/v1/b2b/organizations/search"


def operand(name, value):
    return {"query": {"operator": "AND", "operands": [{"filter_name": name, "filter_value": value}]}}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("allowed_domains", ["x.example"] * 21),
        ("organization_name_fuzzy", "x" * 257),
        ("allowed_domain_fuzzy", "é" * 257),
    ],
)
def test_a_search_that_would_take_long_is_refused(api, db, name, value):
    assert api("POST", SEARCH, operand(name, value)).status_code == 400


def test_roles_are_few_and_short(api, member):
    path = f"/v1/b2b/organizations/{member.organization.slug}/members/member-test-{member.pk}"
    for roles in (["r"] * 33, ["r" * 65], [""]):
        assert api("PUT", path, {"roles": roles}).json()["error_type"] == "bad_request"
    assert api("PUT", path, {"roles": ["r" * 64] * 32}).status_code == 200


def test_metadata_does_not_grow_without_bound(api, member):
    path = f"/v1/b2b/organizations/{member.organization.slug}/members/member-test-{member.pk}"
    assert api("PUT", path, {"trusted_metadata": {"a": "x" * 9000}}).status_code == 200
    assert api("PUT", path, {"trusted_metadata": {"b": "x" * 9000}}).json()["error_type"] == "bad_request"
    assert api("PUT", path, {"trusted_metadata": {"a": None, "b": "x" * 9000}}).status_code == 200


def test_no_number_no_verified_number(api, organization):
    body = {
        "organization_id": organization.slug,
        "email_address": "ada@example.com",
        "hash": "$2b$04$" + "a" * 21 + "." + "a" * 31,
        "hash_type": "bcrypt",
        "set_phone_number_verified": True,
    }
    assert api("POST", "/v1/b2b/passwords/migrate", body).json()["error_type"] == "bad_request"


def test_head_reads_the_query_as_get_does(api, member):
    path = f"/v1/b2b/organizations/members/dangerously_get/member-test-{member.pk}"
    assert api("HEAD", path, {"include_deleted": True}).status_code == 200


def test_deleted_members_are_found_by_no_way_around_their_status(api, member):
    gone = f"member-test-{member.pk}"
    slug = member.organization.slug
    api("DELETE", f"/v1/b2b/organizations/{slug}/members/{gone}")
    operands = [
        {"filter_name": "statuses", "filter_value": ["active"]},
        {"filter_name": "member_ids", "filter_value": [gone]},
    ]
    body = {"organization_ids": [slug], "query": {"operator": "OR", "operands": operands}}
    assert api("POST", "/v1/b2b/organizations/members/search", body).json()["members"] == []
    operands[0]["filter_value"] = ["deleted"]
    assert len(api("POST", "/v1/b2b/organizations/members/search", body).json()["members"]) == 1

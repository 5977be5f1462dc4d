"""Whether an answer is one of the API's: the structure in the product's file, the envelope and the forms of values.

The files mark no nullability, so null counts as absent for a property that is not required. They say nothing of
errors, and of a few endpoints that we serve nothing either: those shapes are written here.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

DOCUMENTS = {
    product: json.loads((Path(__file__).parent / f"{product}.openapi.json").read_text())
    for product in ("b2b", "consumer")
}

#: Contract 4: every key of these, every time.
COMPLETE = {
    "api_organization_v1_Member",
    "api_organization_v1_Organization",
    "api_b2b_session_v1_MemberSession",
    "api_session_v1_Session",
    "api_user_v1_User",
    "api_user_v1_GetResponse",  # a User, flattened
    "api_user_v1_Name",
    "api_attribute_v1_Attributes",
}
#: What our answers say beyond the file. SDKs ignore what they don't know; everything else unknown is a slip.
ALSO_ALLOWED = {
    # Contract 1.2: in the documented example. A recovery completes MFA exactly as 1.2 does.
    "api_b2b_totp_v1_AuthenticateResponse": {"organization_id": {"type": "string"}},
    "api_b2b_recovery_codes_v1_RecoverResponse": {"organization_id": {"type": "string"}},
    # As every other answer that has a member or a user.
    "api_b2b_session_v1_AuthenticateResponse": {"member_id": {"type": "string"}},
    "api_session_v1_AuthenticateResponse": {"user_id": {"type": "string"}},
}

_UUID = r"(test|live)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_TOKEN = r"([A-Za-z0-9_-]{44}|[A-Za-z0-9_-]{43}=)"
_RECOVERY_CODE = r"^[a-z0-9]{4}(-[a-z0-9]{4}){2}$"
REQUEST_ID = f"^request-id-{_UUID}$"
#: Contract 5: the form of a string, by the name of its property.
FORMS = {
    "request_id": REQUEST_ID,
    "organization_id": f"^organization-{_UUID}$",
    "member_id": f"^member-{_UUID}$",
    "member_session_id": f"^session-{_UUID}$",
    "member_password_id": f"^(member-password-{_UUID})?$",
    "totp_registration_id": f"^(member-totp-{_UUID})?$",
    "user_id": f"^user-{_UUID}$",
    "session_id": f"^session-{_UUID}$",
    "password_id": f"^password-{_UUID}$",
    "email_id": f"^(email-{_UUID})?$",
    "phone_id": f"^(phone-number-{_UUID})?$",
    "totp_recovery_code_id": f"^recovery-code-{_UUID}$",
    "kid": f"^jwk-{_UUID}$",
    "session_token": f"^({_TOKEN})?$",
    "intermediate_session_token": f"^({_TOKEN})?$",
    "session_jwt": r"^([\w-]+\.[\w-]+\.[\w-]+)?$",
    "secret": "^[A-Z2-7]{32}$",
    "qr_code": "^data:image/png;base64,[A-Za-z0-9+/]+={0,2}$",
    "default_mfa_method": "^(totp|sms_otp)?$",
    "mfa_policy": "^(OPTIONAL|REQUIRED_FOR_ALL)$",
    "mfa_methods": "^(ALL_ALLOWED|RESTRICTED)$",
    "auth_methods": "^(ALL_ALLOWED|RESTRICTED)$",
}
#: What has another form in each product.
FORMS_OF = {
    "b2b": {"totp_id": f"^member-totp-{_UUID}$", "status": "^(pending|invited|active|deleted)$"},
    "consumer": {"totp_id": f"^totp-{_UUID}$", "status": "^(pending|active)$"},
}
TIMESTAMP = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"

ERROR = {
    "type": "object",
    "required": ["status_code", "request_id", "error_type", "error_message", "error_url"],
    "properties": {
        "status_code": {"type": "integer", "minimum": 400, "maximum": 599},
        "request_id": {"type": "string", "pattern": REQUEST_ID},
        "error_type": {"type": "string", "pattern": "^[a-z0-9_]+$"},
        "error_message": {"type": "string", "minLength": 1},
        "error_url": {"type": "string", "pattern": "^https://stytch.com/docs/(b2b/)?api/errors/"},
        "error_details": {"type": "object"},
    },
    "additionalProperties": False,
}


def _closed(**properties: Mapping[str, Any]) -> dict[str, Any]:
    """An object with these properties and no others."""
    return {
        "type": "object",
        "required": list(properties),
        "properties": properties,
        "additionalProperties": False,
    }


def _list(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


_TEXT, _WORD = {"type": "string"}, {"type": "string", "minLength": 1}
_ENVELOPE = {"status_code": {"type": "integer"}, "request_id": {"type": "string", "pattern": REQUEST_ID}}
_PERMISSIONS = _list(_closed(resource_id=_WORD, actions=_list(_WORD)))
_ROLES = _list(_closed(role_id=_WORD, description=_TEXT, permissions=_PERMISSIONS))
_RESOURCES = _list(_closed(resource_id=_WORD, description=_TEXT, actions=_list(_WORD)))
_SCOPES = _list(_closed(scope=_WORD, description=_TEXT, permissions=_PERMISSIONS))
_POLICY = _closed(**_ENVELOPE, policy=_closed(roles=_ROLES, resources=_RESOURCES, scopes=_SCOPES))
#: Contract 1.7 and 1.9: what the SDKs have a method for and the files don't.
WRITTEN_HERE = {
    "GET /v1/b2b/organizations/[^/]+/metrics": _closed(**_ENVELOPE, member_count={"type": "integer", "minimum": 0}),
    "GET /v1/b2b/rbac/policy": _POLICY,
    "GET /v1/b2b/rbac/organizations/[^/]+": _closed(**_ENVELOPE, org_policy=_closed(roles=_ROLES)),
    "GET /v1/rbac/policy": _POLICY,
}


class Misfit(AssertionError):
    """An answer that is not the contract's."""


def check(method: str, path: str, status: int, content_type: str, body: Any) -> None:
    """Raises Misfit with everything that is wrong with the answer to ``method path``."""
    wrong = [
        f"{'.'.join(map(str, error.absolute_path)) or 'body'}: {error.message[:300]}"
        for error in _validator(method, path, status).iter_errors(body)
    ]
    if content_type.partition(";")[0] != "application/json":
        wrong.append(f"Content-Type {content_type!r}")
    if not wrong and body["status_code"] != status:
        wrong.append(f"status_code {body['status_code']} in an answer of status {status}")
    if not wrong and status >= 400 and not body["error_url"].endswith(f"/{status}#{body['error_type']}"):
        wrong.append(f"error_url {body['error_url']!r} of {body['error_type']!r}")
    if wrong:
        raise Misfit(f"{method} {path} answered {status}:\n  " + "\n  ".join(wrong))


def operation(method: str, path: str) -> str:
    """The template of the API's file that a path belongs to. A fixed word wins over an id. Raises Misfit."""
    found = [
        template
        for template, operations in DOCUMENTS[_product(path)]["paths"].items()
        if method.lower() in operations and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
    ]
    if not found:
        raise Misfit(f"{method} {path} is no operation of the API")
    return min(found, key=lambda template: template.count("{"))


def _product(path: str) -> str:
    return "b2b" if path.startswith("/v1/b2b/") else "consumer"


def _validator(method: str, path: str, status: int) -> Draft202012Validator:
    if status >= 400:
        return Draft202012Validator(ERROR)
    if status != 200:
        raise Misfit(f"{method} {path} answered {status}: a success is a 200")
    for written, schema in WRITTEN_HERE.items():
        if re.fullmatch(written, f"{method} {path}"):
            return Draft202012Validator(schema)
    product = _product(path)
    answers = DOCUMENTS[product]["paths"][operation(method, path)][method.lower()]["responses"]
    return _success(product, answers["200"]["content"]["application/json"]["schema"]["$ref"])


@cache
def _success(product: str, reference: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": reference, "components": {"schemas": _components(product)}})


@cache
def _components(product: str) -> dict[str, Any]:
    schemas = DOCUMENTS[product]["components"]["schemas"]
    return {name: _object(name, schema, FORMS | FORMS_OF[product]) for name, schema in schemas.items()}


def _object(name: str, schema: Mapping[str, Any], forms: Mapping[str, str]) -> Mapping[str, Any]:
    """A schema of the file as JSON Schema: closed, nullable where optional, and with the forms of contract 5."""
    if "properties" not in schema:
        return schema
    required = schema.get("required", [])
    properties = {key: _value(key, value, forms) for key, value in schema["properties"].items()}
    optional = {key: {"anyOf": [properties[key], {"type": "null"}]} for key in properties.keys() - set(required)}
    further = {key: _value(key, value, forms) for key, value in ALSO_ALLOWED.get(name, {}).items()}
    return {
        "type": "object",
        "required": list(properties) if name in COMPLETE else required,
        "properties": properties | optional | further,
        "additionalProperties": False,
    }


def _value(key: str, schema: Mapping[str, Any], forms: Mapping[str, str]) -> Mapping[str, Any]:
    if key == "recovery_codes":
        return {**schema, "items": {"type": "string", "pattern": _RECOVERY_CODE}}
    if schema.get("type") != "string":
        return schema
    form = TIMESTAMP if key.endswith("_at") else forms.get(key)
    return {**schema, "pattern": form} if form else schema

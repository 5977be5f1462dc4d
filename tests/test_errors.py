import pytest

from stytch_totp import errors

#: Every refusal with the status and the word that it has on the wire. Clients' programs key on these.
CATALOGUE = {
    # transport and project
    "BadRequest": (400, "bad_request"),
    "InvalidProjectID": (400, "invalid_project_id_authentication"),
    "UnauthorizedCredentials": (401, "unauthorized_credentials"),
    "ProjectNotFound": (404, "project_not_found"),
    "PublicTokenNotFound": (404, "public_token_not_found"),
    "BadDomain": (400, "bad_domain_for_stytch_sdk"),
    "EndpointNotAuthorized": (401, "endpoint_not_authorized_for_sdk"),
    "RouteNotFound": (404, "route_not_found"),
    "PayloadTooLarge": (413, "bad_request"),
    "UnsupportedMediaType": (415, "bad_request"),
    "InternalServerError": (500, "internal_server_error"),
    "ServiceUnavailable": (503, "internal_server_error"),
    # organizations and members
    "OrganizationNotFound": (404, "organization_not_found"),
    "MemberNotFound": (404, "member_not_found"),
    "OrganizationSlugAlreadyUsed": (400, "organization_slug_already_used"),
    "InvalidOrganizationSlug": (400, "invalid_organization_slug"),
    "InvalidOrganizationName": (400, "invalid_organization_name"),
    "OrganizationNameMissing": (400, "organization_name_missing"),
    "OrganizationExternalIDAlreadyUsed": (400, "organization_external_id_already_used"),
    "InvalidOrganizationExternalID": (400, "invalid_organization_external_id"),
    "OrganizationLogoURLTooLong": (400, "organization_logo_url_too_long"),
    "InvalidOrganizationMFAPolicy": (400, "invalid_organization_mfa_policy"),
    "InvalidOrganizationMFAMethods": (400, "invalid_organization_mfa_factor_setting"),
    "InvalidOrganizationAllowedMFAMethods": (400, "invalid_organization_allowed_mfa_methods"),
    "AllowedMFAMethodsRequired": (400, "allowed_mfa_methods_required_for_restricted"),
    "AllowedAuthMethodsRequired": (400, "allowed_auth_methods_required_for_restricted"),
    "DuplicateMemberEmail": (400, "duplicate_member_email"),
    "DuplicateMemberExternalID": (400, "duplicate_member_external_id"),
    "InvalidEmail": (400, "invalid_email"),
    "InvalidMemberGetFields": (400, "invalid_member_get_fields"),
    "NoDeletedMember": (400, "no_deleted_member_found_for_reactivation"),
    "EmailUnverifiedForReactivation": (400, "email_unverified_for_reactivation"),
    "ReactivationEmailTaken": (400, "reactivation_email_belongs_to_another_member"),
    "InvalidMFADefaultMethod": (400, "invalid_mfa_default_method"),
    "DefaultMFAMemberMissingFactor": (400, "default_mfa_member_missing_factor"),
    "CannotUpdateTrustedMetadata": (401, "cannot_update_trusted_metadata"),
    "OrganizationSearchFilter": (400, "organization_search_filter_name_not_recognized"),
    "MemberSearchFilter": (400, "member_search_filter_name_not_recognized"),
    # users
    "UserNotFound": (404, "user_not_found"),
    "InvalidUserID": (400, "invalid_user_id"),
    "DuplicateEmail": (400, "duplicate_email"),
    "DuplicateUserExternalID": (400, "bad_request"),
    "UserSearchFilter": (400, "bad_request"),
    "TOTPsNotFoundForUser": (404, "totps_not_found_for_user"),
    "InvalidTOTPID": (400, "invalid_totp_id"),
    "UserHasNoSuchTOTP": (404, "totp_not_found"),
    "UserMismatch": (400, "user_id_mismatch"),
    # TOTP, recovery codes and MFA
    "ActiveTOTPExists": (400, "active_totp_exists"),
    "OnlyForActiveMembers": (400, "action_available_only_for_active_members"),
    "PrimaryAuthenticationRequired": (400, "action_available_only_once_primary_authentication_is_met"),
    "TOTPRestricted": (400, "operation_restricted_by_organization_mfa_methods"),
    "InvalidExpiration": (400, "invalid_expiration"),
    "InvalidTOTPCode": (400, "invalid_totp_code"),
    "RecoveryCodeUsedAsTOTPCode": (400, "recovery_code_used_as_totp_code"),
    "UnableToAuthenticateTOTP": (401, "unable_to_authenticate_totp"),
    "AuthenticatorClockOff": (401, "unable_to_authenticate_totp"),
    "TOTPCodeAlreadyAuthenticated": (401, "totp_code_already_authenticated"),
    "ExpiredTOTP": (400, "expired_totp"),
    "TOTPNotFound": (404, "totp_not_found"),
    "InvalidTOTPSecret": (400, "bad_request"),
    "InvalidRecoveryCode": (400, "invalid_recovery_code"),
    "TOTPCodeUsedAsRecoveryCode": (400, "totp_code_used_as_recovery_code"),
    "UnableToAuthenticateRecoveryCode": (401, "unable_to_authenticate_recovery_code"),
    "RecoveryCodesNotFound": (404, "recovery_codes_not_found"),
    "NoRecoveryCodeBackedFactor": (400, "no_active_recovery_code_backed_factor"),
    "RecoveryCodesNotViewable": (403, "recovery_codes_not_viewable"),
    "InvalidSetMFAEnrollment": (400, "invalid_set_mfa_enrollment"),
    # sessions and tokens
    "NoSessionArguments": (400, "no_session_arguments"),
    "TooManySessionArguments": (400, "too_many_session_arguments"),
    "NoSessionRevokeArguments": (400, "no_session_revoke_arguments"),
    "TooManySessionRevokeArguments": (400, "too_many_session_revoke_arguments"),
    "InvalidSessionToken": (400, "invalid_session_token"),
    "UnableToParseSessionJWT": (400, "unable_to_parse_session_jwt"),
    "SessionNotFound": (404, "session_not_found"),
    "VisitEnded": (404, "session_not_found"),
    "InvalidSessionID": (400, "invalid_session_id"),
    "IntermediateSessionNotFound": (404, "intermediate_session_not_found"),
    "IntermediateSessionOfOtherOrganization": (400, "invalid_intermediate_session_token_for_organization"),
    "MemberMismatch": (400, "member_session_member_id_mismatch"),
    "InvalidSessionDuration": (400, "invalid_session_duration_minutes"),
    "SessionTooLong": (400, "invalid_session_duration"),
    "UserUnauthenticated": (401, "user_unauthenticated"),
    "CustomClaimsTooLarge": (400, "custom_claims_too_large"),
    "ReservedClaims": (400, "reserved_claims_in_custom_claims"),
    "StytchClaims": (400, "stytch_claims_in_custom_claims"),
    "InsufficientFactors": (401, "insufficient_factors"),
    "OtherFactorRequired": (401, "insufficient_factors"),
    "StaleFactors": (401, "stale_factors"),
    "SessionAuthorization": (403, "session_authorization_error"),
    "SessionAuthorizationTenancy": (403, "session_authorization_tenancy_error"),
    "ConsumerSessionAuthorization": (403, "consumer_session_authorization_error"),
    "Locked": (429, "user_lock_limit_reached"),
    # guarded views of a site
    "MFARequired": (403, "mfa_required"),
    "StepUpRequired": (403, "step_up_required"),
    "MFAEnrollmentRequired": (403, "mfa_enrollment_required"),
    "OrganizationNotChosen": (403, "organization_not_chosen"),
    "NotAMember": (403, "not_a_member"),
    # passwords
    "WeakPassword": (400, "weak_password"),
    "UnsupportedHash": (400, "bad_request"),
    # support, which is nothing on the wire
    "SupportForbidden": (403, "support_forbidden"),
    "SupportOfOneself": (403, "support_of_oneself"),
    "SupportOfHigherRole": (403, "support_of_higher_role"),
    "SupportReasonTooShort": (400, "support_reason_too_short"),
    "SupportRequestNotWaiting": (400, "support_request_not_waiting"),
    "SupportByTheSame": (403, "support_by_the_same"),
}

#: The words of Stytch's own catalogue, by the status that belongs to them (contract 0.6).
STYTCH = {
    400: """
        bad_request invalid_project_id_authentication invalid_b2b_endpoint invalid_consumer_endpoint
        invalid_organization_id organization_slug_already_used invalid_organization_slug invalid_organization_name
        organization_name_missing organization_external_id_already_used invalid_organization_external_id
        organization_logo_url_too_long invalid_organization_mfa_policy invalid_organization_mfa_factor_setting
        invalid_organization_allowed_mfa_methods allowed_mfa_methods_required_for_restricted
        allowed_auth_methods_required_for_restricted duplicate_member_email duplicate_member_external_id invalid_email
        invalid_member_get_fields no_deleted_member_found_for_reactivation email_unverified_for_reactivation
        reactivation_email_belongs_to_another_member invalid_mfa_default_method default_mfa_member_missing_factor
        member_search_filter_name_not_recognized organization_search_filter_name_not_recognized
        member_search_organization_ids_empty member_search_expected_array_of_strings member_search_fuzzy_too_short
        organization_search_organization_ids_empty organization_search_expected_array_of_strings
        organization_search_fuzzy_too_short
        invalid_user_id duplicate_email active_totp_exists action_available_only_for_active_members
        action_available_only_once_primary_authentication_is_met operation_restricted_by_organization_mfa_methods
        invalid_expiration invalid_totp_code invalid_code recovery_code_used_as_totp_code expired_totp invalid_totp_id
        invalid_recovery_code totp_code_used_as_recovery_code no_active_recovery_code_backed_factor
        invalid_set_mfa_enrollment secondary_factor_not_found too_many_unverified_factors no_session_arguments
        too_many_session_arguments no_session_revoke_arguments too_many_session_revoke_arguments invalid_session_token
        unable_to_parse_session_jwt invalid_session_id invalid_intermediate_session_token_for_organization
        member_session_member_id_mismatch user_id_mismatch invalid_session_duration_minutes invalid_session_duration
        custom_claims_too_large reserved_claims_in_custom_claims stytch_claims_in_custom_claims no_user_password
        member_reset_password reset_password weak_password bad_domain_for_stytch_sdk bad_vertical_for_stytch_sdk
    """,
    401: """
        unauthorized_credentials unable_to_authenticate_totp totp_code_already_authenticated
        unable_to_authenticate_recovery_code user_unauthenticated insufficient_factors stale_factors
        endpoint_not_authorized_for_sdk cannot_update_trusted_metadata
    """,
    403: """
        use_https organization_suspended session_authorization_error session_authorization_tenancy_error
        consumer_session_authorization_error
    """,
    404: """
        project_not_found public_token_not_found route_not_found organization_not_found member_not_found user_not_found
        email_not_found totp_not_found totps_not_found_for_user recovery_codes_not_found session_not_found
        intermediate_session_not_found member_password_not_found
    """,
    429: "too_many_requests user_lock_limit_reached",
    500: "internal_server_error",
}
STATUS = {word: status for status, words in STYTCH.items() for word in words.split()}

#: What we answer beyond it: a word that Stytch has not, or a status that it doesn't give to the word.
OWN_WORDS = {
    *("recovery_codes_not_viewable", "mfa_required", "step_up_required", "mfa_enrollment_required"),
    *("organization_not_chosen", "not_a_member"),
    *("support_forbidden", "support_of_oneself", "support_of_higher_role", "support_reason_too_short"),
    *("support_request_not_waiting", "support_by_the_same"),
}
OWN_STATUSES = {"PayloadTooLarge": 413, "UnsupportedMediaType": 415, "ServiceUnavailable": 503}
#: Never answered: contract 0.6 names them, and says so.
NEVER = {"pending_totp_exists", "recovery_codes_already_exist", "captcha_required", "captcha_failed"}


def catalogue() -> dict[str, type[errors.StytchError]]:
    found, waiting = {}, errors.StytchError.__subclasses__()
    while waiting:
        refusal = waiting.pop()
        waiting += refusal.__subclasses__()
        found[refusal.__name__] = refusal
    return found


def test_the_words_on_the_wire_are_these_and_no_others():
    assert {name: (one.status_code, one.error_type) for name, one in catalogue().items()} == CATALOGUE


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_word_is_stytchs_or_declared_as_our_own(name):
    status, word = CATALOGUE[name]
    assert word not in NEVER
    if word in OWN_WORDS:
        assert word not in STATUS
    else:
        assert status == OWN_STATUSES.get(name, STATUS[word])


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_refusal_has_a_message_that_a_call_may_replace(name):
    refusal = catalogue()[name]
    assert str(refusal()) == refusal.message
    assert refusal.message.endswith(".")
    told = refusal("Said otherwise.", retry_after=7, extra="x")
    assert (str(told), told.retry_after, told.details) == ("Said otherwise.", 7, {"extra": "x"})
    assert (refusal().retry_after, refusal().details) == (None, {})


def test_a_refusal_without_a_word_cannot_be_declared():
    with pytest.raises(TypeError):
        type("Nameless", (errors.StytchError,), {})


def test_on_the_wire_a_clock_that_is_off_is_a_wrong_code():
    off, wrong = errors.AuthenticatorClockOff(), errors.UnableToAuthenticateTOTP()
    assert (str(off), off.status_code, off.error_type) == (str(wrong), wrong.status_code, wrong.error_type)
    assert isinstance(off, errors.UnableToAuthenticateTOTP)

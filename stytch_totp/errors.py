"""Every refusal, as one catalogue: a class an ``error_type`` of Stytch's, with the HTTP status that belongs to it.

Operations raise these; ``api/exceptions.py`` turns them into responses, once. The words on the wire are pinned by
``tests/test_errors.py``.
"""

from typing import Any, ClassVar


class StytchError(Exception):
    """A refusal. ``message`` is for a developer's eyes; programs read ``error_type``.

    ``retry_after`` is in seconds and becomes the header of that name.
    """

    status_code: ClassVar[int]
    error_type: ClassVar[str]
    message: ClassVar[str] = ""

    def __init_subclass__(cls, *, status: int, type: str) -> None:  # noqa: A002 - as it reads in the catalogue
        cls.status_code, cls.error_type = status, type

    def __init__(self, message: str = "", *, retry_after: int | None = None, **details: Any) -> None:
        super().__init__(message or self.message)
        self.retry_after = retry_after
        self.details = details


# Transport and project


class BadRequest(StytchError, status=400, type="bad_request"):
    message = "The request is malformed."


class InvalidProjectID(StytchError, status=400, type="invalid_project_id_authentication"):
    message = "The user name of the Authorization header is not a project id."


class UnauthorizedCredentials(StytchError, status=401, type="unauthorized_credentials"):
    message = "The credentials are wrong."


class ProjectNotFound(StytchError, status=404, type="project_not_found"):
    message = "There is no such project."


class PublicTokenNotFound(StytchError, status=404, type="public_token_not_found"):
    message = "There is no such public token."


class BadDomain(StytchError, status=400, type="bad_domain_for_stytch_sdk"):
    message = "Pages of this origin may not call; list it in ALLOWED_ORIGINS."


class EndpointNotAuthorized(StytchError, status=401, type="endpoint_not_authorized_for_sdk"):
    message = "This site doesn't open this endpoint to pages."


class RouteNotFound(StytchError, status=404, type="route_not_found"):
    message = "This path and method are not served."


class PayloadTooLarge(StytchError, status=413, type="bad_request"):
    message = "The request body is too large."


class UnsupportedMediaType(StytchError, status=415, type="bad_request"):
    message = "The request body must be application/json in UTF-8."


class InternalServerError(StytchError, status=500, type="internal_server_error"):
    message = "Something went wrong on our side."


class ServiceUnavailable(StytchError, status=503, type="internal_server_error"):
    message = "The service can't answer just now. Nothing was let in; please try again."


# Organizations and members


class OrganizationNotFound(StytchError, status=404, type="organization_not_found"):
    message = "There is no such organization."


class MemberNotFound(StytchError, status=404, type="member_not_found"):
    message = "The organization has no such member."


class OrganizationSlugAlreadyUsed(StytchError, status=400, type="organization_slug_already_used"):
    message = "Another organization has this slug."


class InvalidOrganizationSlug(StytchError, status=400, type="invalid_organization_slug"):
    message = "A slug has 2 to 128 letters, digits and - . _ ~, at least one of them alphanumeric."


class InvalidOrganizationName(StytchError, status=400, type="invalid_organization_name"):
    message = "A name has 1 to 128 displayable characters."


class OrganizationNameMissing(StytchError, status=400, type="organization_name_missing"):
    message = "organization_name is required."


class OrganizationExternalIDAlreadyUsed(StytchError, status=400, type="organization_external_id_already_used"):
    message = "Another organization has this external id."


class InvalidOrganizationExternalID(StytchError, status=400, type="invalid_organization_external_id"):
    message = "An external id has 1 to 128 letters, digits and . _ - | and is not formed like an id."


class OrganizationLogoURLTooLong(StytchError, status=400, type="organization_logo_url_too_long"):
    message = "organization_logo_url is too long."


class InvalidOrganizationMFAPolicy(StytchError, status=400, type="invalid_organization_mfa_policy"):
    message = "mfa_policy is OPTIONAL or REQUIRED_FOR_ALL."


class InvalidOrganizationMFAMethods(StytchError, status=400, type="invalid_organization_mfa_factor_setting"):
    message = "mfa_methods is ALL_ALLOWED or RESTRICTED."


class InvalidOrganizationAllowedMFAMethods(StytchError, status=400, type="invalid_organization_allowed_mfa_methods"):
    message = "allowed_mfa_methods lists totp and sms_otp."


class AllowedMFAMethodsRequired(StytchError, status=400, type="allowed_mfa_methods_required_for_restricted"):
    message = "RESTRICTED mfa_methods need allowed_mfa_methods."


class AllowedAuthMethodsRequired(StytchError, status=400, type="allowed_auth_methods_required_for_restricted"):
    message = "RESTRICTED auth_methods need allowed_auth_methods."


class DuplicateMemberEmail(StytchError, status=400, type="duplicate_member_email"):
    message = "Another member of the organization has this e-mail address."


class DuplicateMemberExternalID(StytchError, status=400, type="duplicate_member_external_id"):
    message = "Another member of the organization has this external id."


class InvalidEmail(StytchError, status=400, type="invalid_email"):
    message = "The e-mail address is malformed."


class InvalidMemberGetFields(StytchError, status=400, type="invalid_member_get_fields"):
    message = "Give either member_id or email_address."


class NoDeletedMember(StytchError, status=400, type="no_deleted_member_found_for_reactivation"):
    message = "Only a deleted member can be reactivated."


class EmailUnverifiedForReactivation(StytchError, status=400, type="email_unverified_for_reactivation"):
    message = "Only a member with a verified e-mail address can be reactivated."


class ReactivationEmailTaken(StytchError, status=400, type="reactivation_email_belongs_to_another_member"):
    message = "Another member has this e-mail address by now."


class InvalidMFADefaultMethod(StytchError, status=400, type="invalid_mfa_default_method"):
    message = "default_mfa_method is totp or sms_otp."


class DefaultMFAMemberMissingFactor(StytchError, status=400, type="default_mfa_member_missing_factor"):
    message = "The member doesn't own the factor named as default."


class CannotUpdateTrustedMetadata(StytchError, status=401, type="cannot_update_trusted_metadata"):
    message = "trusted_metadata is the back end's to write."


class OrganizationSearchFilter(StytchError, status=400, type="organization_search_filter_name_not_recognized"):
    message = "There is no such search filter."


class MemberSearchFilter(StytchError, status=400, type="member_search_filter_name_not_recognized"):
    message = "There is no such search filter."


# Users: what the consumer product has words of its own for


class UserNotFound(StytchError, status=404, type="user_not_found"):
    message = "There is no such user."


class InvalidUserID(StytchError, status=400, type="invalid_user_id"):
    message = "user_id is neither a user id nor an external id."


class DuplicateEmail(StytchError, status=400, type="duplicate_email"):
    message = "Another user has this e-mail address."


class DuplicateUserExternalID(StytchError, status=400, type="bad_request"):
    message = "Another user has this external id."


class UserSearchFilter(StytchError, status=400, type="bad_request"):
    message = "There is no such search filter."


class TOTPsNotFoundForUser(StytchError, status=404, type="totps_not_found_for_user"):
    message = "The user has no TOTP."


class InvalidTOTPID(StytchError, status=400, type="invalid_totp_id"):
    message = "totp_id is malformed."


class UserHasNoSuchTOTP(StytchError, status=404, type="totp_not_found"):
    message = "There is no such TOTP."


class UserMismatch(StytchError, status=400, type="user_id_mismatch"):
    message = "The session belongs to another user."


# TOTP, recovery codes and MFA


class ActiveTOTPExists(StytchError, status=400, type="active_totp_exists"):
    message = "The member has a verified TOTP; delete it first."


class OnlyForActiveMembers(StytchError, status=400, type="action_available_only_for_active_members"):
    message = "MFA factors can be attached to active members only."


class PrimaryAuthenticationRequired(
    StytchError, status=400, type="action_available_only_once_primary_authentication_is_met"
):
    message = "A second factor needs a session or an intermediate session that has met the primary requirement."


class TOTPRestricted(StytchError, status=400, type="operation_restricted_by_organization_mfa_methods"):
    message = "The organization doesn't allow TOTP."


class InvalidExpiration(StytchError, status=400, type="invalid_expiration"):
    message = "expiration_minutes is an integer from 5 to 1440."


class InvalidTOTPCode(StytchError, status=400, type="invalid_totp_code"):
    message = "A TOTP code is a string of six digits."


class RecoveryCodeUsedAsTOTPCode(StytchError, status=400, type="recovery_code_used_as_totp_code"):
    message = "This is a recovery code, not a TOTP code."


class UnableToAuthenticateTOTP(StytchError, status=401, type="unable_to_authenticate_totp"):
    message = "The TOTP code is wrong."


class AuthenticatorClockOff(UnableToAuthenticateTOTP, status=401, type="unable_to_authenticate_totp"):
    """The same refusal, of a code that belongs to a step not far away. Pages say so; on the wire it looks the same."""


class TOTPCodeAlreadyAuthenticated(StytchError, status=401, type="totp_code_already_authenticated"):
    message = "This TOTP code was used already; wait for the next one."


class ExpiredTOTP(StytchError, status=400, type="expired_totp"):
    message = "The TOTP registration was not verified in time; create a new one."


class TOTPNotFound(StytchError, status=404, type="totp_not_found"):
    message = "The member has no TOTP registration."


class InvalidTOTPSecret(StytchError, status=400, type="bad_request"):
    message = "secret is not canonical base32 of at least 128 bits."


class InvalidRecoveryCode(StytchError, status=400, type="invalid_recovery_code"):
    message = "A recovery code has the form xxxx-xxxx-xxxx."


class TOTPCodeUsedAsRecoveryCode(StytchError, status=400, type="totp_code_used_as_recovery_code"):
    message = "This is a TOTP code, not a recovery code."


class UnableToAuthenticateRecoveryCode(StytchError, status=401, type="unable_to_authenticate_recovery_code"):
    message = "The recovery code is unknown or used."


class RecoveryCodesNotFound(StytchError, status=404, type="recovery_codes_not_found"):
    message = "The member has no recovery codes."


class NoRecoveryCodeBackedFactor(StytchError, status=400, type="no_active_recovery_code_backed_factor"):
    message = "The member has no verified TOTP."


class RecoveryCodesNotViewable(StytchError, status=403, type="recovery_codes_not_viewable"):
    message = "This site doesn't keep recovery codes in a form that can be shown again."


class InvalidSetMFAEnrollment(StytchError, status=400, type="invalid_set_mfa_enrollment"):
    message = "set_mfa_enrollment is enroll or unenroll."


# Sessions and tokens


class NoSessionArguments(StytchError, status=400, type="no_session_arguments"):
    message = "Give session_token or session_jwt."


class TooManySessionArguments(StytchError, status=400, type="too_many_session_arguments"):
    message = "Give only one of session_token, session_jwt and intermediate_session_token."


class NoSessionRevokeArguments(StytchError, status=400, type="no_session_revoke_arguments"):
    message = "Name the session or the member to revoke."


class TooManySessionRevokeArguments(StytchError, status=400, type="too_many_session_revoke_arguments"):
    message = "Name one session or one member to revoke."


class InvalidSessionToken(StytchError, status=400, type="invalid_session_token"):
    message = "The token is malformed."


class UnableToParseSessionJWT(StytchError, status=400, type="unable_to_parse_session_jwt"):
    message = "The JWT was not issued by this project."


class SessionNotFound(StytchError, status=404, type="session_not_found"):
    message = "The session is unknown, expired or revoked."


class VisitEnded(SessionNotFound, status=404, type="session_not_found"):
    """Noticed when a view asked for a member who is gone: the middleware answers it."""


class InvalidSessionID(StytchError, status=400, type="invalid_session_id"):
    message = "The session id is malformed."


class IntermediateSessionNotFound(StytchError, status=404, type="intermediate_session_not_found"):
    message = "The intermediate session is unknown, expired or used."


class IntermediateSessionOfOtherOrganization(
    StytchError, status=400, type="invalid_intermediate_session_token_for_organization"
):
    message = "The intermediate session belongs to another organization."


class MemberMismatch(StytchError, status=400, type="member_session_member_id_mismatch"):
    message = "The session belongs to another member."


class InvalidSessionDuration(StytchError, status=400, type="invalid_session_duration_minutes"):
    message = "session_duration_minutes is an integer from 5 to 527040."


class SessionTooLong(StytchError, status=400, type="invalid_session_duration"):
    message = "session_duration_minutes is above what this site allows pages."


class UserUnauthenticated(StytchError, status=401, type="user_unauthenticated"):
    message = "This call needs a session."


class CustomClaimsTooLarge(StytchError, status=400, type="custom_claims_too_large"):
    message = "The session's custom claims exceed 4 KB."


class ReservedClaims(StytchError, status=400, type="reserved_claims_in_custom_claims"):
    message = "A custom claim has a registered JWT claim's name."


class StytchClaims(StytchError, status=400, type="stytch_claims_in_custom_claims"):
    message = "A custom claim begins with https://stytch.com/."


class InsufficientFactors(StytchError, status=401, type="insufficient_factors"):
    message = "The session lacks the member's second factor."


class OtherFactorRequired(InsufficientFactors, status=401, type="insufficient_factors"):
    message = "The user has a second factor in another organization; show that one first."


class StaleFactors(StytchError, status=401, type="stale_factors"):
    message = "The session's factors were shown too long ago; show one again."


class SessionAuthorization(StytchError, status=403, type="session_authorization_error"):
    message = "The session's roles don't permit this."


class SessionAuthorizationTenancy(StytchError, status=403, type="session_authorization_tenancy_error"):
    message = "The session belongs to another organization."


class ConsumerSessionAuthorization(StytchError, status=403, type="consumer_session_authorization_error"):
    message = "The session's roles don't permit this."


class Locked(StytchError, status=429, type="user_lock_limit_reached"):
    message = "Too many failed attempts. Please try again later."


# Views of a site, guarded by its middleware, decorators and permissions


class MFARequired(StytchError, status=403, type="mfa_required"):
    message = "This needs a second factor; show one."


class StepUpRequired(MFARequired, status=403, type="step_up_required"):
    message = "The second factor was shown too long ago; show one again."


class MFAEnrollmentRequired(MFARequired, status=403, type="mfa_enrollment_required"):
    message = "This needs a second factor; enrol one."


class OrganizationNotChosen(StytchError, status=403, type="organization_not_chosen"):
    message = "The user belongs to several organizations; choose one."


class NotAMember(StytchError, status=403, type="not_a_member"):
    message = "The user doesn't belong to this organization."


# Support


class SupportForbidden(StytchError, status=403, type="support_forbidden"):
    message = "This member of staff may not do that, or not to this organization."


class SupportOfOneself(StytchError, status=403, type="support_of_oneself"):
    message = "Nobody supports themselves; ask a colleague."


class SupportOfHigherRole(StytchError, status=403, type="support_of_higher_role"):
    message = "The member is staff with permissions that the actor lacks."


class SupportReasonTooShort(StytchError, status=400, type="support_reason_too_short"):
    message = "A reason of at least ten characters is wanted for the record."


class SupportRequestNotWaiting(StytchError, status=400, type="support_request_not_waiting"):
    message = "The request was decided already, or is out of date."


class SupportByTheSame(StytchError, status=403, type="support_by_the_same"):
    message = "Who asked for it can't approve of it; a second member of staff must."


# Passwords


class WeakPassword(StytchError, status=400, type="weak_password"):
    message = "The password doesn't meet the site's rules."


class UnsupportedHash(StytchError, status=400, type="bad_request"):
    message = "This password hash can't be imported."

"""How both products refuse, and what they refuse: status and ``error_type``."""

NO_SESSION = "session-test-00000000-0000-4000-8000-000000000000"
UNKNOWN_TOKEN = "x" * 43 + "="
MALFORMED_CODES = ("", "12345", "1234567", " 123456", "12345a", "123 456", "１２３４５６", "+12345", "12345\n")
WRONG_CODE = (401, "unable_to_authenticate_totp")
WRONG_RECOVERY_CODE = (401, "unable_to_authenticate_recovery_code")
WRONG_CREDENTIALS = (401, "unauthorized_credentials")
LOCKED = (429, "user_lock_limit_reached")
DURATION = (400, "invalid_session_duration_minutes")
NO_MEMBER = (404, "member_not_found")
NO_ORGANIZATION = (404, "organization_not_found")
NO_IST = (404, "intermediate_session_not_found")

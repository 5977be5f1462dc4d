"""TOTP and recovery codes for Django, speaking Stytch's wire protocol."""

__version__ = "0.1.0"

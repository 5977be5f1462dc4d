"""A site that uses stytch_totp: what a host writes, and nothing more."""

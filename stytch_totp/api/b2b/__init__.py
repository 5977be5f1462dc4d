"""The B2B dialect: Stytch's names for Members of Organizations, a module to a resource."""

"""The consumer dialect: Stytch's names for Users, a module to a resource."""

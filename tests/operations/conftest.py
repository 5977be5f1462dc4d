from tests.api.conftest import _one_rsa_key  # noqa: F401 - primes are searched once here, too

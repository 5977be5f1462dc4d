from tests.api.conftest import _quiet  # noqa: F401 - refusals are quiet here, too

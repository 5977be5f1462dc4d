"""The site as visitors meet it, in Chromium."""

import pytest

pytest.register_assert_rewrite("tests.site.visitor", "tests.site.walks")

"""Chromium and the npm packages, for all tests in a browser. Whatever is missing fails them: none is ever skipped."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # a run without these tests needs no Playwright
    from playwright.sync_api import Browser

#: Where ``package-lock.json`` is.
PACKAGES = Path(__file__).parent / "e2e"


@pytest.fixture(scope="package")
def packages() -> Path:
    """The npm packages as ``package-lock.json`` pins them."""
    lock, installed = PACKAGES / "package-lock.json", PACKAGES / "node_modules"
    done = installed / ".package-lock.json"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        npm = shutil.which("npm")
        assert npm, "these tests need Node's npm"
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=PACKAGES, check=True)
    return installed


@pytest.fixture(scope="package")
def chromium() -> Iterator["Browser"]:
    """The installed Chromium, which finds loopback and nothing else."""
    from playwright.sync_api import sync_playwright

    executable = shutil.which("chromium")
    assert executable, "these tests need Chromium"
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
        # Pages are kept for going back to, as in the browsers of visitors.
        kept = {"ignore_default_args": ["--disable-back-forward-cache"]}
        browser = playwright.chromium.launch(executable_path=executable, args=arguments, **kept)
        yield browser
        browser.close()

import subprocess
import sys

LINT = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"


def test_imports_go_one_way():
    """The contracts are in pyproject.toml; what they print says which import breaks which.

    In a process of its own: import-linter sets up logging and so switches off every logger that there is.
    """
    done = subprocess.run([sys.executable, "-c", LINT], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout

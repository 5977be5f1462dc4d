from importlinter.cli import lint_imports


def test_imports_go_one_way(capsys):
    """The contracts are in pyproject.toml; what they print says which import breaks which."""
    assert lint_imports() == 0, capsys.readouterr().out

"""Which folders can be opened, and what is said about the others."""

import os
from pathlib import Path

import pytest

from tamis_tools.errors import BadArgument
from tamis_tools.scope import home_folder, open_scope, too_wide


def nobody() -> Path:
    raise RuntimeError("Could not determine home directory.")


def test_a_working_directory_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(BadArgument, match="The working directory is gone"):
        open_scope()


@pytest.mark.parametrize("root", ["~nobody-of-that-name", "x" * 300, "missing", "loop"])
def test_a_root_that_leads_nowhere_is_told(tmp_path: Path, root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(BadArgument, match="is not a folder"):
        open_scope((root,))


def test_a_user_without_a_home_opens_folders_but_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", nobody)
    assert open_scope((str(tmp_path),)).roots == (tmp_path.resolve(),)
    assert home_folder() == Path(os.sep).resolve()
    with pytest.raises(BadArgument, match="is a whole disk: too wide"):
        open_scope((os.sep,))


def test_why_a_folder_is_too_wide_is_said_truly(tmp_path: Path) -> None:
    home = tmp_path.resolve() / "home"
    assert too_wide(home, home) == "is the home folder"
    assert too_wide(home.parent, home) == "holds the home folder"
    assert too_wide(Path(home.anchor), home) == "is a whole disk"
    assert too_wide(home / "project", home) == ""

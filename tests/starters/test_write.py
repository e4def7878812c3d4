"""Many files into a folder: all of them or none, and none over another unless told to."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.starters.trees import fill, snapshot

from thawpool.starters import StarterError
from thawpool.starters._write import write

FILES = [Path("README.md"), Path("api/index.py"), Path("api/deep/er.txt"), Path("run.sh")]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    source = fill(tmp_path / "source", *map(str, FILES), text="new")
    (source / "run.sh").chmod(0o755)
    return source


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The reader's own, with two of the files."""
    folder = fill(tmp_path / "folder", "README.md", "api/index.py", "api/other.py", text="mine")
    (folder / "README.md").chmod(0o600)
    return folder


@pytest.mark.parametrize("below", [".", "app", "some/where/else"])
def test_a_folder_is_made_with_all_of_them(source: Path, tmp_path: Path, below: str) -> None:
    folder = tmp_path / "to" / below
    write(source, FILES, folder)
    assert snapshot(folder) == snapshot(source)


def test_what_can_be_run_can_be_run_by_who_can_read_it(source: Path, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write(source, FILES, tmp_path / "to")
    finally:
        os.umask(before)
    modes = {name: mode & 0o777 for name, (mode, _) in snapshot(tmp_path / "to").items()}
    assert modes["run.sh"] == 0o750
    assert modes["README.md"] == 0o640


def test_what_else_is_there_stays(source: Path, tmp_path: Path) -> None:
    folder = fill(tmp_path / "to", "mine.txt", "api/mine.py", text="mine")
    before = snapshot(folder)
    write(source, FILES, folder)
    assert snapshot(folder) == snapshot(source) | before


def test_nothing_is_overwritten(source: Path, folder: Path) -> None:
    before = snapshot(folder)
    with pytest.raises(StarterError, match=r"^README.md, api/index.py in .* would be overwritten.*--force"):
        write(source, FILES, folder)
    assert snapshot(folder) == before


def test_not_even_a_link_that_leads_nowhere(source: Path, tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    (tmp_path / "to" / "run.sh").symlink_to("nowhere")
    with pytest.raises(StarterError, match=r"^run\.sh in "):
        write(source, FILES, tmp_path / "to")


def test_a_long_list_is_cut(tmp_path: Path) -> None:
    files = [Path(f"{number:02}") for number in range(20)]
    fill(tmp_path, *map(str, files), text="mine")
    with pytest.raises(StarterError, match="10, 11 and 8 more in "):
        write(tmp_path, files, tmp_path)


def test_told_to_it_overwrites_those_alone(source: Path, folder: Path) -> None:
    mine = snapshot(folder)["api/other.py"]
    write(source, FILES, folder, force=True)
    assert snapshot(folder) == snapshot(source) | {"api/other.py": mine}


def test_a_link_is_replaced_and_what_it_leads_to_is_not(source: Path, tmp_path: Path) -> None:
    folder = fill(tmp_path / "to", "elsewhere", text="mine")
    (folder / "README.md").symlink_to("elsewhere")
    write(source, FILES, folder, force=True)
    assert (folder / "elsewhere").read_text() == "mine"
    assert (folder / "README.md").read_text() == "new"


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(
    "obstacle,said",
    [
        ("file", "is a file: name a folder"),
        ("link", "is a symbolic link: name a folder"),
        ("loose link", "is a symbolic link: name a folder"),
        ("file above", "cannot write into .*: Not a directory"),
        ("file for a folder", "api is a file where a folder is needed"),
        ("link for a folder", "api is a symbolic link where a folder is needed"),
        ("folder for a file", "README.md is a folder where a file is needed"),
    ],
)
def test_what_is_in_the_way_is_named(
    source: Path, tmp_path: Path, obstacle: str, said: str, force: bool
) -> None:
    folder, elsewhere = tmp_path / "to", tmp_path / "elsewhere"
    elsewhere.mkdir()
    match obstacle:
        case "file":
            folder.touch()
        case "link":
            folder.symlink_to(elsewhere)
        case "loose link":
            folder.symlink_to("nowhere")
        case "file above":
            folder.touch()
            folder = folder / "app"
        case "file for a folder":
            fill(folder, "api", text="mine")
        case "link for a folder":
            folder.mkdir()
            (folder / "api").symlink_to(elsewhere)
        case "folder for a file":
            fill(folder, "README.md/mine", text="mine")
    before = snapshot(tmp_path)
    with pytest.raises(StarterError, match=said):
        write(source, FILES, folder, force=force)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), OSError(28, "No space left on device")])
@pytest.mark.parametrize("nth", range(len(FILES)))
def test_what_ends_the_copying_leaves_the_folder_as_it_was(
    source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, nth: int, failure: BaseException
) -> None:
    before = snapshot(folder)
    _fail_at(nth, shutil, "copyfile", failure, monkeypatch)
    with pytest.raises((KeyboardInterrupt, StarterError)) as raised:
        write(source, FILES, folder, force=True)
    assert snapshot(folder) == before
    if raised.type is StarterError:
        assert str(raised.value) == f"cannot write into {folder}: No space left on device"


@pytest.mark.parametrize("nth", range(len(FILES) + 2))  # two are moved away first
def test_what_ends_the_moving_puts_all_back(
    source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    before = snapshot(folder)
    _fail_at(nth, os, "rename", OSError(5, "Input/output error"), monkeypatch)
    with pytest.raises(StarterError, match="Input/output error"):
        write(source, FILES, folder, force=True)
    assert snapshot(folder) == before


def test_what_cannot_be_put_back_is_kept_and_named(
    source: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {name: text for name, (_, text) in snapshot(folder).items() if text}
    for nth in (3, 4):  # while the second file is moved in, and at once again
        _fail_at(nth, os, "rename", OSError(5, "Input/output error"), monkeypatch)
    with pytest.raises(StarterError, match="could not be put back: it is in ") as raised:
        write(source, FILES, folder, force=True)
    kept = Path(str(raised.value).partition("it is in ")[2])
    found = {name: text for place in (folder, kept) for name, (_, text) in snapshot(place).items()}
    assert before.items() <= found.items()


def test_a_folder_that_it_made_goes_again(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fail_at(2, shutil, "copyfile", KeyboardInterrupt(), monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        write(source, FILES, tmp_path / "some" / "where")
    assert not (tmp_path / "some").exists()


def test_a_file_that_comes_meanwhile_is_not_overwritten(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, copy = tmp_path / "to", shutil.copyfile

    def meanwhile(*paths: Any) -> Any:
        fill(folder, "run.sh", text="mine")
        return copy(*paths)

    monkeypatch.setattr(shutil, "copyfile", meanwhile)
    with pytest.raises(StarterError, match=r"run\.sh in .* would be overwritten"):
        write(source, FILES, folder)
    assert list(snapshot(folder)) == ["run.sh"]
    assert (folder / "run.sh").read_text() == "mine"


def _fail_at(
    nth: int, module: Any, name: str, failure: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let the call of that number end so, and no other."""
    original, calls = getattr(module, name), iter(range(1000))

    def call(*arguments: Any) -> Any:
        if next(calls) == nth:
            raise failure
        return original(*arguments)

    monkeypatch.setattr(module, name, call)

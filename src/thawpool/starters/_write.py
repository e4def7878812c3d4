"""Writes many files into a folder: all of them or none, and none over another unless told to."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["StarterError", "write"]

#: So many names are told in an error.
NAMED = 12


class StarterError(Exception):
    """A starter that cannot be written; the message says why, and what to do."""


def write(source: Path, files: Sequence[Path], folder: Path, *, force: bool = False) -> None:
    """Copy ``files`` of ``source`` into ``folder``, which is made if it is missing.

    They are copied beside their places first, then all moved into them. What fails or is interrupted leaves
    the folder as it was.

    Args:
        force: replace files that are there; of a link the link itself, not what it leads to. A folder is never
            replaced.

    Raises:
        StarterError: something is in the way, or the folder cannot be written.
    """
    made = _missing([folder, *(folder / file.parent for file in files)])
    stage = folder / f".thawpool-{secrets.token_hex(4)}"
    written = False
    try:
        _refuse(folder, files, force)
        folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            _copy(source / file, stage / "new" / file)
        with _uninterrupted():
            _move(stage, files, folder, force)
            written = True
    except OSError as error:
        where = "" if error.filename in (None, str(folder)) else f": {error.filename}"
        raise StarterError(f"cannot write into {folder}: {error.strerror}{where}") from error
    finally:
        with _uninterrupted():
            if written or not _has_files(stage / "old"):
                shutil.rmtree(stage, ignore_errors=True)
            if not written:
                _remove_empty(made)


def _refuse(folder: Path, files: Sequence[Path], force: bool) -> None:
    """Look for what is in the way, before anything is written."""
    if os.path.lexists(folder) and not _is_folder(folder):
        raise StarterError(f"{folder} is {_what(folder)}: name a folder, or one to be made")
    there = []
    for file in files:
        for place in [folder / parent for parent in file.parents][-2::-1]:
            if os.path.lexists(place) and not _is_folder(place):
                raise StarterError(f"{place} is {_what(place)} where a folder is needed: move it away")
        place = folder / file
        if os.path.lexists(place):
            if place.is_dir() and not place.is_symlink():
                raise StarterError(f"{place} is a folder where a file is needed: move it away")
            there.append(file)
    if there and not force:
        raise StarterError(
            f"{_named(there)} in {folder} would be overwritten: name another folder, or overwrite with --force"
        )


def _move(stage: Path, files: Sequence[Path], folder: Path, force: bool) -> None:
    """Move what was staged into its places; what was there before is kept until all are in."""
    moved: list[tuple[Path, Path]] = []
    try:
        for file in files:
            place, former = folder / file, stage / "old" / file
            place.parent.mkdir(parents=True, exist_ok=True)
            if os.path.lexists(place):
                _refuse(folder, [file], force)  # it came since we looked
                former.parent.mkdir(parents=True, exist_ok=True)
                os.rename(place, former)
                moved.append((former, place))
            os.rename(stage / "new" / file, place)
            moved.append((place, stage / "new" / file))
    except BaseException:
        _put_back(moved, stage / "old")
        raise


def _put_back(moved: Sequence[tuple[Path, Path]], kept: Path) -> None:
    try:
        for now, before in reversed(moved):
            os.rename(now, before)
    except OSError as error:
        raise StarterError(
            f"{error.strerror}: {error.filename}; what was replaced could not be put back: it is in {kept}"
        ) from error


def _copy(file: Path, to: Path) -> None:
    """With the rights of a new file here; who may read one that can be run may run it."""
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, to)
    if file.stat().st_mode & 0o100:
        mode = to.stat().st_mode
        to.chmod(mode | (mode & 0o444) >> 2)


def _missing(paths: Iterable[Path]) -> list[Path]:
    """Which of these folders and those above them do not exist, the innermost first."""
    above = {folder for path in paths for folder in (path, *path.parents) if not os.path.lexists(folder)}
    return sorted(above, key=lambda folder: -len(folder.parts))


def _remove_empty(folders: Iterable[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _has_files(folder: Path) -> bool:
    return any(not _is_folder(path) for path in folder.rglob("*"))


def _is_folder(path: Path) -> bool:
    """A folder itself: what is written through a link would land where nobody looked."""
    return path.is_dir() and not path.is_symlink()


def _what(path: Path) -> str:
    return "a symbolic link" if path.is_symlink() else "a file"


def _named(files: Sequence[Path]) -> str:
    names = ", ".join(map(str, files[:NAMED]))
    return f"{names} and {len(files) - NAMED} more" if len(files) > NAMED else names


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """A few milliseconds without Ctrl-C, which would leave half of something."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)

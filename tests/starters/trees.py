"""A folder with all that is below it, as values to compare."""

from __future__ import annotations

import os
import stat
from pathlib import Path

__all__ = ["fill", "snapshot"]


def fill(folder: Path, *names: str, text: str) -> Path:
    """Write that into each of those files, and return the folder."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def snapshot(folder: Path) -> dict[str, tuple[int, str]]:
    """By path: type and rights, and what is in the file or whither the link leads."""
    found = {}
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(root, name)
            mode = path.lstat().st_mode
            what = os.readlink(path) if stat.S_ISLNK(mode) else "" if path.is_dir() else path.read_text()
            found[str(path.relative_to(folder))] = (mode, what)
    return found

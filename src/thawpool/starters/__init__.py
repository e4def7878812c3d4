"""``thawpool init``: writes a working app to start from.

The starters are the folders of ``examples/`` beside ``src/``; the wheel carries them in this package.
"""

from __future__ import annotations

from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

from ._write import StarterError, write

__all__ = ["STARTERS", "Starter", "StarterError", "init"]

HERE = Path(__file__).parent
#: What running, building or installing an app leaves in its folder, and where secrets lie: no part of a
#: starter. pyproject.toml keeps the same out of the wheel.
NOT_OURS = (
    "__pycache__",
    "node_modules",
    ".next",
    ".venv",
    ".vercel",
    ".env*",
    "next-env.d.ts",
    "*.tsbuildinfo",
    "*.log",
    ".DS_Store",
)
OURS = (".env.example",)


class Starter(NamedTuple):
    """An app to start from: what it is, and the commands that run it once it is written."""

    about: str
    commands: tuple[str, ...]


STARTERS = {
    "nextjs": Starter(
        "a Next.js app whose API routes are Python functions, on one pool",
        ("npm install", "npm run dev"),
    ),
    "fastapi": Starter(
        "a FastAPI app on one pool",
        ("pip install -r requirements-dev.txt", "python dev.py"),
    ),
}


def init(name: str, folder: Path, *, force: bool = False) -> list[Path]:
    """Write the starter ``name`` into ``folder``; returns its files, relative to the folder.

    Args:
        force: overwrite files that are there.

    Raises:
        StarterError: something is in the way, or the folder cannot be written. It is as it was before.
    """
    source = find(name)
    files = contents(source)
    write(source, files, folder, force=force)
    return files


def find(name: str) -> Path:
    """The folder of a starter.

    Raises:
        StarterError: this installation has none.
    """
    for folder in (HERE / name, HERE.parents[2] / "examples" / name):
        if folder.is_dir():
            return folder
    raise StarterError(f"this installation of thawpool lacks the starter {name}: install it again with pip")


def contents(folder: Path) -> list[Path]:
    """The files of a starter, relative to its folder, without what is not part of it."""
    files: list[Path] = []
    for entry in sorted(folder.iterdir()):
        if any(fnmatch(entry.name, pattern) for pattern in NOT_OURS) and entry.name not in OURS:
            continue
        if entry.is_dir():
            files += (Path(entry.name, inner) for inner in contents(entry))
        else:
            files.append(Path(entry.name))
    return files

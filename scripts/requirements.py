"""Write what the development environment needs in the words of pip, which reads neither
dependency groups (before 25.1) nor uv.lock: requirements.txt and constraints.txt in the folder given.

pip, not uv, installs them, so that the machine's own pip configuration (a mirror, a proxy) holds.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path


def main(folder: Path) -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
    lock = tomllib.loads(Path("uv.lock").read_text(encoding="utf-8"))
    pins = [f"{p['name']}=={p['version']}" for p in lock["package"] if "registry" in p["source"]]
    (folder / "requirements.txt").write_text("\n".join([*project["dependency-groups"]["dev"], ""]))
    (folder / "constraints.txt").write_text("\n".join([*pins, ""]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

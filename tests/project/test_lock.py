"""uv.lock names the packages that pyproject.toml asks for, and no registry but the public one."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]


def test_only_the_public_registry_is_named() -> None:
    text = (ROOT / "uv.lock").read_text()
    hosts = {urlsplit(url).netloc for url in re.findall(r'"(\w+://[^"]+)"', text)}
    assert hosts == {"pypi.org", "files.pythonhosted.org"}


def test_every_direct_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    extras = project["project"]["optional-dependencies"].values()
    groups = project["dependency-groups"].values()
    wanted = [line for group in (*extras, *groups) for line in group]
    names = {re.split(r"[\[<>=; ]", line)[0] for line in wanted}
    assert names <= {package["name"] for package in lock["package"]}


def test_there_are_no_runtime_dependencies() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"] == []

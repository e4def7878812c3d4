"""``thawpool init`` as a person types it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.starters.trees import fill, snapshot
from tests.support.children import Child

from thawpool.starters import STARTERS, contents, find

EXAMPLES = Path(__file__).parents[2] / "examples"


def init(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "thawpool", "init", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", STARTERS)
def test_a_starter_is_its_example(tmp_path: Path, name: str) -> None:
    done = init(name, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    folder = tmp_path / f"thawpool-{name}"
    files = contents(EXAMPLES / name)
    assert {file: (folder / file).read_bytes() for file in files} == {
        file: (EXAMPLES / name / file).read_bytes() for file in files
    }
    assert sum(1 for path in folder.rglob("*") if path.is_file()) == len(files)
    assert done.stdout.startswith(f"wrote {len(files)} files into thawpool-{name}:\n  .")
    assert done.stdout.endswith(
        f"\nnow:\n  cd thawpool-{name}\n  " + "\n  ".join(STARTERS[name].commands) + "\n"
    )


def test_a_starter_has_its_hidden_files_and_nothing_that_a_run_has_left(tmp_path: Path) -> None:
    shown = ["app.py", ".gitignore", ".env.example", "api/index.py", "requirements.txt"]
    left = [
        ".env", ".env.local", ".env.production", ".env.development.local", "node_modules/next/package.json",
        ".next/BUILD_ID", "__pycache__/app.pyc", "api/__pycache__/index.pyc", ".venv/pyvenv.cfg",
        ".vercel/project.json", "next-env.d.ts", "tsconfig.tsbuildinfo", "npm-debug.log",
    ]  # fmt: skip
    fill(tmp_path, *shown, *left, text="")
    assert set(map(str, contents(tmp_path))) == set(shown)


def test_the_folder_can_be_named(tmp_path: Path) -> None:
    done = init("fastapi", "my apps/users", cwd=tmp_path)
    assert (tmp_path / "my apps" / "users" / "app.py").exists()
    assert "\n  cd 'my apps/users'\n" in done.stdout


def test_it_can_be_the_current_one(tmp_path: Path) -> None:
    done = init("fastapi", ".", cwd=tmp_path)
    assert (tmp_path / "app.py").exists()
    assert "cd " not in done.stdout


def test_twice_needs_force(tmp_path: Path) -> None:
    init("fastapi", cwd=tmp_path)
    app = tmp_path / "thawpool-fastapi" / "app.py"
    app.write_text("mine")
    again = init("fastapi", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr.startswith("thawpool: .gitignore, README.md, app.py, ")
    assert again.stderr.count("\n") == 1
    assert app.read_text() == "mine"
    assert init("fastapi", "--force", cwd=tmp_path).returncode == 0
    assert app.read_text() == (EXAMPLES / "fastapi" / "app.py").read_text()


@pytest.mark.parametrize(
    "arguments,said",
    [
        ([], "the following arguments are required: STARTER"),
        (["next"], "invalid choice: 'next' (choose from "),
        (["fastapi", ""], "argument DIR: its name is empty"),
        (["fastapi", "a", "b"], "unrecognized arguments: b"),
    ],
)
def test_wrong_usage_is_told_what_is_right(tmp_path: Path, arguments: list[str], said: str) -> None:
    done = init(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: thawpool ")
    assert said in done.stderr
    assert snapshot(tmp_path) == {}


def test_its_help_knows_the_starters(tmp_path: Path) -> None:
    done = init("--help", cwd=tmp_path)
    assert done.returncode == 0
    for name, starter in STARTERS.items():
        assert f"  {name}" in done.stdout
        assert starter.about in done.stdout


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        folder = "/proc/app"  # where root cannot either
    else:
        tmp_path.chmod(0o500)
        folder = str(tmp_path / "app")
    done = init("fastapi", folder, cwd=Path("/"))
    assert done.returncode == 1
    assert done.stderr.startswith(f"thawpool: cannot write into {folder}: ")
    assert done.stderr.count("\n") == 1


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """Stood for by a limit on the size of files, which some are below and some above."""
    with Child(
        """
        import resource
        from thawpool.__main__ import main
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        code = main(["init", "fastapi", sys.argv[1]])
        say(str(code))
        """,
        str(tmp_path / "app"),
    ) as child:
        assert child.hear() == "1"
        assert "cannot write into" in child.finish()
    assert snapshot(tmp_path) == {}


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    with Child(
        """
        import shutil
        from thawpool.__main__ import main
        copy, copied = shutil.copyfile, []
        def slowly(*paths):
            copied.append(copy(*paths))
            if len(copied) == 3:
                say("copying")
                hear()
        shutil.copyfile = slowly
        say(str(main(["init", "fastapi", sys.argv[1]])))
        """,
        str(tmp_path / "app"),
    ) as child:
        assert child.hear() == "copying"
        assert len(list(tmp_path.glob("app/.thawpool-*/new/*"))) == 3
        os.kill(child.process.pid, signal.SIGINT)
        assert child.hear() == "130"
        assert child.finish() == ""
    assert snapshot(tmp_path) == {}


def test_an_installation_without_them_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from thawpool import starters

    monkeypatch.setattr(starters, "HERE", tmp_path / "a" / "b" / "c" / "d")
    with pytest.raises(starters.StarterError, match="lacks the starter fastapi: install it again"):
        find("fastapi")

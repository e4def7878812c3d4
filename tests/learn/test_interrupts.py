"""A check that is ended from outside leaves no process and no file behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.learn.reader import answer
from tests.support.waiting import eventually


def processes_below(folder: Path) -> list[Path]:
    """Processes that were given this folder: on their command line, or in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:  # it has ended meanwhile
            continue
        if str(folder).encode() in told:
            found.append(process)
    return found


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: PostgreSQL's socket lies below it."""
    folder = Path(tempfile.mkdtemp(prefix="learn-", dir="/tmp"))
    folder.chmod(0o755)
    (folder / "tmp").mkdir()
    (folder / "tmp").chmod(0o1777)  # the server's user is another where this runs as root
    yield folder
    shutil.rmtree(folder)


@contextmanager
def checking(folder: Path, text: str) -> Iterator[subprocess.Popen[str]]:
    """A check of this file, in a process group of its own as a shell makes one."""
    file = folder / "users.py"
    file.write_text(text)
    progress = folder / "thawpool" / "learn.json"
    progress.parent.mkdir()
    progress.write_text(json.dumps({"file": str(file), "done": 0, "answers": {}}))
    process = subprocess.Popen(
        [sys.executable, "-m", "thawpool", "learn", "check"],
        env={**os.environ, "XDG_STATE_HOME": str(folder), "TMPDIR": str(folder / "tmp")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_ctrl_c_ends_a_check_and_leaves_nothing(folder: Path) -> None:
    """While PostgreSQL runs, and the reader's file loops."""
    mark = folder / "running"
    code = f"open({str(mark)!r}, 'w').close()\nwhile True: pass\n"
    with checking(folder, code) as process:
        eventually(mark.exists, "the file's own code", within=50)
        assert processes_below(folder)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in out + err
    eventually(lambda: not processes_below(folder), "the end of all processes")
    assert list((folder / "tmp").iterdir()) == []


def test_the_command_starts_and_ends_a_server_of_its_own(folder: Path) -> None:
    with checking(folder, answer("right_query")) as process:
        out, err = process.communicate(timeout=50)
    assert (process.returncode, err) == (0, "")
    assert out.startswith("Starting PostgreSQL with temporary data ...\nStep 1, Create the pool: right.\n")
    assert "1 / 4 steps" in out
    assert processes_below(folder) == []
    assert list((folder / "tmp").iterdir()) == []
    assert not (folder / "__pycache__").exists()

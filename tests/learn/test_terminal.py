"""The lesson in a terminal: a real one for the questions, and any width, colour and encoding for the rest."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "thawpool", "learn"]


class Terminal:
    """A pseudo-terminal with the command in it."""

    def __init__(self, *arguments: str, environment: dict[str, str]) -> None:
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            os.execvpe(COMMAND[0], [*COMMAND, *arguments], environment)
        self.screen = ""

    def types(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def shows(self, text: str, *, within: float = 20.0) -> str:
        """Wait until it shows this, and forget what came before its end. Returns what came until then."""
        deadline = time.monotonic() + within
        while text not in self.screen:
            assert time.monotonic() < deadline, f"{text!r} did not come: {self.screen!r}"
            if not self._read(0.2) and text not in self.screen:
                raise AssertionError(f"it ended without {text!r}: {self.screen!r}")
        before, _, self.screen = self.screen.partition(text)
        return before + text

    def ends(self) -> int:
        """Wait for its end. Returns the exit code."""
        while self._read(20.0):
            pass
        _, status = os.waitpid(self._pid, 0)
        os.close(self._fd)
        self._pid = 0
        return os.waitstatus_to_exitcode(status)

    def _read(self, seconds: float) -> bool:
        """Read what there is; False at its end."""
        if not select.select([self._fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # EIO: nobody has the other side open any more
            return False
        self.screen += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)

    def close(self) -> None:
        if self._pid:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            os.close(self._fd)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    left = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS", "LINES")}
    return {**left, "XDG_STATE_HOME": str(tmp_path), "TERM": "xterm-256color"}


@pytest.fixture
def open_terminals() -> Iterator[list[Terminal]]:
    terminals: list[Terminal] = []
    yield terminals
    for terminal in terminals:
        terminal.close()


@pytest.fixture
def practice(environment: dict[str, str], open_terminals: list[Terminal]) -> Terminal:
    """The practice, at its first question."""
    terminal = Terminal("practice", environment=environment)
    open_terminals.append(terminal)
    terminal.shows("Question 1 of 10")
    terminal.shows("Your answer, a to d (h hint, s solution, q quit): ")
    return terminal


def test_a_dialogue(practice: Terminal) -> None:
    practice.types("x\n")
    practice.shows("Please type one letter")
    practice.types("h\n")
    practice.shows("What does a request have to do")
    practice.types("a\n")
    practice.shows("a is not right.")
    practice.types(" B \n")
    practice.shows("Right: b. (1 / 10 right)")
    practice.shows("Common mistakes")
    practice.shows("Enter for the next question (q quit): ")
    practice.types("\n")
    practice.shows("Question 2 of 10")
    practice.shows("q quit): ")
    practice.types("s\n")
    practice.shows("c is right.")
    practice.shows("Enter for the next question (q quit): ")
    practice.types("q\n")
    practice.shows("Practice: 1 / 10 right.")
    assert practice.ends() == 0


def test_one_question_alone(environment: dict[str, str], open_terminals: list[Terminal]) -> None:
    terminal = Terminal("practice", "6", environment=environment)
    open_terminals.append(terminal)
    terminal.shows("Your answer")
    terminal.types("b\n")
    terminal.shows("Practice: 1 / 10 right.")
    assert terminal.ends() == 0


def test_the_end_of_the_input_ends_it(practice: Terminal) -> None:
    practice.types("\x04")  # Ctrl-D
    practice.shows("Practice: 0 / 10 right.")
    assert practice.ends() == 0


def test_ctrl_c_ends_it_without_a_traceback(practice: Terminal) -> None:
    practice.types("\x03")
    assert practice.ends() == 130
    assert "Traceback" not in practice.screen


def test_colours_are_for_terminals_that_want_them(
    environment: dict[str, str], open_terminals: list[Terminal]
) -> None:
    shown = {}
    for name, more in {"yes": {}, "no": {"NO_COLOR": "1"}, "dumb": {"TERM": "dumb"}}.items():
        terminal = Terminal("hint", "1", environment={**environment, **more})
        open_terminals.append(terminal)
        terminal.ends()
        shown[name] = terminal.screen
    assert "\x1b[36mPool\x1b[0m" in shown["yes"]
    assert "`Pool`" in shown["no"]
    assert "\x1b" not in shown["no"] + shown["dumb"]


def run(*arguments: str, environment: dict[str, str], **more: str) -> str:
    done = subprocess.run(
        [*COMMAND, *arguments],
        env={**environment, **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    return done.stdout.decode("latin-1")


@pytest.mark.parametrize("columns", [20, 60, 80, 300])
def test_text_keeps_within_the_width(columns: int, environment: dict[str, str]) -> None:
    width = min(max(columns, 45), 100)
    shown = run("practice", "8", "--solution", environment=environment, COLUMNS=str(columns))
    long = [line for line in shown.splitlines() if len(line) > width]
    assert long == []
    assert "\x1b" not in shown
    assert max(len(line) for line in shown.splitlines()) > width - 15


def test_code_is_shown_as_it_is(environment: dict[str, str]) -> None:
    shown = run("solution", "4", environment=environment, COLUMNS="40")
    assert '\n        return 500, json.dumps({"error": "Database connection failed"})\n' in re.sub(
        "^    ", "", shown, flags=re.MULTILINE
    )


def test_a_terminal_that_has_few_letters_is_no_error(environment: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "Übung"
    shown = run("start", str(folder), environment=environment, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert "\\xdcbung/users.py" in shown
    assert (folder / "users.py").exists()


def test_a_reader_of_the_first_lines_alone_is_no_error(environment: dict[str, str]) -> None:
    """``thawpool learn practice 4 --solution | head -1``, with a head that has gone before the first line."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*COMMAND, "practice", "4", "--solution"], env=environment, stdout=writing, stderr=subprocess.PIPE
    )
    os.close(writing)
    assert done.returncode == 1
    assert done.stderr == b""

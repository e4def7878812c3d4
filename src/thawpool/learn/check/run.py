"""One ``thawpool learn check``: the server, the steps in their order, and what is said of each."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..lesson import steps
from ..progress import Progress
from ..terminal import Terminal
from .complaints import Complaint
from .server import Server
from .steps import Check

__all__ = ["check"]

#: How much of what the file printed is shown.
_LINES = 10
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def check(file: Path, last: int, progress: Progress, terminal: Terminal) -> int:
    """Check the steps up to ``last``, and keep what was right. Returns the exit code."""
    terminal.line("Starting PostgreSQL with temporary data ...")
    with ExitStack() as ending:
        ending.enter_context(_interruptible())
        server = ending.enter_context(Server())
        ending.callback(_deafen)
        checker = Check(file, server)
        for step in steps()[:last]:
            verdict = checker.step(step.number)
            if verdict.complaint is not None:
                if step.number <= progress.done:
                    terminal.line(f"Step {step.number} was right before, and is not any more.")
                terminal.bad(f"Step {step.number}, {step.title}: not yet.")
                _explain(verdict.complaint, file, checker.printed, terminal)
                return 1
            terminal.good(f"Step {step.number}, {step.title}: right.")
            if step.number > progress.done or last == progress.done:
                terminal.text(verdict.seen)
            if step.number > progress.done:
                progress.done = step.number
                progress.save()
    _go_on(progress, terminal)
    return 0


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a terminal that closes all end the block as KeyboardInterrupt."""
    before = [signal.signal(number, signal.default_int_handler) for number in _ENDINGS]
    try:
        yield
    finally:
        for number, handler in zip(_ENDINGS, before, strict=True):
            signal.signal(number, handler)


def _deafen() -> None:
    """A second Ctrl-C must not interrupt the cleaning up."""
    for number in _ENDINGS:
        signal.signal(number, signal.SIG_IGN)


def _explain(complaint: Complaint, file: Path, printed: str, terminal: Terminal) -> None:
    terminal.line()
    if complaint.place is not None:
        line, function = complaint.place
        within = "" if function in (None, "<module>") else f", in {function}()"
        terminal.line(f"{file}, line {line}{within}:")
        terminal.line()
        terminal.line(f"    {_source(file, line)}")
        terminal.line()
    terminal.text(complaint.did)
    terminal.text(complaint.instead)
    if printed:
        terminal.line("Your file printed:")
        lines = printed.splitlines()
        for line_of_output in lines[:_LINES]:
            terminal.line(f"    {line_of_output[:200]}")
        if len(lines) > _LINES:
            terminal.line(f"    ... and {len(lines) - _LINES} more lines")
        terminal.line()
    terminal.line("Mend it, then: thawpool learn check")


def _source(file: Path, line: int) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").splitlines()[line - 1].strip()
    except (OSError, IndexError):
        return "(the file has changed meanwhile)"


def _go_on(progress: Progress, terminal: Terminal) -> None:
    terminal.title(progress.steps)
    if progress.finished:
        terminal.line("That was the lesson. Go on with: thawpool learn practice")
        return
    step = steps()[progress.done]
    terminal.line(f"Next, step {step.number}: {step.title}.")
    terminal.text(step.goal)
    terminal.line("Why, and what to do: thawpool learn")

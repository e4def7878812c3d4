"""``thawpool learn``: its commands, each of which says what to do next."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from . import practice
from .errors import LearnError
from .lesson import Question, Step, intro, questions, starting_file, steps
from .progress import Progress
from .terminal import Terminal

__all__ = ["main"]

FILE = "users.py"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, rather than the whole usage."""
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(argv: Sequence[str]) -> int:
    """Run it; returns the exit code: 0 done or right, 1 failed or not right, 2 wrong usage, 130 Ctrl-C."""
    options = _parser().parse_args(argv)
    try:
        code: int = options.run(options, Terminal())
    except LearnError as error:
        print(f"thawpool learn: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return 130
    except BrokenPipeError:  # of `thawpool learn | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="thawpool learn",
        description="An API route over a connection pool, in four steps, then ten questions. Without a command: where you "
        "are, and what to do next.",
    )
    parser.set_defaults(run=_status)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)

    def command(
        name: str, run: Callable[[argparse.Namespace, Terminal], int], text: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        added.set_defaults(run=run)
        return added

    start = command(
        "start", _start, f"begin: write {FILE}, the file in which you work; it never overwrites one"
    )
    start.add_argument(
        "folder", nargs="?", default=".", metavar="DIR", help="where to (default: this folder)"
    )
    start.add_argument("--existing", action="store_true", help=f"take the {FILE} that is there already")
    check = command(
        "check", _check, "run what you wrote against a PostgreSQL of its own, and say what it did"
    )
    check.add_argument("--all", action="store_true", help="all steps, not only up to the one that you are at")
    for name, run, text in (
        ("hint", _hint, "a hint for the step that you are at"),
        ("solution", _solution, "the solution of the step that you are at"),
    ):
        added = command(name, run, text)
        added.add_argument(
            "step", nargs="?", type=_number(len(steps())), help="another step than yours, by number"
        )
    ask = command("practice", _practice, "ten questions, from easy to hard")
    ask.add_argument(
        "number", nargs="?", type=_number(len(questions())), metavar="N", help="this question only"
    )
    how = ask.add_mutually_exclusive_group()
    how.add_argument("--answer", choices="abcd", help="answer it, without being asked")
    how.add_argument("--hint", action="store_true", help="its hint")
    how.add_argument("--solution", action="store_true", help="its solution")
    command("reset", _reset, f"forget your progress; your {FILE} stays as it is")
    return parser


def _number(highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= highest):
            raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {highest}")
        return int(text)

    return parse


# -- the steps -----------------------------------------------------------------------------------


def _status(_: argparse.Namespace, terminal: Terminal) -> int:
    progress = Progress.load()
    if progress.file is None:
        terminal.title("thawpool learn: a database pool in four steps, and ten questions")
        terminal.text(intro())
        _commands(terminal, ("start", f"writes {FILE} into this folder"), ("practice", "the ten questions"))
        return 0
    terminal.title(f"{progress.steps}   practice: {progress.practice}")
    terminal.line(f"Your file: {progress.file}")
    terminal.line(f"Progress:  {progress.place()}")
    terminal.line()
    if progress.finished:
        _finished(terminal)
    else:
        _show(steps()[progress.done], terminal)
    return 0


def _start(options: argparse.Namespace, terminal: Terminal) -> int:
    progress = Progress.load()
    file = Path(options.folder).resolve() / FILE
    if progress.file == file and file.exists():
        terminal.line(f"The lesson is under way in {file}; nothing was changed.")
        terminal.line()
        return _status(options, terminal)
    if progress.file is not None and progress.file.exists():
        raise LearnError(
            f"the lesson is under way in {progress.file} ({progress.steps}): go on there, or end it with "
            "`thawpool learn reset`"
        )
    if options.existing:
        if not file.is_file():
            raise LearnError(f"there is no {file}: leave out --existing to have it written")
        terminal.line(f"Your file is {file}, as it is.")
    else:
        _write(file)
        terminal.line(f"Wrote {file}.")
    progress.file, progress.done = file, 0
    progress.save()
    terminal.line(f"Your progress is kept in {progress.place()}.")
    terminal.line()
    _show(steps()[0], terminal)
    return 0


def _write(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(file, "x", encoding="utf-8") as new:
            new.write(starting_file())
    except FileExistsError as error:
        if not file.parent.is_dir():
            raise LearnError(f"{file.parent} is not a folder") from error
        raise LearnError(
            f"{file} exists already and was not touched: name another folder, or work with that file by --existing"
        ) from error
    except OSError as error:
        raise LearnError(f"{file} cannot be written: {error.strerror}") from error


def _check(options: argparse.Namespace, terminal: Terminal) -> int:
    progress = Progress.load()
    file = _file(progress)
    _needs()
    from .check.run import check

    last = len(steps()) if options.all else min(progress.done + 1, len(steps()))
    return check(file, last, progress, terminal)


def _file(progress: Progress) -> Path:
    if progress.file is None:
        raise LearnError("the lesson has not begun: begin with `thawpool learn start`")
    if not progress.file.is_file():
        raise LearnError(
            f"{progress.file} is gone: begin again with `thawpool learn start`, or if you moved it, with "
            "`thawpool learn start --existing` where it is now"
        )
    return progress.file


def _needs() -> None:
    """The check's own parts."""
    missing = importlib.util.find_spec("psycopg") is None
    if not missing:
        from thawpool.testing.postgres import find_postgres

        try:
            find_postgres()
        except FileNotFoundError:
            missing = True
    if missing:
        raise LearnError("the check needs psycopg and a PostgreSQL of its own: pip install 'thawpool[learn]'")


def _hint(options: argparse.Namespace, terminal: Terminal) -> int:
    step = _asked(options.step)
    terminal.text(step.hint, label=f"Hint for step {step.number}: {step.title}")
    return 0


def _solution(options: argparse.Namespace, terminal: Terminal) -> int:
    step = _asked(options.step)
    terminal.text(step.solution, label=f"Solution of step {step.number}: {step.title}")
    return 0


def _asked(number: int | None) -> Step:
    if number is None:
        number = min(Progress.load().done + 1, len(steps()))
    return steps()[number - 1]


def _reset(_: argparse.Namespace, terminal: Terminal) -> int:
    Progress.forget()
    terminal.line(
        f"Your progress is forgotten; your {FILE} is as it was. Begin again with: thawpool learn start"
    )
    return 0


def _show(step: Step, terminal: Terminal) -> None:
    terminal.title(f"Step {step.number} of {len(steps())}: {step.title}")
    terminal.text(step.goal, label="Goal")
    terminal.text(step.why, label="Why")
    _commands(
        terminal,
        ("check", f"when you have changed {FILE}: runs it, and says what it did"),
        ("hint", "if you are stuck; then there is also solution"),
    )


def _finished(terminal: Terminal) -> None:
    terminal.text(
        "All four steps are right. You have a route over one pool that holds 5 connections at most, gives back what it takes, "
        "says kindly that the database is away, and recovers by itself."
    )
    _commands(
        terminal, ("practice", "ten questions about it"), ("reset", "forgets your progress, to begin anew")
    )


def _commands(terminal: Terminal, *commands: tuple[str, str]) -> None:
    for name, text in commands:
        terminal.line(f"  thawpool learn {name:<10}{text}")


# -- the practice --------------------------------------------------------------------------------


def _practice(options: argparse.Namespace, terminal: Terminal) -> int:
    progress = Progress.load()
    question = questions()[options.number - 1] if options.number else practice.next_question(progress)
    if question is None:
        terminal.line(f"{progress.practice}: all of them. Any one again: thawpool learn practice N")
        return 0
    if options.answer:
        return _answer(question, options.answer, progress, terminal)
    if options.hint:
        practice.show_hint(question, terminal)
    elif options.solution:
        practice.show_solution(question, terminal)
    elif sys.stdin.isatty():
        _ask(question, progress, terminal, only=options.number is not None)
    else:
        practice.show(question, terminal)
        terminal.line(f"Answer with: thawpool learn practice {question.number} --answer a (or b, c, d)")
        terminal.line(f"Hint:        thawpool learn practice {question.number} --hint")
    return 0


def _answer(question: Question, letter: str, progress: Progress, terminal: Terminal) -> int:
    if practice.answer(question, letter, progress, terminal):
        return 0
    terminal.line(f"Try again; for a hint: thawpool learn practice {question.number} --hint")
    return 1


def _ask(first: Question, progress: Progress, terminal: Terminal, *, only: bool) -> None:
    """One question, or one after another until the reader has enough."""
    question: Question | None = first
    while question is not None and practice.ask(question, progress, terminal) and not only:
        question = practice.next_question(progress, question.number)
        if question is None or not practice.more():
            break
    terminal.line(f"Practice: {progress.practice}.")

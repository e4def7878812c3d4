"""The ten questions in the terminal: asked and answered, or shown and answered by an option."""

from __future__ import annotations

import sys

from .lesson import Question, questions
from .progress import Progress
from .terminal import Terminal

__all__ = ["answer", "ask", "next_question", "show", "show_hint", "show_solution"]

_PROMPT = "Your answer, a to d (h hint, s solution, q quit): "


def next_question(progress: Progress, after: int = 0) -> Question | None:
    """The first one from there on that was not answered right, beginning again from the first; None if all were."""
    in_turn = [*questions()[after:], *questions()[:after]]
    return next((each for each in in_turn if progress.answers.get(each.number) != each.answer), None)


def show(question: Question, terminal: Terminal) -> None:
    """The question and its choices."""
    count = len(questions())
    terminal.title(f"Question {question.number} of {count}: {question.title} ({question.level})")
    terminal.text(question.text)
    for letter, text in question.choices.items():
        if text.startswith("```"):
            terminal.line(f"{letter})")
            terminal.text(text)
        else:
            terminal.text(f"{letter}) {text}")


def show_hint(question: Question, terminal: Terminal) -> None:
    terminal.text(question.hint, label="Hint")


def show_solution(question: Question, terminal: Terminal) -> None:
    """Step by step, with how to check it and what goes wrong most often."""
    terminal.text(f"{question.answer} is right.\n\n{question.solution}", label="Solution")
    terminal.text(question.quick_check, label="Quick check")
    terminal.text(question.mistakes, label="Common mistakes")


def answer(question: Question, letter: str, progress: Progress, terminal: Terminal) -> bool:
    """Judge an answer and keep it. Returns whether it is right."""
    progress.answers[question.number] = letter
    progress.save()
    if letter != question.answer:
        terminal.bad(f"{letter} is not right.")
        return False
    terminal.good(f"Right: {letter}. ({progress.practice})")
    terminal.line()
    show_solution(question, terminal)
    return True


def ask(question: Question, progress: Progress, terminal: Terminal) -> bool:
    """Ask until the answer is right or its solution was shown. Returns whether the reader wants to go on."""
    show(question, terminal)
    while True:
        said = _hear(_PROMPT)
        if said is None or said in ("q", "quit"):
            return False
        if said in ("h", "hint"):
            show_hint(question, terminal)
        elif said in ("s", "solution"):
            show_solution(question, terminal)
            return True
        elif said not in question.choices:
            terminal.line("Please type one letter: a, b, c or d; h, s or q.")
        elif answer(question, said, progress, terminal):
            return True
        else:
            terminal.line("Try again, or ask for a hint with h.")


def more() -> bool:
    """Whether the reader wants another one."""
    said = _hear("Enter for the next question (q quit): ")
    return said is not None and said not in ("q", "quit")


def _hear(prompt: str) -> str | None:
    """A line, in small letters; None at the end of the input."""
    print(prompt, end="", flush=True)
    line = sys.stdin.readline()
    if not line:
        print()
        return None
    return line.strip().lower()

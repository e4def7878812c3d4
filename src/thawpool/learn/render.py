"""The lesson as a page of the docs: ``python -m thawpool.learn.render > docs/lesson.md``."""

from __future__ import annotations

import sys

from .lesson import Question, Step, intro, practice_intro, questions, starting_file, steps

__all__ = ["page"]


def page() -> str:
    """The whole lesson as Markdown. What the terminal tells on request is folded."""
    parts = [
        "# The lesson",
        "The same text as in the terminal, where your answers are run and checked:",
        "```console\n$ pip install 'thawpool[learn]'\n$ thawpool learn start\n$ thawpool learn check\n```",
        intro(),
        f"It begins with this file:\n\n```python\n{starting_file()}```",
    ]
    parts += [part for step in steps() for part in _step(step)]
    parts += ["## Practice", practice_intro(), "```console\n$ thawpool learn practice\n```"]
    parts += [part for question in questions() for part in _question(question)]
    return "\n\n".join(parts) + "\n"


def _step(step: Step) -> list[str]:
    return [
        f"## Step {step.number}: {step.title}",
        f"**Goal.** {step.goal}",
        f"**Why.** {step.why}",
        _folded("Hint", step.hint),
        _folded("Solution", step.solution),
    ]


def _question(question: Question) -> list[str]:
    choices = [
        f"**{letter})**\n\n{text}" if text.startswith("```") else f"**{letter})** {text}"
        for letter, text in question.choices.items()
    ]
    answer = [
        f"**{question.answer}) is right.**",
        question.solution,
        f"**Quick check.** {question.quick_check}",
        f"**Common mistakes.**\n\n{question.mistakes}",
    ]
    return [
        f"### {question.number}. {question.title} ({question.level})",
        question.text,
        *choices,
        _folded("Hint", question.hint),
        _folded("Solution", "\n\n".join(answer)),
    ]


def _folded(title: str, text: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{text}\n\n</details>"


if __name__ == "__main__":
    sys.stdout.write(page())

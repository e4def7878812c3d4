"""The lesson's texts: complete, plain, and the same in the docs."""

from __future__ import annotations

from pathlib import Path

import pytest

from thawpool.learn import lesson
from thawpool.learn.check.server import Server
from thawpool.learn.check.steps import Check
from thawpool.learn.lesson import Question, Step, code, questions, steps
from thawpool.learn.render import page

DOCS = Path(__file__).parents[2] / "docs" / "lesson.md"


def test_the_docs_hold_the_same_text() -> None:
    assert DOCS.read_text(encoding="utf-8") == page(), (
        "run: .venv/bin/python -m thawpool.learn.render > docs/lesson.md"
    )


def test_every_text_can_be_shown_by_every_terminal() -> None:
    assert page().isascii()
    assert "\t" not in page()


@pytest.mark.parametrize("step", steps(), ids=lambda step: str(step.number))
def test_a_step_says_all_that_it_should(step: Step) -> None:
    assert all(step)
    assert code(step.solution)


@pytest.mark.parametrize("question", questions(), ids=lambda question: str(question.number))
def test_a_question_says_all_that_it_should(question: Question) -> None:
    assert all(question)
    assert question.answer in question.choices
    assert len(set(question.choices.values())) == len(question.choices) == 4
    assert question.solution.startswith("1. "), "step by step"
    assert question.mistakes.startswith("- ")


def test_the_questions_go_from_easy_to_hard_and_each_letter_is_right_now_and_then() -> None:
    levels = [question.level for question in questions()]
    assert levels == sorted(levels, key=["easy", "medium", "hard"].index)
    assert {question.answer for question in questions()} == set("abcd")


def test_the_starting_file_has_every_step_to_do(lesson_server: Server, tmp_path: Path) -> None:
    file = tmp_path / "users.py"
    file.write_text(lesson.starting_file())
    complaint = Check(file, lesson_server).step(1).complaint
    assert complaint is not None
    assert complaint.did == "Importing the file made no pool."
    file.write_text(lesson.starting_file() + "".join(code(steps()[0].solution)))
    assert Check(file, lesson_server).step(1).complaint is None
    for step, name in ((3, "get_users"), (4, "handler")):
        complaint = Check(file, lesson_server).step(step).complaint
        assert complaint is not None
        assert complaint.did == f"{name}() is not written yet."


def test_the_solutions_together_are_right(lesson_server: Server, tmp_path: Path) -> None:
    file = tmp_path / "users.py"
    first, *others = ("".join(code(step.solution)) for step in steps())
    file.write_text(first)
    assert Check(file, lesson_server).step(1).complaint is None
    file.write_text("".join(others))  # step 2 says what step 1 says, and more
    check = Check(file, lesson_server)
    assert [check.step(step.number).complaint for step in steps()] == [None] * 4

"""The commands of ``thawpool learn``: what they print, keep and refuse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.learn.reader import Reader, answer

from thawpool.learn.lesson import Step, questions, starting_file, steps

WRONG_USAGE = {
    ("walk",): "invalid choice: 'walk'",
    ("--fast",): "unrecognized arguments: --fast",
    ("start", "a", "b"): "unrecognized arguments: b",
    ("check", "1"): "unrecognized arguments: 1",
    ("hint", "5"): "'5' is no number from 1 to 4",
    ("hint", "0"): "'0' is no number from 1 to 4",
    ("solution", "two"): "'two' is no number from 1 to 4",
    ("practice", "11"): "'11' is no number from 1 to 10",
    ("practice", "-1"): "-1",
    ("practice", "٣"): "is no number from 1 to 10",
    ("practice", "1", "--answer", "e"): "invalid choice: 'e'",
    ("practice", "1", "--answer"): "expected one argument",
    ("practice", "1", "--hint", "--solution"): "not allowed with argument",
    ("reset", "all"): "unrecognized arguments: all",
}


@pytest.mark.parametrize("arguments", WRONG_USAGE, ids=" ".join)
def test_wrong_usage_is_one_line_that_says_what_and_where_to_look(
    arguments: tuple[str, ...], reader: Reader
) -> None:
    said = reader.types(*arguments)
    assert said.code == 2
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert WRONG_USAGE[arguments] in said.err
    assert "--help)" in said.err


@pytest.mark.parametrize("command", ["", "start", "check", "hint", "solution", "practice", "reset"])
def test_every_command_has_help(command: str, reader: Reader) -> None:
    said = reader.types(*command.split(), "--help")
    assert said.code == 0
    assert said.out.startswith(f"usage: thawpool learn {command}".rstrip())


def test_before_the_lesson_it_says_what_it_is_and_how_to_begin(reader: Reader) -> None:
    said = reader.types()
    assert said.code == 0
    assert "in four steps" in said.out
    assert "thawpool learn start" in said.out
    assert not reader.progress.exists()


def test_start_writes_the_file_and_shows_the_first_step(reader: Reader) -> None:
    said = reader.types("start")
    assert said.code == 0
    assert reader.file.read_text() == starting_file()
    assert f"Wrote {reader.file}." in said.out
    assert f"kept in {reader.progress}" in said.out
    assert "Step 1 of 4: Create the pool" in said.out


def test_start_makes_the_folder_that_it_is_told(reader: Reader) -> None:
    assert reader.types("start", "a/b").code == 0
    assert (reader.folder / "a" / "b" / "users.py").read_text() == starting_file()


def test_start_overwrites_nothing(reader: Reader) -> None:
    reader.file.write_text("mine")
    said = reader.types("start")
    assert said.code == 1
    assert f"{reader.file} exists already and was not touched" in said.err
    assert reader.file.read_text() == "mine"
    assert not reader.progress.exists()


def test_start_takes_an_existing_file_if_told_so(reader: Reader) -> None:
    assert "leave out --existing" in reader.types("start", "--existing").err
    reader.file.write_text("mine")
    assert reader.types("start", "--existing").code == 0
    assert reader.file.read_text() == "mine"
    assert f"Your file: {reader.file}" in reader.types().out


def test_start_again_changes_nothing(reader: Reader) -> None:
    reader.types("start")
    reader.file.write_text("mine")
    said = reader.types("start")
    assert said.code == 0
    assert "nothing was changed" in said.out
    assert reader.file.read_text() == "mine"


def test_start_elsewhere_does_not_lose_what_was_done(reader: Reader) -> None:
    reader.types("start")
    said = reader.types("start", "elsewhere")
    assert said.code == 1
    assert "thawpool learn reset" in said.err
    assert not (reader.folder / "elsewhere").exists()
    reader.file.unlink()  # whoever throws the file away has ended the lesson
    assert reader.types("start", "elsewhere").code == 0


def test_start_in_what_is_no_folder(reader: Reader) -> None:
    (reader.folder / "file").write_text("")
    for place in ("file", "file/below"):
        said = reader.types("start", place)
        assert said.code == 1
        assert said.err.count("\n") == 1
        assert "is not a folder" in said.err or "cannot be written" in said.err


def test_check_before_there_is_anything_to_check(reader: Reader) -> None:
    assert "begin with `thawpool learn start`" in reader.types("check").err
    reader.types("start")
    reader.file.unlink()
    said = reader.types("check")
    assert said.code == 1
    assert f"{reader.file} is gone" in said.err


@pytest.mark.usefixtures("served")
def test_check_shows_the_line_and_keeps_what_was_right(reader: Reader) -> None:
    reader.types("start")
    reader.file.write_text(answer("connect_per_query") + "\nprint('hello, check')\n")
    said = reader.types("check", "--all")
    assert said.code == 1
    assert "Step 1, Create the pool: right.\n20 queries at once held 5 connections" in said.out
    assert "Step 2, Its connection string: right." in said.out
    assert "Step 3, The query function: not yet." in said.out
    assert f"{reader.file}, line 18, in get_users():\n\n    with psycopg.connect(" in said.out
    assert "6 calls of get_users() opened 6 connections at the server; one would have done." in said.out
    assert "Your file printed:\n    hello, check\n" in said.out
    assert "2 / 4 steps" in reader.types().out
    assert "Step 3 of 4" in reader.types("start").out
    # From here on a check looks at the earlier steps too, and takes nothing back.
    reader.file.write_text(answer("two_pools"))
    said = reader.types("check")
    assert said.code == 1
    assert "Step 1 was right before, and is not any more." in said.out
    assert "2 / 4 steps" in reader.types().out


@pytest.mark.usefixtures("served")
def test_check_goes_step_by_step_to_the_end(reader: Reader) -> None:
    reader.types("start")
    reader.file.write_text(answer("right_query"))
    reader.progress.write_text(json.dumps({"file": str(reader.file), "done": 2, "answers": {}}))
    said = reader.types("check")
    assert said.code == 0
    assert "3 / 4 steps" in said.out
    assert "Next, step 4: The route." in said.out
    said = reader.types("check")
    assert said.code == 0
    assert "4 / 4 steps" in said.out
    assert "thawpool learn practice" in said.out
    assert "All four steps are right." in reader.types().out


def test_without_its_parts_the_check_names_the_command_that_installs_them(reader: Reader) -> None:
    """In a process that cannot import psycopg: the rest of the lesson works all the same."""
    reader.types("start")
    code = (
        "import sys; sys.path[:] = [path for path in sys.path if 'site-packages' not in path]; "
        f"sys.path.append({str(Path(__file__).parents[2] / 'src')!r}); "
        "from thawpool.__main__ import main; sys.exit(main(['learn', *sys.argv[1:]]))"
    )
    command = [sys.executable, "-I", "-c", code]
    done = subprocess.run([*command, "check"], capture_output=True, text=True, env=dict(os.environ))
    assert done.returncode == 1
    assert done.stderr == (
        "thawpool learn: the check needs psycopg and a PostgreSQL of its own: pip install 'thawpool[learn]'\n"
    )
    done = subprocess.run(
        [*command, "practice", "2"], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0
    assert "Question 2 of 10" in done.stdout


@pytest.mark.parametrize("step", steps(), ids=lambda step: str(step.number))
def test_hint_and_solution_are_those_of_the_step(step: Step, reader: Reader) -> None:
    number = step.number - 1
    reader.types("start")
    reader.progress.write_text(json.dumps({"file": str(reader.file), "done": number, "answers": {}}))
    for command in ("hint", "solution"):
        said = reader.types(command)
        assert said.code == 0
        assert f"step {number + 1}: {steps()[number].title}" in said.out
        assert reader.types(command, str(number + 1)) == said


@pytest.mark.parametrize(
    "kept",
    [
        "",
        "{",
        "[]",
        "{}",
        "null",
        '{"file": 5, "done": 0, "answers": {}}',
        '{"file": null, "done": 9, "answers": {}}',
        '{"file": null, "done": true, "answers": {}}',
        '{"file": null, "done": "1", "answers": {}}',
        '{"file": null, "done": 0, "answers": []}',
        '{"file": null, "done": 0, "answers": {"99": "a"}}',
        '{"file": null, "done": 0, "answers": {"1": 7}}',
        "\udcff",
    ],
)
def test_damaged_progress_is_told_in_a_sentence(kept: str, reader: Reader) -> None:
    reader.types("start")
    reader.progress.write_text(kept, encoding="utf-8", errors="surrogateescape")
    for command in ("", "start", "check", "hint", "practice"):
        said = reader.types(*command.split())
        assert said.code == 1
        assert said.err == (
            f"thawpool learn: your progress, {reader.progress}, is damaged: begin anew with "
            "`thawpool learn reset` (your users.py stays)\n"
        )
    assert reader.types("reset").code == 0
    assert reader.file.exists()
    assert reader.types().code == 0


def test_progress_that_cannot_be_kept(reader: Reader) -> None:
    reader.progress.parent.parent.write_text("no folder")
    said = reader.types("practice", "1", "--answer", "b")
    assert said.code == 1
    assert "your progress" in said.err
    assert said.err.count("\n") == 1


def test_reset_forgets_the_progress_alone(reader: Reader) -> None:
    reader.types("start")
    reader.types("practice", "1", "--answer", "b")
    assert reader.types("reset").code == 0
    assert not reader.progress.exists()
    assert reader.file.read_text() == starting_file()
    assert reader.types("reset").code == 0, "also when there is nothing to forget"


# -- the practice, without a keyboard ----------------------------------------------------------------


def test_the_practice_shows_the_next_question_and_how_to_answer_it(reader: Reader) -> None:
    said = reader.types("practice")
    assert said.code == 0
    assert "Question 1 of 10: The main benefit (easy)" in said.out
    assert all(f"\n{letter}) " in said.out for letter in "abcd")
    assert "thawpool learn practice 1 --answer a" in said.out


def test_answers_are_judged_and_kept(reader: Reader) -> None:
    said = reader.types("practice", "4", "--answer", "c")
    assert said.code == 1
    assert "c is not right." in said.out
    assert "practice 4 --hint" in said.out
    assert "Solution" not in said.out
    said = reader.types("practice", "4", "--answer", "a")
    assert said.code == 0
    assert "Right: a. (1 / 10 right)" in said.out
    assert all(title in said.out for title in ("Solution", "Quick check", "Common mistakes"))
    assert "practice: 1 / 10 right" in reader.types("start").out + reader.types().out


def test_all_ten_in_their_order(reader: Reader) -> None:
    for number, question in enumerate(questions(), 1):
        assert f"Question {number} of 10" in reader.types("practice").out
        assert reader.types("practice", "--answer", question.answer).code == 0
    assert reader.types("practice").out.startswith("10 / 10 right")
    assert "Question 7 of 10" in reader.types("practice", "7").out


def test_hint_and_solution_of_a_question(reader: Reader) -> None:
    assert reader.types("practice", "9", "--hint").out.startswith("Hint\nHow long does the caller wait")
    said = reader.types("practice", "9", "--solution")
    assert said.out.startswith("Solution\nb is right.")
    assert not reader.progress.exists()

"""``python -m bench``: measure thawpool and its peers side by side, and write bench/results/."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from .machine import describe
from .questions import QUESTIONS
from .record import RESULTS
from .render import README, render
from .run import ROUNDS, estimate, run
from .sampling import Question
from .stage import Stage


def main(arguments: list[str] | None = None) -> int:
    asked = _parser().parse_args(arguments)
    questions = [question for question in QUESTIONS if not asked.only or question.NAME in asked.only]
    if asked.list:
        for question in questions:
            minutes = estimate([question], asked.rounds) / 60
            print(f"{question.NAME:12} {_sentence(question)} (about {minutes:.0f} min)")
        return 0
    readme = README if asked.results == RESULTS else None
    if asked.render:
        render(QUESTIONS, asked.results, readme)
        return 0
    return _measure(asked, questions, readme)


def _measure(asked: argparse.Namespace, questions: list[Question], readme: Path | None) -> int:
    from tqdm import tqdm

    seconds = estimate(questions, asked.rounds)
    print(
        f"about {seconds / 60:.0f} minutes; Ctrl-C ends it and keeps what was measured. Leave the machine alone."
    )
    about = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "postgresql": Stage.postgres_version(), **describe()}
    form = "{desc:<58.58} {percentage:3.0f}% |{bar}| {elapsed} of about {remaining} more"
    interval = 0.1 if sys.stderr.isatty() else 30
    code = 0
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or each cold start would compile what was edited last
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that nothing is left behind then either
    with tqdm(total=seconds, bar_format=form, mininterval=interval, maxinterval=interval) as progress:
        try:
            run(
                questions,
                rounds=asked.rounds,
                folder=asked.results,
                about=about,
                progress=progress,
                seed=asked.seed,
            )
        except KeyboardInterrupt:
            code = 130
    render(QUESTIONS, asked.results, readme)
    print(f"{'interrupted; ' if code else ''}see {asked.results / 'README.md'}")
    return code


def _sentence(question: Question) -> str:
    return (question.__doc__ or "").strip().splitlines()[0]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").partition(": ")[2])
    parser.add_argument(
        "--only", metavar="NAMES", type=_names, help="questions to ask, with commas between them"
    )
    parser.add_argument(
        "--rounds", metavar="N", type=_rounds, default=ROUNDS, help=f"how often (default {ROUNDS})"
    )
    parser.add_argument("--results", metavar="DIR", type=Path, default=RESULTS, help="where to write")
    parser.add_argument("--seed", type=int, help="of the order in which samples are taken")
    parser.add_argument("--list", action="store_true", help="name the questions and what they take")
    parser.add_argument("--render", action="store_true", help="measure nothing: write the pages anew")
    return parser


def _names(text: str) -> set[str]:
    known = [question.NAME for question in QUESTIONS]
    names = {name.strip() for name in text.split(",") if name.strip()}
    if unknown := sorted(names - set(known)):
        raise argparse.ArgumentTypeError(f"no question {', '.join(unknown)}; there are {', '.join(known)}")
    return names


def _rounds(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())

"""``docs/errors.md`` as the tests read it: each row says what an error must be, and a test provokes it."""

from __future__ import annotations

import re
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from thawpool import AsyncPool
from thawpool.integrations.http import answer

__all__ = ["CANARY", "ROWS", "Row", "assert_sound", "chain", "refused"]

#: A password that must never be seen anywhere. In pieces, so that no traceback shows it as a line of source.
CANARY = "-".join(("canary", "5e", "cret"))
DOCUMENT = Path(__file__).parents[2] / "docs" / "errors.md"
#: How the table writes an error of which thawpool is not the author.
FOREIGN = ("the driver's own", "the hook's own")


class Row(NamedTuple):
    """One row of the table."""

    error: str
    words: tuple[str, ...]
    status: int


def _rows() -> Iterator[tuple[str, Row]]:
    for line in DOCUMENT.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if len(cells) == 4 and cells[3].strip().isdigit():
            words = tuple(re.findall(r"`([^`]+)`", cells[2]))
            yield cells[0], Row(cells[1].strip("`"), words, int(cells[3]))


ROWS = dict(_rows())


def status(error: BaseException) -> int:
    """What an error becomes over HTTP; the framework's own 500 if it is not the pool's to answer."""
    said = answer(error)
    return 500 if said is None else said.status


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all that stand behind it."""
    seen: list[BaseException] = []
    ahead: list[BaseException | None] = [error]
    while ahead:
        one = ahead.pop()
        if one is not None and all(one is not other for other in seen):
            seen.append(one)
            ahead += [one.__cause__, one.__context__]
            yield one


def said(error: BaseException) -> str:
    """The message, with the notes that a traceback shows below it."""
    return " ".join("\n".join((str(error), *getattr(error, "__notes__", ()))).split())


@contextmanager
def refused(what: str, *, within: float = 5.0) -> Iterator[None]:
    """Expect the error of the row ``what``, within so many seconds."""
    row, since = ROWS[what], time.monotonic()
    with pytest.raises(Exception) as caught:  # noqa: PT011  the row says which
        yield
    took, error = time.monotonic() - since, caught.value
    text = said(error)
    if row.error in FOREIGN:
        assert not type(error).__module__.startswith("thawpool"), repr(error)
    else:
        assert type(error).__name__ == row.error, repr(error)
    at = 0
    for word in row.words:
        assert word in text[at:], f"{word!r} is not, or not in this order, in {text!r}"
        at = text.index(word, at) + len(word)
    assert status(error) == row.status
    assert took < within, f"it took {took:.2f} s"
    assert not any(CANARY in repr(vars(one)) + repr(one) + said(one) for one in chain(error))
    assert CANARY not in "".join(traceback.format_exception(error))


def assert_sound(pool: AsyncPool) -> None:
    """No slot is lost, nobody waits, nothing is half open, and no secret is shown."""
    stats = pool.stats()
    assert (stats.used, stats.opening, stats.waiting) == (0, 0, 0), stats
    assert stats.total == stats.idle + stats.suspect, stats
    assert CANARY not in repr(pool) + repr(stats)

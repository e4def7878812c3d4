"""What errors say of themselves, whichever driver raised them, and what they must never hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["SECRET", "assert_discreet", "chain", "code"]

#: A password that must not be seen anywhere. In pieces, so that no line of source shows it.
SECRET = "-".join(("canary", "5e", "cret"))
NAMES = ("errno", "sqlstate", "pgcode")
TESTS = Path(__file__).parents[2]


def code(error: BaseException) -> Any:
    """The server's name for an error: an SQLSTATE or MySQL's number."""
    first = error.args[0] if error.args else None
    if isinstance(first, dict):
        return first.get("C")
    known = (first if isinstance(first, int) else None, *(getattr(error, name, None) for name in NAMES))
    return next((found for found in known if found is not None), None)


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


def assert_discreet(error: BaseException) -> None:
    """Assert that neither the error, nor what a reporter of errors would print of its frames, shows the secret."""
    for one in chain(error):
        told = " ".join((str(one), repr(one), repr(vars(one)), *getattr(one, "__notes__", ())))
        assert SECRET not in told, told
        traceback = one.__traceback__
        while traceback is not None:
            frame = traceback.tb_frame
            if TESTS not in Path(frame.f_code.co_filename).parents:
                for name, value in frame.f_locals.items():
                    assert SECRET not in repr(value), f"{name} in {frame.f_code.co_qualname}"
            traceback = traceback.tb_next

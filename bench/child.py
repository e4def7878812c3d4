"""A fresh process for one sample: ``python -m bench.child MODULE:FUNCTION TASK``.

``TASK`` is JSON and so is the answer, the last line of the output.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import logging
import sys
import warnings
from collections.abc import Coroutine
from typing import Any

from .contenders import EVERY, Address, Contender

__all__ = ["contender", "run_in"]


def contender(task: dict[str, Any]) -> Any:
    """The contender that a task names, made but not opened."""
    made: Contender = EVERY[task["contender"]](Address(*task["address"]), task["setting"])
    return made


def run_in(loop: str, work: Coroutine[Any, Any, Any]) -> Any:
    """Run ``work`` in an event loop of the kind named: asyncio or uvloop."""
    if loop == "uvloop":
        import uvloop

        return uvloop.run(work)
    return asyncio.run(work)


def main(function: str, task: str) -> None:
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    module, name = function.split(":")
    try:
        parameters = json.loads(task)
        answer = getattr(importlib.import_module(module), name)(parameters)
        if inspect.iscoroutine(answer):
            answer = run_in(parameters.get("loop", "asyncio"), answer)
    except Exception as error:
        text = str(error).splitlines()
        answer = {"error": f"{type(error).__name__}: {text[0] if text else ''}"}
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

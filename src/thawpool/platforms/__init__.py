"""Where this process runs, told by the environment variables that each platform sets.

A platform gives facts and signals; what to make of them is the pool's affair. Each is one file. It is read
when a pool is first used, not at import: Azure's worker, for one, replaces the environment after the interpreter
has started.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Final

from .base import Platform
from .local import LOCAL

__all__ = ["LOCAL", "Platform", "detect"]

#: Each platform's module, and the variables of which it sets at least one. Vercel comes first: some of its
#: functions run on Lambda and show Lambda's variables too.
MARKS: Final = (
    ("vercel", ("VERCEL",)),
    ("aws_lambda", ("AWS_LAMBDA_FUNCTION_NAME",)),
    ("google", ("K_SERVICE", "FUNCTION_TARGET")),
    ("azure", ("FUNCTIONS_WORKER_RUNTIME",)),
)


def detect(environ: Mapping[str, str]) -> Platform:
    """Tell the platform from ``environ``; ``LOCAL`` where none of its marks is set."""
    for module, variables in MARKS:
        if any(environ.get(variable) for variable in variables):
            platform: Platform = import_module(f".{module}", __name__).platform(environ)
            return platform
    return LOCAL

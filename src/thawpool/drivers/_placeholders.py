"""One way to write parameters, for every driver: ``%s`` or ``%(name)s``, and ``%%`` for a percent sign.

Servers know only ``$1``, ``$2``: ``compile_placeholders`` rewrites a text once and keeps the result. The
rule holds where parameters are given, an empty sequence included; a text without is sent untouched.

* ``%s`` and ``%(name)s`` are placeholders, except inside of quotes, dollar quotes and comments.
* ``%%`` is a percent sign, everywhere.
* Any other ``%`` is itself inside of quotes and comments, and an error elsewhere.

So a statement that works with psycopg works here and means the same. What psycopg refuses or mangles, a
lone ``%`` as in ``LIKE 'a%'`` or a ``'%s'`` in quotes, means what it looks like.

A text with none of these placeholders may use the server's own ``$1``; it is then sent untouched, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Final, final

from ..errors import ParamsError
from ._postgresql.text import Kind, Token, tokens

__all__ = ["CACHE_SIZE", "LONGEST", "MOST", "Compiled", "compile_placeholders"]

#: How many texts are kept; the least recently used goes first.
CACHE_SIZE: Final = 512
#: The longest text that is kept, in characters. Longer ones are bulk inserts, hardly sent twice alike,
#: and would crowd the memory of an instance.
LONGEST: Final = 16_384
#: PostgreSQL's protocol counts parameters in 16 bits.
MOST: Final = 65_535

#: Compiled when first asked for, as not every cold start needs it.
_PERCENT: Final = r"%(?:%|s|\(([^()]+)\)s|.?)"
_BARE: Final = (str, bytes, bytearray, memoryview)
# The common types first: to ask an abstract class costs ten times as much.
_SEQUENCES: Final = (tuple, list, Sequence)
_MAPPINGS: Final = (dict, Mapping)


@final
class Compiled:
    """A text as the server takes it, and the way from ``params`` to its arguments.

    Attributes:
        text: the statement, with ``$1`` to ``$n``.
        count: n.
        names: for ``%(name)s``, the names in the order of ``$1`` to ``$n``; otherwise None.
        native: whether the text was written with ``$1`` and is sent as it came.
    """

    __slots__ = ("count", "names", "native", "text")

    def __init__(
        self, text: str, count: int, names: tuple[str, ...] | None = None, *, native: bool = False
    ) -> None:
        self.text = text
        self.count = count
        self.names = names
        self.native = native

    def arrange(self, params: Sequence[object] | Mapping[str, object]) -> tuple[object, ...]:
        """The arguments for ``$1`` to ``$n``. A mapping may hold more names than the text asks for.

        Raises:
            ParamsError: ``params`` does not fit. No value is shown.
        """
        names = self.names
        if names is None:
            if isinstance(params, _SEQUENCES) and not isinstance(params, _BARE) and len(params) == self.count:
                return tuple(params)
            if not self.count and isinstance(params, Mapping):
                return ()
        elif isinstance(params, _MAPPINGS):
            try:
                return tuple([params[name] for name in names])
            except KeyError:
                pass
        raise ParamsError(_misfit(self, params))


def compile_placeholders(sql: str) -> Compiled:
    """Rewrite ``sql`` for a driver that takes ``$1``.

    Raises:
        ParamsError: a stray ``%``, two styles in one text, or more placeholders than a statement can have.
    """
    return _kept(sql) if len(sql) <= LONGEST else _compile(sql)


def _compile(sql: str) -> Compiled:
    rewriting = _Rewriting()
    text = "".join([rewriting.piece(quoted, list(run)) for quoted, run in groupby(tokens(sql), _is_quoted)])
    if 0 < rewriting.native <= MOST and not rewriting.count:
        return Compiled(sql, rewriting.native, native=True)
    if rewriting.error:
        raise ParamsError(rewriting.error)
    return Compiled(text, rewriting.count, tuple(rewriting.names) or None)


_kept: Final = lru_cache(CACHE_SIZE)(_compile)


def _is_quoted(token: Token) -> bool:
    return token[0] in (Kind.STRING, Kind.QUOTED, Kind.COMMENT, Kind.BROKEN)


@final
class _Rewriting:
    """One text on its way, and what was met in it."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        self.positional = 0
        self.native = 0  # the highest $n
        self.at = 0
        self.stray = ""

    @property
    def count(self) -> int:
        return self.positional + len(self.names)

    @property
    def error(self) -> str:
        """Why the text cannot be sent with parameters, if so."""
        if self.stray:
            return self.stray
        if bool(self.positional) + bool(self.names) + bool(self.native) > 1:
            return "the statement mixes placeholders: use only one of %s, %(name)s and $1"
        if max(self.count, self.native) > MOST:
            return (
                f"the statement has more than {MOST} placeholders, which no server takes: pass a list as "
                "one parameter, as in = ANY(%s), or send fewer rows at a time"
            )
        return ""

    def piece(self, quoted: bool, run: list[Token]) -> str:
        """What becomes of neighbouring tokens, all of them quoted or none."""
        piece = "".join([text for _, text in run])
        if quoted:
            changed = piece.replace("%%", "%")
        else:
            numbers = [int(text[1:10]) for kind, text in run if kind is Kind.PARAM]
            self.native = max(self.native, *numbers, 0)
            changed = re.sub(_PERCENT, self.mark, piece, flags=re.DOTALL) if "%" in piece else piece
        self.at += len(piece)
        return changed

    def mark(self, match: re.Match[str]) -> str:
        """What becomes of a percent sign in code."""
        mark, name = match[0], match[1]
        if mark == "%%":
            return "%"
        if name is not None:
            number = self.names.setdefault(name, len(self.names) + 1)
        elif mark == "%s":
            self.positional += 1
            number = self.positional
        else:
            self.stray = self.stray or (
                f"{mark.strip()!r} at character {self.at + match.start() + 1} of the statement is not a placeholder: "
                "write %s or %(name)s for a parameter, %% for a percent sign"
            )
            return mark
        code, start, end = match.string, match.start(), match.end()
        return f"{_gap(code[max(start - 1, 0) : start])}${number}{_gap(code[end : end + 1])}"


def _gap(neighbour: str) -> str:
    """A space where ``$1`` would grow together with its neighbour: LIMIT%s, %sAND."""
    return " " if neighbour.isalnum() or neighbour in ("_", "$") or neighbour > "\x7f" else ""


def _misfit(compiled: Compiled, params: object) -> str:
    """Why ``params`` does not fit, and what would."""
    kind = type(params).__name__
    if isinstance(params, _BARE):
        return f"params is a bare {kind}: write (value,)"
    if not isinstance(params, (Sequence, Mapping)):
        return f"params is of type {kind}: give a sequence, as in (value,), or a mapping, as in {{'name': value}}"
    if compiled.names is not None:
        if isinstance(params, Mapping):
            missing = [name for name in compiled.names if name not in params]
            return f"params lacks {', '.join(map(repr, missing))}: the statement asks for it by name"
        asked = ", ".join(map(repr, compiled.names))
        return f"the statement asks for names, and params is of type {kind}: give a mapping with {asked}"
    style = "$1" if compiled.native else "%s"
    if isinstance(params, Mapping):
        return f"the statement has {style} and params is a mapping: give a sequence, or write %(name)s"
    hint = "" if compiled.count else "; a %s inside of quotes or comments is text"
    return f"the statement has {_times(compiled.count, 'placeholder')} and params has {len(params)}{hint}"


def _times(count: int, noun: str) -> str:
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"

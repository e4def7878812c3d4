"""One way to write parameters, for every driver: ``%s`` or ``%(name)s``, and ``%%`` for a percent sign.

``compile_placeholders`` rewrites a text once, into what the driver takes, and keeps the result. The rule
holds where parameters are given, an empty sequence included; a text without is sent untouched.

* ``%s`` and ``%(name)s`` are placeholders, except inside of quotes, dollar quotes and comments.
* ``%%`` is a percent sign, everywhere.
* Any other ``%`` is itself inside of quotes and comments, and an error elsewhere.

So a statement that works with psycopg or PyMySQL works here and means the same. What those refuse or
mangle, a lone ``%`` as in ``LIKE 'a%'`` or a ``'%s'`` in quotes, means what it looks like.

Where the driver takes ``$1``, a text with none of these placeholders may use that; it is then sent
untouched, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from itertools import groupby
from typing import Final, Literal, TypeAlias, final

from ..errors import ParamsError
from ._tokens import Kind, Token

__all__ = [
    "CACHE_SIZE",
    "DOLLAR",
    "FORMAT_MYSQL",
    "FORMAT_POSTGRESQL",
    "LONGEST",
    "MOST",
    "Compiled",
    "Style",
    "compile_placeholders",
]

#: What a driver takes, and whose rules say what is quoted.
Style: TypeAlias = Literal["dollar", "format_postgresql", "format_mysql"]
#: ``$1`` to ``$n``, as PostgreSQL itself does.
DOLLAR: Final = "dollar"
#: ``%s`` for each parameter in turn and ``%%`` for each percent sign, wherever it stands: for drivers that
#: put the parameters into the text by Python's ``%``.
FORMAT_POSTGRESQL: Final = "format_postgresql"
#: The same, for texts that MySQL reads.
FORMAT_MYSQL: Final = "format_mysql"

#: How many texts are kept for each style; the least recently used goes first.
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
    """A text as the driver takes it, and the way from ``params`` to its arguments.

    Attributes:
        text: the statement in the driver's style.
        count: how many arguments it takes.
        names: for ``%(name)s``, the names of the arguments in their order; otherwise None.
        native: whether the text was written with ``$1`` and is sent as it came.
        pieces: the text before, between and after its arguments, for a driver that can only be given a
            whole statement; ``count + 1`` of them, unless a ``$1`` stands for several places.
    """

    __slots__ = ("count", "names", "native", "pieces", "text")

    def __init__(
        self,
        text: str,
        count: int,
        names: tuple[str, ...] | None = None,
        pieces: tuple[str, ...] = (),
        *,
        native: bool = False,
    ) -> None:
        self.text = text
        self.count = count
        self.names = names
        self.native = native
        self.pieces = pieces

    def arrange(self, params: Sequence[object] | Mapping[str, object]) -> tuple[object, ...]:
        """The arguments in their order. A mapping may hold more names than the text asks for.

        Raises:
            ParamsError: ``params`` does not fit. No value is shown.
        """
        names = self.names
        if names is None:
            if isinstance(params, _SEQUENCES) and not isinstance(params, _BARE) and len(params) == self.count:
                return tuple(params)
            if not self.count and isinstance(params, Mapping) and not _foreign(self.text, params):
                return ()
        elif isinstance(params, _MAPPINGS):
            try:
                return tuple([params[name] for name in names])
            except KeyError:
                pass
        raise ParamsError(_misfit(self, params))


def compile_placeholders(sql: str, style: Style = DOLLAR) -> Compiled:
    """Rewrite ``sql`` for a driver that takes ``style``.

    Raises:
        ParamsError: a stray ``%``, two styles in one text, or more placeholders than a statement can have.
    """
    return _KEPT[style](sql) if len(sql) <= LONGEST else _compile(style, sql)


def _compile(style: Style, sql: str) -> Compiled:
    if style == FORMAT_MYSQL:
        from ._mysql.text import tokens
    else:
        from ._postgresql.text import tokens
    reading = _Reading()
    for quoted, run in groupby(tokens(sql), _is_quoted):
        reading.read(quoted, list(run))
    reading.end_piece()
    if style == DOLLAR and 0 < reading.native <= MOST and not reading.marks:
        return Compiled(sql, reading.native, native=True)
    if error := reading.error(style):
        raise ParamsError(error)
    pieces = _apart(reading.pieces)
    if style != DOLLAR:
        text = "%s".join([piece.replace("%", "%%") for piece in pieces])
        return Compiled(text, reading.marks, tuple(reading.names) or None, pieces)
    numbers = {name: number for number, name in enumerate(dict.fromkeys(reading.names), 1)}
    marks = [numbers[name] for name in reading.names] or range(1, reading.marks + 1)
    text = pieces[0] + "".join([f"${number}{piece}" for number, piece in zip(marks, pieces[1:], strict=True)])
    return Compiled(text, len(numbers) or reading.marks, tuple(numbers) or None, pieces)


# One for each style: a key of two parts would cost every statement its time.
_KEPT: Final = {
    style: lru_cache(CACHE_SIZE)(partial(_compile, style))
    for style in (DOLLAR, FORMAT_POSTGRESQL, FORMAT_MYSQL)
}


def _is_quoted(token: Token) -> bool:
    return token[0] in (Kind.STRING, Kind.QUOTED, Kind.COMMENT, Kind.BROKEN)


@final
class _Reading:
    """What is met in one text."""

    def __init__(self) -> None:
        #: The text around the placeholders, with percent signs as they are meant.
        self.pieces: list[str] = []
        self.names: list[str] = []
        self.positional = 0
        self.native = 0  # the highest $n
        self.stray = ""
        self.at = 0
        self.piece: list[str] = []

    @property
    def marks(self) -> int:
        return self.positional + len(self.names)

    def error(self, style: Style) -> str:
        """Why the text cannot be sent with parameters, if so."""
        if self.native and style != DOLLAR:
            return "the statement has a $1, which this driver does not know: write %s or %(name)s"
        if self.stray:
            return self.stray
        if bool(self.positional) + bool(self.names) + bool(self.native) > 1:
            both = "%s, %(name)s and $1" if style == DOLLAR else "%s and %(name)s"
            return f"the statement mixes placeholders: use only one of {both}"
        if style == DOLLAR and max(self.positional, len(set(self.names)), self.native) > MOST:
            return (
                f"the statement has more than {MOST} placeholders, which no server takes: pass a list as "
                "one parameter, as in = ANY(%s), or send fewer rows at a time"
            )
        return ""

    def read(self, quoted: bool, run: list[Token]) -> None:
        """Take neighbouring tokens, all of them quoted or none."""
        text = "".join([text for _, text in run])
        if quoted:
            self.piece.append(text.replace("%%", "%"))
        else:
            numbers = [int(text[1:10]) for kind, text in run if kind is Kind.PARAM]
            self.native = max(self.native, *numbers, 0)
            end = 0
            for match in re.finditer(_PERCENT, text, re.DOTALL) if "%" in text else ():
                self.piece.append(text[end : match.start()])
                self.mark(match)
                end = match.end()
            self.piece.append(text[end:])
        self.at += len(text)

    def mark(self, match: re.Match[str]) -> None:
        """Take a percent sign in code."""
        mark, name = match[0], match[1]
        if mark == "%%":
            self.piece.append("%")
        elif name is not None:
            self.names.append(name)
            self.end_piece()
        elif mark == "%s":
            self.positional += 1
            self.end_piece()
        else:
            self.stray = self.stray or (
                f"{mark.strip()!r} at character {self.at + match.start() + 1} of the statement is not a placeholder: "
                "write %s or %(name)s for a parameter, %% for a percent sign"
            )

    def end_piece(self) -> None:
        self.pieces.append("".join(self.piece))
        self.piece.clear()


def _apart(pieces: list[str]) -> tuple[str, ...]:
    """The pieces, with a space where a parameter would grow together with its neighbour: LIMIT%s, %sAND, %s%s."""
    last = len(pieces) - 1
    apart = []
    for at, piece in enumerate(pieces):
        before = " " if at and (_grows(piece[:1]) or (not piece and at < last)) else ""
        after = " " if at < last and _grows(piece[-1:]) else ""
        apart.append(before + piece + after)
    return tuple(apart)


def _grows(neighbour: str) -> bool:
    return neighbour != "" and (neighbour.isalnum() or neighbour in "_$.'\"`" or neighbour > "\x7f")


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
    if not compiled.count and (foreign := _foreign(compiled.text, params)):
        return f"the statement has {foreign}, a placeholder of another library: write %s, or %(name)s, with every driver"
    style = "$1" if compiled.native else "%s"
    if isinstance(params, Mapping):
        return f"the statement has {style} and params is a mapping: give a sequence, or write %(name)s"
    hint = "" if compiled.count else "; a %s inside of quotes or comments is text"
    return f"the statement has {_times(compiled.count, 'placeholder')} and params has {len(params)}{hint}"


def _foreign(text: str, params: Sequence[object] | Mapping[str, object]) -> str | None:
    """What in a text without placeholders seems to be one, in the style of another library."""
    if isinstance(params, Mapping):
        found = re.search(r"(?<![:\w]):([A-Za-z_]\w*)", text) if params else None
        return found[0] if found is not None and found[1] in params else None
    found = re.search(r"\?|\$[0-9]+|(?<![:\w]):[0-9]+", text)
    return found and found[0]


def _times(count: int, noun: str) -> str:
    return f"{count or 'no'} {noun}{'' if count == 1 else 's'}"

"""Mutants of a module: every single change that this file knows how to make to its source.

A mutant has an id that stays the same while its surroundings change: it is made of the file, the function,
the kind of change, the text before and after, and a number if the same happens twice in one function.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Mutant", "mutants"]

FLIPS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
SUMS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
}
SWAPS = {"min": "max", "max": "min", "BaseException": "Exception", "append": "insert"}
STATES = ("OPENING", "LEASED", "IDLE", "SUSPECT", "CHECKING", "CLOSING", "GONE")
#: What says nothing about behaviour.
SKIPPED_FIELDS = {"annotation", "returns", "decorator_list", "bases"}
SKIPPED_NAMES = {"__slots__", "__all__", "T"}


class Mutant(NamedTuple):
    """One change. ``source`` is the whole module with it."""

    id: str
    module: str
    where: str
    line: int
    before: str
    after: str
    source: str


def mutants(path: Path, module: str) -> Iterator[Mutant]:
    """All mutants of the module at ``path``, in the order of its lines."""
    tree = ast.parse(path.read_text())
    seen: Counter[tuple[str, ...]] = Counter()
    for where, holder, name, index, node in _places(tree, ""):
        for kind, new in _changes(node):
            before, after = _line(node), _line(new)
            key = (module, where, kind, before, after)
            seen[key] += 1
            digest = sha256("\0".join([*key, str(seen[key])]).encode()).hexdigest()[:8]
            _put(holder, name, index, new)
            source = ast.unparse(ast.fix_missing_locations(tree))
            _put(holder, name, index, node)
            yield Mutant(digest, module, where, getattr(node, "lineno", 0), before, after, source)


def _places(node: ast.AST, where: str) -> Iterator[tuple[str, ast.AST, str, int | None, ast.AST]]:
    """Every node that may be replaced, with the field of its parent that holds it."""
    for name, value in ast.iter_fields(node):
        if name in SKIPPED_FIELDS:
            continue
        values = value if isinstance(value, list) else [value]
        for index, child in enumerate(values):
            if not isinstance(child, ast.AST) or _is_talk(child):
                continue
            inner = where
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                inner = f"{where}.{child.name}".strip(".")
            else:
                yield where, node, name, index if isinstance(value, list) else None, child
            yield from _places(child, inner)


def _is_talk(node: ast.AST) -> bool:
    """Docstrings, imports, messages, declarations: nothing that decides anything."""
    if isinstance(node, ast.Import | ast.ImportFrom | ast.JoinedStr):
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        return True
    targets = (
        node.targets
        if isinstance(node, ast.Assign)
        else [node.target]
        if isinstance(node, ast.AnnAssign)
        else []
    )
    return any(isinstance(target, ast.Name) and target.id in SKIPPED_NAMES for target in targets)


def _put(holder: ast.AST, name: str, index: int | None, node: ast.AST) -> None:
    if index is None:
        setattr(holder, name, node)
    else:
        getattr(holder, name)[index] = node


def _line(node: ast.AST) -> str:
    """A node's text, in one line of bounded length; of a block, its head."""
    text = ast.unparse(node)
    text = (
        text.partition("\n")[0] if isinstance(node, ast.If | ast.While | ast.For) else " ".join(text.split())
    )
    return text if len(text) <= 90 else text[:87] + "..."


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """What may be put in a node's place, and what kind of change that is."""
    for kinds, make in _MAKERS:
        if isinstance(node, kinds):
            yield from make(node)


def _statements(node: Any) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.AnnAssign) and node.value is None:
        return
    yield "delete", ast.Pass()
    if isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield "return", ast.Return(ast.Constant(None))


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _comparisons(node: Any) -> Iterator[tuple[str, ast.AST]]:
    for index, operator in enumerate(node.ops):
        yield "compare", _with(node, ops=[*node.ops[:index], FLIPS[type(operator)](), *node.ops[index + 1 :]])


def _conjunctions(node: Any) -> Iterator[tuple[str, ast.AST]]:
    yield "logic", _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    for index in range(len(node.values)):
        rest = [*node.values[:index], *node.values[index + 1 :]]
        yield "operand", rest[0] if len(rest) == 1 else _with(node, values=rest)


def _conditions(node: Any) -> Iterator[tuple[str, ast.AST]]:
    yield "negate", _with(node, test=ast.UnaryOp(ast.Not(), node.test))


def _negations(node: Any) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node.op, ast.Not):
        yield "negate", node.operand
    elif isinstance(node.op, ast.USub):
        yield "sign", node.operand


def _constants(node: Any) -> Iterator[tuple[str, ast.AST]]:
    value = node.value
    if isinstance(value, bool):
        yield "constant", ast.Constant(not value)
    elif isinstance(value, int):
        yield "constant", ast.Constant(value + 1)
        yield "constant", ast.Constant(value - 1)
    elif isinstance(value, float):
        yield "constant", ast.Constant(value * 2 or 1.0)
        if value:
            yield "constant", ast.Constant(value / 2)


def _sums(node: Any) -> Iterator[tuple[str, ast.AST]]:
    if type(node.op) in SUMS:
        yield "arithmetic", _with(node, op=SUMS[type(node.op)]())


def _names(node: Any) -> Iterator[tuple[str, ast.AST]]:
    if not isinstance(node.ctx, ast.Load):
        return
    if node.id in SWAPS:
        yield "swap", ast.Name(SWAPS[node.id], ast.Load())
    if node.id in STATES:
        yield "state", ast.Name(STATES[STATES.index(node.id) - 1], ast.Load())


def _attributes(node: Any) -> Iterator[tuple[str, ast.AST]]:
    """The two clocks are easily confused."""
    for this, other in (("wall", "mono"), ("mono", "wall")):
        if node.attr == this or node.attr.endswith(f"_{this}"):
            yield "clock", _with(node, attr=node.attr.removesuffix(this) + other)


def _calls(node: Any) -> Iterator[tuple[str, ast.AST]]:
    for index in range(len(node.keywords)):
        yield "argument", _with(node, keywords=[*node.keywords[:index], *node.keywords[index + 1 :]])
    if isinstance(node.func, ast.Attribute):
        verb = node.func.attr
        if verb == "pop":
            yield "end", _with(node, args=[] if node.args else [ast.Constant(0)])
        elif verb == "append":
            insert = _with(node.func, attr="insert")
            yield "end", ast.Call(insert, [ast.Constant(0), *node.args], [])


def _loops(node: Any) -> Iterator[tuple[str, ast.AST]]:
    listed = ast.Call(ast.Name("list", ast.Load()), [node.iter], [])
    backwards = ast.Slice(None, None, ast.UnaryOp(ast.USub(), ast.Constant(1)))
    yield "order", _with(node, iter=ast.Subscript(listed, backwards, ast.Load()))


def _collections(node: Any) -> Iterator[tuple[str, ast.AST]]:
    if len(node.elts) > 1 and (isinstance(node, ast.Set) or _all_errors(node.elts)):
        for index in range(len(node.elts)):
            yield "element", _with(node, elts=[*node.elts[:index], *node.elts[index + 1 :]])


def _all_errors(nodes: list[ast.expr]) -> bool:
    """Whether this is a tuple of classes, as in ``except (A, B)``; states are in capitals."""
    return all(
        isinstance(node, ast.Name) and node.id[0].isupper() and not node.id.isupper() for node in nodes
    )


def _with(node: Any, **fields: Any) -> Any:
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


_MAKERS = (
    (
        (ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Raise, ast.Return, ast.Break, ast.Continue),
        _statements,
    ),
    ((ast.Assert,), _statements),
    ((ast.Compare,), _comparisons),
    ((ast.BoolOp,), _conjunctions),
    ((ast.If, ast.While, ast.IfExp), _conditions),
    ((ast.UnaryOp,), _negations),
    ((ast.Constant,), _constants),
    ((ast.BinOp, ast.AugAssign), _sums),
    ((ast.Name,), _names),
    ((ast.Attribute,), _attributes),
    ((ast.Call,), _calls),
    ((ast.For,), _loops),
    ((ast.Set, ast.Tuple), _collections),
)

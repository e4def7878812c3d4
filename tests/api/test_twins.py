"""``Pool`` and ``AsyncPool`` are one surface: what one has, the other has, with the same parameters."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import thawpool
from thawpool import AsyncPool, Pool
from thawpool._async_transaction import AsyncTransaction
from thawpool._transaction import Transaction

TWINS = [(Pool, AsyncPool), (Transaction, AsyncTransaction)]
#: Where each side names its own kind.
OWN = {"__enter__": "__aenter__", "__exit__": "__aexit__"}


def surface(cls: type[Any]) -> dict[str, Any]:
    names = [name for name in dir(cls) if not name.startswith("_")]
    return {name: inspect.getattr_static(cls, name) for name in names}


@pytest.mark.parametrize("sync, async_", TWINS)
def test_every_name_has_its_twin_with_equal_parameters(sync: type[Any], async_: type[Any]) -> None:
    one, other = surface(sync), surface(async_)
    assert one.keys() == other.keys()
    for name, value in one.items():
        if not inspect.isfunction(value):
            assert type(value) is type(other[name]), name
            continue
        mine, theirs = (inspect.signature(twin).parameters for twin in (value, other[name]))
        assert list(mine) == list(theirs), name
        for parameter in mine:
            ours, its = mine[parameter], theirs[parameter]
            assert (ours.kind, ours.default) == (its.kind, its.default), f"{name}({parameter})"
            if name != "handler":
                assert ours.annotation == its.annotation, f"{name}({parameter})"


@pytest.mark.parametrize("cls", [Pool, AsyncPool, Transaction, AsyncTransaction])
def test_every_public_method_has_a_docstring(cls: type[Any]) -> None:
    for name, value in surface(cls).items():
        if callable(value):
            assert inspect.getdoc(value), f"{cls.__name__}.{name}"


@pytest.mark.parametrize("sync, async_", TWINS)
def test_both_are_blocks(sync: type[Any], async_: type[Any]) -> None:
    for mine, theirs in OWN.items():
        assert hasattr(sync, mine)
        assert hasattr(async_, theirs)
        assert not hasattr(sync, theirs), "a mix-up is to fail at once"
        assert not hasattr(async_, mine), "a mix-up is to fail at once"


def test_what_the_package_exports_is_there() -> None:
    for name in thawpool.__all__:
        assert getattr(thawpool, name) is not None
    assert set(thawpool.__all__) <= set(dir(thawpool))

"""A file with somebody's real address in it: the check dials it through no driver."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from thawpool.learn.check.server import Server
from thawpool.learn.check.steps import Check


@pytest.fixture
def stranger() -> Iterator[socket.socket]:
    """Somebody's server."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


@pytest.mark.parametrize(
    "pool,scheme",
    [
        ("Pool", "postgresql"),
        ("Pool", "postgresql+pg8000"),
        ("Pool", "postgresql+psycopg2"),
        ("AsyncPool", "postgresql"),
        ("AsyncPool", "postgresql+asyncpg"),
        ("Pool", "mysql+pymysql"),
        ("Pool", "mysql+mysqlclient"),
        ("AsyncPool", "mysql+asyncmy"),
    ],
)
def test_a_server_that_is_not_the_lesson_s_hears_nothing(
    pool: str, scheme: str, stranger: socket.socket, lesson_server: Server, tmp_path: Path
) -> None:
    address = f"127.0.0.1:{stranger.getsockname()[1]}/app"
    file = tmp_path / "users.py"
    file.write_text(
        f"from thawpool import {pool}\npool = {pool}('{scheme}://app:secret@{address}', max_size=5)\n"
    )
    found = Check(file, lesson_server, limit=2.5).step(2).complaint
    assert found is not None
    assert found.did.startswith(f"The pool dialed {address}, while DATABASE_URL said ")
    assert found.place is not None
    assert found.place.line == 2
    with pytest.raises(BlockingIOError):  # nobody has come
        stranger.accept()


def test_the_lesson_s_own_server_may_be_asked_through_another_driver(
    lesson_server: Server, tmp_path: Path
) -> None:
    file = tmp_path / "users.py"
    file.write_text("from thawpool import Pool\npool = Pool(driver='pg8000', max_size=5)\n")
    for step in (1, 2):
        assert Check(file, lesson_server, limit=2.5).step(step).complaint is None

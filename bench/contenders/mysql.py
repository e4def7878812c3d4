"""The usual pools for MySQL: DBUtils, aiomysql.Pool and asyncmy.Pool."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager, AbstractContextManager, closing
from importlib import import_module
from typing import Any, ClassVar

from .base import AsyncContender, Settings, SyncContender

__all__ = ["AiomysqlPool", "AsyncmyPool", "DbutilsPymysql"]

BOUNDED = {"connect_timeout": 2, "read_timeout": 2, "write_timeout": 2}


class DbutilsPymysql(SyncContender):
    server = "mysql"
    settings = Settings(
        default="PooledDB(pymysql): a ping at each lease, a rollback at each return",
        fast="ping=0, reset=False, autocommit=True",
        safe="ping=1, autocommit=True, PyMySQL's time-outs of 2 s",
    )
    distributions = ("DBUtils", "PyMySQL")

    def open(self) -> None:
        import pymysql
        from dbutils.pooled_db import PooledDB

        options: dict[str, Any] = {}
        if self.safe:
            options = {"ping": 1, "autocommit": True, **BOUNDED}
        elif self.fast:
            options = {"ping": 0, "reset": False, "autocommit": True}
        self.pool = PooledDB(
            pymysql,
            mincached=self.size,
            maxcached=self.size,
            maxconnections=self.size,
            blocking=True,
            **options,
            **self.address.arguments,
        )
        self.connection = self.pool.connection  # type: ignore[method-assign]

    def connection(self) -> AbstractContextManager[Any]:
        return self.pool.connection()  # type: ignore[no-any-return]

    def rows(self, conn: Any, sql: str) -> Iterable[Any]:
        with closing(conn.cursor()) as cursor:
            cursor.execute(sql)
            return cursor.fetchall()  # type: ignore[no-any-return]

    def raw(self) -> Any:
        import pymysql

        return pymysql.connect(**self.address.arguments, autocommit=True, **(BOUNDED if self.safe else {}))

    def close(self) -> None:
        self.pool.close()


class AiomysqlPool(AsyncContender):
    server = "mysql"
    settings = Settings(
        default="create_pool(minsize=5, maxsize=5)",
        fast="autocommit=True",
        safe="autocommit=True, connect_timeout=2; it has no other time-out and no check",
    )
    distributions = ("aiomysql",)
    module = "aiomysql"
    bounded: ClassVar[dict[str, int]] = {"connect_timeout": 2}

    @property
    def arguments(self) -> dict[str, Any]:
        arguments = self.address.arguments
        arguments["db"] = arguments.pop("database")
        return {**arguments, "autocommit": self.fast, **(self.bounded if self.safe else {})}

    async def open(self) -> None:
        library = import_module(self.module)
        self.pool = await library.create_pool(minsize=self.size, maxsize=self.size, **self.arguments)
        self.connection = self.pool.acquire  # type: ignore[method-assign]

    def connection(self) -> AbstractAsyncContextManager[Any]:
        return self.pool.acquire()  # type: ignore[no-any-return]

    async def rows(self, conn: Any, sql: str) -> Iterable[Any]:
        async with conn.cursor() as cursor:
            await cursor.execute(sql)
            return await cursor.fetchall()  # type: ignore[no-any-return]

    async def raw(self) -> Any:
        return await import_module(self.module).connect(**{**self.arguments, "autocommit": True})

    async def close(self) -> None:
        self.pool.terminate()
        await self.pool.wait_closed()


class AsyncmyPool(AiomysqlPool):
    settings = Settings(
        default="create_pool(minsize=5, maxsize=5)",
        fast="autocommit=True",
        safe="autocommit=True, connect_timeout=2, read_timeout=2; it has no check",
    )
    distributions = ("asyncmy",)
    module = "asyncmy"
    bounded: ClassVar[dict[str, int]] = {"connect_timeout": 2, "read_timeout": 2}

"""The usual pools for MySQL: DBUtils, mysql.connector's own, aiomysql.Pool and asyncmy.Pool."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, AbstractContextManager
from importlib import import_module
from typing import Any, ClassVar

from .base import AsyncContender, Settings, SyncContender
from .drivers import AIOMYSQL, ASYNCMY, MYSQLCLIENT, MYSQLCONNECTOR, PYMYSQL

__all__ = ["AiomysqlPool", "AsyncmyPool", "DbutilsMysqlclient", "DbutilsPymysql", "MysqlConnectorPool"]

BOUNDED = {"connect_timeout": 2, "read_timeout": 2, "write_timeout": 2}


class DbutilsPymysql(SyncContender):
    server = "mysql"
    driver = PYMYSQL
    settings = Settings(
        default="PooledDB(pymysql): a ping at each lease, a rollback at each return",
        fast="ping=0, reset=False, autocommit=True",
        safe="ping=1, autocommit=True, PyMySQL's time-outs of 2 s",
    )
    distributions = ("DBUtils", "PyMySQL")

    def open(self) -> None:
        from dbutils.pooled_db import PooledDB

        options: dict[str, Any] = {}
        if self.safe:
            options = {"ping": 1, "autocommit": True, **BOUNDED}
        elif self.fast:
            options = {"ping": 0, "reset": False, "autocommit": True}
        self.pool = PooledDB(
            import_module(self.driver.module),
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

    def close(self) -> None:
        self.pool.close()


class DbutilsMysqlclient(DbutilsPymysql):
    driver = MYSQLCLIENT
    settings = DbutilsPymysql.settings._replace(
        default="PooledDB(MySQLdb): a ping at each lease, a rollback at each return", safe=""
    )
    distributions = ("DBUtils", "mysqlclient")


class MysqlConnectorPool(SyncContender):
    server = "mysql"
    driver = MYSQLCONNECTOR
    settings = Settings(
        default="MySQLConnectionPool: a ping at each lease, a reset at each return; it does not wait",
        fast="pool_reset_session=False, autocommit=True; the ping cannot be left out",
    )
    distributions = ("mysql-connector-python",)

    def open(self) -> None:
        options: dict[str, Any] = {"pool_size": self.size, "use_pure": True, **self.address.arguments}
        if self.fast:
            options |= {"pool_reset_session": False, "autocommit": True}
        self.pool = import_module("mysql.connector.pooling").MySQLConnectionPool(**options)
        self.connection = self.pool.get_connection  # type: ignore[method-assign]

    def connection(self) -> AbstractContextManager[Any]:
        return self.pool.get_connection()  # type: ignore[no-any-return]

    def close(self) -> None:
        self.pool._remove_connections()  # it has no public way to close them


class AiomysqlPool(AsyncContender):
    server = "mysql"
    driver = AIOMYSQL
    settings = Settings(
        default="create_pool(minsize=5, maxsize=5)",
        fast="autocommit=True",
        safe="autocommit=True, connect_timeout=2; it has no other time-out and no check",
    )
    distributions = ("aiomysql",)
    bounded: ClassVar[dict[str, int]] = {"connect_timeout": 2}

    async def open(self) -> None:
        arguments = self.address.arguments
        arguments["db"] = arguments.pop("database")
        options = {"autocommit": self.fast, **(self.bounded if self.safe else {})}
        library = import_module(self.driver.module)
        self.pool = await library.create_pool(minsize=self.size, maxsize=self.size, **arguments, **options)
        self.connection = self.pool.acquire  # type: ignore[method-assign]

    def connection(self) -> AbstractAsyncContextManager[Any]:
        return self.pool.acquire()  # type: ignore[no-any-return]

    async def close(self) -> None:
        self.pool.terminate()
        await self.pool.wait_closed()


class AsyncmyPool(AiomysqlPool):
    driver = ASYNCMY
    settings = Settings(
        default="create_pool(minsize=5, maxsize=5)",
        fast="autocommit=True",
        safe="autocommit=True, connect_timeout=2, read_timeout=2; it has no check",
    )
    distributions = ("asyncmy",)
    bounded: ClassVar[dict[str, int]] = {"connect_timeout": 2, "read_timeout": 2}

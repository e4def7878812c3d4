"""What is measured of servers that all answer one request with the same users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psutil  # type: ignore[import-untyped]

from ..sampling import Metrics, Sample
from ..stage import BenchError, Stage
from ._web import CLIENTS, Server, Site, cpu_seconds, memory_mb, on_cpu, serve, statements, wrk

__all__ = ["USERS", "Api"]

#: The table's first fifty.
USERS = [{"id": i, "name": f"User {i}", "email": f"user{i}@example.com"} for i in range(1, 51)]
#: Seconds of load in a sample.
SECONDS = 3
#: How often each client asks while the statements are counted.
TIMES = 10


class Api:
    """The servers of a question, and the answer that is wanted of each."""

    def __init__(self, case: str, sites: Mapping[str, Site], answer: Any) -> None:
        self.case = case
        self.sites = sites
        self.answer = answer

    def samples(self) -> list[Sample]:
        return [
            Sample(self.case, row, SECONDS + 0.5 + (site.warm_up + 2) / 5) for row, site in self.sites.items()
        ]

    def take(self, sample: Sample, stage: Stage) -> Metrics:
        server, counts = stage.keep(self._running).server(sample.row)
        postgres = psutil.Process(stage.postgres.pid)
        with on_cpu(1, postgres):
            self.check(server.ask(1))
            ours, theirs = cpu_seconds(server.tree), cpu_seconds(postgres)
            figures = server.load(SECONDS)
            ours, theirs = cpu_seconds(server.tree) - ours, cpu_seconds(postgres) - theirs
        pss, rss = memory_mb(server.tree)
        requests = figures["requests"]
        costs = {"cpu": ours / requests * 1e6, "postgres": theirs / requests * 1e6, "pss": pss, "rss": rss}
        return {**figures, **costs, **counts}

    def check(self, answers: list[Any]) -> None:
        for answer in answers:
            if answer != self.answer:
                raise BenchError(f"another answer than the users: {answer!s:.80}")

    def _running(self, stage: Stage) -> Running:
        return Running(self, stage)


class Running:
    """The servers that were started so far."""

    def __init__(self, api: Api, stage: Stage) -> None:
        wrk()  # without it no server need start
        self._api = api
        self._stage = stage
        self._found: dict[str, tuple[Server, Metrics] | BenchError] = {}

    def close(self) -> None:
        for found in self._found.values():
            if not isinstance(found, BenchError):
                found[0].close()

    def server(self, row: str) -> tuple[Server, Metrics]:
        """A row's server, warm, and its statements per request.

        Raises:
            BenchError: it does not start, or its answers are wrong. The next round does not try again.
        """
        if row not in self._found:
            try:
                self._start(row)
            except BenchError as error:
                self._found[row] = error
        found = self._found[row]
        if isinstance(found, BenchError):
            raise found
        return found

    def _start(self, row: str) -> None:
        stage = self._stage
        with on_cpu(0):
            server = serve(self._api.sites[row], stage)
        try:
            with on_cpu(1, psutil.Process(stage.postgres.pid)):
                counts = self._counted(server)
                server.load(server.site.warm_up)
        except BaseException:
            server.close()
            raise
        self._found[row] = server, counts

    def _counted(self, server: Server) -> Metrics:
        with statements(self._stage) as asked:
            self._api.check(server.ask(TIMES, CLIENTS))
        requests = TIMES * CLIENTS
        wanted = server.site.selects
        selects = sum("FROM users" in statement for statement in asked)
        if selects != wanted * requests:
            raise BenchError(f"{selects} SELECTs for {requests} requests: {wanted} for each was wanted")
        return {"selects": selects / requests, "others": (len(asked) - selects) / requests}

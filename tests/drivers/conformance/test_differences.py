"""A difference that is declared is one: what a driver has learned is to be taken out of its line."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest
from tests.drivers.conformance.case import Case, over
from tests.support.full_backlog import FullBacklog
from tests.support.losses import sockets_to
from tests.support.waiting import eventually

from thawpool import ConnectFailed, PoolTimeout


@over(differing="cancel")
async def test_the_server_goes_on_with_a_statement_that_was_given_up(case: Case) -> None:
    sleep = case.dialect.sleep.format("20.5")
    pool = case.pool(max_size=1)
    with pytest.raises(PoolTimeout):
        await pool.query(sleep, timeout=0.3)
    assert case.outside.running(sleep) == 1


@over(differing="dial")
async def test_a_dial_that_was_given_up_goes_on(case: Case, packets_dropped: FullBacklog) -> None:
    before = sockets_to(packets_dropped.port)
    pool = case.pool(packets_dropped.url())
    with pytest.raises(PoolTimeout):
        await pool.query("SELECT 1", timeout=0.3)
    assert sockets_to(packets_dropped.port) == before + 1
    await case.until(lambda: sockets_to(packets_dropped.port) == before)


@over(differing="interrupt")
async def test_ctrl_c_waits_for_the_deadline(case: Case) -> None:
    sleep = case.dialect.sleep.format("20.75")
    pool = case.pool(max_size=1)
    await pool.warm(1)
    outside = case.outside
    struck: list[float] = []

    def strike() -> None:
        eventually(lambda: outside.running(sleep), "the wait")
        struck.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    striker = threading.Thread(target=strike)
    striker.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        await pool.query(sleep, timeout=1.0)
    striker.join()
    assert struck[0] < time.monotonic() - 0.2
    assert time.monotonic() - began >= 0.95


@pytest.mark.needs("tls")
@over(differing="verify-ca")
async def test_the_name_is_verified_too(case: Case) -> None:
    url = case.tls.url(sslmode="verify-ca", sslrootcert=case.tls.ca_file, host="0.0.0.0")
    with pytest.raises(ConnectFailed, match="certificate"):
        await case.pool(url).query("SELECT 1")

"""The watch over statements by itself: one timer for all, and nothing of it is left when none runs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.support.loops import LoopFlavour

from thawpool._watch import Watch

SILENCE = 0.02


class Server:
    """The two verbs of a driver that a watch uses."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.aborted: list[str] = []
        self.there = True
        self.happened = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def answers(self, conn: str) -> bool:
        self.asked.append(conn)
        self.happened.set()
        await self.may_answer.wait()
        return self.there

    def abort(self, conn: str) -> None:
        self.aborted.append(conn)
        self.happened.set()

    async def next(self) -> None:
        self.happened.clear()
        async with asyncio.timeout(5.0):
            await self.happened.wait()


def a_watch() -> tuple[Any, Server]:
    return Watch(asyncio.get_running_loop(), SILENCE), Server()


async def disarmed(watch: Any) -> None:
    await asyncio.sleep(2 * SILENCE)  # its timer is due before that of this sleep
    assert watch._timer is None


async def test_after_the_last_statement_nothing_is_left(flavour: LoopFlavour) -> None:
    watch, driver = a_watch()
    for _ in range(3):
        watch.begin(driver, "conn").end()
    await disarmed(watch)
    assert driver.asked == []
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_many_statements_share_one_timer(flavour: LoopFlavour) -> None:
    watch, driver = a_watch()
    first = watch.begin(driver, "first")
    timer = watch._timer
    second = watch.begin(driver, "second")
    assert watch._timer is timer
    first.end()
    while driver.asked != ["second", "second"]:
        await driver.next()
    second.end()
    await disarmed(watch)
    assert driver.aborted == []


async def test_two_statements_of_one_connection_are_watched_each(flavour: LoopFlavour) -> None:
    watch, driver = a_watch()
    first, second = watch.begin(driver, "conn"), watch.begin(driver, "conn")
    second.end()
    await driver.next()
    first.end()
    await disarmed(watch)


async def test_a_server_that_is_gone(flavour: LoopFlavour) -> None:
    watch, driver = a_watch()
    driver.there = False
    watched = watch.begin(driver, "conn")
    while not driver.aborted:
        await driver.next()
    watched.end()
    assert (driver.asked, driver.aborted) == (["conn"], ["conn"])
    await disarmed(watch)


@pytest.mark.parametrize("answers", [False, True], ids=["unanswered", "answered in the same turn"])
async def test_a_statement_that_ends_while_the_server_is_asked(flavour: LoopFlavour, answers: bool) -> None:
    watch, driver = a_watch()
    driver.there = False
    driver.may_answer.clear()
    watched = watch.begin(driver, "conn")
    await driver.next()
    if answers:
        driver.may_answer.set()
    watched.end()
    await asyncio.gather(watched.asking, return_exceptions=True)
    assert watched.asking.cancelled()
    assert driver.aborted == []
    await disarmed(watch)

"""What the questions about faults stand on: contenders that obey, the black hole, samples taken together."""

from __future__ import annotations

import random
import socket
import sys
import threading
from collections.abc import Iterator

import pytest
from bench.contenders import CONTENDERS
from bench.questions import _outage, cold
from bench.questions._company import Actor, Outcome, Together, all_rows, cast_of
from bench.questions._freeze import Dead, _dead
from bench.questions._hole import Hole
from bench.sampling import Sample
from bench.stage import BenchError, Stage

from thawpool.testing.postgres import Postgres

OURS = "thawpool psycopg"


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that says back what it hears."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve(conn: socket.socket) -> None:
            with conn:
                while data := conn.recv(100):
                    conn.sendall(data)

        def accept() -> None:
            while True:
                try:
                    conn, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(conn,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def said_back(conn: socket.socket) -> bool:
    conn.settimeout(0.2)
    conn.sendall(b"hello")
    try:
        return conn.recv(100) == b"hello"
    except TimeoutError:
        return False


@pytest.mark.parametrize("acknowledged", [True, False])
def test_a_black_hole_swallows_what_is_open_and_lets_the_new_pass(echo: int, acknowledged: bool) -> None:
    if not acknowledged and sys.platform != "linux":
        pytest.skip("dropping packets needs Linux")
    with Hole(echo) as hole, socket.create_connection(("127.0.0.1", hole.port)) as old:
        assert said_back(old)
        hole.swallow(acknowledged=acknowledged)
        assert not said_back(old)
        with socket.create_connection(("127.0.0.1", hole.port)) as new:
            assert said_back(new)


def test_a_contender_that_sleeps_through_the_end_of_its_sessions_is_told_of_it() -> None:
    failed: dict[str, BenchError] = {}
    with Postgres(auth="scram-sha-256") as server:
        running = {"postgresql": server, "mysql": BenchError("none here")}
        with cast_of([OURS, "DBUtils PyMySQL"], running, failed) as cast:
            found = _dead("two", Dead(2, 0.0), cast, running, failed)
    assert str(failed["DBUtils PyMySQL"]) == "none here"
    outcome = found[OURS]
    assert not isinstance(outcome, BenchError)
    assert outcome["made"] == 7
    assert not outcome["hung"]
    assert 0 < outcome["dial"] < 5


def test_a_contender_whose_process_ends_says_so() -> None:
    with Postgres() as server:
        actor = Actor(OURS, server)
        actor.ready()
        actor.order("pool", "nonsense")
        with pytest.raises(BenchError, match="nonsense: AttributeError"):
            actor.answer("pool", 10)
        actor._process.kill()
        with pytest.raises(BenchError, match="its process ended: code -9"):
            actor.answer("pool", 10)
        actor.end()
        actor.end()


def test_samples_that_are_taken_together_are_taken_once_in_a_round() -> None:
    rounds: list[int] = []

    def take_all(stage: Stage) -> dict[tuple[str, str], Outcome]:
        rounds.append(len(rounds))
        return {("case", "good"): {"round": rounds[-1]}, ("case", "bad"): BenchError("broken")}

    together = Together(take_all)
    samples = [Sample("case", "good", 1.0), Sample("case", "bad", 1.0)]
    with Stage() as stage:
        for turn in range(3):
            random.shuffle(samples)
            for sample in samples:
                if sample.row == "bad":
                    with pytest.raises(BenchError, match="broken"):
                        together.take(sample, stage)
                else:
                    assert together.take(sample, stage) == {"round": turn}
    assert rounds == [0, 1, 2]


def test_an_error_is_of_a_statement_under_way_only_if_it_was_sent_before_the_server_was_gone() -> None:
    times = _outage.Times(killed=10.0, gone=10.1, begun=12.0, back=12.5)
    answered = [(9.0, 9.0, 9.1, None), (10.0, 10.0, 10.05, None), (10.2, 12.6, 12.7, None)]
    failed = [(9.9, 9.9, 10.1, "Lost"), (10.2, 10.3, 10.4, "Lost"), (10.2, None, 12.2, "Refused")]
    failed.append((9.9, 9.9, 12.0, "PoolTimeout"))
    answer = {"ended": answered + failed, "open": [10.2, 15.2], "now": 15.5}
    metrics = _outage._metrics(answer, times)
    assert (metrics["ok"], metrics["errors"], metrics["under_way"], metrics["hung"]) == (3, 4, 1, 1)
    assert metrics["first"] == pytest.approx(0.2)
    assert metrics["longest"] == pytest.approx(2.5)


def test_every_contender_is_in_the_questions_about_faults_at_its_safest() -> None:
    rows = all_rows()
    for name, kind in CONTENDERS.items():
        assert name in rows
        assert (f"{name}, safe" in rows) == bool(kind.words("safe"))


def test_a_cold_start_is_measured_from_outside_the_process() -> None:
    with Stage() as stage:
        alone = cold.take(Sample("start", "python alone", 1.0), stage)
    assert 0 < alone["import"] < alone["ms"]
    assert alone["modules"] > 20
    assert alone["mib"] > 2

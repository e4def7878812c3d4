"""The questions about web servers: who is compared with whom, Vercel's runtime, and the build of the example."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from bench import javascript
from bench.questions import _example_sites, _users_sites, example, users_api
from bench.questions._users import Api
from bench.questions._users_report import APP_ROUTER, CONTROL, NODE, NODE_FAST, PAGES
from bench.questions._vercel import VercelServer
from bench.questions._web import serve
from bench.sampling import Results
from bench.stage import BenchError, Stage

PEERS = {APP_ROUTER, PAGES, NODE, NODE_FAST, CONTROL}


@pytest.mark.parametrize("question", [users_api, example], ids=["users-api", "example"])
def test_whoever_is_compared_has_a_row(question: object) -> None:
    sites = _users_sites.SITES if question is users_api else _example_sites.SITES
    compared = users_api.PAIRS if question is users_api else _example_sites.PAIRS
    ours = users_api.OURS if question is users_api else _example_sites.OURS
    assert {*PEERS, *ours, *(row for pair in compared for row in pair)} <= sites.keys()
    assert all(site.words for site in sites.values())


def test_the_fastest_of_ours_with_the_middleware_is_held_to_the_targets() -> None:
    speeds = {
        "thawpool asyncpg, granian": 900.0,
        "thawpool psycopg, granian": 1000.0,
        "thawpool psycopg, no middleware, granian": 2000.0,
        APP_ROUTER: 100.0,
        PAGES: 400.0,
        NODE: 800.0,
        NODE_FAST: 500.0,
        CONTROL: 800.0,
    }
    taken = [
        {
            "round": 1,
            "place": place,
            "case": example.API.case,
            "row": row,
            "metrics": {"rps": rps, "p99": 1, "pss": 1},
        }
        for place, (row, rps) in enumerate(speeds.items())
    ]
    found = {target.measure: target for target in example.targets(Results(taken))}
    states = {measure.partition(", ")[2]: target.state for measure, target in found.items()}
    assert states == {
        "requests/s: thawpool psycopg, granian / node http + pg": "reached",
        "requests/s: thawpool psycopg, granian / Next.js App Router": "reached",
        "requests/s: thawpool psycopg, granian / Next.js Pages Router": "missed",
        "p99: thawpool psycopg, granian / Next.js App Router": "missed",
        "memory: thawpool psycopg, granian / Next.js App Router": "missed",
    }


@pytest.mark.needs("vercel")
def test_the_function_answers_under_the_runtime_of_vercel_and_leaves_nothing_behind() -> None:
    api = example.API
    with Stage() as stage:
        server = serve(api.sites[_example_sites.ON_VERCEL], stage)
        try:
            assert isinstance(server, VercelServer)
            folder = Path(server._folder)
            api.check(server.ask(3, 8))
            with pytest.raises(BenchError, match="another answer than the users"):
                Api("users", api.sites, []).check(server.ask(1))
            pid = server.tree.pid
        finally:
            server.close()
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.needs("vercel")
def test_a_function_that_does_not_start_says_why(tmp_path: Path) -> None:
    from bench.questions._vercel import vercel

    (tmp_path / "broken.py").write_text("import no_such_module\n")
    with Stage() as stage, pytest.raises(BenchError, match="No module named 'no_such_module'"):
        serve(vercel(tmp_path, "broken.py", "broken"), stage)


def test_a_copy_of_the_example_follows_it_and_keeps_what_was_made_in_it(tmp_path: Path) -> None:
    original, copy = tmp_path / "original", tmp_path / "copy"
    for name in ("app/page.tsx", "lib/old.ts", "node_modules/next/index.js", ".env.local"):
        (original / name).parent.mkdir(parents=True, exist_ok=True)
        (original / name).write_text(name)
    javascript._copy(original, copy)
    assert names(copy) == ["app/page.tsx", "lib/old.ts"]
    (copy / "node_modules").mkdir()
    (copy / "node_modules/made.js").write_text("here")
    (original / "lib/old.ts").rename(original / "lib/new.ts")
    (original / "app/page.tsx").write_text("changed")
    javascript._copy(original, copy)
    assert names(copy) == ["app/page.tsx", "lib/new.ts", "node_modules/made.js"]
    assert (copy / "app/page.tsx").read_text() == "changed"


def names(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())

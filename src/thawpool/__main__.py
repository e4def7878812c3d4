"""The ``thawpool`` command."""

from __future__ import annotations

import argparse
import importlib.util
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code: 0 done, 1 failed, 2 wrong usage, 130 Ctrl-C."""
    parser = argparse.ArgumentParser(
        prog="thawpool", description="A connection pool for serverless functions."
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_demo(commands)
    _add_init(commands)
    commands.add_parser("learn", help="a lesson: an API route over a pool in four steps, and ten questions")
    arguments = sys.argv[1:] if argv is None else list(argv)
    try:
        if arguments[:1] == ["learn"]:  # which has commands of its own, and is loaded for them alone
            return _learn(arguments[1:])
        options = parser.parse_args(arguments)
        code: int = options.run(options)
    except KeyboardInterrupt:
        return 130
    return code


def _learn(arguments: Sequence[str]) -> int:
    from .learn.cli import main

    return main(arguments)


def _add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    demo = commands.add_parser(
        "demo",
        help="a live page on which to freeze, starve and break a pool, and watch it recover",
        description="Starts a database server of its own with temporary data, a function over one pool, and a live "
        "page on this machine's loopback. Ctrl-C stops everything and leaves nothing behind.",
    )
    demo.add_argument(
        "--port", type=_port, default=8642, help="of the page; 0 for any free one (default: 8642)"
    )
    database = demo.add_mutually_exclusive_group()
    database.add_argument(
        "--database",
        choices=("postgresql", "mysql"),
        default="postgresql",
        help="what to start: the PostgreSQL that comes with thawpool[demo], or this machine's MariaDB, or its MySQL "
        "where it has no MariaDB (default: postgresql)",
    )
    database.add_argument(
        "--database-url",
        type=_database_url,
        metavar="URL",
        help="use this server instead, postgresql://... (14 or newer) or mysql://... (MariaDB too); a table users is "
        "made if there is none, and dropped again",
    )
    demo.add_argument("--open", action="store_true", help="open the page in the browser")
    demo.set_defaults(run=_demo)


def _add_init(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from .starters import STARTERS

    init = commands.add_parser(
        "init",
        help="write a working app to start from",
        description="Writes a working app into a folder, to be run, changed and deployed.\n"
        "It overwrites nothing unless told to, and writes all of the app or none of it.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="starters:\n"
        + "\n".join(f"  {name:<9} {starter.about}" for name, starter in STARTERS.items()),
    )
    init.add_argument("starter", metavar="STARTER", choices=tuple(STARTERS), help="one of those below")
    init.add_argument(
        "folder",
        metavar="DIR",
        nargs="?",
        type=_folder,
        help="where to write it; it is made if it is missing (default: thawpool-STARTER)",
    )
    init.add_argument(
        "--force", action="store_true", help="overwrite the files of the app that are there already"
    )
    init.set_defaults(run=_init)


def _folder(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("its name is empty: name a folder, or . for this one")
    return Path(text)


def _init(options: argparse.Namespace) -> int:
    from .starters import STARTERS, StarterError, init

    folder: Path = options.folder or Path(f"thawpool-{options.starter}")
    try:
        files = init(options.starter, folder, force=options.force)
    except StarterError as error:
        return _fail(str(error))
    print(f"wrote {len(files)} files into {folder}:")
    for file in files:
        print(f"  {file}")
    print("\nnow:")
    change = () if folder == Path() else (f"cd {shlex.quote(str(folder))}",)
    for command in (*change, *STARTERS[options.starter].commands):
        print(f"  {command}")
    return 0


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 0 to 65535")
    return int(text)


def _database_url(text: str) -> str:
    from .demo.servers import with_async_driver
    from .errors import ConfigError

    try:
        return with_async_driver(text)
    except ConfigError as error:
        # The text itself may hold a password, so it is not repeated.
        raise argparse.ArgumentTypeError(str(error)) from None


def _demo(options: argparse.Namespace) -> int:
    from .demo.servers import needs

    drivers, others = needs(options.database, options.database_url)
    missing = [name for name in (*drivers, *others) if importlib.util.find_spec(name) is None]
    if missing:
        extras = ",".join(["demo", *(name for name in missing if name in drivers)])
        return _fail(f"{', '.join(missing)} is not installed: pip install 'thawpool[{extras}]'")
    from .demo.run import DemoError, run

    try:
        run(options.port, options.database, options.database_url, open_browser=options.open)
    except DemoError as error:
        return _fail(str(error))
    return 0


def _fail(message: str) -> int:
    print(f"thawpool: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

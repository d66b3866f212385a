"""Runs a command with PostgreSQL and Redis at its side.

    python -m kit.testing serve [--no-redis] -- COMMAND…

Starts what TEST_POSTGRES_URL and TEST_REDIS_URL do not name, gives both to the command, stops
the servers when it ends, and ends with its exit code.
"""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import FrameType

from kit.testing import servers

_MISSING = 1


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m kit.testing", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(required=True)
    serve = commands.add_parser("serve", help="run a command with the servers")
    serve.add_argument("--no-redis", action="store_true", help="the system has no cache")
    serve.add_argument("command", nargs="+")
    arguments = parser.parse_args(argv)
    with_redis = not arguments.no_redis
    return run_beside(lambda stack: _start(stack, with_redis=with_redis), arguments.command)


def run_beside(start: Callable[[ExitStack], dict[str, str]], command: Sequence[str]) -> int:
    """Run a command with servers at its side and return its exit code.

    Args:
        start: starts the servers and returns the variables that name them to the command.
        command: what to run; a signal ends it first and the servers then.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        with (
            ExitStack() as stack,
            subprocess.Popen(command, env=os.environ | start(stack)) as process,  # noqa: S603 - the user's own command
        ):
            try:
                return process.wait()
            except KeyboardInterrupt:
                process.terminate()
                process.wait()
                raise
    except servers.ServerMissingError as error:
        sys.stderr.write(f"error: {error}\n")
        return _MISSING
    except KeyboardInterrupt:
        return 130


def _start(stack: ExitStack, *, with_redis: bool) -> dict[str, str]:
    started = {}
    if not os.environ.get("TEST_POSTGRES_URL"):
        started["TEST_POSTGRES_URL"] = stack.enter_context(servers.postgres())
    if with_redis and not os.environ.get("TEST_REDIS_URL"):
        started["TEST_REDIS_URL"] = stack.enter_context(servers.redis()).url
    return started


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())

"""Runs a command with a broker at its side; ends with its exit code."""

import argparse
import sys
from collections.abc import Sequence

from kit.testing import brokers
from kit.testing.__main__ import run_beside


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m kit.testing.brokers", description=__doc__)
    parser.add_argument("broker", choices=brokers.names())
    parser.add_argument("command", nargs=argparse.REMAINDER)  # may hold a -- of its own
    arguments = parser.parse_args(argv)
    command = arguments.command[arguments.command[:1] == ["--"] :]
    if not command:
        parser.error("a command is expected")
    return run_beside(
        lambda stack: {
            brokers.VARIABLE: stack.enter_context(brokers.given_or_own(arguments.broker))
        },
        command,
    )


if __name__ == "__main__":
    sys.exit(main())

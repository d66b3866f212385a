"""The commands of a service: `python -m <package> [COMMAND] …`; without one it is the API."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence

Command = Callable[[Sequence[str]], int]


def main(
    api: Callable[[], None], commands: Mapping[str, Command], argv: Sequence[str] | None = None
) -> int:
    """Run what the command line names and return the exit code.

    Args:
        api: serves the API.
        commands: everything else, by name; each gets the arguments after its name.
        argv: without the program; default, the process's own.
    """
    given = sys.argv[1:] if argv is None else argv
    if not given:
        api()
        return 0
    parser = argparse.ArgumentParser(description="Without a command, serve the API.")
    parser.add_argument("command", choices=sorted(commands))
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    chosen = parser.parse_args(given)
    return commands[chosen.command](chosen.arguments)

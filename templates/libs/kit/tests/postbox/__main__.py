"""`python -m postbox relay|worker|topology|redrive`."""

import sys

from kit.command import main
from postbox import Settings, messaging


def _api() -> None:
    sys.stdout.write("the API\n")


if __name__ == "__main__":
    sys.exit(main(_api, messaging().commands(Settings)))

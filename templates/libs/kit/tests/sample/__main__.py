"""`python -m sample`."""

from kit.server import run
from sample.main import build
from sample.settings import Settings

if __name__ == "__main__":
    settings = Settings()
    run(lambda: build(settings), settings)

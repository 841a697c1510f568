"""`python -m playscore` is `playscore`."""

from playscore.cli import main

main()

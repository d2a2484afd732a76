"""``python -m hpcqke`` is the command ``hpcqke``."""

from hpcqke.cli import main

main()

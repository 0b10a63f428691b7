"""`python -m aanntwin`, and `python aanntwin` in the checkout."""

import sys
from pathlib import Path

if not __package__:  # run as a folder: imports start from the folder above
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from aanntwin.main import main

if __name__ == "__main__":
    sys.exit(main())

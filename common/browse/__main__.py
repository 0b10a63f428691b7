"""`python -m common.browse` is the command `nonideal`."""

import sys

from common.browse.command import main

sys.exit(main())

"""The command `psa-make-architecture-table`; see psa_resmlp.scripts.make_architecture_table."""

import sys

from psa_resmlp.scripts.make_architecture_table import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())

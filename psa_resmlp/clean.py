"""The command `psa-clean`; see psa_resmlp.scripts.clean."""

import sys

from psa_resmlp.scripts.clean import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())

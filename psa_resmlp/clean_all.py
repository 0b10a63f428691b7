"""The command `psa-clean-all`; see psa_resmlp.scripts.clean."""

import sys

from psa_resmlp.scripts.clean import main_all as main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())

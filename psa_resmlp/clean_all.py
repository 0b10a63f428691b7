"""The command `psa-clean-all`; see psa_resmlp.scripts.clean_all."""

import sys

from psa_resmlp.scripts.clean_all import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())

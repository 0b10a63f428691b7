"""The command `psa-generate-reproduction-tests`; see psa_resmlp.scripts.generate_reproduction_tests."""

import sys

from psa_resmlp.scripts.generate_reproduction_tests import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())

"""The command `psa-analyze-dataset`; see psa_resmlp.scripts.analyze_dataset."""

import sys

from psa_resmlp.scripts.analyze_dataset import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())

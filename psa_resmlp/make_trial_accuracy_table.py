"""The command `psa-make-trial-accuracy-table`; see psa_resmlp.scripts.make_trial_accuracy_table."""

import sys

from psa_resmlp.scripts.make_trial_accuracy_table import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())

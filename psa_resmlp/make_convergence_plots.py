"""The command `psa-make-convergence-plots`; see psa_resmlp.scripts.make_convergence_plots."""

import sys

from psa_resmlp.scripts.make_convergence_plots import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())

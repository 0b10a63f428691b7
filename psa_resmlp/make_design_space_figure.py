"""The command `psa-make-design-space-figure`; see psa_resmlp.scripts.make_design_space_figure."""

import sys

from psa_resmlp.scripts.make_design_space_figure import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())

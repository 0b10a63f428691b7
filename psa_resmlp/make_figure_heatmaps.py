"""The command `psa-make-figure-heatmaps`; see psa_resmlp.scripts.make_figure_heatmaps."""

import sys

from psa_resmlp.scripts.make_figure_heatmaps import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())

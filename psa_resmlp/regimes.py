"""The command `psa-regimes`, and the classification for notebooks; see psa_resmlp.scripts.regimes."""

import sys

from psa_resmlp.scripts.regimes import REGIMES, classify, get_all_regime_classifications, get_asymmetric_models, main

__all__ = ["REGIMES", "classify", "get_all_regime_classifications", "get_asymmetric_models", "main"]

if __name__ == "__main__":
    sys.exit(main())

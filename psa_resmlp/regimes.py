"""The command `psa-regimes`, and the classification for notebooks; see psa_resmlp.tables.regimes."""

import sys

from psa_resmlp.scripts.regimes import main
from psa_resmlp.study.architectures import get_asymmetric_models
from psa_resmlp.tables.regimes import REGIMES, classify, get_all_regime_classifications

__all__ = ["REGIMES", "classify", "get_all_regime_classifications", "get_asymmetric_models", "main"]

if __name__ == "__main__":
    sys.exit(main())

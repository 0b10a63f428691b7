"""Where `analog_nmos.data.baselines` was when the digits were the only data."""

from analog_nmos.data.baselines import Baseline, baselines, wilson_interval

__all__ = ["Baseline", "baselines", "wilson_interval"]

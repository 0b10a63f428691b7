"""Many runs: a list of specs, a folder and a function. Nothing of Dask is loaded before a sweep starts.

    specs = [RunSpec(i, f"seed{i}", {"seed": i}) for i in range(100)]
    run_sweep(specs, "results/demo", "my_module:train", workers=4)

docs/sweeps.md explains the folder, docs/clusters.md clusters.
"""

from common.runs.outcome import Outcome
from common.runs.spec import RunSpec
from common.sweeps.axes import Axis
from common.sweeps.listener import Listener
from common.sweeps.run import Options, run_sweep
from common.sweeps.sweep import Sweep

__all__ = ["Axis", "Listener", "Options", "Outcome", "RunSpec", "Sweep", "run_sweep"]

"""What the tests of the house have in common: the packages, and what is heavy to load."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
SUITES = ("aanntwin", "analog_nmos", "corruption_study", "magnetoionic", "psa_resmlp")
PACKAGES = ("common", "device_models", *SUITES)
# What takes a good part of a second to load, so that it is loaded where it is needed and never for --help.
HEAVY = frozenset(
    "boto3 botocore cycler dask dask_jobqueue distributed dotenv llvmlite matplotlib networkx numba pandas PySpice "
    "rich safetensors scipy sklearn torch torchvision".split()
)
SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]

"""Every tool: --help and wrong options answer without heavy libraries, and each module runs as a process."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = (
    "analyze_dataset",
    "clean",
    "clean_all",
    "generate_reproduction_tests",
    "make_architecture_table",
    "make_convergence_plots",
    "make_design_space_figure",
    "make_figure_heatmaps",
    "make_trial_accuracy_table",
    "regimes",
    "sagemaker.cost_estimator",
    "sagemaker.estimate_storage",
    "sagemaker.get_training_logs",
    "sagemaker.logs_parser",
    "sagemaker.reconstruct_jobs",
    "sagemaker.results_parser",
    "sagemaker.run",
)
HEAVY = ("torch", "numba", "matplotlib", "sklearn", "scipy", "pandas", "torchvision", "boto3", "botocore", "dotenv")
PROBE = """
import sys
module, heavy, words = sys.argv[1], sys.argv[2].split(","), sys.argv[3:]
main = __import__(f"psa_resmlp.{module}", fromlist=["main"]).main
try:
    code = main(words)
except SystemExit as stop:
    code = stop.code
loaded = [name for name in heavy if name in sys.modules]
print(code, *loaded, file=sys.__stderr__)
"""


def name_of(module):
    return f"psa-{module.replace('_', '-').replace('.', '-')}"


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize(("words", "code"), [(["--help"], "0"), (["--no-such-option"], "2")])
def test_help_and_wrong_options_load_nothing_heavy(module, words, code):
    done = subprocess.run(
        [sys.executable, "-c", PROBE, module, ",".join(HEAVY), *words], cwd=ROOT, capture_output=True, text=True
    )
    assert done.stderr.splitlines()[-1] == code, done.stderr
    if code == "2":
        assert done.stderr.startswith("error: ")
    else:
        assert name_of(module) in done.stdout


def test_each_has_an_entry_point_of_its_name():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    for module in MODULES:
        assert scripts[name_of(module)] == f"psa_resmlp.{module}:main"


def test_as_processes(command, tmp_path):
    (tmp_path / "few.txt").write_text("18*18\n")
    assert r"18*18 & 26{,}632 & Matched \\" in command("make_architecture_table", "--config-file", "few.txt").out
    assert command("regimes", code=2).err.startswith("error: trials table results/psa_resmlp_trials.md: no such file")
    command("generate_reproduction_tests", "--config-file", "few.txt")
    assert (tmp_path / "run_reproduction.sh").is_file()

"""Names in text: commands, modules and functions that the documentation, or a string in a source file, says exist."""

import ast
import re

import pytest
from house import PACKAGES, ROOT, SCRIPTS
from import_graph import Sources

TEXTS = [
    ROOT / "README.md",
    ROOT / "Makefile",
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / "scripts").glob("*.sh"),
]
MODULE = re.compile(r"python3? -m ([a-z_][\w.]*\w)")
# In the place of a command: at the start of a line or a quotation, in .venv/bin, after exec.
COMMAND = re.compile(
    r"(?:^|`|'|\.venv/bin/|exec )((?:aanntwin|corruption|magnetoionic|nmos|psa)-[a-z-]*[a-z])(?=[ `\n])", re.MULTILINE
)
FUNCTION = re.compile(rf"(?:{'|'.join(PACKAGES)})(?:\.\w+)+:\w+")
IMPORT = re.compile(
    r"from ((?:aanntwin|analog_nmos|common|corruption_study|magnetoionic|psa_resmlp)[\w.]*) import (.+)"
)
# What scripts of users run as `python -m`, and what the manifests of sweeps name: their code may move, they may not.
RUN = """
aanntwin: __main__ main scripts.analyze_weights scripts.generate_csv scripts.normalize scripts.quantize scripts.spec
    scripts.sweep_model_parameters scripts.sweep_noise scripts.test_bits scripts.test_only
analog_nmos: audit_command auto_prune_sweep auto_prune_trainer chip_command compare dense_sweep dense_trainer
    dense_trainer_avgappr dense_trainer_cross_entropy deploy energy_command figures_command spec topology_command train
    train_sweep verify xent_sweep
common: browse.__main__
corruption_study: plot run_experiments
magnetoionic: figures_command main sweep
psa_resmlp: analyze_dataset clean clean_all generate_reproduction_tests make_architecture_table make_convergence_plots
    make_design_space_figure make_figure_heatmaps make_trial_accuracy_table regimes sweep train sagemaker.cost_estimator
    sagemaker.entry sagemaker.estimate_storage sagemaker.get_training_logs sagemaker.logs_parser
    sagemaker.reconstruct_jobs sagemaker.results_parser sagemaker.run
"""
IN_MANIFESTS = """
aanntwin.scripts.sweep_model_parameters:train_and_test aanntwin.scripts.sweep_noise:train_and_test
analog_nmos.auto_prune_sweep:train analog_nmos.dense_sweep:train analog_nmos.xent_sweep:train
analog_nmos.train_sweep:train corruption_study.worker:train magnetoionic.sweep:train psa_resmlp.sweep:train
"""


def published():
    package = ""
    for word in RUN.split():
        if word.endswith(":"):
            package = word[:-1]
        else:
            yield f"{package}.{word}"


@pytest.fixture(scope="module")
def sources():
    return Sources(ROOT, (*PACKAGES, "benchmarks"))


def defines(sources, module, name):
    """Whether a module has a name at its top level, or an import of it there."""
    for node in sources.trees[module].body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return True
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(part, ast.Name) and part.id == name for one in targets for part in ast.walk(one)):
                return True
        if isinstance(node, ast.ImportFrom) and any((one.asname or one.name) == name for one in node.names):
            return True
    return False


def runs(sources, module):
    """Whether `python -m module` does something."""
    path = sources.files.get(f"{module}.__main__") or sources.files.get(module)
    return path is not None and (path.name == "__main__.py" or '__name__ == "__main__"' in path.read_text())


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_what_a_text_tells_to_run_is_there(sources, path):
    text = path.read_text()
    modules = [module for module in MODULE.findall(text) if sources.is_ours(module)]
    assert [module for module in modules if not runs(sources, module)] == []
    assert set(COMMAND.findall(text)) <= set(SCRIPTS)
    taken = [(module, name.strip()) for module, names in IMPORT.findall(text) for name in names.split(",")]
    assert [pair for pair in taken if ".".join(pair) not in sources.files and not defines(sources, *pair)] == []


def test_what_users_run_keeps_its_place(sources):
    assert [module for module in published() if not runs(sources, module)] == []


def test_functions_and_classes_in_strings_are_there(sources):
    """What is loaded by name when it is needed: workers of sweeps, members of registries, entry points."""
    named = {("pyproject.toml", 0, target) for target in SCRIPTS.values()}
    named |= {("manifests", 0, target) for target in IN_MANIFESTS.split()}
    for module, tree in sources.trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and FUNCTION.fullmatch(node.value):
                named.add((str(sources.files[module]), node.lineno, node.value))
    missing = []
    for place, line, target in sorted(named):
        module, _, name = target.partition(":")
        if module not in sources.files or not defines(sources, module, name):
            missing.append(f"{place}:{line}: {target}")
    assert not missing, "\n".join(missing)

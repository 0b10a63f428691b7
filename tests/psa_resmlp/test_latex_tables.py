"""LaTeX tables: exact lines, winners and ties, special characters."""

import re
import shutil
import subprocess

import pytest

from psa_resmlp.study.architectures import ARCHITECTURES
from psa_resmlp.tables import Summary, latex, write_study
from psa_resmlp.tables.accuracy import winners

ACCURACIES = {
    "none": [98.18, 98.20],
    "decay": [97.0],
    "dropout": [98.18],
    "full": [90.0, 92.0],
    "hidden": [98.17],
}


def compile_if_possible(text, folder):
    """Structure always; pdflatex where it is installed."""
    assert text.count(r"\begin{") == text.count(r"\end{") == 2
    assert [text.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 1, 1]
    columns = re.search(r"\\begin\{tabular\}\{(\w+)\}", text)[1]
    for line in text.splitlines():
        if line.endswith(r"\\"):
            assert len(re.findall(r"(?<!\\)&", line)) == len(columns) - 1
    if shutil.which("pdflatex"):
        source = r"\documentclass{article}\usepackage{booktabs}\begin{document}" + text + r"\end{document}"
        (folder / "t.tex").write_text(source)
        subprocess.run(["pdflatex", "-halt-on-error", "t.tex"], cwd=folder, check=True, capture_output=True)


def test_architecture_table(here, tmp_path):
    text = here("make_architecture_table").out
    lines = text.splitlines()
    assert lines[:9] == [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}[ht]",
        r"\centering",
        r"\caption{Parameters of ResMLP architectures}",
        r"\label{tab:architecture_parameters}",
        r"\begin{tabular}{lrl}",
        r"\toprule",
        r"\textbf{Architecture} & \textbf{Parameters} & \textbf{Parameter Matching} \\",
        r"\midrule",
    ]
    assert lines[9] == r"1*2048 & 10{,}020{,}874 & Matched \\"
    assert r"32*1 & 933 & Asymmetric \\" in lines
    assert len(lines) == 9 + len(ARCHITECTURES) + 3
    compile_if_possible(text, tmp_path)


def test_architecture_table_of_the_other_family_in_a_file(here, tmp_path):
    (tmp_path / "some.txt").write_text("1*2048\n[4*4, 2*8]\n")
    words = ("--family", "mlp", "--config-file", "some.txt", "--output", "new/a.tex", "--caption", "50% & more_")
    assert here("make_architecture_table", *words).out == "written: new/a.tex\n"
    text = (tmp_path / "new/a.tex").read_text()
    assert r"1*2048 & 1{,}628{,}170 & Matched \\" in text
    assert r"4*4,2*8 & 3{,}402 & Matched \\" in text
    assert r"\caption{50\% \& more\_}" in text
    compile_if_possible(text, tmp_path)


def test_accuracy_table(here, tmp_path, study_of):
    study = study_of({"1*2048": ACCURACIES, "2*1": {"output": [11.02]}, "1*2": {}})
    write_study(tmp_path / "results", study)
    text = here("make_trial_accuracy_table").out
    lines = text.splitlines()
    assert r"\caption{Best validation accuracy of ResMLP, mean and standard deviation of 1 to 2 trials}" in lines
    assert lines[7].startswith(r"\textbf{Architecture} & \textbf{None} & \textbf{Decay} & \textbf{Dropout} &")
    bold = r"$\mathbf{98.19 \pm 0.01}$ & $97.00 \pm 0.00$ & $\mathbf{98.18 \pm 0.00}$ & $91.00 \pm 1.00$"
    tail = r" & $98.17 \pm 0.00$ & -- & Tie: \texttt{none}/\texttt{dropout} \\"
    assert f"1*2048 & {bold}{tail}" in lines
    assert r"2*1 & -- & -- & -- & -- & -- & $\mathbf{11.02 \pm 0.00}$ & \texttt{output} \\" in lines
    assert r"1*2 & -- & -- & -- & -- & -- & -- & -- \\" in lines
    compile_if_possible(text, tmp_path)
    # The trials give the same as the summary here; --order chooses and orders rows.
    (tmp_path / "order.txt").write_text("2*1\n5*5\n1*2048\n")
    words = ("--datafile", "results/psa_resmlp_trials.md", "--order", "order.txt")
    rows = [line.split(" ")[0] for line in here("make_trial_accuracy_table", *words).out.splitlines() if "*" in line]
    assert rows == ["2*1", "1*2048"]


def test_ties_within_a_hundredth():
    def mean(value):
        return Summary(value, 0.0, value, value, 1)

    assert winners({"none": mean(97.36), "full": mean(97.35), "output": mean(97.349)}) == ["none", "full"]
    assert winners({"output": mean(97.36), "full": mean(97.35), "none": mean(97.34)}) == ["full", "output"]
    assert winners({}) == []


def test_wrong_input(here, tmp_path):
    assert "results/psa_resmlp_summary.md: no such file" in here("make_trial_accuracy_table", code=2).err
    (tmp_path / "other.md").write_text("# hello\n")
    assert "has no line 'Results Shape" in here("make_trial_accuracy_table", "--datafile", "other.md", code=2).err
    assert "no such file" in here("make_architecture_table", "--config-file", "no.txt", code=2).err


def test_special_characters():
    assert latex.escape(r"a_b & 5% {x} \ ~ ^ # $") == (
        r"a\_b \& 5\% \{x\} \textbackslash{} \textasciitilde{} \textasciicircum{} \# \$"
    )
    with pytest.raises(ValueError, match="2 cells for the columns lrl"):
        latex.table("lrl", [["a", "b"]], [], caption="", label="")

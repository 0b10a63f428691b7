"""Every branch of the regime rules by hand-made trials, ties at the thresholds, and the command."""

import pytest

from common.errors import InputError
from psa_resmlp.regimes import REGIMES, classify, get_all_regime_classifications, get_asymmetric_models
from psa_resmlp.study.modes import MODE_NAMES


def modes(*values):
    """Trials of none, decay, dropout, full, hidden, output; a number stands for a single trial."""
    return {
        mode: list(value) if isinstance(value, (list, tuple)) else [value]
        for mode, value in zip(MODE_NAMES, values, strict=True)
    }


Z = 11.02
CASES = {
    # Rule 1
    "no trial above Z": ((Z, Z, Z, Z, 9.8, Z), "untrainable"),
    "ten trials at Z each": (([Z] * 10,) * 6, "untrainable"),
    "means and P at Z, a baseline trial above": (([9.0, 12.0], Z, Z, Z, Z, Z), "untrainable"),
    "the same, and a P trial above: go on": (
        ([9.0, 12.0], Z, Z, [9.0, 11.5], Z, Z),
        "beneficial-regularization",
    ),
    # Rule 2
    "all within half a point": ((98.2, 98.1, 98.3, 98.0, 98.2, 97.9), "beneficial-regularization"),
    "P at the edge of s_B": ((98.0, 98.0, 98.0, 97.5, 97.5, 97.5), "beneficial-regularization"),
    "P just outside, overlap of exactly 0.01": ((97.35, 97.35, 97.35, 97.36, 90.0, 90.0), "beneficial-regularization"),
    "the same, less than 0.01 in binary": ((97.01, 97.01, 97.01, 97.02, 90.0, 90.0), "beneficial-regularization"),
    "overlap of only 0.009": ((97.35, 97.35, 97.35, 97.359, 90.0, 90.0), "optimally-sized"),
    "best P in the middle of the baselines": ((97.5, 97.9, 98.2, 97.7, 80.0, 80.0), "beneficial-regularization"),
    "overlap, but baselines inconsistent": ((90.0, 96.0, 96.0, 95.0, 80.0, 80.0), "optimally-sized"),
    # Rule 3
    "ablation harms by more than s_B": ((97.0, 97.0, 97.0, 96.0, 96.0, 96.0), "optimally-sized"),
    # b = 96, s_B = sqrt(8/3) = 1.63 and none, 2 away, is inconsistent; p = 95.5 is within s_B of b
    "baselines inconsistent, best trial of B, p below b": ((94.0, 96.0, 98.0, 95.5, 95.5, 95.5), "optimally-sized"),
    "the same with p = b": ((94.0, 96.0, 98.0, 96.0, 96.0, 96.0), "optimally-sized"),
    # From here the best trial is of P. full is 0.7 below b, so rule 2 fails; p = b - 0.47
    "consistent and apart": ((97.0, 97.0, 97.0, [94.6, 98.0], 96.6, 96.7), "optimally-sized"),
    "best P mean equal to the worst of B": ((97.0, 97.0, 97.0, [94.8, 98.0], 97.0, 97.0), "optimally-sized"),
    "best P mean 0.005 above it": ((97.0, 97.0, 97.0, [94.8, 98.0], 97.005, 97.0), "unknown"),
    # s_P = 0.71 and full is 1.0 below p, so the last part fails; p is b - s_B, then just below it
    "p exactly at b - s_B": ((97.0, 97.0, 97.0, [93.0, 98.0], 97.0, 97.0), "unknown"),
    "p just below b - s_B": ((97.0, 97.0, 97.0, [92.99, 98.0], 97.0, 97.0), "optimally-sized"),
    # Rule 4: B inconsistent (s_B = 0.94, none 1.33 below b), or P inconsistent and apart; p below b + 0.5 in both
    "only P has a trial above Z": ((9.0, 11.0, 11.0, [9.0, 12.0], 10.5, 10.5), "chaotic-optimization"),
    "the same with that trial at Z": ((9.0, 11.0, 11.0, [9.0, Z], 10.5, 10.5), "untrainable"),
    "only P, and worse on average": ((Z, Z, Z, [7.2, 12.0], 11.0, 11.0), "chaotic-optimization"),
    # Rule 2 comes first: baselines that all fail alike are consistent
    "only P, and far better": ((Z, Z, Z, 12.0, 11.0, 60.0), "beneficial-regularization"),
    # baselines inconsistent; p = 96.6 > 96 + 0.5
    "P better by more than half a point": ((94.0, 96.0, 98.0, 96.6, 96.6, 96.6), "chaotic-optimization"),
    # Rule 5
    "P better by exactly half a point": ((94.0, 96.0, 98.0, 96.5, 96.5, 96.5), "unknown"),
    "a mode without trials": ((98.2, 98.1, 98.3, 98.0, 98.2, []), "unknown"),
    "no trials": (([],) * 6, "unknown"),
}


@pytest.mark.parametrize("name", CASES)
def test_rules(name):
    trials, regime = CASES[name]
    assert classify(modes(*trials)) == regime


def test_every_regime_has_a_case():
    assert {regime for _, regime in CASES.values()} == set(REGIMES)


def test_the_largest_class_is_a_parameter():
    trials = modes(*[12.13] * 6)
    assert classify(trials) == "beneficial-regularization"
    assert classify(trials, zeror=12.13) == "untrainable"


def test_the_least_deviation_does_not_cap_a_larger_one():
    # Three means 0.6 apart have s_B = 0.49, which counts as 0.5, and the outer ones are out; 0.5 apart they are in.
    assert classify(modes(96.4, 97.0, 97.6, 97.0, 97.0, 97.0)) == "optimally-sized"
    assert classify(modes(96.5, 97.0, 97.5, 97.0, 97.0, 97.0)) == "beneficial-regularization"


def test_all_classifications_from_memory_and_from_files(study_of, tmp_path):
    from psa_resmlp.tables import write_study

    study = study_of({"1*1024": modes(98.2, 98.1, 98.3, 98.0, 98.2, 97.9), "18*18": modes(*[Z] * 6)})
    expected = {"18*18": "untrainable", "1*1024": "beneficial-regularization", "2*2": "unknown"}
    assert get_all_regime_classifications(list(expected), study) == expected
    assert list(get_all_regime_classifications(list(expected), study)) == list(expected)
    write_study(tmp_path, study)
    (tmp_path / "configurations.txt").write_text("18*18\n1*1024\n2*2\n")
    for trials in (tmp_path, tmp_path / "psa_resmlp_trials.md", str(tmp_path / "psa_resmlp_trials.csv")):
        assert get_all_regime_classifications(tmp_path / "configurations.txt", trials) == expected
    with pytest.raises(InputError, match="no such file"):
        get_all_regime_classifications(["1*2"], tmp_path / "missing.md")


def test_the_asymmetric_list_is_importable_from_here():
    assert len(get_asymmetric_models()) == 30


def test_command(study_of, tmp_path, here):
    from psa_resmlp.tables import write_study

    study = study_of({"1*1024": modes(98.2, 98.1, 98.3, 98.0, 98.2, 97.9), "18*18": modes(*[Z] * 6)})
    write_study(tmp_path / "results", study)
    assert here("regimes").out.splitlines()[-1] == (
        "2 architectures: 1 beneficial-regularization, 0 optimally-sized, 0 chaotic-optimization, 1 untrainable, "
        "0 unknown"
    )
    assert "| 18*18        | untrainable               |" in here("regimes").out
    assert here("regimes", "--csv").out == (
        'architecture,regime\n"1*1024",beneficial-regularization\n"18*18",untrainable\n'
    )
    assert '"18*18",beneficial-regularization' in here("regimes", "--csv", "--zeror", "10").out
    assert '"18*18",untrainable' in here("regimes", "--csv", "--dataset", "digits").out  # 12.13


@pytest.mark.parametrize(
    ("values", "first", "second"),
    [
        # full is above b + s_B = 97.5, which vetoes rule 2; then p = 92.5 is below b - s_B, or the trials of B decide
        ((97.0, 97.0, 97.0, 97.6, 90.0, 90.0), "optimally-sized", "beneficial-regularization"),
        ((97.0, 97.0, 97.0, 97.5, 97.0, 97.0), "beneficial-regularization", "beneficial-regularization"),
        ((97.0, 97.0, 97.0, 98.0, 97.6, 97.6), "chaotic-optimization", "beneficial-regularization"),
    ],
)
def test_the_first_papers_rules(values, first, second):
    assert classify(modes(*values), classifier="first") == first
    assert classify(modes(*values)) == second
    with pytest.raises(InputError, match="allowed: first, second"):
        classify(modes(*values), classifier="third")


def test_variance_above_15_points_is_chaotic_by_the_first_paper_alone():
    # Rule 2 fails by the inconsistent baselines, rule 3 as the best trial is of P, and p = b.
    values = ([60.0, 92.0], 76.0, 78.0, [75.0, 93.0], 72.0, 74.0)
    assert classify(modes(*values), classifier="first") == "chaotic-optimization"
    assert classify(modes([61.0, 91.0], *values[1:]), classifier="first") == "unknown"  # exactly 15
    assert classify(modes(*values)) == "unknown"


def test_tables_that_the_results_parser_wrote_are_found(study_of, tmp_path, here):
    from psa_resmlp.tables import write_study

    study = study_of({"1*1024": modes(97.0, 97.0, 97.0, 97.6, 90.0, 90.0)})
    write_study(tmp_path / "results/psa_sagemaker", study)
    done = here("regimes", "--csv")
    assert done.out == 'architecture,regime\n"1*1024",beneficial-regularization\n'
    assert done.err == "reading results/psa_sagemaker/psa_resmlp_trials.md\n"
    assert "optimally-sized" in here("regimes", "--csv", "--classifier", "first").out
    assert "1*1024 &" in here("make_trial_accuracy_table").out
    write_study(tmp_path / "results", study_of({"1*512": modes(*[98.0] * 6)}))
    done = here("regimes", "--csv")
    assert (done.err, "1*512" in done.out) == ("", True)
    assert "1*1024" in here("regimes", "--csv", "--input-dir", "results/psa_sagemaker").out


def test_command_with_wrong_input(study_of, tmp_path, here):
    from psa_resmlp.tables import write_study

    assert here("regimes", code=2).err == (
        "error: trials table results/psa_resmlp_trials.md: no such file; psa-sweep writes psa_resmlp_trials.md\n"
    )
    write_study(tmp_path / "results", study_of({"1*1024": modes(*[98.0] * 6)}))
    assert "from 0 to 100" in here("regimes", "--zeror", "111", code=2).err
    assert "give one of them" in here("regimes", "--zeror", "11", "--dataset", "digits", code=2).err
    (tmp_path / "one.txt").write_text("2*2\n")
    assert "has no trials of these" in here("regimes", "--config-file", "one.txt", code=2).err

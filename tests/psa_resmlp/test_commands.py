"""Tools without training, as processes; tests/house calls every command."""


def test_as_processes(command, tmp_path):
    (tmp_path / "few.txt").write_text("18*18\n")
    assert r"18*18 & 26{,}632 & Matched \\" in command("make_architecture_table", "--config-file", "few.txt").out
    assert command("regimes", code=2).err.startswith("error: trials table results/psa_resmlp_trials.md: no such file")
    command("generate_reproduction_tests", "--config-file", "few.txt")
    assert (tmp_path / "run_reproduction.sh").is_file()

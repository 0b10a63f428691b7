"""Reading a run folder: pruned runs, interrupted ones, and damaged files."""

import json

import numpy as np
import pytest

from analog_nmos.figures.run_files import LeftOut, RunFiles
from common.errors import InputError


def test_gate_voltages_of_every_epoch_and_of_the_start(make_run):
    run, gate_V = make_run()
    assert run.epochs == run.vg_epochs == [0, 1, 2, 3]
    for epoch in run.epochs:
        np.testing.assert_array_equal(run.gate_V(epoch), gate_V[epoch])
    assert run.limits_V == (gate_V.min(), gate_V.max())


def test_pruned_edges_are_nan_at_their_own_place(make_run):
    run, gate_V = make_run(pruned_after=1)
    np.testing.assert_array_equal(run.gate_V(3), gate_V[3])
    assert np.flatnonzero(np.isnan(run.gate_V(2))).tolist() == [0, 1]
    assert np.isfinite(run.gate_V(1)).all()
    assert run.limits_V == (np.nanmin(gate_V), np.nanmax(gate_V))


def test_a_shorter_array_without_edge_numbers_is_left_out(make_run):
    run, _ = make_run(pruned_after=1)
    (run.folder / "0_edge_uid_epoch2.npy").unlink()
    with pytest.raises(LeftOut, match=r"0_edge_uid_epoch2\.npy is missing: 25 gate voltages for 27 edges"):
        run.gate_V(2)
    assert list(run.readable) == [0, 1, 3]


@pytest.mark.parametrize("uid", [np.arange(24), np.arange(25) + 3, np.arange(25) - 1])
def test_edge_numbers_that_do_not_fit(make_run, uid):
    run, _ = make_run(pruned_after=1)
    np.save(run.folder / "0_edge_uid_epoch2.npy", uid)
    with pytest.raises(LeftOut, match="does not fit"):
        run.gate_V(2)


def test_damaged_and_missing_files_say_which(make_run):
    run, _ = make_run()
    (run.folder / "0_vg_unique_epoch1.npy").write_bytes(b"\x93NUMPY torn")
    np.save(run.folder / "0_vg_unique_epoch2.npy", np.array([{}], dtype=object))
    (run.folder / "0.graphml").write_text("<graphml")
    np.save(run.folder / "0_val_confusion_epoch1.npy", np.zeros((3, 2)))
    for epoch, words in ((0, "0.graphml does not hold"), (1, "epoch1.npy is damaged"), (2, "epoch2.npy is a pickled")):
        with pytest.raises(LeftOut, match=words):
            run.gate_V(epoch)
    with pytest.raises(LeftOut, match=r"0_vg_unique_epoch9\.npy is missing"):
        run.gate_V(9)
    with pytest.raises(LeftOut, match=r"shape \(3, 2\), not that of a square"):
        run.confusion(1)
    assert list(run.readable) == [3]


def test_a_folder_without_topology(make_run):
    run, _ = make_run()
    (run.folder / "topology.npz").unlink()
    with pytest.raises(LeftOut, match=r"topology\.npz: no such file"):
        run.gate_V(1)


def test_what_is_no_run_of_this_suite(make_run, tmp_path):
    with pytest.raises(InputError, match=r"no run_meta\.json in it"):
        RunFiles(tmp_path)
    with pytest.raises(InputError, match="a run of psa_resmlp; these figures are for analog_nmos"):
        make_run(package="psa_resmlp")


def test_which_samples_the_confusion_counts(make_run):
    run, _ = make_run(validated_on="validation split")
    assert run.validated_on == "validation samples"
    meta = json.loads((run.folder / "run_meta.json").read_text())
    (run.folder / "run_meta.json").write_text(json.dumps(meta | {"validated_on": "test set"}))
    assert RunFiles(run.folder).validated_on == "test samples"

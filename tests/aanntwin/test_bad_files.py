"""Files and values that are no good: one line, exit code 2, no traceback, and nothing is written or waited for."""

import json
import os
import subprocess
import sys
import zipfile

import pytest
import torch
from safetensors.torch import save
from waiting import stretched

from aanntwin.weights import initial_weights, save_weights

MAIN = "aanntwin.main"
SCRIPTS = "aanntwin.scripts."
DIGITS = ("--dataset_name", "digits", "--threads", 1)
LONG = "x" * 256


@pytest.fixture
def weights(digits):
    return initial_weights(digits)


@pytest.fixture
def refused(here, tmp_path, monkeypatch):
    """Run a command that must end so, and give its line."""
    monkeypatch.chdir(tmp_path)

    def run(module, *words):
        before = sorted(tmp_path.rglob("*"))
        done = here(module, *words, code=2)
        assert done.err.startswith("error: ")
        assert done.err.count("\n") == 1
        assert len(done.err) < 400
        assert done.out == ""
        assert sorted(tmp_path.rglob("*")) == before
        return done.err

    return run


def bad_weights(weights):
    """Files by name: what is in them, and words of the message."""
    meta = {"nested.safetensors": "[" * 100_000, "many.safetensors": '{"conv_out_channels": 100000000000}'}
    files = {name: save(weights, {"model_params": text}) for name, text in meta.items()}
    changed = {
        "none.safetensors": {"linear_weight": torch.zeros(0, 676), "linear_bias": torch.zeros(0)},
        "seven.safetensors": {"linear_weight": torch.zeros(7, 676), "linear_bias": torch.zeros(7)},
        "bias.safetensors": {"linear_bias": torch.zeros(())},
        "side.safetensors": {"conv2d_weight": torch.zeros(4, 1, 6, 5)},
        "whole.safetensors": {"linear_bias": torch.zeros(10, dtype=torch.int64)},
        "name.safetensors": {f"additional_linear_{'9' * 5000}_weight": torch.zeros(3)},
    }
    return files | {name: save({**weights, **more}) for name, more in changed.items()}


def test_weights_that_fit_no_model_are_refused(weights, refused, tmp_path):
    words = {
        "nested.safetensors": "nested too deeply",
        "many.safetensors": "the network has",
        "none.safetensors": "(0, 676)",
        "seven.safetensors": "linear_weight are (7, 676)",
        "bias.safetensors": "(10, 676) and ()",
        "side.safetensors": "the model's are (4, 1, 6, 6)",
        "whole.safetensors": "torch.int64",
        "name.safetensors": "is not the name",
    }
    for name, content in bad_weights(weights).items():
        (tmp_path / name).write_bytes(content)
    for name, text in words.items():
        assert text in refused(SCRIPTS + "test_only", name, *DIGITS)


@pytest.mark.parametrize("tool", ["test_only", "analyze_weights", "quantize", "normalize", "test_bits", "spec"])
def test_every_tool_reads_weights_within_bounds(weights, refused, tmp_path, tool):
    os.mkfifo(tmp_path / "fifo")
    torch.save({name: value.to_sparse() for name, value in weights.items()}, tmp_path / "sparse.pth")
    more = {"analyze_weights": (), "quantize": ("o.pth", 3, 2, 3, 2)}.get(tool, DIGITS)
    for file in ("fifo", "/dev/zero", ".", "none.pth", LONG):
        refused(SCRIPTS + tool, file, *more)
    assert "is sparse_coo" in refused(SCRIPTS + tool, "sparse.pth", *more)


@pytest.mark.parametrize("group", ["model_params", "testing_nonidealities"])
def test_groups_in_bad_json_files_are_refused(refused, tmp_path, group):
    os.mkfifo(tmp_path / "fifo")
    texts = {
        "open": "[" * 100_000,
        "deep": '{"a":' * 100_000,
        "list": "[1]",
        "word": '{"stride": "x", "input_noise": "x"}',
        "nan": '{"stride": NaN, "input_noise": NaN}',
        "inside": '{"additional_layers": [[1]], "input_noise": {}}',
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "latin").write_bytes(b'{"a": "\xe9"}')
    for name in (*texts, "latin", "fifo", "/dev/zero", ".", "none", LONG):
        refused(MAIN, *DIGITS, f"--{group}_json", name)


def test_targets_that_cannot_be_written_are_refused_before_any_work(weights, refused, tmp_path):
    save_weights(tmp_path / "w.pth", weights)
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    for target in ("fifo", "/dev/null", "folder", "none/x", "/", "x" * 250):
        refused(MAIN, *DIGITS, "--count_epoch", 1, "--output_path", target)
        refused(SCRIPTS + "quantize", "w.pth", target, 3, 2, 3, 2)
        refused(SCRIPTS + "normalize", "w.pth", *DIGITS, "--output_path", target)
        refused(SCRIPTS + "spec", "w.pth", *DIGITS, "--output_path", target)
        refused(SCRIPTS + "generate_csv", "--output_path", target)
        if target != "none/x":  # whose folder would be made
            refused(SCRIPTS + "test_bits", "w.pth", *DIGITS, "--output_path", target)


def test_results_files_that_are_none_are_refused(refused, tmp_path):
    os.mkfifo(tmp_path / "fifo.csv")
    contents = {
        "nul.csv": b"\0\0\n",
        "long.csv": b"a" * 200_000,
        "latin.csv": b"\xff\xfe",
        "deep.json": b'{"a":' * 100_000,
        "list.json": b"[1]",
        "latin.json": b'{"\xe9": 1}',
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    for name in (*contents, "fifo.csv"):
        style = "published" if name.endswith("json") else "ours"
        refused(SCRIPTS + "sweep_model_parameters", name, *DIGITS, "--format", style, "--sweep_dir", ".")
        if style == "published":
            refused(SCRIPTS + "sweep_noise", name, *DIGITS, "--format", style, "--sweep_dir", ".")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--model_params_conv_out_channels", 10**9), "the network has 1.73e+12 weights"),
        (("--model_params_additional_layers", 100_000, 100_000), "the network has 1.01e+10 weights"),
        (("--threads", 10**9), "at most 4096"),
    ],
)
def test_sizes_are_bounded_before_memory_is_taken(refused, words, message):
    assert message in refused(MAIN, *DIGITS, *words)


def test_numbers_of_thousands_of_digits_are_refused(refused, weights, tmp_path):
    save_weights(tmp_path / "w.pth", weights)
    refused(SCRIPTS + "test_only", "w.pth", *DIGITS, "--runs", "9" * 5000)
    refused(SCRIPTS + "quantize", "w.pth", "o.pth", 3, "1e" + "9" * 5000, 3, 2)
    assert "1 to 1000" in refused(SCRIPTS + "spec", "w.pth", *DIGITS, "--draws", 10**9)


def test_bombs_and_endless_files_take_little_memory(tmp_path):
    """In a process of its own, whose memory is bounded."""
    with zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("archive/data.pkl", bytes(520 << 20))
    torch.save({"conv2d_weight": torch.zeros(1).expand(1 << 15, 1 << 15, 6, 6)}, tmp_path / "wide.pth")
    (tmp_path / "header.safetensors").write_bytes((1 << 62).to_bytes(8, "little") + b"{" + bytes(1000))
    with open(tmp_path / "long.safetensors", "wb") as stream:
        stream.truncate(1 << 40)
    code = (
        "import json, re, sys\n"
        "from aanntwin.scripts.analyze_weights import main\n"
        "codes = [main([name]) for name in sys.argv[1:]]\n"
        # Not ru_maxrss, which a process inherits from the one that started it.
        "print(json.dumps([codes, int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])]))\n"
    )
    names = ("bomb.pth", "wide.pth", "header.safetensors", "long.safetensors", "/dev/zero")
    done = subprocess.run(
        [sys.executable, "-c", code, *names],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=stretched(120),
        check=True,
    )
    codes, kilobytes = json.loads(done.stdout)
    assert codes == [2] * len(names)
    assert done.stderr.count("\n") == len(names)
    assert kilobytes < 1 << 20

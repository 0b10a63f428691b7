"""Files of tensors: read by content, whole or refused in one line, whatever is in them."""

import functools
import io
import os
import pickle
import random
import resource
import time
import warnings
import zipfile

import pytest
import torch
from safetensors.torch import save as safe_bytes
from waiting import stretched

from common.errors import InputError
from common.tensor_files import check_finite, parse_content, parse_tensors, read_tensors

GIB = 1 << 30
STATE = {"a_weight": torch.arange(600.0).reshape(20, 30) / 7, "a_bias": torch.linspace(-1, 1, 20).to(torch.float16)}


def pth(value, **options):
    stream = io.BytesIO()
    torch.save(value, stream, **options)
    return stream.getvalue()


OLD = {"_use_new_zipfile_serialization": False}
FORMS = {"safetensors": safe_bytes(STATE), "pth": pth(STATE), "old pth": pth(STATE, **OLD)}


def refused(content, *words, read=parse_tensors):
    with pytest.raises(InputError) as caught:
        read(content, "weights file")
    message = str(caught.value)
    assert message.startswith("weights file: ")
    assert len(message) < 400
    assert "\n" not in message
    for word in words:
        assert word in message
    return message


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["w.pth", "w.safetensors", "w"])
def test_what_is_in_a_file_counts_and_not_its_name(tmp_path, form, name):
    (tmp_path / name).write_bytes(FORMS[form])
    found = read_tensors(tmp_path / name, "weights")
    assert {key: value.dtype for key, value in found.items()} == {key: value.dtype for key, value in STATE.items()}
    assert all(torch.equal(value, STATE[key]) for key, value in found.items())


def test_metadata_and_nested_content_are_there_for_who_asks():
    assert parse_tensors(safe_bytes(STATE, {"a": "b"}), "w")[1] == {"a": "b"}
    nested = {"best": {"state": STATE, "epoch": 3}, "list": [torch.zeros(2)]}
    found, _ = parse_content(pth(nested), "w")
    assert found["best"]["epoch"] == 3
    assert torch.equal(found["best"]["state"]["a_weight"], STATE["a_weight"])
    assert parse_content(pth(torch.ones(3)), "w")[0].tolist() == [1, 1, 1]
    refused(pth(nested), "of type dict under 'best'", "tensors by name")


def test_whole_numbers_only_where_they_are_asked_for():
    whole = {"n": torch.arange(3)}
    refused(safe_bytes(whole), "'n' holds torch.int64")
    assert parse_tensors(pth(whole), "w", floating=False)[0]["n"].tolist() == [0, 1, 2]


def sparse(make):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch calls some layouts beta
        return pth({"w": make(torch.eye(3))})


def deep(levels):
    value = torch.zeros(1)
    for _ in range(levels):
        value = [value]
    return value


def deep_pickle(levels):
    """Lists in lists, as a pickle that takes no recursion to write or to read."""
    return b"\x80\x02" + b"]" * levels + b"a" * (levels - 1) + b"."


class Evil:
    def __reduce__(self):
        return (open, ("pwned", "w"))


def archive(content, method):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as target:
        target.writestr("archive/data.pkl", content)
    return stream.getvalue()


ODD = {
    "sparse": (lambda: sparse(torch.Tensor.to_sparse), "'w' is sparse_coo"),
    "sparse rows": (lambda: sparse(torch.Tensor.to_sparse_csr), "'w' is sparse_csr"),
    "expanded": (lambda: pth({"w": torch.zeros(1).expand(1 << 20, 1 << 20)}), "take more than 512 MiB"),
    "meta": (lambda: pth({"w": torch.zeros(3, device="meta")}), "on device meta"),
    "complex": (lambda: pth({"w": torch.zeros(3, dtype=torch.complex64)}), "torch.complex64"),
    "list": (lambda: pth([torch.zeros(3)]), "of type list"),
    "numbers": (lambda: pth({3: torch.zeros(3)}), "under 3"),
    "empty mapping": (lambda: pth({}), "holds nothing"),
    "no tensors": (lambda: safe_bytes({}), "holds nothing"),
    "deep": (lambda: pth(deep(40)), "nested too deeply"),
    "very deep": (lambda: deep_pickle(100_000), "no PyTorch file"),
    "code": (lambda: pickle.dumps(Evil(), 2), "no PyTorch file of tensors"),
    "code in an archive": (lambda: archive(pickle.dumps(Evil(), 2), zipfile.ZIP_STORED), "no PyTorch file of tensors"),
    "array": (lambda: b"\x93NUMPY\x01\x00", "neither"),
    "text": (lambda: b"hello, this is no file of tensors", "neither"),
    "empty": (lambda: b"", "neither"),
    "header": (lambda: (1 << 40).to_bytes(8, "little") + b"{", "neither"),
    "nested header": (lambda: (600_000).to_bytes(8, "little") + b'{"a":' * 120_000, "damaged safetensors"),
    "cut": (lambda: FORMS["pth"][:-200], "damaged PyTorch file"),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD)
def test_odd_content_is_refused_in_one_line(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make, words = ODD[name]
    refused(make(), words)
    assert not list(tmp_path.iterdir())


def test_a_bomb_is_refused_before_it_is_unpacked():
    bomb = archive(bytes(40 << 20), zipfile.ZIP_DEFLATED)
    assert len(bomb) < 1 << 20
    refused(bomb, "unpacks to 40 MiB; at most 32 MiB", read=functools.partial(parse_tensors, limit=32 << 20))


def test_quantized_tensors_are_refused():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            content = pth({"w": torch.quantize_per_tensor(torch.eye(3), 0.1, 0, torch.qint8)})
        except (AttributeError, RuntimeError) as problem:
            pytest.skip(f"this torch makes none ({problem})")
    refused(content, "quantized")


def test_a_changed_number_in_a_pth_is_noticed():
    """Torch itself reads on: it does not compare the checksums of the archive."""
    content, number = FORMS["pth"], STATE["a_weight"][10, 10].numpy().tobytes()
    place = content.index(number)
    refused(content[:place] + b"\x7f" + content[place + 1 :], "checksum of")


def test_no_regular_file_is_waited_for(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", "/dev/zero", tmp_path, tmp_path / "none", tmp_path / ("x" * 256)):
        with pytest.raises(InputError, match=r"^weights "):
            read_tensors(path, "weights")


def test_numbers_that_are_not_finite_are_named():
    check_finite(STATE, "w")
    with pytest.raises(InputError, match=r"^w: b holds 2 of 3 numbers that are not finite$"):
        check_finite({**STATE, "b": torch.tensor([1.0, float("nan"), float("-inf")])}, "w")


def repacked(content, change):
    """An archive with its pickle changed and its checksums right."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(stream, "w") as target:
        for entry in source.infolist():
            part = source.read(entry)
            target.writestr(entry.filename, change(part) if entry.filename.endswith("data.pkl") else part)
    return stream.getvalue()


def mutated(content, rng):
    """The content with some bytes changed, cut out, doubled, or set to the ends of their range."""
    content = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 5, 20])):
        place, length = rng.randrange(len(content)), rng.choice([1, 1, 2, 4, 8, 64])
        kind = rng.randrange(4)
        if kind == 0:
            content[place] ^= 1 << rng.randrange(8)
        elif kind == 1:
            content[place : place + length] = rng.choice([b"\xff", b"\x00", b"\x7f"]) * length
        elif kind == 2:
            del content[place : place + length]
        else:
            content[place:place] = content[place : place + length]
    return bytes(content)


@pytest.mark.parametrize("form", [*FORMS, "pickle in a pth"])
def test_two_hundred_damaged_files_of_each_form(form):
    """Each is read or refused in one line, at once and in little memory."""
    rng, messages = random.Random(f"mutations of {form}"), []
    before, begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    for _ in range(200):
        if form in FORMS:
            content = mutated(FORMS[form], rng)
        else:
            content = repacked(FORMS["pth"], lambda part: mutated(part, rng))
        try:
            found = parse_tensors(content, "weights file")[0]
        except InputError as problem:
            messages.append(str(problem))
        else:
            assert sum(value.float().sum().numel() for value in found.values()) == len(found)
    assert len(messages) > 100
    assert all("\n" not in message and len(message) < 400 for message in messages)
    assert time.monotonic() - begin < stretched(20)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < GIB / 4

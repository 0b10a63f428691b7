"""The kernel cache: never stale, and never needed."""

import importlib.util
import os
import shutil
import stat
import sys

import numba
import pytest

from common.kernels import cache
from common.kernels.cache import cache_root, keep, source_hash, tidy

SOURCES = {"helper.py": "def add(x):\n    return x + 1.0\n", "entry.py": "def twice(x):\n    return 2.0 * add(x)\n"}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of two files, the entry calling the helper, and a cache folder of its own."""
    monkeypatch.setenv("NONIDEAL_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "package"
    folder.mkdir()
    for name, text in SOURCES.items():
        (folder / name).write_text(text)
    return folder


def run(package):
    """Load both files afresh, as a new process would: (result for 1.0, whether it came from the cache)."""
    modules = []
    for name in ("helper", "entry"):
        spec = importlib.util.spec_from_file_location(f"cached_{name}", package / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        modules.append(module)
    modules[1].add = numba.njit(modules[0].add)
    dispatcher = keep(numba.njit(modules[1].twice))
    return dispatcher(1.0), bool(dispatcher.stats.cache_hits)


def files(package):
    return list(package.parent.glob("cache/*.package-*/*.bin"))


def test_second_process_finds_what_the_first_compiled(package):
    assert run(package) == (4.0, False)
    assert run(package) == (4.0, True)
    assert len(files(package)) == 1


def test_edit_in_another_file_is_never_stale(package):
    run(package)
    helper = package / "helper.py"
    times = helper.stat()
    helper.write_text(SOURCES["helper.py"].replace("1.0", "5.0"))  # same size, and the same time on purpose
    os.utime(helper, ns=(times.st_atime_ns, times.st_mtime_ns))
    os.utime(package / "entry.py", (0, 0))
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    try:
        shutil.rmtree(package / "__pycache__", ignore_errors=True)
        assert run(package) == (12.0, False)
    finally:
        sys.dont_write_bytecode = before


@pytest.mark.parametrize("damage", ["empty", "garbage", "cut", "flipped"])
def test_damaged_file_costs_a_compilation_only(package, damage):
    run(package)
    path = files(package)[0]
    content = path.read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    path.write_bytes({"empty": b"", "garbage": b"no kernel", "cut": content[:middle], "flipped": flipped}[damage])
    assert run(package) == (4.0, False)
    assert run(package) == (4.0, True)


def test_checksummed_nonsense_costs_a_compilation_only(package):
    import hashlib
    import pickle

    run(package)
    payload = pickle.dumps(("of", "another", "version"))
    files(package)[0].write_bytes(hashlib.sha256(payload).hexdigest().encode() + b"\n" + payload)
    assert run(package)[0] == 4.0


def test_cache_folder_that_cannot_be_made(package, monkeypatch, tmp_path):
    blocker = tmp_path / "file"
    blocker.write_text("in the way")
    monkeypatch.setenv("NONIDEAL_CACHE", str(blocker))
    assert run(package) == (4.0, False)
    assert run(package) == (4.0, False)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_cache_folder(package):
    root = cache_root()
    root.mkdir()
    root.chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert run(package) == (4.0, False)


def test_unwritable_folder_seen_by_root_too(package, monkeypatch):
    def refuse(*args, **keywords):
        raise PermissionError("read-only file system")

    monkeypatch.setattr(cache.tempfile, "mkstemp", refuse)
    assert run(package) == (4.0, False)
    assert files(package) == []


def test_old_folders_are_tidied(tmp_path):
    for age in range(7):
        folder = tmp_path / f"native-{age}"
        folder.mkdir()
        os.utime(folder, (1000 - age, 1000 - age))
    (tmp_path / "other").mkdir()
    tidy(tmp_path / "native-6", keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["native-0", "native-1", "native-6", "other"]


def test_root_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("NONIDEAL_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_root() == tmp_path / "nonideal"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_root() == tmp_path / ".cache" / "nonideal"


def test_hash_sees_every_source_file(package):
    before = source_hash(package)
    (package / "new.py").write_text("")
    assert source_hash(package) != before

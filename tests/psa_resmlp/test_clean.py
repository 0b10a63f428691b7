"""psa-clean and psa-clean-all remove model files and nothing else, after a list with sizes."""

import io

import pytest


@pytest.fixture
def models(tmp_path):
    folder = tmp_path / "models"
    for name, size in (
        ("mnist_lkg.safetensors", 1234),
        ("old.safetensors", 10),
        ("notes.txt", 5),
        ("18x18_none/mnist_lkg.safetensors", 2_500_000),
        ("18x18_none/reproduced-100x1.done", 0),
        ("18x18_none/metrics.csv", 7),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(bytes(size))
    return folder


def left(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


ALL = {
    "mnist_lkg.safetensors", "old.safetensors", "notes.txt", "18x18_none/mnist_lkg.safetensors",
    "18x18_none/reproduced-100x1.done", "18x18_none/metrics.csv",
}  # fmt: skip


def test_the_default_checkpoint_only(models, here):
    out = here("clean").out
    assert out.splitlines() == [
        "      1.2 kB  models/mnist_lkg.safetensors",
        "      1.2 kB  in 1 file",
        "removed 1 file",
    ]
    assert left(models) == ALL - {"mnist_lkg.safetensors"}
    again = here("clean").out
    assert "not there  models/mnist_lkg.safetensors" in again
    assert "nothing to remove" in again


def test_a_dry_run_only_lists(models, here):
    for module in ("clean", "clean_all"):
        out = here(module, "--dry-run").out
        assert "1.2 kB  models/mnist_lkg.safetensors" in out
        assert out.endswith("dry run: nothing removed\n")
    assert left(models) == ALL


def test_named_files(models, here, tmp_path):
    (tmp_path / "here.safetensors").write_bytes(b"1")
    here("clean", "old.safetensors", "here.safetensors", "models/notes.txt", models / "18x18_none/metrics.csv")
    assert left(models) == ALL - {"old.safetensors", "notes.txt", "18x18_none/metrics.csv"}
    assert not (tmp_path / "here.safetensors").exists()


def test_a_missing_name_is_a_warning_and_the_others_go(models, here):
    done = here("clean", "old.safetensors", "nowhere")
    assert done.err == "warning: models/nowhere does not exist\n"
    assert left(models) == ALL - {"old.safetensors"}
    assert "is a folder" in here("clean", "18x18_none", code=2).err


@pytest.mark.parametrize(("answer", "gone"), [("y", True), ("", False)])
@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("clean", "old.safetensors", "notes.txt"), {"old.safetensors", "notes.txt"}),
        (
            ("clean", "--all", "--recursive"),
            ALL - {"notes.txt", "18x18_none/metrics.csv"},
        ),
    ],
)
def test_a_terminal_is_asked_before_several_names_and_folders_below(
    models, here, monkeypatch, words, names, answer, gone
):
    monkeypatch.setattr("sys.stdin", Terminal(answer + "\n"))
    done = here(*words)
    assert left(models) == (ALL - names if gone else ALL)
    assert "remove these files? [y/N]" in done.out
    assert ("nothing removed" in done.out) is not gone


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("words", [("clean", "old.safetensors"), ("clean",), ("clean", "--all"), ("clean_all",)])
def test_a_terminal_is_not_asked_for_less(models, here, monkeypatch, words):
    monkeypatch.setattr("sys.stdin", Terminal(""))
    assert "removed" in here(*words).out


@pytest.mark.parametrize("words", [("clean", "--all"), ("clean_all",)])
def test_all_model_files_of_the_folder_and_with_recursive_of_those_below(models, here, words):
    here(*words)
    assert left(models) == ALL - {"mnist_lkg.safetensors", "old.safetensors"}
    out = here(*words, "--recursive").out
    assert "2.5 MB  models/18x18_none/mnist_lkg.safetensors" in out
    assert left(models) == {"notes.txt", "18x18_none/metrics.csv"}
    assert "nothing to remove" in here(*words).out
    assert "give both" in here("clean", "--recursive", code=2).err


def test_a_cleaned_folder_is_not_done_any_more(models, here):
    here("clean", "--model-dir", "models/18x18_none")
    assert left(models / "18x18_none") == {"metrics.csv"}


def test_folder_of_the_environment(models, here, monkeypatch, tmp_path):
    monkeypatch.setenv("SAGEMAKER_MODEL_DIR", str(models / "18x18_none"))
    here("clean")
    assert left(models) == ALL - {"18x18_none/mnist_lkg.safetensors", "18x18_none/reproduced-100x1.done"}
    assert here("clean_all", "--model-dir", models / "notes.txt", code=2).err.endswith("is a file, allowed: a folder\n")
    assert "nothing to remove" in here("clean_all", "--model-dir", tmp_path / "none").out


def test_links_are_removed_and_not_what_they_name(models, here, tmp_path):
    (tmp_path / "precious.safetensors").write_bytes(b"1")
    (models / "link.safetensors").symlink_to(tmp_path / "precious.safetensors")
    here("clean", "--all")
    assert (tmp_path / "precious.safetensors").exists()
    assert not (models / "link.safetensors").is_symlink()

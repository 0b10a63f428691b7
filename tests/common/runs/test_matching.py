"""What a path or pattern names."""

import pytest

from common.runs.matching import matching


@pytest.fixture
def there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("runs[1]/a", "runs[1]/b", "runs1/a", "odd*", "odd1", "what?", "whatx", "~x"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("runs[1]", ["runs[1]"]),
        ("runs[1]/*", ["runs[1]/a", "runs[1]/b"]),
        ("runs[1]/[b]", ["runs[1]/b"]),
        ("runs[12]/*", ["runs1/a"]),
        ("runs*/a", ["runs1/a", "runs[1]/a"]),
        ("odd*", ["odd*"]),
        ("odd?", ["odd*", "odd1"]),
        ("what?", ["what?"]),
        ("nothing*", []),
        ("nothing", []),
        (".", ["."]),
    ],
)
def test_what_is_there_counts_as_it_is_written(there, word, found):
    assert [str(path) for path in matching(word)] == found
    if word != ".":
        assert [str(path) for path in matching(str(there / word))] == [str(there / name) for name in found]

"""Price files: which one is read, and one clear line for those that cannot be."""

import re

import pytest

from common.errors import InputError
from psa_resmlp.sagemaker.prices import SHIPPED, copy_prices, read_prices

TEXT = """
[eu-west-1]
"ml.c5.2xlarge" = 0.5
"ml.m5.large" = 1
[s3_gb_month]
eu-west-1 = 0.02
[cores]
"ml.c5.2xlarge" = 4
"""


@pytest.fixture
def file(tmp_path):
    def write(text=TEXT, name="mine.toml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_reads_numbers_of_a_file(file):
    prices = read_prices(file())
    assert prices.hour("eu-west-1", "ml.c5.2xlarge") == 0.5
    assert prices.hour("eu-west-1", "ml.m5.large") == 1
    assert prices.storage("eu-west-1") == 0.02
    assert prices.cores("ml.c5.2xlarge") == 4


def test_what_is_not_there(file):
    prices = read_prices(file())
    assert prices.storage("us-east-1") is None
    assert prices.overhead_s == 0
    for region, kind in (("eu-west-1", "ml.p3.2xlarge"), ("us-east-1", "ml.c5.2xlarge")):
        wanted = re.escape(f'{prices.path} has no "{kind}" = NUMBER below [{region}]; add it')
        with pytest.raises(InputError, match=wanted):
            prices.hour(region, kind)
    with pytest.raises(InputError, match=re.escape('no "ml.m5.large" = NUMBER below [cores]')):
        prices.cores("ml.m5.large")


def test_a_file_here_wins_over_the_shipped_one_and_a_named_one_over_both(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_prices().path == SHIPPED
    file(name="prices.toml")
    assert read_prices().hour("eu-west-1", "ml.c5.2xlarge") == 0.5
    assert read_prices(file(TEXT.replace("0.5", "0.75"))).hour("eu-west-1", "ml.c5.2xlarge") == 0.75


def test_the_shipped_file_has_the_default_machine(tmp_path):
    prices = read_prices(SHIPPED)
    assert prices.hour("us-east-1", "ml.c5.2xlarge") > 0
    assert prices.cores("ml.c5.2xlarge") == 4
    assert prices.storage("us-east-1") > 0
    kinds = set(prices.tables["us-east-1"])
    assert kinds == set(prices.tables["cores"])  # --dry-run needs both


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[us-east-1", "is not TOML"),
        (b"\xff\xfe", "is not UTF-8 text"),
        ('[us-east-1]\n"ml.m5.large" = "0.1"', r"\[us-east-1\] must hold numbers"),
        ('[us-east-1]\n"ml.m5.large" = -0.1', r"\[us-east-1\] must hold numbers"),
        ('[us-east-1]\n"ml.m5.large" = nan', r"\[us-east-1\] must hold numbers"),
        ('[us-east-1]\n"ml.m5.large" = inf', r"\[us-east-1\] must hold numbers"),
        ('[us-east-1]\n"ml.m5.large" = true', r"\[us-east-1\] must hold numbers"),
        ("[us-east-1]\nml.m5.large = 0.1", r"\[us-east-1\] must hold numbers"),  # quotes forgotten: tables in tables
        ("price = 0.1", r"\[price\] must hold numbers"),
    ],
)
def test_a_wrong_file_is_named_with_the_reason(file, text, reason):
    path = file(text)
    with pytest.raises(InputError, match=rf"price file {re.escape(str(path))}.*{reason}"):
        read_prices(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.toml: no such file; "):
        read_prices(tmp_path / "none.toml")


def test_the_copy_is_the_shipped_file_and_replaces_nothing(file, tmp_path):
    copy_prices(tmp_path / "copy.toml")
    assert (tmp_path / "copy.toml").read_bytes() == SHIPPED.read_bytes()
    mine = file()
    with pytest.raises(InputError, match=r"mine\.toml exists already; name a new file"):
        copy_prices(mine)
    assert mine.read_text() == TEXT

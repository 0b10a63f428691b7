"""Files of device curves as they circulate: every one is read as it is meant, or refused by row in one line."""

import os
import random

import numpy as np
import pytest

from common.errors import InputError
from magnetoionic.devices.curves import span
from magnetoionic.devices.measured import FITS, fit, read_curve

PULSES = np.arange(31)
VALUES = 0.8 + 1.4 * np.exp(-PULSES / 9.0)
BACK = np.linspace(1.47, 2.1, 31)


def lines(*columns, header="pulses,value", mark=",", number="{:.5f}"):
    """A header, and rows of columns: whole numbers as they are, others in a format."""
    rows = [
        mark.join(str(cell) if isinstance(cell, (str, int)) else number.format(cell) for cell in row)
        for row in zip(*(list(column) for column in columns), strict=True)
    ]
    return [*([header] if header else []), *rows]


def base(**options):
    return lines(PULSES.tolist(), VALUES.tolist(), **options)


def replaced(row, text, before=None):
    """The plain file with another row (from 1) of this text."""
    found = list(before or base())
    found[row - 1] = text
    return found


def german(first="Pulse;Wert"):
    return [first, *(line.replace(".", ",") for line in base(header=None, mark=";", number="{:.3f}"))]


def thousands(mark):
    return lines([f'"{100 * x:,}"' for x in PULSES.tolist()], VALUES.tolist(), mark=mark, header=f"pulses{mark}value")


FLAT = [2.0] * 11 + [2.0 - 0.05 * step for step in range(1, 21)]
UP_DOWN = ([2e-4 + 6e-7 * x for x in PULSES.tolist()], [2.41e-4 - 6e-7 * x for x in PULSES.tolist()])
SCIENTIFIC = {"number": "{:.3e}"}

# What is read: the lines of the file (or its bytes), then the pulses and the values that it means.
READ = {
    "base": (base(), PULSES, VALUES),
    "noheader": (base(header=None), PULSES, VALUES),
    "bom_header": ("\ufeff" + "\n".join(base()), PULSES, VALUES),
    "bom_noheader": ("\ufeff" + "\n".join(base(header=None)), PULSES, VALUES),
    "comment_lines": (["# Keithley export", "# sample A", *base()], PULSES, VALUES),
    "units_row": (["pulses,R_xy", "#,Ohm", *base(header=None)], PULSES, VALUES),
    "quoted": (['"' + row.replace(",", '","') + '"' for row in base()], PULSES, VALUES),
    "fortran": (base(number="{:.5E}")[:1] + [row.replace("E", "D") for row in base(header=None, number="{:.5E}")],
                PULSES, VALUES),
    "semicolon": (base(header="pulses;value", mark=";"), PULSES, VALUES),
    "semicolon_decimalcomma": (german(), PULSES, VALUES),
    "tab_decimalcomma": ("\n".join(german()).replace(";", "\t"), PULSES, VALUES),
    "sepline": (["sep=;", *base(header="pulses;value", mark=";")], PULSES, VALUES),
    "tab": (base(header="pulses\tvalue", mark="\t"), PULSES, VALUES),
    "space": (base(header=None, mark=" "), PULSES, VALUES),
    "aligned": (base(header="  pulses    value", mark="      "), PULSES, VALUES),
    "windows": ("\r\n".join(base()) + "\r\n", PULSES, VALUES),
    "utf16": ("\n".join(base()).encode("utf-16"), PULSES, VALUES),
    "kilo": (base(number="{:.8f}", header="pulses,R_kOhm"), PULSES, VALUES),
    "milli": (lines(PULSES.tolist(), (1e3 * VALUES).tolist(), number="{:.2f}"), PULSES, 1e3 * VALUES),
    "nano": (lines(PULSES.tolist(), (1e-9 * VALUES).tolist(), number="{:.6e}"), PULSES, 1e-9 * VALUES),
    "siemens": (lines(PULSES.tolist(), (1e-6 * VALUES).tolist(), number="{:.6e}"), PULSES, 1e-6 * VALUES),
    "ohms_big": (lines(PULSES.tolist(), (1e7 * VALUES).tolist(), number="{:.6e}"), PULSES, 1e7 * VALUES),
    "negative": (lines(PULSES.tolist(), (VALUES - 1.5).tolist()), PULSES, VALUES - 1.5),
    "pos_neg": (lines(PULSES.tolist(), np.linspace(1, -1, 31).tolist()), PULSES, np.linspace(1, -1, 31)),
    "plateau": (lines(PULSES.tolist(), FLAT), PULSES, FLAT),
    "repeats": (lines([0, 0, 1, 2, 2, 3, 4], [9.0, 8.8, 8.0, 7.1, 6.9, 6.0, 5.0]),
                [0, 0, 1, 2, 2, 3, 4], [9.0, 8.8, 8.0, 7.1, 6.9, 6.0, 5.0]),
}  # fmt: skip

# What is refused: the file, and the message after its name.
REFUSED = {
    "empty_cell": (replaced(9, "7,"), "row 9: an empty cell; allowed: a number"),
    "first_row_bad": (["0.O ,2.2", *base(header=None)[1:]], "row 1: '0.O' is not a number"),
    "first_value_bad": (["0,2.2x", *base(header=None)[1:]], "row 1: '2.2x' is not a number"),
    "first_cell_word": (["O,2.2", *base(header=None)[1:]], "row 1: 'O' is not a number"),
    "header_number": (["1,pulses", *base(header=None)], "row 1: 'pulses' is not a number"),
    "two_headers": (["pulses,value", "n,Ohm", *base(header=None)], "row 2: 'n' is not a number"),
    "nan_row": (replaced(9, "7,NaN"), "row 9: 'NaN' is not a number"),
    "infinite": (replaced(9, "7,-inf"), "row 9: '-inf' is not a number"),
    "overload": (replaced(9, "7,9.9E37"), "row 9: 9.9E37 is an instrument's overload; allowed: below 1e+30"),
    "beyond_floats": (replaced(9, "7,-1E999"), "row 9: -1E999 is an instrument's overload"),
    "underscore": (replaced(12, "1_0,1.2"), "row 12: '1_0' is not a number"),
    "other_digits": (replaced(12, "\u0661\u0660,1.2"), "row 12: '\u0661\u0660' is not a number"),
    "last_dup_partial": ([*base(), "3"], "row 33: 1 cell(s) where row 1 has 2 (commas separate them)"),
    "trailing_text": ([*base(), "End of data"], "row 33: 1 cell(s) where row 1 has 2"),
    "open_quote": (replaced(9, '7,"1.4'), "row 9: cannot be read (unexpected end of data)"),
    "latin1_header": ("\n".join(base(header="Pulse,R (m\u00b5)")).encode("latin-1"), "row 1: is not UTF-8 text"),
    "latin1_later": ("\n".join(replaced(9, "7,1.4 \u00b5")).encode("latin-1"), "row 9: is not UTF-8 text"),
    "half_utf16": ("\n".join(base()).encode("utf-16")[:-1], "is not UTF-16 text; save the file as UTF-8"),
    "no_mark_utf16": ("\n".join(base()).encode("utf-16-le"), "row 2: '\\x000\\x00' is not a number"),
    "thousands": (thousands(","), "row 12: '1,000' is not a number"),
    "thousands_tab": (thousands("\t"), "row 12: '1,000' has a comma, '2.20000' in row 2 a point; allowed: one"),
    "thousands_whole": (lines(["0", "1,000", "2,000", "3,000"], [9, 7, 6, 5], mark=";", header=None),
                        "row 2: '1,000' may mean thousands; write it without the comma"),
    "german_thousands": (lines(["0", "1.000", "2.000", "3.000"], ["9,1", "7,1", "6,2", "5,3"], mark=";", header=None),
                         "row 1: '9,1' has a comma, '1.000' in row 2 a point"),
    "commas_everywhere": ([line.replace(";", ",") for line in german()], "row 2: 3 cell(s) where row 1 has 2"),
    "commas_alone": ([line.replace(";", ",") for line in german()[1:]], "row 1: 3 columns; allowed: two, or name"),
    "both_marks": (["pulses;value", *base(header=None, mark="\t")], "row 2: the file has both semicolons and tabs"),
    "strange_sepline": (["sep=|", *base(mark="|")], "row 1: separator '|'; allowed: comma, semicolon, tab"),
    "three_columns": (lines(PULSES.tolist(), (2 * PULSES).tolist(), VALUES.tolist(), header="index,pulses,value"),
                      "row 1: 3 columns (index, pulses, value); allowed: two, or name the pulses and the values, "
                      "--curve-columns 1,2"),
    "three_columns_time": (lines([100.0 - 3.5 * x for x in range(28)], list(range(28)), VALUES[:28].tolist(),
                                 header="time_s,pulses,R_ohm"), "row 1: 3 columns (time_s, pulses, R_ohm); allowed"),
    "ramps": (lines(*[UP_DOWN[1]] * 3, header="rmp1,rmp2,rmp3", **SCIENTIFIC), "row 1: 3 columns (rmp1, rmp2, rmp3)"),
    "one_column": (lines(VALUES.tolist(), header="value"), "row 1: one cell; allowed: two, separated by"),
    "ramps_updown": (lines(*UP_DOWN, header="rmp1,rmp2", **SCIENTIFIC), "row 2: 0.0002 is no whole number of pulses"),
    "hysteresis": (lines([*PULSES.tolist(), *PULSES[::-1].tolist()], [*VALUES.tolist(), *BACK.tolist()]),
                   "row 34: 29 pulses after 30; allowed: a single ramp with increasing pulses"),
    "hysteresis_counted_on": (lines(list(range(48)), [*VALUES.tolist(), *np.linspace(0.87, 1.6, 17).tolist()]),
                              "rows 2 to 49: the values rise, and miss every falling curve by"),
    "backwards": (lines(PULSES[::-1].tolist(), VALUES[::-1].tolist()), "row 2: pulses start at 30"),
    "rising": (lines(PULSES.tolist(), (3.0 - VALUES).tolist()), "rows 2 to 32: the values do not fall with pulses"),
    "flat": (lines(PULSES.tolist(), [1.5] * 31), "rows 2 to 32: the values do not fall with pulses"),
    "starts_at_1": (lines((PULSES + 1).tolist(), VALUES.tolist()), "row 2: pulses start at 1; the curve must begin at"),
    "starts_at_100": (lines((PULSES + 100).tolist(), VALUES.tolist()),
                      "row 2: pulses start at 100; the curve must begin at 0 (add the value before the first pulse, or "
                      "subtract the start from all pulses)"),
    "starts_below_0": (lines((PULSES - 1).tolist(), VALUES.tolist()), "row 2: pulses start at -1"),
    "step": (lines(PULSES.tolist(), [2.0] * 15 + [1.0] * 16), "rows 2 to 32: the values fall to 2 levels; allowed: at"),
    "swapped": (lines(VALUES.tolist(), PULSES.tolist(), header="R_ohm,pulses"),
                "row 2: the columns look swapped, values first; name them with --curve-columns 2,1"),
    "too_few": (base()[:4], "rows 2 to 4: 3 pulse counts; allowed: at least 4"),
    "header_alone": (["pulses,value"], "holds no numbers; allowed: two columns"),
    "empty": ([], "holds no numbers"),
}  # fmt: skip


@pytest.fixture
def write(tmp_path):
    """Write lines, a text or bytes into curve.csv; returns its path."""

    def made(content):
        text = "".join(f"{line}\n" for line in content) if isinstance(content, list) else content
        (tmp_path / "curve.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path / "curve.csv"

    return made


@pytest.mark.parametrize("name", READ)
def test_read_as_it_is_meant(write, name):
    content, pulses, values = READ[name]
    found = read_curve(write(content))
    assert found.pulses.tolist() == list(pulses)
    assert found.values == pytest.approx(np.asarray(values), rel=1e-3 if "comma" in name else 1e-5, abs=5.1e-6)


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_a_line_that_names_file_row_and_what_is_allowed(write, name):
    content, message = REFUSED[name]
    path = write(content)
    with pytest.raises(InputError) as caught:
        read_curve(path)
    text = str(caught.value)
    assert text.startswith(f"device curve {path}: ")
    assert message in text
    assert "\n" not in text
    assert any(words in text for words in ("allowed", "must begin", "save the file", "--curve-columns", "write it"))
    assert len(text) < len(str(path)) + 250


THREE = lines(list("abcd"), [0, 2, 4, 6], [4.0, 3.0, 2.5, 2.2], header="sample,gate pulses,R")


@pytest.mark.parametrize("columns", ["2,3", "gate pulses,R", "gate pulses+3", " gate pulses , R "])
def test_named_columns(write, columns):
    found = read_curve(write(THREE), columns)
    assert found.pulses.tolist() == [0, 2, 4, 6]
    assert found.values.tolist() == [4.0, 3.0, 2.5, 2.2]


def test_named_columns_of_a_swapped_file_without_header_and_of_fractions(write):
    swapped = read_curve(write(lines(VALUES.tolist(), PULSES.tolist(), header=None)), "2,1")
    assert swapped.pulses.tolist() == PULSES.tolist()
    halves = write(lines([0.0, 0.5, 1.0, 1.5], [4, 3, 2, 1], header=None, number="{:.1f}"))
    assert read_curve(halves, "1,2").pulses.tolist() == [0, 0.5, 1, 1.5]
    with pytest.raises(InputError, match=r"row 2: 0\.5 is no whole number of pulses"):
        read_curve(halves)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("gate pulses,ohm", "--curve-columns: 'ohm' is no column; allowed: sample, gate pulses, R, 1 to 3"),
        ("2,4", "--curve-columns: '4' is no column"),
        ("0,1", "--curve-columns: '0' is no column"),
        ("2," + "9" * 5000, "is no column"),
        ("2,gate pulses", "the same column twice"),
        ("sample,R", "row 2: 'a' is not a number"),
        ("3,2", "row 2: pulses start at 4"),
    ],
)
def test_columns_that_are_not_there_or_cannot_be_it(write, columns, message):
    path = write(THREE)
    with pytest.raises(InputError) as caught:
        read_curve(path, columns)
    assert message in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 250


def test_two_columns_of_one_name_go_by_number(write):
    path = write(lines([0, 1, 2, 3], [4, 3, 2, 1], [9, 8, 7, 6], header="n,R,R"))
    with pytest.raises(InputError, match="'R' is the name of several columns"):
        read_curve(path, "n,R")
    assert read_curve(path, "n,3").values.tolist() == [9, 8, 7, 6]


def test_what_is_no_regular_file_is_refused_at_once(tmp_path, write):

    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(InputError, match=r"device curve .*fifo: is not a regular file"):
        read_curve(tmp_path / "fifo")
    with pytest.raises(InputError, match=r"device curve /dev/zero: is not a regular file"):
        read_curve("/dev/zero")
    with pytest.raises(InputError, match="is a folder"):
        read_curve(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        read_curve(tmp_path / "none.csv")
    with open(write([]), "r+b") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(InputError, match="is too large"):
        read_curve(tmp_path / "curve.csv")


def test_a_long_cell_takes_no_time(write):
    """Digits without end, where a careless pattern would try every way to split them."""
    with pytest.raises(InputError, match="row 2: '1111"):
        read_curve(write(["pulses value", "1" * 1_000_000 + "x 2"]))


def test_damaged_files_are_read_or_refused_and_nothing_else(write):
    """200 files with some bytes changed, a piece lost or doubled, or cut off; what is read can be fitted."""
    chance, messages = random.Random(5), []
    for number in range(200):
        whole = "\n".join(base(header=None if number % 2 else "pulses,value")).encode()
        damaged, at = bytearray(whole), chance.randrange(len(whole))
        kind = chance.randrange(4)
        if kind == 0:
            for _ in range(chance.randrange(1, 4)):
                damaged[chance.randrange(len(whole))] = chance.choice(b'0123456789.,;\t-+eE\n"# \x00\xff')
        elif kind == 1:
            del damaged[at : at + chance.randrange(1, 40)]
        elif kind == 2:
            damaged[at:at] = whole[at : at + chance.randrange(1, 40)]
        else:
            del damaged[at:]
        path = write(bytes(damaged))
        try:
            measured = read_curve(path)
            spans = [span(fit(measured, name).trained) for name in FITS]
        except InputError as problem:
            messages.append(str(problem))
        else:
            assert spans == pytest.approx([0.567] * 3)
    assert len(messages) > 100
    assert all("\n" not in message and "device curve" in message for message in messages)

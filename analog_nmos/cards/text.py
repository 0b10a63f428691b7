"""The text of a model card as a netlist can hold it: one file, no byte order mark, nothing that ends the netlist.

What .include and .lib FILE SECTION name is put in their place, so that a run folder's copy needs no other file. .end
goes, and .temp too, since --temp counts. So do continuation lines before the first line: ngspice puts `.global gnd`
there, and would make nodes of their words. The rest stays as it is, for ngspice to read.
"""

from __future__ import annotations

import re
from pathlib import Path

from common.errors import InputError
from common.inputs import MIB, read_bytes, shorten

LIMIT = 16 * MIB
_DEPTH = 10  # of files that include files
_FILE = r"\"([^\"]+)\"|'([^']+)'|([^\s;$]+)"
_INCLUDE = re.compile(rf"\s*\.inc(?:l|lude)?\s+(?:{_FILE})", re.IGNORECASE)
_LIB = re.compile(rf"\s*\.lib\s+(?:{_FILE})(?:[ \t]+([^\s;$]+))?", re.IGNORECASE)


def card_text(path: Path) -> str:
    """The whole text, lines ending in a line feed.

    Raises:
        InputError: a file that cannot be read, or something that versions of ngspice read differently.
    """
    text = "\n".join(_begun(_expanded(path, _lines(path, "model card"), ()))).rstrip("\n") + "\n"
    if len(text) > LIMIT:
        raise InputError(f"is too large with the files that it includes; at most {LIMIT // MIB} MiB are read")
    return text


def logical_lines(text: str) -> list[str]:
    """Lines without comments, continuation lines (+) joined to the one before."""
    lines: list[str] = []
    for raw in text.split("\n"):
        line = without_comment(raw)
        if line.startswith("+") and lines:
            lines[-1] += " " + line[1:]
        elif line:
            lines.append(line)
    return lines


def without_comment(line: str) -> str:
    """A line without its comment: all of it after *, the rest after ; or // or a $ that follows a blank."""
    if line.lstrip().startswith("*"):
        return ""
    return re.split(r";|//|(?:^|(?<=[\s,]))\$", line, maxsplit=1)[0].strip()


def _lines(path: Path, what: str) -> list[str]:
    """Lines ending in CR, LF or both; form feeds and the line ends of Unicode do not end a line in SPICE."""
    content = read_bytes(path, what, LIMIT)
    if b"\0" in content:
        raise InputError(f"{what} {path}: is not text in UTF-8 or Latin-1; save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return re.split("\r\n|\n|\r", text)


def _expanded(path: Path, lines: list[str], outer: tuple[Path, ...]) -> list[str]:
    """Lines with those of included files in place of .include and .lib FILE SECTION; `outer` are the files around."""
    if len(outer) > _DEPTH:
        raise InputError(f"files include files more than {_DEPTH} deep, {shorten(path)} among them")
    found: list[str] = []
    for line in _without_end(lines):
        if include := _INCLUDE.match(line):
            inner = path.parent / next(filter(None, include.groups()))
            found += _expanded(inner, _lines(inner, "included file"), (*outer, path))
        elif library := _LIB.match(line):
            *names, section = library.groups()
            if section is None:
                raise InputError(f"{line.strip()!r} begins a section of a library; keep the lines of one section only")
            inner = path.parent / next(filter(None, names))
            found += _expanded(inner, _section(inner, section.lower()), (*outer, path))
        elif line.lstrip().startswith("#"):
            raise InputError(f"{shorten(line.strip())!r}: only some versions of ngspice take # for a comment; write *")
        elif re.match(r"\s*\.temp\b", line, re.IGNORECASE):
            found.append(f"* {line.strip()} (--temp counts)")
        elif line.lstrip()[:1] in (";", "$"):  # ngspice takes it for a comment too, but complains
            found.append(f"* {line}")
        else:
            found.append(line)
    return found


def _begun(lines: list[str]) -> list[str]:
    """Lines, with continuation lines (+) before the first one made comments."""
    plain = [without_comment(line) for line in lines]
    first = next((i for i, line in enumerate(plain) if line and not line.startswith("+")), len(lines))
    return [f"* {line}" if plain[i] else line for i, line in enumerate(lines[:first])] + lines[first:]


def _section(path: Path, name: str) -> list[str]:
    """The lines from .lib NAME to .endl."""
    lines = _lines(path, "library")
    words = [without_comment(line).lower().split() for line in lines]
    start = next((i for i, one in enumerate(words) if one == [".lib", name]), None)
    if start is None:
        raise InputError(f"library {path}: has no section {name}")
    end = next((i for i in range(start, len(words)) if words[i][:1] == [".endl"]), None)
    if end is None:
        raise InputError(f"library {path}: section {name} has no .endl")
    return lines[start + 1 : end]


def _without_end(lines: list[str]) -> list[str]:
    """Lines before .end, after which there may be comments only."""
    plain = [without_comment(line) for line in lines]
    end = next((i for i, line in enumerate(plain) if line.lower().split()[:1] == [".end"]), len(lines))
    after = next((line for line in plain[end + 1 :] if line), None)
    if after is not None:
        raise InputError(f"{shorten(after)!r} comes after .end; remove it")
    return lines[:end]

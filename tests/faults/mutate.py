"""Damage to files, drawn from a seed: what disks, copies, editors and people with bad intentions do to them.

A file in a container (ZIP, gzip, safetensors) is damaged outside, where checksums find it, or inside with the container
made good again, so that the damage reaches the reader of the content.
"""

import gzip
import io
import json
import re
import zipfile
import zlib
from random import Random

NUMBERS = (
    b"0", b"-1", b"-0.0", b"1.5", b"1,5", b"1e308", b"-1e999", b"1e-320", b"nan", b"NaN", b"inf", b"Infinity",
    b"-Infinity", b"1_0", b"0x10", b"", b"\xef\xbc\x91", b"9" * 20, b"-" + b"9" * 20, b"9" * 5000, b"2147483648",
    b"9223372036854775808",
)  # fmt: skip
VALUES = (
    b"null", b"true", b"[]", b"{}", b'""', b'"x"', b'"\\ud800"', b'"\\u0000"', b"[[1]]", b'{"a": {"b": []}}', b"[null]",
    b'"' + b"y" * 300 + b'"', b"-1", b"1e400", b"0.5", b'[1, "a", {}]',
)  # fmt: skip
ENDS = (2**7, 2**8 - 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**63, 2**64 - 1)
DEPTH = 100_000


def mutate(content: bytes, seed: int) -> bytes:
    """The content of a file with one to three kinds of damage."""
    rng = Random(seed)
    inside = _inside(content, rng) if rng.random() < 0.6 else None
    return inside if inside is not None else _damaged(content, rng)


def _damaged(content: bytes, rng: Random) -> bytes:
    kinds = BYTES + (TEXT * 2 if _is_text(content) else ())
    for _ in range(rng.choice((1, 1, 2, 3))):
        content = rng.choice(kinds)(content, rng)
    return content


def _is_text(content: bytes) -> bool:
    return b"\0" not in content[:4096]


def _inside(content: bytes, rng: Random) -> bytes | None:
    """Damage to what a container holds; None if the content is no container, or a broken one."""
    try:
        if content[:2] == b"PK":
            return _zip(content, rng)
        if content[:2] == b"\x1f\x8b":
            return gzip.compress(_damaged(gzip.decompress(content), rng), 1)
        if content[8:9] == b"{" and len(content) > 16:
            return _safetensors(content, rng)
    except (zipfile.BadZipFile, EOFError, OSError, zlib.error, ValueError):
        return None
    return None


def _zip(content: bytes, rng: Random) -> bytes:
    """Another ZIP file: one member is damaged, gone, there twice, or under another name."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(entry.filename, archive.read(entry)) for entry in archive.infolist()]
    place = rng.randrange(len(members))
    name, data = members[place]
    how = rng.choice(("damage", "damage", "damage", "header", "drop", "twice", "rename", "swap"))
    if how == "drop":
        members.pop(place)
    elif how == "rename":
        members[place] = (rng.choice(("x.npy", "../../x", "", name * 9, "\u00e4.npy")), data)
    elif how == "swap":
        members[place] = (name, rng.choice(members)[1])
    else:
        other = _npy_header(data, rng) if how == "header" and data[:6] == b"\x93NUMPY" else _damaged(data, rng)
        members[place : place + 1] = [(name, data), (name, other)] if how == "twice" else [(name, other)]
    stream = io.BytesIO()
    packing = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA))
    with zipfile.ZipFile(stream, "w", packing) as archive:
        for name, data in members:
            with archive.open(zipfile.ZipInfo(name or "_"), "w") as member:
                member.write(data)
    return stream.getvalue()


def _npy_header(data: bytes, rng: Random) -> bytes:
    """Another type or shape for an array, the header being as long as before."""
    length = int.from_bytes(data[8:10], "little")
    dtype = rng.choice(("|O", "<f8", "<i1", "<U3", "<U999999999", "<M8[s]", ">c16", "|V7", "[('a', '<f8')]"))
    shape = rng.choice(("()", "(0,)", "(-1,)", "(1, 2, 3)", "(99999999999,)", "(2, 0, 9999999999)", f"({'1, ' * 40})"))
    text = f"{{'descr': '{dtype}', 'fortran_order': {rng.choice(('True', 'False', '7'))}, 'shape': {shape}, }}"
    header = text.encode().ljust(length - 1)[: length - 1] + b"\n"
    return data[:10] + header + data[10 + length :]


def _safetensors(content: bytes, rng: Random) -> bytes:
    """Damage to the JSON of the header, whose length is written anew, or to the numbers behind it."""
    length = int.from_bytes(content[:8], "little")
    header, rest = content[8 : 8 + length], content[8 + length :]
    if rng.random() < 0.3:
        facts = json.loads(header)
        target = rng.choice([facts, facts.get("__metadata__", facts)])
        name = rng.choice(sorted(target))
        target[name] = rng.choice(
            (None, 7, "x", "", "[]", "1e400", "NaN", "-1", [], {}, {"dtype": "F32", "shape": [1]})
        )
        header = json.dumps(facts).encode()
    elif rng.random() < 0.7:
        header = _damaged(header, rng)
    else:
        rest = _damaged(rest, rng)
    return len(header).to_bytes(8, "little") + header + rest


# --- bytes -------------------------------------------------------------------------------------------------------


def flip(content: bytes, rng: Random) -> bytes:
    found = bytearray(content)
    for _ in range(min(rng.choice((1, 1, 2, 8)), len(found))):
        found[rng.randrange(len(found))] ^= 1 << rng.randrange(8)
    return bytes(found)


def truncate(content: bytes, rng: Random) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def insert(content: bytes, rng: Random) -> bytes:
    place = rng.randrange(len(content) + 1)
    new = rng.choice((rng.randbytes(rng.choice((1, 16, 300))), bytes(64), b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b'"'))
    return content[:place] + new + content[place:]


def repeat(content: bytes, rng: Random) -> bytes:
    start, end = _block(content, rng)
    return content[:end] + content[start:end] * rng.choice((1, 2, 40)) + content[end:]


def drop(content: bytes, rng: Random) -> bytes:
    start, end = _block(content, rng)
    return content[:start] + content[end:]


def blank(content: bytes, rng: Random) -> bytes:
    start, end = _block(content, rng)
    return content[:start] + bytes(end - start) + content[end:]


def end_of_range(content: bytes, rng: Random) -> bytes:
    """A binary number at the end of its range."""
    size = rng.choice((2, 4, 8))
    place = rng.randrange(max(1, len(content) - size + 1))
    number = (rng.choice(ENDS) % (1 << 8 * size)).to_bytes(size, rng.choice(("little", "big")))
    return content[:place] + number + content[place + size :]


def whole(content: bytes, rng: Random) -> bytes:
    """Something else altogether."""
    other = (
        b"",
        b"\0" * 4096,
        b"<html>not found</html>",
        b"[" * DEPTH,
        b'{"a":' * DEPTH,
        b"\x80\x04K\x01.",
        b"null",
        b"7",
    )
    return rng.choice((*other, content[::-1], content * 2))


def _block(content: bytes, rng: Random) -> tuple[int, int]:
    start = rng.randrange(len(content) + 1)
    return start, min(len(content), start + rng.choice((1, 7, 64, 1024)))


# --- text --------------------------------------------------------------------------------------------------------


def other_number(content: bytes, rng: Random) -> bytes:
    return _replaced(content, rb"-?\d+(\.\d+)?([eE][-+]?\d+)?", NUMBERS, rng)


def other_value(content: bytes, rng: Random) -> bytes:
    """A value of another type after a colon or an equals sign, or in a list."""
    return _replaced(content, rb'(?<=[:=\[,] )("[^"\n]*"|[^\s",\[\]{}]+)', VALUES, rng)


def nest(content: bytes, rng: Random) -> bytes:
    opening, closing = rng.choice(((b"[", b"]"), (b'{"a": ', b"}")))
    depth = rng.choice((30, 900, DEPTH))
    return _replaced(content, rb"-?\d+(\.\d+)?|true|false|null", (opening * depth + b"1" + closing * depth,), rng)


def other_name(content: bytes, rng: Random) -> bytes:
    return _replaced(content, rb"[A-Za-z_]{2,}", (b"", b"x", b"__class__", b"z" * 300, b"a b", "\u00fc".encode()), rng)


def lines(content: bytes, rng: Random) -> bytes:
    """Lines in another order, twice, or without their ends."""
    found = content.splitlines(keepends=True)
    if len(found) < 2:
        return content * 2
    first, second = rng.randrange(len(found)), rng.randrange(len(found))
    how = rng.choice(("swap", "copy", "drop", "join"))
    if how == "swap":
        found[first], found[second] = found[second], found[first]
    elif how == "copy":
        found.insert(second, found[first])
    elif how == "drop":
        del found[first]
    else:
        found[first] = found[first].rstrip(b"\r\n")
    return b"".join(found)


def separators(content: bytes, rng: Random) -> bytes:
    old, new = rng.choice(
        ((b",", b";"), (b",", b""), (b",", b",,"), (b"\n", b"\r"), (b" ", b"\t"), (b'"', b"'"), (b"=", b":"))
    )
    return content.replace(old, new, rng.choice((1, -1)))


def _replaced(content: bytes, pattern: bytes, choices: tuple[bytes, ...], rng: Random) -> bytes:
    places = [match.span() for match in re.finditer(pattern, content)]
    if not places:
        return insert(content, rng)
    start, end = rng.choice(places)
    return content[:start] + rng.choice(choices) + content[end:]


BYTES = (flip, flip, truncate, insert, repeat, drop, blank, end_of_range, whole)
TEXT = (other_number, other_number, other_value, other_value, nest, other_name, lines, separators)

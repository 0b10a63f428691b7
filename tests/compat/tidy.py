"""The last step of `make_fixtures.sh`: pack what was stopped, and keep the numbers of what was not.

    python tidy.py PLACE SUITE

PLACE/cut/SUITE becomes fixtures/SUITE.tar.xz: without plots, with /somewhere for the folder in which it was made, and
with nothing of the machine (host, boot, process numbers) by which a run on another could be taken for a living one.
PLACE/whole/SUITE becomes fixtures/SUITE.json.
"""

import io
import re
import sys
import tarfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import digest

FIXTURES = Path(__file__).with_name("fixtures")
SOMEWHERE = "/somewhere"
DROPPED = (".png", ".graphml", ".cir")  # drawings and netlists: the one is written at the end, the others at the start
LOCK_BYTES = 1024
CODE = r'"/[^"\s]*/((?:device_models|analog_nmos|tests/compat)/[^"/]+)"'  # of a path of the working copy its end stays
MACHINE = {
    r'"host": "[^"]*"': '"host": "host"',
    r'"platform": "[^"]*"': '"platform": "Linux"',
    r'"boot_id": "[^"]*"': '"boot_id": "00000000-0000-0000-0000-000000000000"',
    r'"pid_namespace": "[^"]*"': '"pid_namespace": "pid:[1]"',
    r'"pid": \d+': '"pid": 999999',
    r'"pid_started": \d+': '"pid_started": 1',
    r'"heartbeat": "[^"]*"': '"heartbeat": "2026-01-01T00:00:00+00:00"',
    r'"heartbeat": [\d.]+': '"heartbeat": 1767225600.0',
    r'"worker": "[^"]*"': '"worker": "tcp://127.0.0.1:1"',
}


def main(place, suite):
    cut, whole = Path(place) / "cut" / suite, Path(place) / "whole" / suite
    FIXTURES.mkdir(exist_ok=True)
    with tarfile.open(FIXTURES / f"{suite}.tar.xz", "w:xz", preset=9) as archive:
        for path in sorted(cut.rglob("*")):
            name = str(path.relative_to(cut))
            if path.is_symlink() or path.suffix in DROPPED or ".scratch" in path.parts:
                continue
            entry = tarfile.TarInfo(name)
            entry.mtime = 1767225600
            if path.is_dir():
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(entry)
                continue

            content = tidied(path, cut)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    digest.write(FIXTURES / f"{suite}.json", digest.machine(), digest.digest_all(whole))
    print(suite, (FIXTURES / f"{suite}.tar.xz").stat().st_size, (FIXTURES / f"{suite}.json").stat().st_size)


def tidied(path, cut):
    """The content of a file without what belongs to the machine that made it."""
    content = path.read_bytes()
    if b"\0" in content:
        assert str(cut).encode() not in content, path
        return content
    text = content.decode()
    text = text.replace(str(cut), SOMEWHERE)
    text = re.sub(CODE, r'"\1"', text)
    for pattern, replacement in MACHINE.items():
        text = re.sub(pattern, replacement, text)
    if path.name == "run.lock":
        text = text.rstrip().ljust(LOCK_BYTES - 1) + "\n"
    assert str(cut.parent.parent) not in text, path
    return text.encode()


if __name__ == "__main__":
    main(*sys.argv[1:])

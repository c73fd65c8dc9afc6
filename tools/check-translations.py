#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Are all files with strings in po/POTFILES, and do the translations there fill their places (%s, %d) alike?

With --missing LANGUAGE, prints the strings that a language does not have yet.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
STRING = re.compile(r"\bN?C?_ ?\(\"|\bngettext ?\(")


def listed():
    lines = (ROOT / "po/POTFILES").read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def with_strings():
    found = set()
    for path in [*(ROOT / "src").rglob("*.c"), *(ROOT / "engine").rglob("*.c")]:
        name = path.relative_to(ROOT).as_posix()
        if "/fake/" not in name and not name.endswith("-test.c") and STRING.search(path.read_text(encoding="utf-8")):
            found.add(name)
    for path in (ROOT / "ui").rglob("*.ui"):
        if 'translatable="yes"' in path.read_text(encoding="utf-8"):
            found.add(path.relative_to(ROOT).as_posix())
    return found


def missing(language):
    with tempfile.TemporaryDirectory() as folder:
        template = pathlib.Path(folder) / "vitrine.pot"
        subprocess.run(["xgettext", "--from-code=UTF-8", "-k_", "-kN_", "-kC_:1c,2", "-kNC_:1c,2", "-kngettext:1,2",
                        "-o", template, *sorted(listed())], cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
        merged = subprocess.run(["msgmerge", "--no-fuzzy-matching", "-q", "-o", "-", ROOT / f"po/{language}.po", template],
                                check=True, capture_output=True).stdout
        return subprocess.run(["msgattrib", "--untranslated", "--no-obsolete", "-"], input=merged, check=True,
                              capture_output=True).stdout.decode()


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--missing":
        print(missing(sys.argv[2]))
        return 0
    forgotten = sorted(with_strings() - listed())
    gone = sorted(name for name in listed() if not (ROOT / name).exists())
    for name in forgotten:
        print(f"{name} has strings, but is not in po/POTFILES")
    for name in gone:
        print(f"{name} is in po/POTFILES, but does not exist")
    return 1 if forgotten or gone else 0


sys.exit(main())

# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's folders for vitrinectl: nothing of the real ones is touched. The program is the first argument of the script."""
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tap import point  # noqa: E402

VITRINECTL = str(Path(sys.argv[1]).resolve())


def ok(text):
    point(True, text)


class Home:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.env = {**os.environ, "XDG_DATA_HOME": f"{folder}/data", "XDG_RUNTIME_DIR": folder, "XDG_CONFIG_HOME": f"{folder}/config",
                    "LC_ALL": "C.UTF-8"}

    def ctl(self, *words, fails=None):
        """In that folder, and without a terminal, so that nobody can be asked."""
        done = subprocess.run([VITRINECTL, *map(str, words)], capture_output=True, text=True, env=self.env, check=False, timeout=120,
                              cwd=self.folder, start_new_session=True)
        if fails is None and done.returncode != 0:
            raise AssertionError(f"{words}: {done.stderr}")
        if fails is not None and (done.returncode == 0 or not re.search(fails, done.stderr)):
            raise AssertionError(f"{words} should fail with “{fails}”: {done.returncode} {done.stderr}")
        return done.stdout.strip()

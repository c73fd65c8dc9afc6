# SPDX-License-Identifier: GPL-3.0-or-later
"""A private desktop for one test: X server, session bus, window manager, folders; and the application seen through AT-SPI.

Nothing of the person's own session, machines or settings is touched. Conditions are awaited, never slept for."""
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

INSIDE = "VITRINE_UI_TEST_INSIDE"
TAP = "VITRINE_UI_TEST_TAP"         # the descriptor for points of the test; what programs print goes to the standard error
SCREEN = "1280x1024x24"
PACE = 0.05


class Missing(Exception):
    """Something did not come up in time."""


class Skip(Exception):
    """The reason."""


def enter(screen=SCREEN):
    """Runs this very script again inside an X server and a session bus of its own; returns only inside."""
    if os.environ.get(INSIDE):
        sys.stdout = os.fdopen(int(os.environ.pop(TAP)), "w", buffering=1)
        return
    for tool in ("xvfb-run", "dbus-run-session", "openbox", "xdotool"):
        if shutil.which(tool) is None:
            print(f"1..0 # SKIP {tool} is not installed")
            sys.exit(0)
    with tempfile.TemporaryDirectory(prefix="vitrine-ui-") as folder:
        tap = os.dup(1)
        environment = {**os.environ, INSIDE: folder, TAP: str(tap), "GSETTINGS_BACKEND": "memory", "LC_ALL": "C.UTF-8", "GTK_THEME": "",
                       "NO_AT_BRIDGE": "0", "GDK_BACKEND": "x11"}
        environment.pop("GTK_THEME")
        environment.pop("WAYLAND_DISPLAY", None)
        for name, sub in (("XDG_DATA_HOME", "data"), ("XDG_CONFIG_HOME", "config"), ("XDG_RUNTIME_DIR", "run"),
                          ("XDG_STATE_HOME", "state"), ("XDG_CACHE_HOME", "cache")):
            path = Path(folder, sub)
            path.mkdir(mode=0o700)
            environment[name] = str(path)
        command = ["xvfb-run", "-a", "-s", f"-screen 0 {screen}", "dbus-run-session", "--", "/usr/bin/python3", *sys.argv]
        status = subprocess.run(command, env=environment, stdout=2, pass_fds=[tap], check=False).returncode
    sys.exit(status)


def wait(what, condition, seconds=20):
    """The first true value of condition(); AT-SPI objects may vanish while they are looked at."""
    end = time.monotonic() + seconds
    while True:
        try:
            value = condition()
        except Missing:
            raise
        except Exception:  # pylint: disable=broad-except
            value = None
        if value:
            return value
        if time.monotonic() > end:
            raise Missing(f"{what}: not within {seconds} s")
        time.sleep(PACE)


class Desktop:
    def __init__(self, program, vitrinectl, pictures):
        self.program, self.vitrinectl = program, vitrinectl
        self.folder = Path(os.environ[INSIDE])
        os.environ["VITRINE_PROGRAM"] = str(program)
        self.machines = self.folder / "data" / "vitrine" / "machines"
        self.pictures = Path(pictures)
        self.pictures.mkdir(parents=True, exist_ok=True)
        self.processes = []
        self.start(["openbox"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        from dogtail.config import config
        config.checkForA11y = False
        config.logDebugToFile = False
        config.logDebugToStdOut = False
        config.actionDelay = config.defaultDelay = 0.05
        config.typingDelay = 0.02
        from dogtail import tree
        self.tree = tree

    # --- processes ---

    def start(self, command, **options):
        process = subprocess.Popen(command, **options)
        self.processes.append(process)
        return process

    def end(self):
        for process in self.processes:
            process.kill()
            process.wait()
        for lock in self.machines.glob("*/lock"):
            text = lock.read_text().strip()
            if text:
                subprocess.run(["kill", "-KILL", text], stderr=subprocess.DEVNULL, check=False)

    def ctl(self, *arguments, ok=True):
        done = subprocess.run([self.vitrinectl, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False, timeout=60)
        if ok and done.returncode != 0:
            raise Missing(f"vitrinectl {arguments}: {done.stderr}")
        return done.stdout.strip() if ok else done

    def state(self, name):
        for line in self.ctl("list").splitlines():
            _, state, title = line.split(maxsplit=2)
            if title == name:
                return state
        return None

    def wait_state(self, name, state, seconds=20):
        wait(f"“{name}” is {state}", lambda: self.state(name) == state, seconds)

    def pid(self, uuid):
        return int((self.machines / uuid / "lock").read_text())

    # --- keyboard and pictures ---

    def key(self, *keys):
        subprocess.run(["xdotool", "key", *keys], check=True)

    def chord(self, *keys):
        for key in keys:
            subprocess.run(["xdotool", "keydown", key], check=True)
        for key in reversed(keys):
            subprocess.run(["xdotool", "keyup", key], check=True)

    def type(self, text):
        subprocess.run(["xdotool", "type", "--delay", "8", text], check=True)

    def mouse(self, *commands):
        subprocess.run(["xdotool", *commands], check=True)

    def picture(self, name):
        subprocess.run(["import", "-window", "root", str(self.pictures / f"{name}.png")], check=False)

    # --- windows and what is in them ---

    def window(self, title, seconds=20):
        def find():
            for application in self.tree.root.children:
                for window in application.children:
                    if window.name == title and window.roleName in ("frame", "dialog", "file chooser", "alert"):
                        return window
            return None
        return wait(f"window “{title}”", find, seconds)

    def active(self, window, seconds=20):
        """Keys go to this window."""
        wait(f"window “{window.name}” is active", lambda: self.is_active(window), seconds)

    def is_active(self, window):
        import pyatspi
        return window.getState().contains(pyatspi.STATE_ACTIVE)

    def no_window(self, title, seconds=20):
        def gone():
            return not any(window.name == title for application in self.tree.root.children for window in application.children)
        wait(f"window “{title}” is gone", gone, seconds)

    def find(self, root, role, name, seconds=20):
        """A showing widget by role and name; name may be a function."""
        matches = name if callable(name) else lambda text: text == name
        def search():
            return next((node for node in self.walk(root) if node.roleName == role and matches(node.name) and node.showing), None)
        return wait(f"{role} “{name}”", search, seconds)

    def walk(self, node):
        yield node
        for child in node.children:
            yield from self.walk(child)

    def says(self, root, part, seconds=20):
        """Some widget's name or text contains it."""
        def text_of(node):
            try:
                return f"{node.name} {node.description} {node.text}"
            except Exception:  # pylint: disable=broad-except
                return f"{node.name} {node.description}"
        wait(f"“{part}”", lambda: any(part in text_of(node) for node in self.walk(root)), seconds)

    def focused(self, root, role, seconds=20):
        return wait(f"focus in a {role}", lambda: next((n for n in self.walk(root) if n.roleName == role and n.focused), None),
                    seconds)

    def press(self, root, name, role="push button"):
        """Activates a button as assistive technology does."""
        wait(f"“{name}” can be pressed", lambda: self.find(root, role, name).sensitive)
        self.find(root, role, name).doActionNamed("click")

    def click(self, node):
        """With the mouse, in the middle of it."""
        (x, y), (width, height) = node.position, node.size
        subprocess.run(["xdotool", "mousemove", str(x + width // 2), str(y + height // 2), "click", "1"], check=True)

    def screen_text(self, window):
        return self.find(window, "canvas", "Screen of the machine").text

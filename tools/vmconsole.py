# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest whose serial console is on the pipes of `vitrinectl run`: start it, wait for text, type, see how it ends."""
import os
import re
import selectors
import signal
import subprocess
import time
from pathlib import Path

ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[()][0-9A-B]|\x1b[=>78cM]")


class GuestError(Exception):
    """The guest did not do what was expected; the message ends with what it said last."""


def find_process(program, word):
    """The number of one that was started as `program`, with `word` somewhere behind it; 0: there is none."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if words.startswith(program.encode() + b"\0") and str(word).encode() in words:
            return int(process.name)
    return 0


class Guest:
    def __init__(self, vitrinectl, *arguments, echo=None, serial="stdio"):
        """echo: a binary stream that gets everything the guest says, as it comes."""
        self._start([str(vitrinectl), "run", *(str(a) for a in arguments), "--serial", serial], echo)

    @classmethod
    def console(cls, vitrinectl, machine):
        """The serial console of a machine that runs in a window: what it says from now on."""
        guest = cls.__new__(cls)
        guest._start([str(vitrinectl), "console", machine], None)
        return guest

    @classmethod
    def of(cls, command):
        """Any program with a guest's serial console on its pipes."""
        guest = cls.__new__(cls)
        guest._start(command, None)
        return guest

    def _start(self, command, echo):
        self.echo = echo
        self.raw = bytearray()
        self.seen = 0               # position after the last match in the text
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.errors = bytearray()
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ, self._take_output)
        self.selector.register(self.process.stderr, selectors.EVENT_READ, self._take_errors)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                stream.close()
            except OSError:
                pass

    def _take_output(self, data):
        self.raw += data
        if self.echo:
            self.echo.write(data)
            self.echo.flush()

    def _take_errors(self, data):
        self.errors += data

    def pump(self, timeout):
        """Takes what has arrived; False when both pipes are closed."""
        if not self.selector.get_map():
            return False
        for key, _ in self.selector.select(timeout):
            data = os.read(key.fileobj.fileno(), 65536)
            if data:
                key.data(data)
            else:
                self.selector.unregister(key.fileobj)
        return True

    def pump_for(self, seconds):
        """Takes what arrives during a span in which nothing is expected to."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.pump(max(deadline - time.monotonic(), 0)):
            pass

    @property
    def text(self):
        return ESCAPES.sub(b"", bytes(self.raw)).replace(b"\r", b"").decode(errors="replace")

    def explain(self, what):
        tail = "\n".join(self.text.splitlines()[-25:])
        errors = self.errors.decode(errors="replace").strip()
        return f"{what}\n--- the guest said last:\n{tail}\n--- vitrinectl said:\n{errors}"

    def expect(self, pattern, timeout):
        """Waits until the regular expression matches what came since the last match; returns the match."""
        deadline = time.monotonic() + timeout
        while True:
            match = re.compile(pattern, re.M).search(self.text, self.seen)
            if match:
                self.seen = match.end()
                return match
            left = deadline - time.monotonic()
            if left <= 0:
                raise GuestError(self.explain(f"no “{pattern}” within {timeout} seconds"))
            if not self.pump(min(left, 1.0)):
                status = self.process.wait()
                raise GuestError(self.explain(f"the run ended with status {status} before “{pattern}”"))

    def send(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def command(self, line, prompt, timeout):
        """Types a line at the prompt and returns what it printed."""
        self.send(line + "\n")
        self.expect(re.escape(line), timeout)
        start = self.seen
        match = self.expect(prompt, timeout)
        return self.text[start:match.start()].strip("\n")

    def picture(self, path, timeout=30):
        """A picture of the guest's screen as it is now, in the file that --screenshot names."""
        def stamp():
            return path.stat().st_mtime_ns if path.exists() else 0

        before, deadline = stamp(), time.monotonic() + timeout
        self.process.send_signal(signal.SIGUSR1)
        while stamp() == before:
            if time.monotonic() > deadline or not self.pump(0.1):
                raise GuestError(self.explain("no picture was taken"))
        return path

    def wait(self, timeout):
        """Exit status of the run."""
        deadline = time.monotonic() + timeout
        while self.pump(0.5):
            if time.monotonic() > deadline:
                raise GuestError(self.explain(f"the run did not end within {timeout} seconds"))
        return self.process.wait(timeout=max(1, deadline - time.monotonic()))

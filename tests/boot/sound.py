#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""sound.py VITRINECTL: Debian's driver plays numbers through the sound card and records, as TAP. What arrives is compared with them:
in a WAV file, and at a PulseAudio server of our own."""
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from boot import Boot, Skip, power_off                           # noqa: E402
from virtio import Machine, shell, start                   # noqa: E402
from vmconsole import GuestError                           # noqa: E402

FRAMES = 30000
SHORT = 1500      # 31 ms: less than a server has before it begins


class Server:
    """Two sinks that keep nothing but a monitor: one to hear the guest by, one to speak to it."""

    def __init__(self, folder):
        if shutil.which("pulseaudio") is None:
            raise Skip("there is no pulseaudio")
        self.socket = folder / "native"
        modules = [f"module-native-protocol-unix auth-anonymous=1 socket={self.socket}", "module-null-sink sink_name=ears rate=48000 format=s16le channels=2",
                   "module-null-sink sink_name=mouth rate=48000 format=s16le channels=2"]
        self.process = subprocess.Popen(["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no",
                                         *[f"--load={module}" for module in modules]], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={**os.environ, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)})
        deadline = time.monotonic() + 30
        while not self.socket.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise GuestError("pulseaudio does not start")
            time.sleep(0.05)

    def pacat(self, way, device, **streams):
        return subprocess.Popen(["pacat", way, f"--server=unix:{self.socket}", f"--device={device}", "--raw", "--format=s16le", "--rate=48000",
                                 "--channels=2", "--latency-msec=50"], **streams)

    def listen(self, path):
        with open(path, "wb") as file:
            return self.pacat("--record", "ears.monitor", stdout=file)

    def speak(self, path):
        with open(path, "rb") as file:
            return self.pacat("--playback", "mouth", stdin=file)

    def end(self):
        self.process.terminate()
        self.process.wait(10)


def frames_of(data):
    return list(struct.iter_unpack("<hh", data[:len(data) // 4 * 4]))


def counted(frames):
    """The longest run of numbers that count up as the guest's do."""
    best = run = 0
    last = None
    for left, right in frames:
        run = run + 1 if last is not None and left == last + 1 and right == -left else 0
        last = left
        best = max(best, run)
    return best


def await_card(guest):
    """The driver looks for codecs when it gets to it."""
    shell(guest, "for i in $(seq 300); do [ -e /dev/snd/pcmC0D0p ] && [ -e /dev/snd/pcmC0D0c ] && break; sleep 0.1; done")


def play(guest, frames):
    text = shell(guest, f"sound play {frames}", 120)
    if f"played {frames} frames" not in text:
        raise GuestError(guest.explain(f"the guest cannot play: {text}"))


def in_file(boot, machine):
    path = Path(boot.folder) / "sound.wav"
    with machine.run("--sound", f"wav={path}") as guest:
        start(guest)
        await_card(guest)
        cards = shell(guest, "cat /proc/asound/cards /proc/asound/card0/codec*")
        if "HDA" not in cards or "Vendor Id: 0x56560001" not in cards:
            raise GuestError(guest.explain(f"no card: {cards}"))
        boot.ok("the driver finds the card and its codec")
        began = time.monotonic()
        play(guest, FRAMES)
        seconds = time.monotonic() - began
        if not FRAMES / 48000 * 0.8 < seconds < FRAMES / 48000 + 20:
            raise GuestError(f"{FRAMES} frames took {seconds:.2f} s")
        power_off(boot, guest)
    with wave.open(str(path)) as sound:
        if (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) != (48000, 2, 2):
            raise GuestError(f"the file's format is {sound.getparams()}")
        n = counted(frames_of(sound.readframes(sound.getnframes())))
    if n < FRAMES - 1:
        raise GuestError(f"only {n} of {FRAMES} numbers arrive one after the other")
    boot.ok(f"all {FRAMES} frames arrive in the file as they were played")


def heard(path, wanted, least, before=0):
    """Waits for the end of a sound of that many frames, after others; `least` of them are heard. A monitor misses up to 30 ms when a
    sound begins, whoever plays it; and a driver that stops the card late lets a little be heard once more."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        frames = [frame for frame in frames_of(path.read_bytes()) if frame[0] != 0]
        n = counted(frames[before:])
        if len(frames) - before >= least and n >= min(least, 1000) and (wanted, -wanted) in frames[before:]:
            return len(frames), n
        time.sleep(0.1)
    raise GuestError(f"{len(frames) - before} of {wanted} frames are heard, {n} of them in a row, up to {frames[-1:]}")


def at_server(boot, machine):
    folder = Path(boot.folder)
    server = Server(folder)
    try:
        listener = server.listen(folder / "heard")
        os.environ.update(PULSE_SERVER=f"unix:{server.socket}", PULSE_SINK="ears", PULSE_SOURCE="mouth.monitor")
        with machine.run("--sound", "desktop,model=ich6") as guest:
            start(guest)
            await_card(guest)
            play(guest, FRAMES)
            whole, n = heard(folder / "heard", FRAMES, FRAMES * 3 // 4)
            play(guest, SHORT)
            short, _ = heard(folder / "heard", SHORT, 1, whole)
            listener.terminate()
            listener.wait(10)
            boot.ok(f"a PulseAudio server hears it, to its end: {whole} of {FRAMES} frames, {n} in a row, and {short - whole} of {SHORT} after them")
            numbers = struct.pack("<65534h", *[value for i in range(1, 32768) for value in (i, -i)])
            (folder / "said").write_bytes(numbers * 100)
            speaker = server.speak(folder / "said")
            text = shell(guest, "sound record 144000", 120)
            speaker.kill()
            speaker.wait(10)
            row = re.search(r"recorded 144000 frames, (\d+) in a row", text)
            if not row or int(row.group(1)) < 1000:
                raise GuestError(guest.explain(f"the guest does not hear it: {text}"))
            boot.ok(f"the guest records what is said to it: {row.group(1)} frames in a row")
    finally:
        for name in ("PULSE_SERVER", "PULSE_SINK", "PULSE_SOURCE"):
            os.environ.pop(name, None)
        server.end()


def main():
    with tempfile.TemporaryDirectory(prefix="vitrine-sound-") as folder:
        boot = Boot(sys.argv[1], folder, "jit")
        machine = Machine(boot, [])
        boot.attempt("sound in a file", lambda _: in_file(boot, machine))
        boot.attempt("sound at a server", lambda _: at_server(boot, machine))
        print(f"1..{boot.points}")


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""helper-mediated.py TEST-HELPER Z-HOST: crypto queues by vitrine-host-helper over a bus, against an IBM Z host's tree, as TAP."""
import pathlib
import shutil
import subprocess
import sys

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent), str(pathlib.Path(__file__).resolve().parent)]
import tap  # noqa: E402
from bus import Bus, describe, temporary  # noqa: E402

TEST_HELPER, Z_HOST = sys.argv[1:3]
UUID, OTHER = "5a4f6d1c-0c37-4c2b-9d58-3a3b8f0c7e11", "11111111-2222-4333-8444-555555555555"
CREATE = ("CreateCryptoMatrix", "(sauauaubb)")
CREATE_STEPS = 8    # modprobe, apmask, define, adapter, two domains, control domain, start


class Rig:
    """One tree, made anew for each point."""

    def __init__(self, bus, folder):
        self.bus, self.root = bus, pathlib.Path(folder, "z")

    def start(self, kind, *options):
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir()
        subprocess.run([Z_HOST, "make", kind, self.root], check=True)
        self.before = describe(self.root)
        self.bus.asked.clear()
        self.bus.start_helper(TEST_HELPER, str(self.root), "--z", *options)

    def refused(self, text, words, method, signature, *arguments):
        answer = self.bus.call(method, signature, *arguments)
        same = describe(self.root) == self.before
        tap.point(answer and answer.startswith(words) and same, text, f"{answer}; the tree is {'the same' if same else 'another'}")

    def matrix(self, uuid):
        path = self.root / "sys/devices/vfio_ap/matrix" / uuid / "matrix"
        return path.read_text(encoding="utf-8").split() if path.exists() else None


def changes(rig):
    rig.start("plain")
    answer = rig.bus.call(*CREATE, UUID, [4, 5], [4, 71], [71], False, False)
    tap.point(answer is None and rig.matrix(UUID) == ["04.0004", "04.0047", "05.0004", "05.0047"], "a matrix is made", answer)
    tap.point(rig.bus.asked[-1][1] == "org.vitrine.host-helper.mediated", "polkit is asked about mediated devices", rig.bus.asked)
    made = describe(rig.root)
    answer = rig.bus.call(*CREATE, UUID, [6], [171], [], False, True)
    tap.point(answer and "already" in answer and describe(rig.root) == made, "but not twice", answer)
    answer = rig.bus.call("RemoveCryptoMatrix", "(sb)", UUID, True)
    masks = [(rig.root / "sys/bus/ap" / name).read_text(encoding="utf-8") for name in ("apmask", "aqmask")]
    tap.point(answer is None and rig.matrix(UUID) is None and masks == ["0x" + "f" * 64 + "\n"] * 2,
              "and removed, and all queues are the host's again", answer)
    rig.start("conflicts")
    answer = rig.bus.call("RemoveMediatedDevice", "(s)", OTHER)
    tap.point(answer is None and rig.matrix(OTHER) is None, "one can be removed as a mediated device like others", answer)


def mistakes(rig):
    rig.start("conflicts")
    rig.refused("a queue of another guest", "Failed: Queue 05.0004 is in the mediated device", *CREATE, UUID, [5], [4], [], False, True)
    rig.refused("all that the host has", "NeedsConfirmation: Nothing would be left", *CREATE, UUID, [4, 6], [71], [], False, False)
    rig.refused("a number that is none", "Failed: Cards and domains are numbers", *CREATE, UUID, [256], [4], [], False, True)
    rig.refused("a card that cannot be", "Failed: There is no card 200", *CREATE, UUID, [200], [4], [], False, True)
    rig.refused("a path is no UUID", "Failed: “../x” is no UUID", *CREATE, "../x", [4], [4], [], False, True)
    rig.refused("a type that is not offered", "Failed: “matrix” offers no", "CreateMediatedDevice", "(sss)", "matrix", "../../x", UUID)
    rig.refused("a device that is not there", "Failed: There is no mediated device", "RemoveMediatedDevice", "(s)", UUID)
    rig.refused("a channel device that is not there", "Failed: There is no channel device", "TakeChannelDevice", "(sb)", "../x", True)
    rig.refused("nor can that be given back", "Failed: There is no channel device", "GiveBackChannelDevice", "(s)", "0.0.1234")
    rig.bus.allow = False
    rig.refused("who is not allowed is denied", "Denied: You are not allowed", *CREATE, UUID, [4], [71], [], False, False)
    rig.bus.allow = True


def faults(rig):
    for step in range(1, CREATE_STEPS + 1):
        rig.start("plain", "--fail", str(step))
        rig.refused(f"change {step} of {CREATE_STEPS} fails: all is as it was", "Failed: Step ", *CREATE, UUID, [4], [4, 71], [4], False, False)
    rig.start("plain", "--fail", str(CREATE_STEPS + 1))
    tap.point(rig.bus.call(*CREATE, UUID, [4], [4, 71], [4], False, False) is None, "there are no more changes than that")
    for step in (1, 2, 3):
        rig.start("conflicts", "--fail", str(step))
        rig.refused(f"change {step} of 3 of removing fails: all is as it was", "Failed: Step ", "RemoveCryptoMatrix", "(sb)", OTHER, True)


def main():
    if not shutil.which("dbus-daemon"):
        tap.skip("there is no dbus-daemon")
        return
    bus = Bus()
    try:
        bus.add_polkit()
        with temporary() as folder:
            rig = Rig(bus, folder)
            for part in (changes, mistakes, faults):
                part(rig)
    finally:
        bus.close()
    tap.plan()


main()

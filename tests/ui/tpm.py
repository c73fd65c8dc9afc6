#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tpm.py PROGRAM VITRINECTL PICTURES NAME: a machine gets a TPM in its settings, goes back with it, loses it, as TAP."""
import os
import re
import shutil
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import linuxbox                                # noqa: E402
import ui                                      # noqa: E402
from desktop import Missing, wait              # noqa: E402
from linuxbox import PROMPT, start             # noqa: E402
from ui import ok, part, settings_of           # noqa: E402
from vmconsole import find_process             # noqa: E402

EXTEND = "tpm2_pcrextend 16:sha256=" + "5a" * 32


def pcr(console):
    return re.search(r"[0-9A-F]{64}", console.command("cat /sys/class/tpm/tpm0/pcr-sha256/16", PROMPT, 30)).group()


def console_of(d):
    console = linuxbox.console(d)
    console.command("stty cols 200; export TPM2TOOLS_TCTI=device:/dev/tpmrm0", PROMPT, 30)
    return console


def stop(d):
    d.ctl("stop", "--force", "Box")
    d.no_window("Box")


def added(d, definition):
    window = settings_of(d, "Box")
    part(d, window, "push button", "Add TPM").doActionNamed("click")
    part(d, window, "list item", "TPM")
    d.picture("tpm-added")
    part(d, window, "push button", "Remove TPM").doActionNamed("click")
    d.says(window, "What is sealed in it will be lost")
    d.press(window, "Undo")
    part(d, window, "list item", "TPM")
    d.press(window, "Apply")
    d.no_window("Settings of Box")
    if '<tpm model="tpm-crb">' not in definition.read_text():
        raise Missing(definition.read_text())
    ok("a TPM is added, removed with a warning, and had back")


def goes_back(d):
    start(d)
    console = console_of(d)
    console.command(EXTEND, PROMPT, 60)
    then = pcr(console)
    d.ctl("snapshot", "take", "Box", "then")
    console.command(EXTEND, PROMPT, 60)
    if pcr(console) == then or then == "0" * 64:
        raise Missing("the PCR is not extended")
    console.close()
    stop(d)
    d.ctl("snapshot", "revert", "Box", "then")
    start(d)
    console = console_of(d)
    if pcr(console) != then:
        raise Missing("the PCR is not what it was")
    ok("a confined machine has its TPM, and goes back with it")
    return console


def goes_back_within(d, console, uuid):
    """Another machine is made in this process, with the program that the first one had."""
    then = pcr(console)
    console.command(EXTEND, PROMPT, 60)
    console.close()
    linuxbox.go_back_within(d, uuid, "then", lambda terminal: pcr(terminal) == then)
    ok("a machine that goes back within its process keeps its TPM’s program")
    return console_of(d)


def dies(d, console, folder):
    os.kill(find_process("swtpm", folder), signal.SIGKILL)
    d.says(d.window("Box"), "TPM has failed")
    d.picture("tpm-failed")
    if "alive" not in console.command("tpm2_getrandom --hex 8; echo al''ive", PROMPT, 60):
        raise Missing("the guest does not go on")
    console.close()
    stop(d)
    start(d)
    console = console_of(d)
    if not re.search(r"\b[0-9a-f]{16}\b", console.command("tpm2_getrandom --hex 8; echo", PROMPT, 60)):
        raise Missing("started again, it has no TPM")
    console.close()
    stop(d)
    wait("its program ends with it", lambda: find_process("swtpm", folder) == 0)
    ok("a TPM that dies is told in the window; the next start has one again")


def removed(d, folder):
    window = settings_of(d, "Box")
    part(d, window, "push button", "Remove TPM").doActionNamed("click")
    d.press(window, "Apply")
    d.no_window("Settings of Box")
    if not folder.exists():
        raise Missing("what the TPM kept is gone before the machine was started")
    start(d)
    if folder.exists() or find_process("swtpm", folder) != 0:
        raise Missing("there is still a TPM")
    stop(d)
    ok("removed, what it kept is gone with the next start")


def tpm(d):
    if shutil.which("swtpm") is None:
        raise ui.Skip("swtpm is not installed")
    uuid = linuxbox.create(d)
    folder = d.machines / uuid / "tpm"
    d.start([d.program])
    d.window("Vitrine")
    added(d, d.machines / uuid / "domain.xml")
    console = goes_back_within(d, goes_back(d), uuid)
    dies(d, console, folder)
    removed(d, folder)


if __name__ == "__main__":
    ui.run({"tpm": (tpm, "tpm")})

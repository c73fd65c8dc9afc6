# SPDX-License-Identifier: GPL-3.0-or-later
"""A libvirt of the test's own: a daemon for one folder, or a file of libvirt's test driver. Nothing of the system's is touched."""
import itertools
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

from desktop import Missing, Skip, wait  # pylint: disable=import-error

NOBODY = "65534"


def node(folder, machines, extra=""):
    """The URI of a host with so many running machines, which libvirt's test driver makes of a file."""
    path = Path(folder, "node.xml")
    domains = "".join(f"<domain type='test'><name>machine-{i:03}</name><memory>1024</memory><os><type>hvm</type></os></domain>"
                      for i in range(machines))
    path.write_text(f"<node>{extra}{domains}</node>")
    return f"test://{path}"


PORTS = 20       # of screens, for each daemon
# Of this process: the numbers of its daemons, far from those of others.
daemons = itertools.count(os.getpid() % 1000 * 2)


# What libvirtd found out about each QEMU that is installed, which takes half a minute. It sees itself whether that is still true.
PROBED = Path(pwd.getpwuid(os.getuid()).pw_dir) / ".cache/vitrine/libvirt-capabilities"


def copy_new(source, target):
    """Files that are not there yet; whole or not at all."""
    target.mkdir(parents=True, exist_ok=True)
    for path in source.glob("*.xml"):
        if not (target / path.name).exists():
            part = target / f"{path.name}.{os.getpid()}"
            shutil.copyfile(path, part)
            part.rename(target / path.name)


class Libvirtd:
    """libvirtd in session mode. It runs as nobody when the test runs as root, who would get the system's."""

    def __init__(self, folder, port=0, uuid=None):
        """@port: also listens there, on the loopback only. @uuid: what it takes this computer for: two of them migrate only to another."""
        for tool in ("libvirtd", "virsh", "qemu-system-x86_64"):
            if shutil.which(tool) is None:
                raise Skip(f"{tool} is not installed")
        self.folder = Path(folder)
        self.environment = dict(os.environ)
        for name, sub in (("HOME", "home"), ("XDG_RUNTIME_DIR", "run"), ("XDG_CONFIG_HOME", "config"), ("XDG_CACHE_HOME", "cache"),
                          ("XDG_DATA_HOME", "data")):
            path = self.folder / sub
            path.mkdir(mode=0o700, parents=True)
            self.environment[name] = str(path)
        # Screens have ports of their own, as other tests' daemons give some away at the same time.
        settings = self.folder / "config/libvirt/qemu.conf"
        settings.parent.mkdir(mode=0o700)
        first = 5900 + PORTS * next(daemons)
        settings.write_text(f"remote_display_port_min = {first}\nremote_display_port_max = {first + PORTS - 1}\n")
        self.probed = self.folder / "cache/libvirt/qemu/cache/capabilities"
        copy_new(PROBED, self.probed)
        self.drop = []
        if os.getuid() == 0:
            self.drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
            subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", self.folder], check=True)
            for parent in self.folder.parents:
                if parent != Path("/tmp") and parent != Path("/"):
                    parent.chmod(parent.stat().st_mode | 0o011)   # nobody has to get there
        config = self.folder / "libvirtd.conf"
        config.write_text((f'listen_tls = 0\nlisten_tcp = 1\nauth_tcp = "none"\nlisten_addr = "127.0.0.1"\ntcp_port = "{port}"\n' if port else "")
                          + (f'host_uuid = "{uuid}"\n' if uuid else ""))
        self.options = [*(["--listen"] if port else []), "-f", str(config)]
        self.process = None
        self.start()

    def start(self):
        log = open(self.folder / "log", "wb")  # pylint: disable=consider-using-with
        (self.folder / "libvirtd.pid").unlink(missing_ok=True)
        self.process = subprocess.Popen([*self.drop, "libvirtd", *self.options, "-p", str(self.folder / "libvirtd.pid")], env=self.environment,
                                        stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait("libvirtd answers", lambda: self.virsh("version"), 60)
        except Missing as missing:
            said = (self.folder / "log").read_text(errors="replace").strip().splitlines()
            raise Skip(f"libvirtd does not run here: {said[-1] if said else 'it says nothing'}") from missing
        copy_new(self.probed, PROBED)

    @property
    def uri(self):
        return f"qemu:///session?socket={self.folder}/run/libvirt/libvirt-sock"

    def virsh(self, *words, check=False):
        done = subprocess.run(["virsh", "-q", "-c", self.uri, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False)
        if check and done.returncode != 0:
            raise Missing(f"virsh {' '.join(words)}: {done.stderr}")
        return done.stdout.strip() if done.returncode == 0 else ""

    def define(self, name, devices, memory=64, os="", uuid=None):  # pylint: disable=redefined-outer-name
        path = self.folder / f"{name}.xml"
        path.write_text(f"""<domain type='qemu'><name>{name}</name>{f"<uuid>{uuid}</uuid>" if uuid else ""}<memory unit='MiB'>{memory}</memory><vcpu>1</vcpu>
          <os><type arch='x86_64' machine='pc'>hvm</type>{os}</os><features><acpi/></features>
          <devices><emulator>/usr/bin/qemu-system-x86_64</emulator>{devices}</devices></domain>""")
        self.virsh("define", str(path), check=True)
        return self.virsh("domuuid", name, check=True)

    def pool(self, name):
        """A folder as a pool; the folder."""
        path = self.folder / name
        subprocess.run([*self.drop, "mkdir", "-p", path], check=True)
        self.virsh("pool-define-as", name, "dir", "--target", str(path), check=True)
        self.virsh("pool-start", name, check=True)
        return path

    def vanish(self):
        """The daemon only: its machines go on. A polite end would wait for consoles that are open."""
        self.process.kill()
        self.process.wait()

    def freeze(self, on):
        self.process.send_signal(signal.SIGSTOP if on else signal.SIGCONT)

    def end(self):
        for name in self.virsh("list", "--name").split():
            self.virsh("destroy", name)
        self.vanish()

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a machine is made of. Filled from libvirt domain XML (src/model) or command-line options (vitrinectl); checked by
 * vt_config_check(). Strings are owned by the config; NULL means absent. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "secret.h"

typedef enum { VT_ACCEL_AUTO, VT_ACCEL_INTERP, VT_ACCEL_JIT, VT_ACCEL_KVM, VT_ACCEL_COSIM } VtAccelChoice;
typedef enum { VT_FIRMWARE_BIOS, VT_FIRMWARE_UEFI } VtFirmware;
typedef enum { VT_BUS_VIRTIO, VT_BUS_SATA, VT_BUS_IDE, VT_BUS_SCSI, VT_BUS_FDC, VT_BUS_NVME, VT_BUS_USB } VtDiskBus;
/* Machines run on the first three; the others are read for import. */
typedef enum
{
  VT_IMAGE_RAW,
  VT_IMAGE_QCOW2,
  VT_IMAGE_LUKS,     /* an encrypted raw image */
  VT_IMAGE_VMDK,
  VT_IMAGE_VDI,
  VT_IMAGE_VHD,
  VT_IMAGE_VHDX,
} VtImageFormat;
typedef enum { VT_VIDEO_STD, VT_VIDEO_BOCHS, VT_VIDEO_RAMFB, VT_VIDEO_VIRTIO, VT_VIDEO_NONE } VtVideo;
typedef enum { VT_SOUND_NONE, VT_SOUND_ICH6, VT_SOUND_ICH9 } VtSoundCard;
/* Loudspeakers and microphone of the desktop (silence where there are none), a WAV file, or nobody. */
typedef enum { VT_SOUND_TO_DESKTOP, VT_SOUND_TO_FILE, VT_SOUND_TO_NOBODY } VtSoundOutput;
typedef enum { VT_TPM_NONE, VT_TPM_CRB, VT_TPM_TIS } VtTpmModel;   /* TPM 2.0, by its register interface */
typedef enum { VT_NET_VIRTIO, VT_NET_E1000E } VtNetModel;
typedef enum { VT_INPUT_KEYBOARD, VT_INPUT_MOUSE, VT_INPUT_TABLET } VtInputDevice;
typedef enum { VT_INPUT_PS2, VT_INPUT_USB, VT_INPUT_VIRTIO } VtInputBus;
typedef enum { VT_SERIAL_NULL, VT_SERIAL_STDIO, VT_SERIAL_FILE, VT_SERIAL_PTY, VT_SERIAL_CONSOLE, VT_SERIAL_SOCKET, VT_SERIAL_DESCRIPTOR } VtSerialKind;

/* Forms of a virtio device's queues that its driver may use beside the plain one (VIRTIO 1.1, 2.7, 2.8, 2.9). */
typedef struct
{
  bool packed, in_order, notification_data;
} VtRingConfig;

enum { VT_HOTPLUG_PORTS = 4 };   /* slots into which cards come while a q35 machine runs */

typedef struct
{
  char         *path;        /* NULL: empty drive (CD and floppy only) */
  VtImageFormat format;
  VtDiskBus     bus;         /* sata: q35 only; ide and fdc (floppy drives): pc only */
  unsigned      unit;        /* ide, fdc: the place, from 1; 0: the first free one */
  unsigned      port;        /* virtio, q35: in that slot for hot plug, 1..VT_HOTPLUG_PORTS; 0: on the board */
  char         *id;          /* by which it is removed; NULL: none */
  bool          cdrom;
  bool          readonly;
  bool          snapshot;    /* writes go to a temporary file and are lost at the end */
  bool          any_backing; /* qcow2: its backing files may be outside of its folder */
  VtSecret     *secret;      /* of an encrypted image: its passphrase or key; NULL: none, or not known (yet) */
  int           boot_index;  /* 1.. ; 0: not bootable by order */
  unsigned      queues;      /* virtio: 1..8; 0: one for each processor, up to four */
  VtRingConfig  rings;       /* virtio */
} VtDiskConfig;

typedef struct
{
  VtSerialKind kind;
  char        *path;         /* VT_SERIAL_FILE, VT_SERIAL_SOCKET (UNIX, we listen) */
  int          fd;           /* VT_SERIAL_DESCRIPTOR: a connected stream socket, open until the machine is made; its caller's */
} VtSerialConfig;

enum { VT_FORWARDS_MAX = 256 };   /* ports that are forwarded to one card: each is a socket that the machine's loop waits for */

/* A port of the virtio console. */
typedef struct
{
  VtSerialConfig end;        /* at our side */
  bool           console;    /* hvc0 ...; else the guest finds it by its name */
  char          *name;       /* nullable */
  VtRingConfig   rings;      /* of the device: what one port wants, they all have */
} VtPortConfig;

typedef struct
{
  VtNetModel model;
  uint8_t    mac[6];         /* all zero: made from the machine's UUID and the card's number */
  bool       restricted;     /* no connections to the outside; forwards still work */
  bool       cable_out;      /* begins without a link */
  GPtrArray *forwards;       /* char*: "tcp:127.0.0.1:8022-:22", at most VT_FORWARDS_MAX */
  /* At most one of these, instead of user networking: */
  char      *local;          /* a folder: the network of all cards with a socket in it */
  char      *tap, *bridge;   /* the name of a TAP device or of a bridge of this computer (vitrine/tap.h) ... */
  int        fd;             /* ... which somebody opened before: open until the machine is made; its caller's. -1: nobody did */
  unsigned   queues;         /* virtio: pairs of them, 1..8; 0: one */
  unsigned   port;           /* as for disks */
  VtRingConfig rings;
} VtNetConfig;

/* A folder of this computer that the guest sees. */
typedef struct
{
  char        *folder;
  char        *tag;          /* that the guest mounts it by */
  bool         readonly;
  VtRingConfig rings;
} VtShareConfig;

typedef struct
{
  VtInputDevice kind;
  VtInputBus    bus;         /* PS/2 keyboard and mouse are there in any case */
  VtRingConfig  rings;       /* virtio */
} VtInputConfig;

enum { VT_TSEG_MIB_DEFAULT = 16, VT_TSEG_MIB_MAX = 256 };
enum { VT_MAX_HEADS = 4 };   /* monitors of one machine */

typedef struct
{
  char         *name;
  char         *uuid;        /* canonical; NULL: random */
  char         *machine;     /* "q35", "pc" */
  VtAccelChoice accel;
  char         *cpu_model;   /* NULL: the best the accelerator can do */
  unsigned      cpus;
  uint64_t      memory_bytes;

  VtFirmware    firmware;
  bool          secure_boot;     /* UEFI that verifies what it boots; its variables are written in system management mode only */
  bool          enrolled_keys;   /* ... with Microsoft's keys from the start: it does verify. Else a person enrols keys first */
  char         *firmware_code;   /* NULL: Debian's file for these three */
  char         *nvram;           /* UEFI variables, read-write; NULL: a temporary copy of the template */
  char         *nvram_template;  /* what `nvram` begins as; NULL: Debian's file */
  bool          smm;             /* system management mode; q35 */
  unsigned      tseg_mib;        /* its memory, where firmware does not choose a smaller one; 0: VT_TSEG_MIB_DEFAULT */
  char         *kernel, *initrd, *append;

  GPtrArray    *disks;           /* VtDiskConfig* */
  GPtrArray    *serials;         /* VtSerialConfig* */
  GPtrArray    *shares;          /* VtShareConfig* */
  GPtrArray    *ports;           /* VtPortConfig*, at most 8 */
  GPtrArray    *inputs;          /* VtInputConfig* */
  GPtrArray    *nets;            /* VtNetConfig* */
  GPtrArray    *usb_sockets;     /* char*: UNIX sockets; who connects there gives the guest a USB device (usbredir protocol) */
  unsigned      usb_ports;       /* so many ports for USB devices that are plugged in later, at least */
  VtVideo       video;
  uint32_t      xres, yres;      /* 0: default */
  uint64_t      vram_bytes;      /* 0: default (16 MiB; virtio 256 MiB) */
  unsigned      heads;           /* monitors, 1..VT_MAX_HEADS; more than one: virtio only. 0: one */
  bool          edid;
  VtRingConfig  video_rings; /* virtio */
  bool          no_vga;          /* virtio without its VGA */
  bool          boot_ramfb;      /* a ramfb shows firmware's picture until the video device shows one */

  char         *debugcon;        /* file for ports 0x402 and 0xe9; NULL: none */
  bool          debug_exit;      /* isa-debug-exit at 0xf4 */
  bool          test_device;     /* pc-testdev */
  bool          no_reboot;       /* a guest reset ends the run */
  bool          rng;             /* virtio-rng, default on */
  VtRingConfig  rng_rings;
  bool          crypto;          /* virtio-crypto */
  VtRingConfig  crypto_rings;
  uint32_t      vsock_cid;       /* virtio-vsock: the guest's number, from 3; 0: none */
  char         *vsock_path;      /* UNIX socket to the guest; what it connects to is PATH_PORT */
  VtRingConfig  vsock_rings;
  bool          balloon;         /* virtio-balloon */
  bool          balloon_deflates;   /* when the guest is out of memory */
  bool          balloon_reports; /* free pages go back to the host */
  VtRingConfig  balloon_rings;
  VtSoundCard   sound;           /* Intel High Definition Audio */
  VtSoundOutput sound_output;
  char         *sound_path;      /* VT_SOUND_TO_FILE */
  VtTpmModel    tpm;
  char         *tpm_folder;      /* its state; NULL: a TPM that nobody had before, and nobody has after */
  int           tpm_control_fd, tpm_data_fd;   /* to a swtpm that somebody started in that folder before (vitrine/tpm.h): open until the
                                    machine is made; its caller's. -1: nobody did */
  char         *jit_without;     /* techniques that the translator leaves out, as “groups,returns”; NULL: none */
  bool          perf_map;        /* names of translated code for perf(1), in /tmp/perf-PID.map */
} VtConfig;

VtConfig       *vt_config_new (void);
void            vt_config_free (VtConfig *config);
VtDiskConfig   *vt_config_add_disk (VtConfig *config, const char *path);     /* virtio, raw */
VtSerialConfig *vt_config_add_serial (VtConfig *config, VtSerialKind kind);
VtShareConfig  *vt_config_add_share (VtConfig *config, const char *folder, const char *tag);
VtPortConfig   *vt_config_add_port (VtConfig *config, VtSerialKind kind, bool console);
VtNetConfig    *vt_config_add_net (VtConfig *config);
VtInputConfig  *vt_config_add_input (VtConfig *config, VtInputDevice kind, VtInputBus bus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VtConfig, vt_config_free)

/* Debian's files (package ovmf; /usr/share/qemu/firmware says which): the code, and what variables begin as. */
const char *vt_firmware_uefi_code (bool secure_boot, bool enrolled_keys);
const char *vt_firmware_uefi_variables (bool secure_boot, bool enrolled_keys);

/* "52:54:00:12:34:56": the address of one card, no group's. */
bool vt_parse_mac (const char *text, uint8_t mac[6]);
/* What a card has whose configuration says none, the same at every start. `id`: the machine's UUID, or its name where it has none;
 * `card`: index among the network cards. */
void vt_default_mac (const char *id, unsigned card, uint8_t mac[6]);

/* Everything that can be refused without opening a file: sizes, counts, combinations. The error names the element and
 * what to do. */
bool vt_config_check (const VtConfig *config, GError **error);

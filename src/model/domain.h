/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine's definition: a libvirt domain XML document with typed access to the parts that we understand. Everything else
 * in the document is kept as it is. What we need beyond libvirt's schema lives in <metadata> under
 * VITRINE_DOMAIN_NAMESPACE, so that virt-xml-validate and virsh define take every document we write.
 *
 * Getters that return char * give a new string, NULL when the document does not say. Main thread, or one thread at a
 * time. */
#pragma once

#include <gio/gio.h>

#include <vitrine/config.h>

#define VITRINE_DOMAIN_NAMESPACE "https://vitrine.org/xmlns/domain/1"
#define VITRINE_DOMAIN_MAX_BYTES (4 * 1024 * 1024)
#define VITRINE_DOMAIN_MAX_CPUS 64

#define VITRINE_TYPE_DOMAIN (vitrine_domain_get_type ())
G_DECLARE_FINAL_TYPE (VitrineDomain, vitrine_domain, VITRINE, DOMAIN, GObject)

typedef enum
{
  VITRINE_FIRMWARE_BIOS,
  VITRINE_FIRMWARE_UEFI,
  VITRINE_FIRMWARE_SECURE_BOOT,   /* UEFI that verifies what it boots */
} VitrineFirmware;

/* One <disk>. A copy: changing it changes nothing until it is given back. */
typedef struct
{
  char    *target;      /* <target dev>: unique in the machine, "vda", "sda" */
  char    *path;        /* NULL: empty drive */
  char    *format;      /* "raw", "qcow2"; "luks" for one that is new */
  char    *bus;         /* "virtio", "sata", "ide", "scsi", "fdc", "nvme" */
  gboolean cdrom;
  gboolean floppy;
  gboolean readonly;
  gboolean transient;   /* writes are lost at power-off */
  gboolean encrypted;   /* says the document, and a new one's format; qcow2 with LUKS inside says it itself */
  guint    boot_order;  /* 1..; 0: not in the order */
} VitrineDisk;

/* That the cable of a PC's controller selects: "fda" and "fdb". */
#define VITRINE_MAX_FLOPPY_DRIVES 2

/* On bus "fdc" it is a floppy drive. */
VitrineDisk *vitrine_disk_new (const char *path, const char *format, const char *bus, gboolean cdrom);
void         vitrine_disk_free (VitrineDisk *disk);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineDisk, vitrine_disk_free)
/* The one of @disks (VitrineDisk) with that target; NULL: none. */
const VitrineDisk *vitrine_disk_find (GPtrArray *disks, const char *target);
/* A CD or floppy drive: may be empty, and its medium changes while the machine runs. */
gboolean     vitrine_disk_is_removable (const VitrineDisk *disk);
/* As images name it: an encrypted raw disk is "luks". */
const char  *vitrine_disk_get_image_format (const VitrineDisk *disk);

/* A q35 machine with our defaults: 1 processor, 1 GiB, BIOS, VGA, one serial console, a random number device, no disk. */
VitrineDomain *vitrine_domain_new (const char *name);
/* @source names the document in errors ("debian.xml"). A missing uuid is made up; everything else must be there. */
VitrineDomain *vitrine_domain_new_from_data (const char *data, gsize length, const char *source, GError **error);
VitrineDomain *vitrine_domain_new_from_file (const char *path, GError **error);
VitrineDomain *vitrine_domain_copy (VitrineDomain *domain);

char    *vitrine_domain_to_xml (VitrineDomain *domain);
/* Replaces @path only after the new document is complete and on the disk. */
gboolean vitrine_domain_save (VitrineDomain *domain, const char *path, GError **error);

char   *vitrine_domain_get_name (VitrineDomain *domain);
void    vitrine_domain_set_name (VitrineDomain *domain, const char *name);
/* Is called what @other is, with its title. */
void    vitrine_domain_take_names (VitrineDomain *domain, VitrineDomain *other);
/* What a definition may be called; the error says what to change. */
gboolean vitrine_domain_check_name (const char *name, GError **error);
char   *vitrine_domain_get_uuid (VitrineDomain *domain);
void    vitrine_domain_set_uuid (VitrineDomain *domain, const char *uuid);
char   *vitrine_domain_get_title (VitrineDomain *domain);          /* <title>, else the name */
char   *vitrine_domain_get_description (VitrineDomain *domain);
void    vitrine_domain_set_description (VitrineDomain *domain, const char *description);
guint64 vitrine_domain_get_memory_bytes (VitrineDomain *domain);   /* 0: not given, or not a size */
void    vitrine_domain_set_memory_bytes (VitrineDomain *domain, guint64 bytes);
guint   vitrine_domain_get_cpus (VitrineDomain *domain);           /* 0: not a count */
void    vitrine_domain_set_cpus (VitrineDomain *domain, guint cpus);

/* By VitrineFirmware, then NULL: "bios", "uefi", "secure-boot"; and what people read, to be translated. */
extern const char *const vitrine_firmware_ids[];
extern const char *const vitrine_firmware_labels[];
gboolean    vitrine_firmware_from_id (const char *id, VitrineFirmware *firmware);
/* Why machines with it would not start here, a sentence; NULL: they would. */
const char *vitrine_firmware_id_get_problem (const char *id);

VitrineFirmware vitrine_domain_get_firmware (VitrineDomain *domain);
/* Changes nothing when it is that already; else drops loader and nvram of the other kind. With Secure Boot, Microsoft's keys are
 * enrolled from the start. */
void    vitrine_domain_set_firmware (VitrineDomain *domain, VitrineFirmware firmware);
/* The kind stays, and whoever starts the machine chooses the file. */
void    vitrine_domain_forget_loader (VitrineDomain *domain);
char   *vitrine_domain_get_loader (VitrineDomain *domain);
char   *vitrine_domain_get_nvram (VitrineDomain *domain);
void    vitrine_domain_set_nvram (VitrineDomain *domain, const char *path);
/* "q35" or "pc", whatever version the document names. NULL: a board that we have not. */
const char *vitrine_domain_get_board (VitrineDomain *domain);
void        vitrine_domain_set_board (VitrineDomain *domain, const char *board);
char   *vitrine_domain_get_kernel (VitrineDomain *domain);
char   *vitrine_domain_get_initrd (VitrineDomain *domain);
char   *vitrine_domain_get_cmdline (VitrineDomain *domain);
/* NULL @kernel returns to booting from firmware. */
void    vitrine_domain_set_direct_boot (VitrineDomain *domain, const char *kernel, const char *initrd,
                                        const char *cmdline);

/* Of VitrineDisk, in document order. A machine that is not of type pc goes without its floppy drives. */
GPtrArray *vitrine_domain_get_disks (VitrineDomain *domain);
/* Picks a free target when @disk has none. */
void     vitrine_domain_add_disk (VitrineDomain *domain, const VitrineDisk *disk);
gboolean vitrine_domain_remove_disk (VitrineDomain *domain, const char *target);
gboolean vitrine_domain_set_disk_path (VitrineDomain *domain, const char *target, const char *path);   /* NULL: eject */
/* As images name it. */
void     vitrine_domain_set_disk_format (VitrineDomain *domain, const char *target, const char *format);
/* The file that its image stands on, wherever that is; NULL: the document does not say. */
void     vitrine_domain_set_disk_backing (VitrineDomain *domain, const char *target, const char *path, const char *format);
void     vitrine_domain_set_disk_readonly (VitrineDomain *domain, const char *target, gboolean readonly);
/* The target is another one from then on: a new string. */
char    *vitrine_domain_set_disk_bus (VitrineDomain *domain, const char *target, const char *bus);
/* @targets in the order to try; every other device leaves the order. */
void     vitrine_domain_set_boot_order (VitrineDomain *domain, const char *const *targets);

/* As get_disks, in the order in which they are tried; drives outside of the order are last. */
GPtrArray *vitrine_domain_get_disks_to_boot (VitrineDomain *domain);
/* These first, then the others as before. */
gboolean   vitrine_domain_boot_first (VitrineDomain *domain, const char *const *targets, GError **error);

/* The buses that a person can choose on such a machine, and what people read, to be translated; both end with NULL. */
const char *const *vitrine_domain_get_bus_ids (VitrineDomain *domain, gboolean cdrom);
const char *const *vitrine_domain_get_bus_labels (VitrineDomain *domain, gboolean cdrom);
/* On the bus that such drives are on; not yet in the document. */
VitrineDisk       *vitrine_domain_new_cd_drive (VitrineDomain *domain, const char *path);
gboolean           vitrine_domain_has_room_for_floppy (VitrineDomain *domain);
/* Could a machine start with it? The error is a sentence for people. */
gboolean           vitrine_disk_check (const VitrineDisk *disk, GError **error);

/* Addresses of the network cards, "" where the document does not say; never NULL. */
GStrv    vitrine_domain_get_macs (VitrineDomain *domain);
/* Cards on user networking with these addresses ("": ours to choose) instead of those that are there. */
void     vitrine_domain_set_macs (VitrineDomain *domain, const char *const *macs);

typedef enum
{
  VITRINE_NETWORK_USER,        /* user networking: whatever the document says that we do not do (networks of libvirtd, say), too */
  VITRINE_NETWORK_ISOLATED,    /* between machines of one person: <interface type='mcast'>, docs/decisions/0011 */
  VITRINE_NETWORK_BRIDGE,      /* a bridge of this computer: <interface type='bridge'> */
  VITRINE_NETWORK_TAP,         /* a TAP device of this computer: <interface type='ethernet'> with a target */
} VitrineNetworkKind;

/* One <interface>. A copy, as with disks; known by its place among them. */
typedef struct
{
  char    *model;       /* "virtio", "e1000e"; our machine goes without any other */
  char    *mac;         /* NULL: ours to choose */
  VitrineNetworkKind kind;
  char    *name;        /* of the network, bridge or device; NULL: user networking */
  gboolean cable_out;
  gboolean restricted;  /* user networking: only forwarded ports, no way to the network or this computer. Kept in our metadata by the card's
                           address, which it is given where it has none */
} VitrineNetwork;

void         vitrine_network_free (VitrineNetwork *network);
gboolean     vitrine_network_is_supported (const VitrineNetwork *network);
/* Is it on a device of this computer? */
gboolean     vitrine_network_is_on_device (const VitrineNetwork *network);
/* Its address and the name that its kind needs. */
gboolean     vitrine_network_check (const VitrineNetwork *network, GError **error);
gboolean     vitrine_network_check_name (const VitrineNetwork *network, GError **error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineNetwork, vitrine_network_free)

GPtrArray *vitrine_domain_get_networks (VitrineDomain *domain);    /* of VitrineNetwork, in document order */
/* A virtio card on user networking. */
void       vitrine_domain_add_network (VitrineDomain *domain);
/* What the document says beside these things stays. A NULL model is not changed. */
void       vitrine_domain_set_network (VitrineDomain *domain, guint index, const VitrineNetwork *network);
/* "52:54:00:12:34:56", and of one card. */
gboolean   vitrine_domain_check_mac (const char *mac, GError **error);

/* A device that was taken out: all that the document said of it, and where. */
typedef struct _VitrineRemoved VitrineRemoved;

/* NULL: there is no such device. */
VitrineRemoved *vitrine_domain_take_disk (VitrineDomain *domain, const char *target);
VitrineRemoved *vitrine_domain_take_network (VitrineDomain *domain, guint index);
VitrineRemoved *vitrine_domain_remove_tpm (VitrineDomain *domain);
/* Among its like, where it was. Once, or not at all. */
void            vitrine_domain_put_back (VitrineDomain *domain, VitrineRemoved *removed);
void            vitrine_removed_free (VitrineRemoved *removed);

/* Put a device into a free slot for hot plug: which one, from 1; 0: there is none, or the device does not go there. A card gets an
 * address, by which it is known. */
guint vitrine_domain_give_disk_slot (VitrineDomain *domain, const char *target);
guint vitrine_domain_give_network_slot (VitrineDomain *domain, guint index);

/* Where they are; 0: in none. */
guint vitrine_domain_get_disk_slot (VitrineDomain *domain, const char *target);
guint vitrine_domain_get_network_slot (VitrineDomain *domain, guint index);

gboolean vitrine_domain_get_balloon (VitrineDomain *domain);
void     vitrine_domain_set_balloon (VitrineDomain *domain, gboolean on);
/* Is the clipboard shared with the guest's agent? */
gboolean vitrine_domain_get_clipboard (VitrineDomain *domain);
void     vitrine_domain_set_clipboard (VitrineDomain *domain, gboolean on);
/* Makes the agent's port of a machine that is about to be made end in a socket, and returns its other end; NULL: there is no such
 * port, or it is not to be used. @end has to be closed once the machine is made; -1: none. */
GSocket *vitrine_domain_open_agent (VitrineDomain *domain, VtConfig *config, int *end);
/* Is there a sound card, of whatever kind? One that is added is an ICH9's. */
gboolean vitrine_domain_get_sound (VitrineDomain *domain);
void     vitrine_domain_set_sound (VitrineDomain *domain, gboolean on);

/* Is there a TPM, of whatever kind? One that is added is a TPM 2.0 with tpm-crb. */
gboolean vitrine_domain_get_tpm (VitrineDomain *domain);
void     vitrine_domain_add_tpm (VitrineDomain *domain);
/* Its registers: "tpm-crb", "tpm-tis"; of one that is there. */
char    *vitrine_domain_get_tpm_model (VitrineDomain *domain);
void     vitrine_domain_set_tpm_model (VitrineDomain *domain, const char *model);
/* The same by the short names, "crb" and "tis". */
gboolean vitrine_domain_choose_tpm (VitrineDomain *domain, const char *name, GError **error);

/* Those that we offer, and what people read, to be translated; both end with NULL. */
extern const char *const vitrine_video_ids[];
extern const char *const vitrine_video_labels[];
char    *vitrine_domain_get_video (VitrineDomain *domain);         /* "vga", "bochs", "virtio", "none", ... */
void     vitrine_domain_set_video (VitrineDomain *domain, const char *model);
void     vitrine_domain_get_resolution (VitrineDomain *domain, guint *width, guint *height);   /* 0: the default */
void     vitrine_domain_set_resolution (VitrineDomain *domain, guint width, guint height);

/* libosinfo's identifier, in the metadata that virt-manager and Boxes use too. */
char *vitrine_domain_get_os_id (VitrineDomain *domain);
void  vitrine_domain_set_os_id (VitrineDomain *domain, const char *id);
/* Our own settings, strings by key: "scaling", "accelerator". @value NULL removes. */
char *vitrine_domain_get_extra (VitrineDomain *domain, const char *key);
void  vitrine_domain_set_extra (VitrineDomain *domain, const char *key, const char *value);

/* The engine's view. The error names the element and says what to do. */
VtConfig *vitrine_domain_to_config (VitrineDomain *domain, GError **error);
/* Sentences about devices that the definition has and our machine will go without; never NULL. */
GStrv vitrine_domain_list_missing (VitrineDomain *domain);

/* What a machine does with a file of its definition. */
typedef enum
{
  VITRINE_FILE_READ,
  VITRINE_FILE_CHANGE,   /* read and written */
  VITRINE_FILE_MAKE,     /* written, made where it is missing */
  VITRINE_FILE_SOCKETS,  /* a folder in which sockets are made */
  VITRINE_FILE_SHARE,    /* a folder with all that is in it */
} VitrineFileUse;

typedef void (*VitrineFileVisit) (const char *path, VitrineFileUse use, gpointer data);

/* The files of one disk. */
void vitrine_disk_visit_files (const VtDiskConfig *disk, VitrineFileVisit visit, gpointer data);
/* Shows every file that the engine will open; none for a definition that it refuses. */
void vitrine_domain_visit_files (VitrineDomain *domain, VitrineFileVisit visit, gpointer data);

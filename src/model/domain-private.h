/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared between the files that implement VitrineDomain. */
#pragma once

#include "domain.h"
#include "xml-tree.h"

xmlNode *vitrine_domain_root (VitrineDomain *domain);
xmlNode *vitrine_domain_devices (VitrineDomain *domain);   /* <devices>, made if need be */
char    *vitrine_domain_describe (VitrineDomain *domain);   /* how errors call the document */

/* Does our machine have the drive of this <disk>? */
gboolean vitrine_domain_has_drive (VitrineDomain *domain, const xmlNode *node);
/* Is this <disk> a virtio one? The document says that of NVMe disks, too. */
gboolean vitrine_domain_is_on_virtio (const xmlNode *disk);
/* The slot for hot plug, from 1, that a device's address is of; 0: none. */
guint    vitrine_domain_get_slot (VitrineDomain *domain, const xmlNode *device);
/* "vdb": free on that bus. */
char    *vitrine_domain_free_target (VitrineDomain *domain, const char *bus);

/* "512" with a unit as libvirt writes them ("KiB" when NULL); FALSE for what is no size or does not fit 64 bits. */
gboolean vitrine_domain_parse_size (const char *text, const char *unit, guint64 *bytes);

/* Firmware, its variables, and system management mode; config->machine is set. */
gboolean vitrine_domain_take_firmware (VitrineDomain *domain, VtConfig *config, GError **error);

/* <driver packed='on' queues='4'/> of a virtio device; 0: no number of queues. */
void  vitrine_domain_take_rings (const xmlNode *device, VtRingConfig *rings);
guint vitrine_domain_take_queues (const xmlNode *device);
/* The same for a disk, whose bus is set: SCSI disks have it at their controller. */
void  vitrine_domain_take_disk_driver (const xmlNode *node, VtDiskConfig *disk);
/* <memballoon model='virtio' autodeflate='on' freePageReporting='on'/>, <crypto model='virtio'/>. */
void  vitrine_domain_take_plain (const xmlNode *devices, VtConfig *config);
void  vitrine_domain_take_sound (const xmlNode *devices, VtConfig *config);
gboolean vitrine_domain_take_tpm (const xmlNode *devices, VtConfig *config, GError **error);
void  vitrine_domain_list_missing_sound (const xmlNode *devices, GStrvBuilder *builder);
/* <hostdev type='usb'> and <redirdev>: so many ports. After all else that is on USB. */
void  vitrine_domain_take_usb (VitrineDomain *domain, VtConfig *config);
gboolean vitrine_domain_is_usb_port (const xmlNode *redirdev);
void  vitrine_domain_list_missing_hostdevs (const xmlNode *devices, GStrvBuilder *builder);
/* <console> with a virtio target, and <channel>. */
gboolean vitrine_domain_take_ports (const xmlNode *devices, VtConfig *config, GError **error);
/* What we do with an <interface>. */
VitrineNetworkKind vitrine_domain_get_network_kind (const xmlNode *interface);
xmlNode *vitrine_domain_find_interface (VitrineDomain *domain, guint index);   /* NULL: there are not so many */
gboolean vitrine_domain_is_restricted (VitrineDomain *domain, const xmlNode *interface);
/* Its forwards: VitrineForward. */
GPtrArray *vitrine_domain_read_forwards (const xmlNode *interface);
/* What its card is on. */
void  vitrine_domain_take_card_network (const xmlNode *interface, VtNetConfig *net);
/* <vsock><cid address='3'/></vsock>; its socket is beside the machine's own. */
void  vitrine_domain_take_vsock (const xmlNode *devices, VtConfig *config);
/* Takes an element out of the document; NULL for none. */
VitrineRemoved *vitrine_domain_take_out (xmlNode *node);
/* A <filesystem> that is about to come back: another one may have its name by now. */
void  vitrine_domain_keep_folder_name_unique (VitrineDomain *domain, xmlNode *filesystem);
/* <filesystem type='mount'>. */
gboolean vitrine_domain_take_shares (const xmlNode *devices, VtConfig *config, GError **error);

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The PCI transport of virtio devices, modern only (VIRTIO 1.1, 4.1).
 *
 * A virtio device on PCI is a VtVirtioPci, with a state block that begins with a VtVirtioPciState. */
#pragma once

#include "pci-function.h"
#include "virtio-device.h"

typedef struct
{
  VtPciState     pci;
  VtPciMsixState msix;
  VtVirtioState  virtio;
} VtVirtioPciState;

#define VT_VIRTIO_PCI_FIELDS(T, m)                                                                                     \
  VT_PCI_FIELDS (T, m.pci), VT_PCI_MSIX_FIELDS (T, m.msix), VT_VIRTIO_FIELDS (T, m.virtio)

typedef struct
{
  VtPciFunction     pci;
  VtVirtio          virtio;
  VtVirtioPciState *s;
  uint8_t           cap_access;      /* the capability that reaches registers through configuration space */
  uint8_t           bar;             /* of the registers */
  uint32_t          base;            /* of the registers in that BAR */
} VtVirtioPci;

enum
{
  VT_VIRTIO_PCI_REGISTERS_BYTES = 0x4000,
};

bool vt_virtio_pci_init (VtVirtioPci *pci, const VtEnv *env, const VtPciPlace *place, uint32_t class_code,
                         const VtVirtioType *type, const VtVirtioOffer *offer, VtVirtioPciState *state,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* For a device that has other registers in front of virtio's: a region of its own, which hands accesses from `base` on
 * to the two functions below. */
typedef struct
{
  const VtRegion *region;            /* base + VT_VIRTIO_PCI_REGISTERS_BYTES long */
  uint32_t        base;
  uint8_t         bar, msix_bar;
} VtVirtioPciLayout;
bool vt_virtio_pci_init_at (VtVirtioPci *pci, const VtEnv *env, const VtPciPlace *place, uint32_t class_code,
                            const VtVirtioPciLayout *layout, const VtVirtioType *type, const VtVirtioOffer *offer,
                            VtVirtioPciState *state, GError **error) G_GNUC_WARN_UNUSED_RESULT;
uint64_t vt_virtio_pci_read (VtDevice *dev, uint64_t off, unsigned size);
void     vt_virtio_pci_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size);

/* Class members: a device's instance begins with a VtVirtioPci. */
void vt_virtio_pci_settle (VtDevice *dev);
bool vt_virtio_pci_check (VtDevice *dev, const void *incoming, GError **error);
void vt_virtio_pci_quiesce (VtDevice *dev, void (*done) (void *opaque), void *opaque);
void vt_virtio_pci_resume (VtDevice *dev);
void vt_virtio_pci_finalize (VtDevice *dev);
extern const VtRegion *const vt_virtio_pci_regions[];


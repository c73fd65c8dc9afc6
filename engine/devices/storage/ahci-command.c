/* SPDX-License-Identifier: GPL-3.0-or-later */
/* AHCI command lists: from a bit in PxCI to the FIS that ends the command (AHCI 1.3.1 chapter 5, SATA 3.0 chapter 10).
 * The steps in between are in ata-command.c. */
#include "ahci-private.h"

#include "trace-storage.h"

enum
{
  CHUNK = 256 * 1024,

  HEADER_BYTES    = 32,
  HEADER_PRDTL    = 16,        /* shift */
  TABLE_CDB       = 0x40,
  TABLE_PRDT      = 0x80,
  PRD_BYTES       = 16,
  PRD_DBC         = 0x3fffff,  /* byte count - 1 */

  FIS_H2D_BYTES   = 20,
  FIS_TYPE_H2D    = 0x27,
  FIS_TYPE_D2H    = 0x34,
  FIS_TYPE_SDB    = 0xa1,
  FIS_TYPE_PIO    = 0x5f,
  FIS_H2D_COMMAND = 0x80,      /* C bit */
  FIS_INTERRUPT   = 0x40,
  FIS_TO_HOST     = 0x20,
  CONTROL_SRST    = 0x04,

  RECEIVED_PIO = 0x20,         /* places in the received FIS area */
  RECEIVED_D2H = 0x40,
  RECEIVED_SDB = 0x58,
};

/* --- FISes to the host -------------------------------------------------------------------------------------------- */

static void
post_fis (Ahci *hba, unsigned port, unsigned place, const uint8_t *fis, size_t len)
{
  AhciPortState *s = &hba->s.port[port];
  uint64_t at = ((uint64_t) s->fbu << 32 | s->fb) + place;
  if ((s->cmd & PX_CMD_FRE) != 0 && !vt_dma_write (&hba->pci.dma, VT_GPA (at), fis, len))
    vt_guest_warn (&hba->pci.dev, "port %u: no memory to receive a FIS at 0x%" G_GINT64_MODIFIER "x", port, at);
}

static void
put_registers (uint8_t *fis, const VtAtaTask *task)
{
  fis[2] = task->status;
  fis[3] = task->error;
  for (unsigned i = 0; i < 3; i++)
    {
      fis[4 + i] = (uint8_t) (task->lba >> (8 * i));
      fis[8 + i] = (uint8_t) (task->lba >> (24 + 8 * i));
    }
  fis[7] = task->device;
  vt_store_le (fis + 12, task->count, 2);
}

static void
post_d2h (Ahci *hba, unsigned port, const VtAtaTask *task, bool interrupt)
{
  AhciPortState *s = &hba->s.port[port];
  uint8_t        fis[20] = { FIS_TYPE_D2H, interrupt ? FIS_INTERRUPT : 0 };
  put_registers (fis, task);
  s->tfd = (uint32_t) task->error << 8 | task->status;
  post_fis (hba, port, RECEIVED_D2H, fis, sizeof fis);
  if (interrupt)
    s->is |= PX_IS_DHRS;
}

static void
post_pio_setup (Ahci *hba, unsigned port, const VtAtaTask *task, bool to_host, uint32_t len, bool interrupt)
{
  AhciPortState *s = &hba->s.port[port];
  uint8_t        fis[20] = { FIS_TYPE_PIO, (interrupt ? FIS_INTERRUPT : 0) | (to_host ? FIS_TO_HOST : 0) };
  put_registers (fis, task);
  fis[2] = (uint8_t) (task->status | ATA_STATUS_DRQ);
  fis[15] = task->status;
  vt_store_le (fis + 16, MIN (len, 0xfffe), 2);
  post_fis (hba, port, RECEIVED_PIO, fis, sizeof fis);
  s->tfd = (uint32_t) task->error << 8 | task->status;
  if (interrupt)
    s->is |= PX_IS_PSS;
}

static void
post_set_device_bits (Ahci *hba, unsigned port, const VtAtaTask *task, uint32_t finished)
{
  AhciPortState *s = &hba->s.port[port];
  uint8_t        fis[8] = { FIS_TYPE_SDB, FIS_INTERRUPT, task->status & 0x77, task->error };
  vt_store_le (fis + 4, finished, 4);
  post_fis (hba, port, RECEIVED_SDB, fis, sizeof fis);
  s->tfd = (uint32_t) task->error << 8 | (task->status & 0x77) | (s->tfd & 0x88);
  s->is |= PX_IS_SDBS;
}

void
vt_ahci_port_first_fis (Ahci *hba, unsigned port)
{
  AhciPortState *s = &hba->s.port[port];
  if (!s->first_fis || (s->cmd & PX_CMD_FRE) == 0)
    return;
  s->first_fis = false;
  s->sig = vt_ata_signature (&hba->ports[port].drive);
  VtAtaTask task = { .status = hba->ports[port].drive.kind == VT_ATA_DISK ? ATA_STATUS_GOOD : 0, .error = 1,
                      .count = s->sig & 0xff, .lba = s->sig >> 8 };
  post_d2h (hba, port, &task, false);
}

void
vt_ahci_port_reset_drive (Ahci *hba, unsigned port)
{
  AhciPortState *s = &hba->s.port[port];
  vt_ahci_port_drop (hba, port);
  vt_ata_reset (&hba->ports[port].drive);
  s->sig = 0xffffffff;
  s->tfd = 0x7f | ATA_STATUS_BSY;
  s->first_fis = true;
  vt_ahci_port_first_fis (hba, port);
}

/* --- Guest buffers ------------------------------------------------------------------------------------------------ */

/* Makes prd_left positive; false at the end of the table, or when it cannot be read. */
static bool
next_prd (AhciCommand *cmd)
{
  while (cmd->prd_left == 0)
    {
      uint8_t  prd[PRD_BYTES];
      uint64_t at = cmd->table + TABLE_PRDT + (uint64_t) cmd->prd_next * PRD_BYTES;
      if (cmd->prd_next >= cmd->prd_count || !vt_dma_read (&cmd->hba->pci.dma, VT_GPA (at), prd, sizeof prd))
        return false;
      cmd->prd_next++;
      cmd->prd_at = vt_load_le (prd, 8) & ~UINT64_C (1);
      /* Always an even number of bytes: the lowest bit is one. */
      cmd->prd_left = ((uint32_t) vt_load_le (prd + 12, 4) & PRD_DBC) + 1;
    }
  return true;
}

typedef enum
{
  MOVED,
  NO_ROOM,       /* the table describes less than the command moves */
  BAD_ADDRESS,
} MoveResult;

static MoveResult
move (AhciCommand *cmd, uint8_t *buffer, size_t len, bool to_guest)
{
  const VtDma *dma = &cmd->hba->pci.dma;
  while (len > 0)
    {
      if (!next_prd (cmd))
        return NO_ROOM;
      uint32_t n = (uint32_t) MIN (len, cmd->prd_left);
      bool     ok = to_guest ? vt_dma_write (dma, VT_GPA (cmd->prd_at), buffer, n)
                             : vt_dma_read (dma, VT_GPA (cmd->prd_at), buffer, n);
      if (!ok)
        return BAD_ADDRESS;
      buffer += n;
      len -= n;
      cmd->prd_at += n;
      cmd->prd_left -= n;
      cmd->moved += n;
    }
  return MOVED;
}

/* --- Ends of commands --------------------------------------------------------------------------------------------- */

/* An error stops the list until software clears ST. */
static void
halt (AhciPortState *s, uint32_t why)
{
  s->is |= why;
  s->halted = true;
}

static void
end_queued (AhciCommand *cmd)
{
  AhciPortState *s = &cmd->hba->s.port[cmd->port];
  bool           failed = (cmd->ata.task.status & ATA_STATUS_ERR) != 0;
  uint32_t       bit = 1u << cmd->ata.task.tag;
  if (!failed)
    s->sact &= ~bit;
  post_set_device_bits (cmd->hba, cmd->port, &cmd->ata.task, failed ? 0 : bit);
  if (failed)
    halt (s, PX_IS_TFES);
}

static void
store_byte_count (AhciCommand *cmd)
{
  AhciPortState *s = &cmd->hba->s.port[cmd->port];
  uint64_t list = (uint64_t) s->clbu << 32 | s->clb;
  if (!vt_dma_put32 (&cmd->hba->pci.dma, VT_GPA (list + cmd->slot * HEADER_BYTES + 4), cmd->moved))
    vt_guest_warn (&cmd->hba->pci.dev, "port %u: the command list is gone", cmd->port);
}

static void
end_single (AhciCommand *cmd)
{
  Ahci          *hba = cmd->hba;
  AhciPortState *s = &hba->s.port[cmd->port];
  VtAtaTask    *task = &cmd->ata.task;
  bool           failed = (task->status & ATA_STATUS_ERR) != 0;
  store_byte_count (cmd);
  if (task->packet)
    {
      task->count = (uint16_t) ((task->count & ~7) | 3);   /* interrupt reason: command done, to host */
      task->lba = (task->lba & 0xff) | (uint64_t) MIN (cmd->moved, 0xfffe) << 8;
    }
  s->ci &= ~(1u << cmd->slot);
  /* A PIO read ends with its PIO Setup FIS, everything else with a register FIS. */
  if (!failed && task->pio && !task->packet && (task->action == VT_ATA_DATA_IN || task->action == VT_ATA_READ))
    post_pio_setup (hba, cmd->port, task, true, cmd->moved, true);
  else
    {
      if (task->pio && task->packet && !failed && cmd->moved > 0)
        post_pio_setup (hba, cmd->port, task, true, cmd->moved, false);
      post_d2h (hba, cmd->port, task, true);
    }
  if (failed)
    halt (s, PX_IS_TFES);
}

static void
command_end (VtAtaCommand *ata)
{
  AhciCommand *cmd = (AhciCommand *) ata;
  Ahci        *hba = cmd->hba;
  unsigned     port = cmd->port;
  trace_ahci_complete (port, cmd->slot, ata->task.status, ata->task.error, cmd->moved);
  if (ata->task.queued)
    end_queued (cmd);
  else
    end_single (cmd);
  hba->ports[port].slots[cmd->slot] = NULL;
  vt_ata_command_free (ata);
  vt_ahci_update_irq (hba);
}

static VtAtaMove
command_move (VtAtaCommand *ata, uint8_t *bytes, size_t n, bool to_guest)
{
  AhciCommand   *cmd = (AhciCommand *) ata;
  AhciPortState *s = &cmd->hba->s.port[cmd->port];
  MoveResult     why = move (cmd, bytes, n, to_guest);
  /* A host that asks for less than a packet command could tell gets what it asked for. */
  if (why == MOVED || (why == NO_ROOM && ata->task.packet && ata->task.action == VT_ATA_DATA_IN))
    return VT_ATA_MOVED;
  vt_guest_warn (&cmd->hba->pci.dev, "port %u: %s", cmd->port,
                 why == NO_ROOM ? "PRD table too short for the command" : "PRD outside memory");
  halt (s, why == NO_ROOM ? PX_IS_OFS : PX_IS_HBFS);
  return VT_ATA_MOVE_FAILED;
}

static void
io_began (void *host)
{
  vt_quiet_began (&((AhciPort *) host)->hba->quiet);
}

static void
io_over (void *host, bool dropped)
{
  AhciPort *port = host;
  Ahci     *hba = port->hba;
  vt_quiet_ended (&hba->quiet);
  port->dropped -= dropped;
  vt_ahci_port_run (hba, port->number);
  vt_quiet_tell (&hba->quiet);
}

static const VtAtaTransport transport = { command_move, command_end, io_began, io_over };

/* --- Starting ----------------------------------------------------------------------------------------------------- */

static void
decode_fis (VtAtaTask *task, const uint8_t *fis)
{
  task->command = fis[2];
  task->device = fis[7];
  task->features = (uint16_t) (fis[3] | fis[11] << 8);
  task->lba = vt_load_le (fis + 4, 3) | vt_load_le (fis + 8, 3) << 24;
  task->count = (uint16_t) vt_load_le (fis + 12, 2);
}

/* A FIS that writes the device control register: software reset is the only thing in there for us. */
static void
run_control (Ahci *hba, unsigned port, unsigned slot, const uint8_t *fis)
{
  AhciPortState *s = &hba->s.port[port];
  bool           reset = (fis[15] & CONTROL_SRST) != 0;
  s->ci &= ~(1u << slot);
  if (reset)
    s->tfd |= ATA_STATUS_BSY;
  else if (s->soft_reset)
    vt_ahci_port_reset_drive (hba, port);
  s->soft_reset = reset;
}

static void
start (AhciCommand *cmd, const uint8_t *fis)
{
  Ahci          *hba = cmd->hba;
  AhciPortState *s = &hba->s.port[cmd->port];
  VtAtaDrive    *drive = cmd->ata.drive;
  VtAtaTask     *task = &cmd->ata.task;
  decode_fis (task, fis);
  trace_ahci_command (cmd->port, cmd->slot, task->command, task->lba, task->count, task->features);
  if (drive->kind == VT_ATA_DISK)
    vt_ata_execute (drive, task);
  else
    vt_atapi_execute (drive, task);
  if (task->packet)
    trace_ahci_packet (cmd->port, task->cdb[0], task->off, task->left);
  if (task->queued)
    {
      /* The drive takes a queued command at once and frees the list slot; SActive tells when it is over. */
      VtAtaTask accepted = { .status = ATA_STATUS_GOOD };
      s->ci &= ~(1u << cmd->slot);
      post_d2h (hba, cmd->port, &accepted, false);
    }
  else
    s->tfd |= ATA_STATUS_BSY;
  if (task->pio && (task->action == VT_ATA_WRITE || task->action == VT_ATA_DATA_OUT))
    post_pio_setup (hba, cmd->port, task, false, ATA_SECTOR, false);
  vt_ata_command_step (&cmd->ata);
}

static void
start_slot (Ahci *hba, unsigned port, unsigned slot)
{
  AhciPortState *s = &hba->s.port[port];
  const VtDma   *dma = &hba->pci.dma;
  uint64_t       list = (uint64_t) s->clbu << 32 | s->clb;
  uint8_t        header[HEADER_BYTES], fis[FIS_H2D_BYTES], cdb[16];
  s->cmd = (s->cmd & ~PX_CMD_CCS) | slot << 8;
  bool     ok = vt_dma_read (dma, VT_GPA (list + slot * HEADER_BYTES), header, sizeof header);
  uint64_t table = ok ? vt_load_le (header + 8, 8) & ~UINT64_C (0x7f) : 0;
  if (!ok || !vt_dma_read (dma, VT_GPA (table), fis, sizeof fis)
      || !vt_dma_read (dma, VT_GPA (table + TABLE_CDB), cdb, sizeof cdb))
    {
      vt_guest_warn (&hba->pci.dev, "port %u: command %u is outside memory", port, slot);
      halt (s, PX_IS_HBFS);
      vt_ahci_update_irq (hba);
      return;
    }
  if (fis[0] != FIS_TYPE_H2D || (fis[1] & FIS_H2D_COMMAND) == 0)
    {
      run_control (hba, port, slot, fis);
      return;
    }
  AhciCommand *cmd = g_new0 (AhciCommand, 1);
  cmd->ata = (VtAtaCommand) { .transport = &transport, .host = &hba->ports[port], .drive = &hba->ports[port].drive,
                              .chunk_bytes = CHUNK };
  cmd->hba = hba;
  cmd->port = port;
  cmd->slot = slot;
  cmd->table = table;
  cmd->prd_count = (uint32_t) (vt_load_le (header, 4) >> HEADER_PRDTL);
  memcpy (cmd->ata.task.cdb, cdb, sizeof cdb);
  hba->ports[port].slots[slot] = cmd;
  start (cmd, fis);
}

/* Which slot may start now: queued commands run together, others alone. -1: none. */
static int
next_slot (const Ahci *hba, unsigned port)
{
  const AhciPortState *s = &hba->s.port[port];
  unsigned last = (s->cmd & PX_CMD_CCS) >> 8;
  for (unsigned i = 1; i <= AHCI_SLOTS; i++)
    {
      unsigned slot = (last + i) % AHCI_SLOTS;
      if ((s->ci >> slot & 1) != 0 && hba->ports[port].slots[slot] == NULL)
        return (int) slot;
    }
  return -1;
}

static bool
alone (const Ahci *hba, unsigned port)
{
  for (unsigned i = 0; i < AHCI_SLOTS; i++)
    if (hba->ports[port].slots[i] != NULL && !hba->ports[port].slots[i]->ata.task.queued)
      return false;
  return true;
}

void
vt_ahci_port_run (Ahci *hba, unsigned port)
{
  AhciPortState *s = &hba->s.port[port];
  /* A command of an unfinished one would be the guest's own mistake; bounded, as each turn starts one slot. */
  for (unsigned turns = 0; turns < 2 * AHCI_SLOTS; turns++)
    {
      if ((s->cmd & PX_CMD_ST) == 0 || s->halted || hba->parked || hba->ports[port].dropped > 0
          || hba->ports[port].drive.kind == VT_ATA_NONE || !alone (hba, port))
        return;
      int slot = next_slot (hba, port);
      if (slot < 0)
        return;
      start_slot (hba, port, (unsigned) slot);
    }
}

void
vt_ahci_port_drop (Ahci *hba, unsigned port)
{
  for (unsigned i = 0; i < AHCI_SLOTS; i++)
    {
      AhciCommand *cmd = g_steal_pointer (&hba->ports[port].slots[i]);
      if (cmd != NULL)
        hba->ports[port].dropped += vt_ata_command_drop (&cmd->ata);
    }
}

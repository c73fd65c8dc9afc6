/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NVMe queues (NVM Express 1.4, chapter 4): entries in, answers out, and where data is.
 *
 * A command is taken only when its completion queue has room for its answer, so answers never wait. */
#include "nvme-private.h"

#include "trace-storage.h"

enum { PRP_BYTES = 8 };

/* --- Completion queues -------------------------------------------------------------------------------------------- */

static unsigned
room (const Nvme *nvme, unsigned cq)
{
  const NvmeState *s = &nvme->s;
  unsigned         used = (s->cq_tail[cq] + s->cq_size[cq] - s->cq_head[cq]) % s->cq_size[cq];
  unsigned         wanted = used + nvme->cq_reserved[cq] + 1;
  return wanted < s->cq_size[cq] ? s->cq_size[cq] - wanted : 0;
}

/* All errors are for good but those of commands that were taken back. */
enum { DO_NOT_RETRY = 1u << 14 };

static void
put_answer (Nvme *nvme, unsigned sq, uint16_t id, uint32_t result, unsigned status)
{
  NvmeState *s = &nvme->s;
  unsigned   cq = s->sq_cq[sq];
  uint8_t    entry[NVME_CQE_BYTES] = { 0 };
  unsigned   retry = status == NVME_SUCCESS || status == NVME_ABORT_REQUESTED ? 0 : DO_NOT_RETRY;
  vt_store_le (entry, result, 4);
  vt_store_le (entry + 8, s->sq_head[sq], 2);
  vt_store_le (entry + 10, sq, 2);
  vt_store_le (entry + 12, id, 2);
  vt_store_le (entry + 14, (status | retry) << 1 | s->cq_phase[cq], 2);
  trace_nvme_answer (sq, id, status, result);
  if (!vt_dma_write (&nvme->pci.dma, VT_GPA (s->cq_base[cq] + s->cq_tail[cq] * (uint64_t) NVME_CQE_BYTES), entry, sizeof entry))
    {
      vt_guest_warn (&nvme->pci.dev, "completion queue %u is outside memory", cq);
      s->csts |= NVME_CSTS_FAILED;
      return;
    }
  if (++s->cq_tail[cq] == s->cq_size[cq])
    {
      s->cq_tail[cq] = 0;
      s->cq_phase[cq] = !s->cq_phase[cq];
    }
  if (s->cq_interrupts[cq] && vt_pci_msix_enabled (&nvme->pci))
    vt_pci_msix_notify (&nvme->pci, s->cq_vector[cq]);
  nvme_update_irq (nvme);
}

bool
nvme_post (Nvme *nvme, unsigned sq, uint16_t id, uint32_t result, unsigned status)
{
  if (room (nvme, nvme->s.sq_cq[sq]) == 0)
    return false;
  put_answer (nvme, sq, id, result, status);
  return true;
}

static void
forget (NvmeCommand *command)
{
  Nvme *nvme = command->nvme;
  for (unsigned i = 0; i < NVME_IN_FLIGHT_MAX; i++)
    if (nvme->commands[i] == command)
      nvme->commands[i] = NULL;
  nvme->cq_reserved[nvme->s.sq_cq[command->sq]]--;
}

void
nvme_free_command (NvmeCommand *command)
{
  g_free (command->data);
  g_free (command);
}

void
nvme_answer (NvmeCommand *command, unsigned status)
{
  forget (command);
  put_answer (command->nvme, command->sq, command->id, command->result, status);
  nvme_free_command (command);
}

void
nvme_drop (Nvme *nvme, unsigned sq)
{
  for (unsigned i = 0; i < NVME_IN_FLIGHT_MAX; i++)
    {
      NvmeCommand *command = nvme->commands[i];
      if (command == NULL || (sq != NVME_QUEUES && command->sq != sq))
        continue;
      /* Only commands that wait for the block device are in the table between calls. */
      forget (command);
      command->dropped = true;
      nvme->dropped++;
    }
}

/* --- Events ------------------------------------------------------------------------------------------------------- */

enum { EVENT_ERROR = 0, EVENT_LOG_ERROR = 1 };

void
nvme_error_event (Nvme *nvme, unsigned information)
{
  if (nvme->s.error == 0 && !nvme->s.error_told)
    nvme->s.error = (uint8_t) (information + 1);
  nvme_post_events (nvme);
}

void
nvme_post_events (Nvme *nvme)
{
  NvmeState *s = &nvme->s;
  if (s->error == 0 || s->n_events == 0 || !s->cq_valid[0] || (s->csts & NVME_CSTS_READY) == 0)
    return;
  uint32_t result = EVENT_LOG_ERROR << 16 | (s->error - 1u) << 8 | EVENT_ERROR;
  if (!nvme_post (nvme, 0, s->event_ids[0], result, NVME_SUCCESS))
    return;
  s->n_events--;
  memmove (s->event_ids, s->event_ids + 1, s->n_events * sizeof s->event_ids[0]);
  s->error = 0;
  s->error_told = true;
}

/* --- Submission queues -------------------------------------------------------------------------------------------- */

static int
free_place (const Nvme *nvme)
{
  for (unsigned i = 0; i < NVME_IN_FLIGHT_MAX; i++)
    if (nvme->commands[i] == NULL)
      return (int) i;
  return -1;
}

static NvmeCommand *
decode (Nvme *nvme, unsigned sq, const uint8_t *entry)
{
  NvmeCommand *command = g_new0 (NvmeCommand, 1);
  command->nvme = nvme;
  command->sq = sq;
  command->opcode = entry[0];
  command->id = (uint16_t) vt_load_le (entry + 2, 2);
  command->nsid = (uint32_t) vt_load_le (entry + 4, 4);
  command->prp1 = vt_load_le (entry + 24, 8);
  command->prp2 = vt_load_le (entry + 32, 8);
  command->dw10 = (uint32_t) vt_load_le (entry + 40, 4);
  command->dw11 = (uint32_t) vt_load_le (entry + 44, 4);
  command->dw12 = (uint32_t) vt_load_le (entry + 48, 4);
  command->dw13 = (uint32_t) vt_load_le (entry + 52, 4);
  trace_nvme_command (sq, command->id, command->opcode, command->dw10, command->dw12);
  return command;
}

/* Fused commands and scatter-gather lists are not offered (4.2). */
static unsigned
execute (NvmeCommand *command, const uint8_t *entry)
{
  if ((entry[1] & 0xc3) != 0)
    return NVME_INVALID_FIELD;
  return command->sq == 0 ? nvme_admin_execute (command) : nvme_io_execute (command);
}

/* False when nothing could be taken from that queue. */
static bool
take_one (Nvme *nvme, unsigned sq)
{
  NvmeState *s = &nvme->s;
  uint8_t    entry[NVME_SQE_BYTES];
  int        place = free_place (nvme);
  if (!s->sq_valid[sq] || s->sq_head[sq] == s->sq_tail[sq] || place < 0 || room (nvme, s->sq_cq[sq]) == 0)
    return false;
  if (!vt_dma_read (&nvme->pci.dma, VT_GPA (s->sq_base[sq] + s->sq_head[sq] * (uint64_t) NVME_SQE_BYTES), entry, sizeof entry))
    {
      vt_guest_warn (&nvme->pci.dev, "submission queue %u is outside memory", sq);
      s->csts |= NVME_CSTS_FAILED;
      return false;
    }
  s->sq_head[sq] = (uint16_t) ((s->sq_head[sq] + 1) % s->sq_size[sq]);
  NvmeCommand *command = decode (nvme, sq, entry);
  nvme->commands[place] = command;
  nvme->cq_reserved[s->sq_cq[sq]]++;
  unsigned status = execute (command, entry);
  if (status == NVME_REMEMBERED)
    {
      forget (command);
      nvme_free_command (command);
      nvme_post_events (nvme);
    }
  else if (status != NVME_NO_ANSWER)
    nvme_answer (command, status);
  return true;
}

static bool
may_run (const Nvme *nvme)
{
  return (nvme->s.csts & (NVME_CSTS_READY | NVME_CSTS_FAILED)) == NVME_CSTS_READY && !nvme->parked && nvme->dropped == 0;
}

/* One from each in turn. */
void
nvme_run (Nvme *nvme)
{
  bool taken = !nvme->running;
  while (taken)
    {
      taken = false;
      nvme->running = true;
      for (unsigned sq = 0; sq < NVME_QUEUES; sq++)
        taken |= may_run (nvme) && take_one (nvme, sq);
      nvme->running = false;
    }
}

/* --- Guest buffers ------------------------------------------------------------------------------------------------ */

typedef struct
{
  const NvmeCommand *command;
  uint64_t           list;     /* next entry of a PRP list; 0: none was used yet */
} Prps;

/* The page after the first one (4.3): PRP2 itself when it is the last, else from a list whose last entry of a page leads to the
 * next page of it. */
static unsigned
next_page (Prps *prps, size_t left, uint64_t *at)
{
  const VtDma *dma = &prps->command->nvme->pci.dma;
  if (prps->list == 0 && left <= NVME_PAGE)
    *at = prps->command->prp2;
  else
    {
      if (prps->list == 0)
        prps->list = prps->command->prp2;
      if (prps->list % PRP_BYTES != 0)
        return NVME_INVALID_PRP_OFFSET;
      if (prps->list % NVME_PAGE == NVME_PAGE - PRP_BYTES && left > NVME_PAGE)
        {
          if (!vt_dma_get64 (dma, VT_GPA (prps->list), &prps->list))
            return NVME_TRANSFER_ERROR;
          if (prps->list % NVME_PAGE != 0)
            return NVME_INVALID_PRP_OFFSET;
        }
      if (!vt_dma_get64 (dma, VT_GPA (prps->list), at))
        return NVME_TRANSFER_ERROR;
      prps->list += PRP_BYTES;
    }
  return *at % NVME_PAGE == 0 ? NVME_SUCCESS : NVME_INVALID_PRP_OFFSET;
}

unsigned
nvme_move (const NvmeCommand *command, uint8_t *bytes, size_t n, bool to_guest)
{
  const VtDma *dma = &command->nvme->pci.dma;
  Prps         prps = { command, 0 };
  uint64_t     at = command->prp1;
  size_t       piece = MIN (n, NVME_PAGE - at % NVME_PAGE);
  if (at % 4 != 0)
    return NVME_INVALID_PRP_OFFSET;
  while (n > 0)
    {
      if (to_guest ? !vt_dma_write (dma, VT_GPA (at), bytes, piece) : !vt_dma_read (dma, VT_GPA (at), bytes, piece))
        return NVME_TRANSFER_ERROR;
      bytes += piece;
      n -= piece;
      unsigned status = n > 0 ? next_page (&prps, n, &at) : NVME_SUCCESS;
      if (status != NVME_SUCCESS)
        return status;
      piece = MIN (n, NVME_PAGE);
    }
  return NVME_SUCCESS;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory accesses that share a check, in a block and those that only it falls through to (a chain).
 *
 * Code goes through structures and stack frames: the same register, many displacements. When the register keeps its value
 * from one access to the next, the first checks for the whole span that it lies in one page, and the others only add what
 * leads to the host. Where the span does not lie in one page, the chain goes on in a second version of itself, which checks
 * each access.
 */
#include "jit-translate.h"

#include <Zydis/Mnemonic.h>

#define SPAN_MAX 512
#define ALL_REGS 0xffffu

/* --- What an instruction does to registers ------------------------------------------------------------------------------ */

static unsigned bit (unsigned guest) { return 1u << (guest & 15); }
static unsigned reg_of (const VtJitInsn *in) { return (in->enc.modrm >> 3 & 7) | in->enc.rex_r; }
static unsigned rm_of (const VtJitInsn *in) { return (in->enc.modrm & 7) | in->enc.rex_b; }

/* A byte register without REX may be AH..BH: then the number is four too high. */
static unsigned
bits_written (unsigned guest, bool byte)
{
  return bit (guest) | (byte && guest >= 4 && guest < 8 ? bit (guest - 4) : 0);
}

static unsigned
modrm_writes (const VtJitInsn *in)
{
  const VtJitEnc *enc = &in->enc;
  unsigned written = 0;
  if (in->op.reg & ACC_W)
    written |= bits_written (reg_of (in), in->op.reg8);
  if ((in->op.rm & ACC_W) && enc->modrm >> 6 == 3)
    written |= bits_written (rm_of (in), in->op.rm8);
  if (in->op.vvvv & ACC_W)
    written |= bit (enc->vvvv);
  bool multiply = enc->map == 0 && (enc->opcode | 1) == 0xf7 && (enc->modrm >> 3 & 7) >= 4;
  bool compare_exchange = enc->map == 1 && (enc->opcode | 1) == 0xb1;
  if (multiply || compare_exchange)
    written |= bit (VT_RAX) | bit (VT_RDX);
  return written;
}

static unsigned
vector_writes (const VtJitInsn *in)
{
  switch (in->x.mnemonic)
    {
    case ZYDIS_MNEMONIC_PCMPESTRI: case ZYDIS_MNEMONIC_PCMPISTRI:
    case ZYDIS_MNEMONIC_VPCMPESTRI: case ZYDIS_MNEMONIC_VPCMPISTRI:
      return bit (VT_RCX);
    default:
      return in->x.kind[0] == VT_OPND_GPR ? bit (in->x.reg[0]) : 0;
    }
}

unsigned
vt_jit_registers_written (const VtJitInsn *in)
{
  unsigned short_form = bit ((in->enc.opcode & 7) | in->enc.rex_b);
  switch (in->op.cls)
    {
    case JIT_OP_NOP:
    case JIT_OP_JCC:
    case JIT_OP_JMP:
      return 0;
    case JIT_OP_INLINE:
      return vt_jit_inline_writes (in);
    case JIT_OP_MODRM:
      return modrm_writes (in);
    case JIT_OP_LEA:
      return bit (reg_of (in));
    case JIT_OP_VECTOR:
      return vector_writes (in);
    case JIT_OP_X87:
    case JIT_OP_ACC_IMM: case JIT_OP_MOFFS: case JIT_OP_PLAIN: case JIT_OP_DIV: case JIT_OP_IDIV:
      return bit (VT_RAX) | bit (VT_RDX);
    case JIT_OP_MOV_IMM:
      return bits_written ((in->enc.opcode & 7) | in->enc.rex_b, in->enc.opcode < 0xb8);
    case JIT_OP_BSWAP: case JIT_OP_INC_SHORT:
      return short_form;
    case JIT_OP_XCHG_ACC:
      return short_form | bit (VT_RAX);
    case JIT_OP_PUSH:
      return bit (VT_RSP);
    case JIT_OP_POP:
      return short_form | bit (VT_RSP);
    case JIT_OP_LEAVE:
      return bit (VT_RSP) | bit (VT_RBP);
    default:
      return ALL_REGS;
    }
}

bool
vt_jit_moves_stack (const VtJitInsn *in, int32_t *by)
{
  const VtJitEnc *enc = &in->enc;
  unsigned kind = enc->modrm >> 3 & 7;
  bool group1 = enc->map == 0 && (enc->opcode == 0x81 || enc->opcode == 0x83) && enc->rex_w && enc->modrm >> 6 == 3
                && rm_of (in) == VT_RSP && (kind == 0 || kind == 5);
  if (in->op.cls == JIT_OP_PUSH)
    *by = -8;
  else if (in->op.cls == JIT_OP_POP && ((enc->opcode & 7) | enc->rex_b) != VT_RSP)
    *by = 8;
  else if (in->op.cls == JIT_OP_MODRM && group1)
    *by = kind == 0 ? (int32_t) in->x.imm : -(int32_t) in->x.imm;
  else if (in->op.cls == JIT_OP_LEA && reg_of (in) == VT_RSP && in->x.base == VT_RSP && in->x.index == VT_X86_NO_REG
           && enc->rex_w && in->x.addrsize == 8)
    *by = (int32_t) in->x.disp;
  else
    return false;
  return true;
}

/* --- Accesses, in the order in which they are translated ------------------------------------------------------------------ */

typedef struct
{
  bool    simple;       /* one register and a displacement */
  uint8_t base;
  bool    write;
  int32_t disp;
  unsigned size;
} Access;

/* AH..BH stands beside no REX, and hence not beside every base. */
static bool
names_high_byte (const VtJitInsn *in)
{
  return in->op.reg != 0 && in->op.reg8 && !in->enc.rex && !in->enc.vex && reg_of (in) >= 4;
}

static Access
operand_access (const VtJitTr *tr, const VtJitInsn *in, unsigned size, bool write)
{
  VtJitAddress a = vt_jit_address_of (&in->x);
  return (Access) { !names_high_byte (in) && vt_jit_is_simple (tr, &a), a.base, write, (int32_t) a.disp, size };
}

static Access
stack_access (unsigned base, int32_t disp, bool write)
{
  return (Access) { true, (uint8_t) base, write, disp, 8 };
}

static unsigned
list_accesses (const VtJitTr *tr, const VtJitInsn *in, Access out[2])
{
  bool memory = in->enc.has_modrm && in->enc.modrm >> 6 != 3, write;
  unsigned n = 0, size;
  switch (in->op.cls)
    {
    case JIT_OP_MODRM: case JIT_OP_DIV: case JIT_OP_IDIV:
      if (memory)
        out[n++] = operand_access (tr, in, vt_jit_rm_size (in), (in->op.rm & ACC_W) != 0);
      break;
    case JIT_OP_VECTOR:
      size = vt_jit_vector_memory (&in->x, &write);
      if (memory)
        out[n++] = operand_access (tr, in, size, write);
      break;
    case JIT_OP_X87:
      if (memory)
        out[n++] = operand_access (tr, in, 10, in->op.rm == ACC_W);
      break;
    case JIT_OP_PUSH:
    case JIT_OP_CALL_RM:
      if (memory)
        out[n++] = operand_access (tr, in, 8, false);
      out[n++] = stack_access (VT_RSP, -8, true);
      break;
    case JIT_OP_JMP_RM:
      if (memory)
        out[n++] = operand_access (tr, in, 8, false);
      break;
    case JIT_OP_CALL:
      out[n++] = stack_access (VT_RSP, -8, true);
      break;
    case JIT_OP_POP: case JIT_OP_RET:
      out[n++] = stack_access (VT_RSP, 0, false);
      break;
    case JIT_OP_LEAVE:
      out[n++] = stack_access (VT_RBP, 0, false);
      break;
    case JIT_OP_MOFFS:
      out[n++] = (Access) { .simple = false };
      break;
    default:
      break;
    }
  return n;
}

/* --- Groups --------------------------------------------------------------------------------------------------------- */

typedef struct
{
  VtJitTr *tr;
  unsigned first;            /* of the block's groups */
  uint16_t version[16];      /* of each register's value; that of RSP goes on while constants are added */
  uint16_t group_version[JIT_GROUPS_PER_BLOCK];
  int32_t  sp;               /* what was added */
} Scan;

static int32_t
normal_disp (const Scan *scan, const Access *access)
{
  return access->disp + (access->base == VT_RSP ? scan->sp : 0);
}

static VtJitGroup *
find_group (Scan *scan, const Access *access)
{
  VtJitTr *tr = scan->tr;
  int32_t low = normal_disp (scan, access), high = low + (int32_t) access->size;
  for (unsigned i = scan->first; i < tr->n_groups; i++)
    {
      VtJitGroup *g = &tr->groups[i];
      if (g->base == access->base && scan->group_version[i - scan->first] == scan->version[access->base]
          && MAX (g->max, high) - MIN (g->min, low) <= SPAN_MAX)
        return g;
    }
  return NULL;
}

static VtJitGroup *
new_group (Scan *scan, const Access *access, unsigned insn, unsigned number)
{
  VtJitTr *tr = scan->tr;
  unsigned slot = tr->n_groups - scan->first;
  if (tr->n_groups == JIT_MAX_GROUPS || slot == JIT_GROUPS_PER_BLOCK)
    return NULL;
  VtJitGroup *g = &tr->groups[tr->n_groups++];
  int32_t disp = normal_disp (scan, access);
  *g = (VtJitGroup) { .base = access->base, .slot = (uint8_t) slot, .min = disp, .max = disp, .head = (uint16_t) insn,
                      .head_access = (uint8_t) number, .head_sp = access->base == VT_RSP ? scan->sp : 0 };
  scan->group_version[slot] = scan->version[access->base];
  return g;
}

static void
take_access (Scan *scan, const Access *access, unsigned insn, unsigned number)
{
  VtJitTr *tr = scan->tr;
  if (!access->simple || access->size == 0 || access->size > 32)
    return;
  VtJitGroup *g = find_group (scan, access);
  if (g == NULL)
    g = new_group (scan, access, insn, number);
  if (g == NULL)
    return;
  int32_t disp = normal_disp (scan, access);
  g->min = MIN (g->min, disp);
  g->max = MAX (g->max, disp + (int32_t) access->size);
  g->write |= access->write;
  g->n++;
  tr->insns[insn].group[number] = (uint8_t) (g - tr->groups + 1);
}

static void
pass_insn (Scan *scan, const VtJitInsn *in)
{
  int32_t by;
  unsigned written = vt_jit_registers_written (in);
  if (vt_jit_moves_stack (in, &by))
    {
      scan->sp += by;
      written &= ~bit (VT_RSP);
    }
  for (unsigned guest = 0; guest < 16; guest++)
    if (written >> guest & 1)
      scan->version[guest]++;
}

/* Of a block's stores to one group only the last one is looked at; what leaves the block earlier has to do it. */
static void
let_stores_wait (VtJitTr *tr, const VtJitBlock *block, const VtJitGroup *g)
{
  int last = -1;
  for (unsigned i = block->first; i < block->first + block->n; i++)
    {
      VtJitInsn *in = &tr->insns[i];
      unsigned number = (unsigned) (g - tr->groups) + 1;
      for (unsigned k = 0; k < 2; k++)
        if (in->group[k] == number && (in->writes >> k & 1))
          {
            for (int before = last; before >= 0 && before < (int) i; before++)
              tr->insns[before + 1].unchecked |= (uint8_t) (1u << g->slot);
            if (last >= 0)
              tr->insns[last].waits |= tr->insns[last].writes;
            last = (int) i;
          }
    }
}

static void
scan_block (Scan *scan, const VtJitBlock *block)
{
  Access access[2];
  for (unsigned i = block->first; i < block->first + block->n; i++)
    {
      VtJitInsn *in = &scan->tr->insns[i];
      unsigned n = list_accesses (scan->tr, in, access);
      for (unsigned k = 0; k < n; k++)
        {
          in->writes |= (uint8_t) (access[k].write << k);
          take_access (scan, &access[k], i, k);
        }
      pass_insn (scan, in);
    }
  for (unsigned i = scan->first; i < scan->tr->n_groups; i++)
    let_stores_wait (scan->tr, block, &scan->tr->groups[i]);
}

void
vt_jit_find_groups (VtJitTr *tr)
{
  tr->n_groups = 0;
  for (unsigned i = 0; i < tr->n_insns; i++)
    {
      VtJitInsn *in = &tr->insns[i];
      in->group[0] = in->group[1] = in->writes = in->waits = in->unchecked = 0;
    }
  if (!tr->is64 || !vt_jit_has (tr->jit, VT_JIT_GROUPS))
    return;
  for (unsigned i = 0; i < tr->n_blocks;)
    {
      VtJitBlock *first = &tr->blocks[i];
      Scan        scan = { .tr = tr, .first = tr->n_groups };
      first->first_group = (uint16_t) tr->n_groups;
      do
        scan_block (&scan, &tr->blocks[i++]);
      while (i < tr->n_blocks && tr->blocks[i].chained);
      first->n_groups = (uint16_t) (tr->n_groups - scan.first);
    }
}

VtJitGroup *
vt_jit_group_of (VtJitTr *tr, unsigned access)
{
  unsigned number = access < 2 ? tr->in->group[access] : 0;
  VtJitGroup *g = number != 0 ? &tr->groups[number - 1] : NULL;
  return g != NULL && g->n >= 2 ? g : NULL;
}

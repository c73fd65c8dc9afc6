/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Walk of the opcode maps with Zydis, as SDM volume 2, appendix A and chapter 2 lay them out. */
#include "forms.h"

#include <string.h>

/* --- What the processor has --------------------------------------------------------------------------------------- */

static const ZydisISASet supported_sets[] = {
  ZYDIS_ISA_SET_ADOX_ADCX, ZYDIS_ISA_SET_AES, ZYDIS_ISA_SET_AVX, ZYDIS_ISA_SET_AVX2, ZYDIS_ISA_SET_AVX2GATHER,
  ZYDIS_ISA_SET_AVXAES, ZYDIS_ISA_SET_BMI1, ZYDIS_ISA_SET_BMI2, ZYDIS_ISA_SET_CLFLUSHOPT, ZYDIS_ISA_SET_CLFSH,
  ZYDIS_ISA_SET_CLWB, ZYDIS_ISA_SET_CMOV, ZYDIS_ISA_SET_CMPXCHG16B, ZYDIS_ISA_SET_F16C, ZYDIS_ISA_SET_FAT_NOP,
  ZYDIS_ISA_SET_FCMOV, ZYDIS_ISA_SET_FMA, ZYDIS_ISA_SET_FXSAVE, ZYDIS_ISA_SET_FXSAVE64, ZYDIS_ISA_SET_I186,
  ZYDIS_ISA_SET_I286PROTECTED, ZYDIS_ISA_SET_I286REAL, ZYDIS_ISA_SET_I386, ZYDIS_ISA_SET_I486, ZYDIS_ISA_SET_I486REAL,
  ZYDIS_ISA_SET_I86, ZYDIS_ISA_SET_INVPCID, ZYDIS_ISA_SET_LAHF, ZYDIS_ISA_SET_LONGMODE, ZYDIS_ISA_SET_LZCNT,
  ZYDIS_ISA_SET_MONITOR, ZYDIS_ISA_SET_MOVBE, ZYDIS_ISA_SET_PAUSE, ZYDIS_ISA_SET_PCLMULQDQ, ZYDIS_ISA_SET_PENTIUMMMX,
  ZYDIS_ISA_SET_PENTIUMREAL, ZYDIS_ISA_SET_POPCNT, ZYDIS_ISA_SET_PPRO, ZYDIS_ISA_SET_PREFETCH_NOP, ZYDIS_ISA_SET_RDPMC,
  ZYDIS_ISA_SET_RDRAND, ZYDIS_ISA_SET_RDSEED, ZYDIS_ISA_SET_RDTSCP, ZYDIS_ISA_SET_RDWRFSGS, ZYDIS_ISA_SET_SHA,
  ZYDIS_ISA_SET_SMAP, ZYDIS_ISA_SET_SSE, ZYDIS_ISA_SET_SSE2, ZYDIS_ISA_SET_SSE2MMX, ZYDIS_ISA_SET_SSE3,
  ZYDIS_ISA_SET_SSE3X87, ZYDIS_ISA_SET_SSE4, ZYDIS_ISA_SET_SSE42, ZYDIS_ISA_SET_SSEMXCSR, ZYDIS_ISA_SET_SSE_PREFETCH,
  ZYDIS_ISA_SET_SSSE3, ZYDIS_ISA_SET_SSSE3MMX, ZYDIS_ISA_SET_X87, ZYDIS_ISA_SET_XSAVE, ZYDIS_ISA_SET_XSAVEC,
  ZYDIS_ISA_SET_XSAVEOPT,
};

bool
forms_isa_supported (ZydisISASet set)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (supported_sets); i++)
    if (supported_sets[i] == set)
      return true;
  return false;
}

/* Forms of user mode whose result is not a function of the state that a case sets, or that would leave the case. */
static const struct
{
  ZydisMnemonic mnemonic;
  const char   *reason;
} excluded_mnemonics[] = {
  { ZYDIS_MNEMONIC_SYSCALL,  "enters the host's kernel" },
  { ZYDIS_MNEMONIC_SYSENTER, "enters the host's kernel" },
  { ZYDIS_MNEMONIC_CPUID,    "answers are the processor model's" },
  { ZYDIS_MNEMONIC_XGETBV,   "the host enables more state components" },
  { ZYDIS_MNEMONIC_RDTSC,    "time" },
  { ZYDIS_MNEMONIC_RDTSCP,   "time" },
  { ZYDIS_MNEMONIC_RDRAND,   "random" },
  { ZYDIS_MNEMONIC_RDSEED,   "random" },
  { ZYDIS_MNEMONIC_SGDT,     "UMIP: the host's kernel emulates it with invented values" },
  { ZYDIS_MNEMONIC_SIDT,     "UMIP: the host's kernel emulates it with invented values" },
  { ZYDIS_MNEMONIC_SMSW,     "UMIP: the host's kernel emulates it with invented values" },
  { ZYDIS_MNEMONIC_SLDT,     "UMIP: the host's kernel emulates it with invented values" },
  { ZYDIS_MNEMONIC_STR,      "UMIP: the host's kernel emulates it with invented values" },
  { ZYDIS_MNEMONIC_IRET,     "far transfer" },
  { ZYDIS_MNEMONIC_IRETD,    "far transfer" },
  { ZYDIS_MNEMONIC_IRETQ,    "far transfer" },
  { ZYDIS_MNEMONIC_XSAVE,    "XINUSE of a component is the processor's own (SDM volume 1, 13.6)" },
  { ZYDIS_MNEMONIC_XSAVE64,  "XINUSE of a component is the processor's own (SDM volume 1, 13.6)" },
  { ZYDIS_MNEMONIC_XSAVEC,   "XINUSE of a component is the processor's own (SDM volume 1, 13.6)" },
  { ZYDIS_MNEMONIC_XSAVEC64, "XINUSE of a component is the processor's own (SDM volume 1, 13.6)" },
  { ZYDIS_MNEMONIC_XSAVEOPT, "XINUSE of a component is the processor's own (SDM volume 1, 13.6)" },
  { ZYDIS_MNEMONIC_XSAVEOPT64, "XINUSE of a component is the processor's own (SDM volume 1, 13.6)" },
  { ZYDIS_MNEMONIC_SYSEXIT,  "AMD has none in long mode (#UD), Intel has (#GP here)" },
  { ZYDIS_MNEMONIC_INT1,     "hypervisors of AMD hosts report a fault, the SDM has a trap" },
  { ZYDIS_MNEMONIC_UD0,      "length differs between vendors (ModRM or not)" },
};

/* Looks at a descriptor of the host's. */
static bool
needs_descriptor (const Decoded *d)
{
  static const ZydisMnemonic mnemonics[]
    = { ZYDIS_MNEMONIC_LAR, ZYDIS_MNEMONIC_LSL, ZYDIS_MNEMONIC_VERR, ZYDIS_MNEMONIC_VERW, ZYDIS_MNEMONIC_LFS, ZYDIS_MNEMONIC_LGS, ZYDIS_MNEMONIC_LSS,
        ZYDIS_MNEMONIC_INT };
  for (unsigned i = 0; i < G_N_ELEMENTS (mnemonics); i++)
    if (d->insn.mnemonic == mnemonics[i])
      return true;
  return (d->insn.mnemonic == ZYDIS_MNEMONIC_MOV || d->insn.mnemonic == ZYDIS_MNEMONIC_POP)
         && d->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER && ZydisRegisterGetClass (d->op[0].reg.value) == ZYDIS_REGCLASS_SEGMENT;
}

/* NULL: not by what this computer lets programs do. */
static const char *
excluded_here (const Decoded *d)
{
  if (!host_keeps_bases () && d->insn.meta.isa_set == ZYDIS_ISA_SET_RDWRFSGS)
    return "this computer's kernel does not let programs have it";
  if (!host_has_code32 () && d->insn.machine_mode != ZYDIS_MACHINE_MODE_LONG_64)
    return "this computer runs no 32-bit code";
  if (!host_has_code32 () && needs_descriptor (d))
    return "this computer has other descriptors";
  return NULL;
}

const char *
forms_excluded (const Decoded *d)
{
  const ZydisDecodedInstruction *insn = &d->insn;
  for (unsigned i = 0; i < G_N_ELEMENTS (excluded_mnemonics); i++)
    if (excluded_mnemonics[i].mnemonic == insn->mnemonic)
      return excluded_mnemonics[i].reason;
  const char *here = excluded_here (d);
  if (here != NULL)
    return here;
  if (insn->meta.branch_type == ZYDIS_BRANCH_TYPE_FAR)
    return "far transfer";
  if (insn->meta.branch_type != ZYDIS_BRANCH_TYPE_NONE && insn->machine_mode == ZYDIS_MACHINE_MODE_LONG_64
      && (insn->attributes & ZYDIS_ATTRIB_HAS_OPERANDSIZE))
    return "66 with a near branch in 64-bit mode: Intel ignores it, AMD truncates RIP";
  if (insn->mnemonic == ZYDIS_MNEMONIC_NOP && insn->opcode_map == ZYDIS_OPCODE_MAP_0F && insn->opcode == 0x0d
      && d->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER)
    return "PREFETCHW with a register: Intel has a NOP, AMD #UD";
  if ((insn->mnemonic == ZYDIS_MNEMONIC_LFS || insn->mnemonic == ZYDIS_MNEMONIC_LGS
       || insn->mnemonic == ZYDIS_MNEMONIC_LSS)
      && insn->operand_width == 64)
    return "REX.W of LFS, LGS and LSS: Intel loads a 64-bit offset, AMD ignores it";
  if ((insn->mnemonic == ZYDIS_MNEMONIC_VPINSRD || insn->mnemonic == ZYDIS_MNEMONIC_VPEXTRD)
      && insn->machine_mode != ZYDIS_MACHINE_MODE_LONG_64 && insn->raw.vex.W)
    return "VEX.W outside 64-bit code: Intel ignores it, AMD has #UD";
  return NULL;
}

/* --- Decoding ----------------------------------------------------------------------------------------------------- */

static const ZydisDecoder *
decoder_for (Mode mode)
{
  static ZydisDecoder decoders[N_MODES];
  static bool ready;
  if (!ready)
    {
      ZydisDecoderInit (&decoders[MODE_64], ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
      ZydisDecoderInit (&decoders[MODE_32], ZYDIS_MACHINE_MODE_LONG_COMPAT_32, ZYDIS_STACK_WIDTH_32);
      for (unsigned i = 0; i < N_MODES; i++)
        {
          ZydisDecoderEnableMode (&decoders[i], ZYDIS_DECODER_MODE_MPX, ZYAN_FALSE);
          ZydisDecoderEnableMode (&decoders[i], ZYDIS_DECODER_MODE_CET, ZYAN_FALSE);
          ZydisDecoderEnableMode (&decoders[i], ZYDIS_DECODER_MODE_CLDEMOTE, ZYAN_FALSE);
        }
      ready = true;
    }
  return &decoders[mode];
}

/* Mod 00 with a SIB base of 101: a displacement and no base, whatever REX.B says (SDM volume 2, table 2-3). Zydis 4.0
 * gives R13D when addresses have 32 bits in 64-bit code. */
static void
correct_sib_base (Decoded *d)
{
  const ZydisDecodedInstruction *insn = &d->insn;
  if (!(insn->attributes & ZYDIS_ATTRIB_HAS_SIB) || insn->raw.modrm.mod != 0 || insn->raw.sib.base != 5)
    return;
  for (unsigned i = 0; i < insn->operand_count_visible; i++)
    if (d->op[i].type == ZYDIS_OPERAND_TYPE_MEMORY && d->op[i].mem.base == ZYDIS_REGISTER_R13D)
      {
        d->op[i].mem.base = ZYDIS_REGISTER_NONE;
        d->op[i].mem.disp.has_displacement = ZYAN_TRUE;
        d->op[i].mem.disp.value = insn->raw.disp.value;
      }
}

bool
forms_decode_any (Mode mode, const uint8_t *code, unsigned len, Decoded *out)
{
  if (!ZYAN_SUCCESS (ZydisDecoderDecodeFull (decoder_for (mode), code, MIN (len, 15), &out->insn, out->op)))
    return false;
  correct_sib_base (out);
  return true;
}

bool
forms_decode (Mode mode, const uint8_t *code, unsigned len, Decoded *out)
{
  return forms_decode_any (mode, code, len, out) && out->insn.encoding != ZYDIS_INSTRUCTION_ENCODING_EVEX
         && forms_isa_supported (out->insn.meta.isa_set);
}

unsigned
forms_encode (const Template *t, Mode mode, unsigned rxb, unsigned vvvv, uint8_t *bytes)
{
  static const uint8_t escapes[4][2] = { { 0, 0 }, { 0x0f, 0 }, { 0x0f, 0x38 }, { 0x0f, 0x3a } };
  unsigned n = 0;
  if (t->vex && (rxb & FORMS_SHORT_VEX) && t->map == 1 && !(t->prefixes & PREFIX_W) && !(rxb & 3))
    {
      bytes[n++] = 0xc5;
      bytes[n++] = (~rxb & 4) << 5 | (~vvvv & 15) << 3 | t->vex_l << 2 | t->vex_pp;
    }
  else if (t->vex)
    {
      bytes[n++] = 0xc4;
      bytes[n++] = (~rxb & 7) << 5 | t->map;
      bytes[n++] = (t->prefixes & PREFIX_W ? 0x80 : 0) | (~vvvv & 15) << 3 | t->vex_l << 2 | t->vex_pp;
    }
  else
    {
      if (t->prefixes & PREFIX_LOCK)
        bytes[n++] = 0xf0;
      if (t->prefixes & PREFIX_66)
        bytes[n++] = 0x66;
      if (t->prefixes & PREFIX_F2)
        bytes[n++] = 0xf2;
      if (t->prefixes & PREFIX_F3)
        bytes[n++] = 0xf3;
      if (mode == MODE_64 && ((t->prefixes & PREFIX_W) || (rxb & 7) != 0))
        bytes[n++] = 0x40 | (t->prefixes & PREFIX_W ? 8 : 0) | (rxb & 7);
      for (unsigned i = 0; i < 2 && escapes[t->map][i] != 0; i++)
        bytes[n++] = escapes[t->map][i];
    }
  bytes[n++] = t->opcode;
  if (t->has_modrm)
    bytes[n] = t->memory ? t->reg << 3 | 4 : 0xc0 | t->reg << 3 | t->rm;
  return n;
}

/* --- Identity of a form ------------------------------------------------------------------------------------------- */

#define PREFIX_ATTRIBUTES                                                                                              \
  (ZYDIS_ATTRIB_HAS_LOCK | ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE)

/* Operand width matters beyond the visible operands for the base set only; elsewhere REX.W may be ignored. */
static unsigned
form_width (const ZydisDecodedInstruction *insn)
{
  return insn->meta.isa_ext == ZYDIS_ISA_EXT_BASE || insn->meta.isa_ext == ZYDIS_ISA_EXT_LONGMODE ? insn->operand_width
                                                                                                  : 0;
}

static bool
fixed_register (const ZydisDecodedOperand *op)
{
  return op->type == ZYDIS_OPERAND_TYPE_REGISTER && op->encoding == ZYDIS_OPERAND_ENCODING_NONE;
}

static bool
high_byte (const ZydisDecodedOperand *op)
{
  return op->type == ZYDIS_OPERAND_TYPE_REGISTER && op->reg.value >= ZYDIS_REGISTER_AH
         && op->reg.value <= ZYDIS_REGISTER_BH;
}

static uint64_t
mix (uint64_t hash, uint64_t value)
{
  hash = (hash ^ value) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  return hash ^ hash >> 29;
}

uint64_t
forms_signature (const Decoded *d)
{
  const ZydisDecodedInstruction *insn = &d->insn;
  uint64_t hash = mix (insn->mnemonic, insn->machine_mode);
  hash = mix (hash, insn->encoding << 16 | insn->opcode_map << 8 | insn->opcode);
  hash = mix (hash, insn->attributes & PREFIX_ATTRIBUTES);
  hash = mix (hash, form_width (insn));
  for (unsigned i = 0; i < insn->operand_count_visible; i++)
    {
      const ZydisDecodedOperand *op = &d->op[i];
      unsigned reg = op->type != ZYDIS_OPERAND_TYPE_REGISTER ? 0
                     : fixed_register (op)                   ? op->reg.value + 100u
                                                             : (unsigned) ZydisRegisterGetClass (op->reg.value);
      hash = mix (hash, op->type << 28 | high_byte (op) << 27 | op->size << 12 | reg);
    }
  return hash;
}

static void
append_operand (GString *name, const Decoded *d, const ZydisDecodedOperand *op)
{
  static const char *const classes[] = {
    [ZYDIS_REGCLASS_X87] = "st",   [ZYDIS_REGCLASS_MMX] = "mm",       [ZYDIS_REGCLASS_XMM] = "xmm",
    [ZYDIS_REGCLASS_YMM] = "ymm",  [ZYDIS_REGCLASS_SEGMENT] = "sreg", [ZYDIS_REGCLASS_CONTROL] = "cr",
    [ZYDIS_REGCLASS_DEBUG] = "dr",
  };
  switch (op->type)
    {
    case ZYDIS_OPERAND_TYPE_REGISTER:
      {
        ZydisRegisterClass rc = ZydisRegisterGetClass (op->reg.value);
        if (fixed_register (op))
          g_string_append (name, ZydisRegisterGetString (op->reg.value));
        else if (rc < G_N_ELEMENTS (classes) && classes[rc] != NULL)
          g_string_append (name, classes[rc]);
        else
          g_string_append_printf (name, high_byte (op) ? "r%uh" : "r%u", op->size);
        break;
      }
    case ZYDIS_OPERAND_TYPE_MEMORY:
      g_string_append_printf (name, "m%u", op->size);
      break;
    case ZYDIS_OPERAND_TYPE_IMMEDIATE:
      g_string_append_printf (name, op->imm.is_relative ? "rel%u" : "imm%u", op->size);
      break;
    default:
      g_string_append (name, "ptr");
      break;
    }
}

static char *
form_name (const Decoded *d)
{
  static const char *const maps[] = { "", "0f.", "0f38.", "0f3a." };
  const ZydisDecodedInstruction *insn = &d->insn;
  GString *name = g_string_new (insn->machine_mode == ZYDIS_MACHINE_MODE_LONG_64 ? "" : "x32 ");
  if (insn->attributes & ZYDIS_ATTRIB_HAS_LOCK)
    g_string_append (name, "lock ");
  if (insn->attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE))
    g_string_append (name, "rep ");
  if (insn->attributes & ZYDIS_ATTRIB_HAS_REPNE)
    g_string_append (name, "repne ");
  g_string_append (name, ZydisMnemonicGetString (insn->mnemonic));
  for (unsigned i = 0; i < insn->operand_count_visible; i++)
    {
      g_string_append (name, i == 0 ? " " : ", ");
      append_operand (name, d, &d->op[i]);
    }
  g_string_append_printf (name, " [%s%s%02x", insn->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX ? "vex." : "",
                          insn->opcode_map < 4 ? maps[insn->opcode_map] : "?", insn->opcode);
  if (form_width (insn) != 0)
    g_string_append_printf (name, " o%u", form_width (insn));
  g_string_append_c (name, ']');
  return g_string_free (name, FALSE);
}

/* --- The walk ----------------------------------------------------------------------------------------------------- */

typedef struct
{
  GPtrArray  *forms;
  GHashTable *by_signature;
  Mode        mode;
} Walk;

static bool
uses_vvvv (Mode mode, const Template *t)
{
  uint8_t bytes[32] = { 0 };
  Decoded d;
  unsigned modrm_at = forms_encode (t, mode, 0, 5, bytes);
  if (t->memory)
    bytes[modrm_at + 1] = 0x0e;   /* base 6, index 1 */
  return forms_decode (mode, bytes, 15, &d);
}

static void
walk_add (Walk *walk, Template t, const Decoded *d)
{
  t.vvvv = t.vex && uses_vvvv (walk->mode, &t);
  uint64_t signature = forms_signature (d);
  Form *form = g_hash_table_lookup (walk->by_signature, &signature);
  if (form == NULL)
    {
      form = g_new0 (Form, 1);
      form->name = form_name (d);
      form->signature = signature;
      form->mode = walk->mode;
      form->mnemonic = d->insn.mnemonic;
      form->excluded = forms_excluded (d);
      form->templates = g_array_new (FALSE, FALSE, sizeof (Template));
      g_ptr_array_add (walk->forms, form);
      g_hash_table_insert (walk->by_signature, &form->signature, form);
    }
  g_array_append_val (form->templates, t);
}

static bool
walk_try (Walk *walk, const Template *t)
{
  uint8_t bytes[32] = { 0 };
  Decoded d;
  unsigned modrm_at = forms_encode (t, walk->mode, 0, 0, bytes);
  if (t->memory)
    bytes[modrm_at + 1] = 0x08;   /* SIB: base 0, index 1; a gather needs three different registers */
  if (!forms_decode (walk->mode, bytes, 15, &d))
    return false;
  if (t->has_modrm && !(d.insn.attributes & ZYDIS_ATTRIB_HAS_MODRM))
    return false;
  walk_add (walk, *t, &d);
  return true;
}

/* Does this opcode take a ModRM byte? Some forms exist only for some of its values, so try all. */
static void
walk_opcode (Walk *walk, Template t)
{
  uint8_t bytes[32] = { 0 };
  Decoded d;
  forms_encode (&t, walk->mode, 0, 0, bytes);
  if (forms_decode (walk->mode, bytes, 15, &d) && !(d.insn.attributes & ZYDIS_ATTRIB_HAS_MODRM))
    {
      walk_add (walk, t, &d);
      return;
    }
  t.has_modrm = true;
  for (t.reg = 0; t.reg < 8; t.reg++)
    {
      t.memory = true;
      t.rm = 0;
      walk_try (walk, &t);
      t.memory = false;
      for (t.rm = 0; t.rm < 8; t.rm++)
        walk_try (walk, &t);
    }
}

static bool
is_prefix_or_escape (Mode mode, unsigned opcode)
{
  static const uint8_t list[] = { 0x0f, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3 };
  return memchr (list, opcode, sizeof list) != NULL || (mode == MODE_64 && (opcode & 0xf0) == 0x40);
}

static void
walk_legacy (Walk *walk)
{
  static const uint8_t mandatory[]
      = { 0, PREFIX_66, PREFIX_F2, PREFIX_F3, PREFIX_66 | PREFIX_F2, PREFIX_66 | PREFIX_F3 };
  for (unsigned map = 0; map < 4; map++)
    for (unsigned opcode = 0; opcode < 256; opcode++)
      {
        if ((map == 0 && is_prefix_or_escape (walk->mode, opcode)) || (map == 1 && (opcode == 0x38 || opcode == 0x3a)))
          continue;
        for (unsigned i = 0; i < G_N_ELEMENTS (mandatory); i++)
          for (unsigned w = 0; w < (walk->mode == MODE_64 ? 2 : 1); w++)
            for (unsigned lock = 0; lock < 2; lock++)
              walk_opcode (walk, (Template) { .prefixes = mandatory[i] | (w ? PREFIX_W : 0) | (lock ? PREFIX_LOCK : 0),
                                              .map = map, .opcode = opcode });
      }
}

static void
walk_vex (Walk *walk)
{
  for (unsigned map = 1; map < 4; map++)
    for (unsigned opcode = 0; opcode < 256; opcode++)
      for (unsigned bits = 0; bits < 16; bits++)
        walk_opcode (walk, (Template){ .vex = true,
                                       .map = map,
                                       .opcode = opcode,
                                       .vex_pp = bits & 3,
                                       .vex_l = bits >> 2 & 1,
                                       .prefixes = bits & 8 ? PREFIX_W : 0 });
}

static int
by_name (const void *a, const void *b)
{
  return strcmp ((*(Form *const *) a)->name, (*(Form *const *) b)->name);
}

GPtrArray *
forms_enumerate (Mode mode)
{
  Walk walk = { g_ptr_array_new (), g_hash_table_new (g_int64_hash, g_int64_equal), mode };
  walk_legacy (&walk);
  walk_vex (&walk);
  g_hash_table_unref (walk.by_signature);
  g_ptr_array_sort (walk.forms, by_name);
  return walk.forms;
}

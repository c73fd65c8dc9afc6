/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From instruction bytes to VtX86Insn.
 *
 * Zydis knows the encodings and which prefixes and registers are legal; the model says which instruction sets exist;
 * the topic tables give each mnemonic its op.
 */
#include "decode.h"
#include "flags.h"

#include <Zydis/Zydis.h>

struct VtX86Decoder
{
  ZydisDecoder      by_mode[3];   /* 16, 32, 64 bits */
  const VtX86Model *model;
};

/* Rows by mnemonic. Strings come apart from SIMD because MOVSD and CMPSD name both. */
static const VtX86OpRow *integer_rows[ZYDIS_MNEMONIC_MAX_VALUE + 1];
static const VtX86OpRow *other_rows[ZYDIS_MNEMONIC_MAX_VALUE + 1];
static bool system_row[ZYDIS_MNEMONIC_MAX_VALUE + 1];

static void
enter_rows (const VtX86OpRow **rows, const VtX86OpRow *table, bool system)
{
  for (; table->op != NULL; table++)
    {
      rows[table->mnemonic] = table;
      system_row[table->mnemonic] |= system;
    }
}

/* Instructions of the system table after which a block may simply go on. */
static const uint16_t harmless_system[] = {
  ZYDIS_MNEMONIC_PUSHF,  ZYDIS_MNEMONIC_PUSHFD,   ZYDIS_MNEMONIC_PUSHFQ, ZYDIS_MNEMONIC_CLI,    ZYDIS_MNEMONIC_CPUID,
  ZYDIS_MNEMONIC_RDTSC,  ZYDIS_MNEMONIC_RDTSCP,   ZYDIS_MNEMONIC_RDPID,  ZYDIS_MNEMONIC_SWAPGS, ZYDIS_MNEMONIC_RDMSR,
  ZYDIS_MNEMONIC_SGDT,   ZYDIS_MNEMONIC_SIDT,     ZYDIS_MNEMONIC_SLDT,   ZYDIS_MNEMONIC_STR,    ZYDIS_MNEMONIC_SMSW,
  ZYDIS_MNEMONIC_LGDT,   ZYDIS_MNEMONIC_LIDT,     ZYDIS_MNEMONIC_LLDT,   ZYDIS_MNEMONIC_LTR,    ZYDIS_MNEMONIC_LAR,
  ZYDIS_MNEMONIC_LSL,    ZYDIS_MNEMONIC_VERR,     ZYDIS_MNEMONIC_VERW,   ZYDIS_MNEMONIC_ARPL,   ZYDIS_MNEMONIC_CLTS,
  ZYDIS_MNEMONIC_LDS,    ZYDIS_MNEMONIC_LES,      ZYDIS_MNEMONIC_LFS,    ZYDIS_MNEMONIC_LGS,    ZYDIS_MNEMONIC_RDPMC,
  ZYDIS_MNEMONIC_WBINVD, ZYDIS_MNEMONIC_XGETBV,   ZYDIS_MNEMONIC_RDFSBASE, ZYDIS_MNEMONIC_RDGSBASE,
  ZYDIS_MNEMONIC_WRFSBASE, ZYDIS_MNEMONIC_WRGSBASE,
};

static void
build_tables (void)
{
  static gsize ready;
  if (!g_once_init_enter (&ready))
    return;
  for (const VtX86OpRow *const *table = vt_x86_integer_tables; *table != NULL; table++)
    enter_rows (integer_rows, *table, false);
  enter_rows (other_rows, vt_x86_ops_system, true);
  for (const VtX86OpRow *const *table = vt_x86_simd_tables; *table != NULL; table++)
    enter_rows (other_rows, *table, false);
  for (unsigned i = 0; i < G_N_ELEMENTS (harmless_system); i++)
    system_row[harmless_system[i]] = false;
  g_once_init_leave (&ready, 1);
}

/* --- Features ----------------------------------------------------------------------------------------------------- */

static const struct
{
  uint16_t isa_set;   /* ZydisISASet */
  uint16_t feature;
} set_features[] = {
  { ZYDIS_ISA_SET_ADOX_ADCX, X86_FEATURE_ADX },
  { ZYDIS_ISA_SET_AES, X86_FEATURE_AES },
  { ZYDIS_ISA_SET_AVX, X86_FEATURE_AVX },
  { ZYDIS_ISA_SET_AVX2, X86_FEATURE_AVX2 },
  { ZYDIS_ISA_SET_AVX2GATHER, X86_FEATURE_AVX2 },
  { ZYDIS_ISA_SET_AVXAES, X86_FEATURE_AES },
  { ZYDIS_ISA_SET_BMI1, X86_FEATURE_BMI1 },
  { ZYDIS_ISA_SET_BMI2, X86_FEATURE_BMI2 },
  { ZYDIS_ISA_SET_CLFLUSHOPT, X86_FEATURE_CLFLUSHOPT },
  { ZYDIS_ISA_SET_CLFSH, X86_FEATURE_CLFSH },
  { ZYDIS_ISA_SET_CLWB, X86_FEATURE_CLWB },
  { ZYDIS_ISA_SET_CLZERO, X86_FEATURE_CLZERO },
  { ZYDIS_ISA_SET_CMOV, X86_FEATURE_CMOV },
  { ZYDIS_ISA_SET_CMPXCHG16B, X86_FEATURE_CX16 },
  { ZYDIS_ISA_SET_F16C, X86_FEATURE_F16C },
  { ZYDIS_ISA_SET_FMA, X86_FEATURE_FMA },
  { ZYDIS_ISA_SET_FXSAVE, X86_FEATURE_FXSR },
  { ZYDIS_ISA_SET_FXSAVE64, X86_FEATURE_FXSR },
  { ZYDIS_ISA_SET_INVPCID, X86_FEATURE_INVPCID },
  { ZYDIS_ISA_SET_LZCNT, X86_FEATURE_ABM },
  { ZYDIS_ISA_SET_MONITOR, X86_FEATURE_MONITOR },
  { ZYDIS_ISA_SET_MOVBE, X86_FEATURE_MOVBE },
  { ZYDIS_ISA_SET_PCLMULQDQ, X86_FEATURE_PCLMULQDQ },
  { ZYDIS_ISA_SET_PENTIUMMMX, X86_FEATURE_MMX },
  { ZYDIS_ISA_SET_POPCNT, X86_FEATURE_POPCNT },
  { ZYDIS_ISA_SET_RDPID, X86_FEATURE_RDPID },
  { ZYDIS_ISA_SET_RDRAND, X86_FEATURE_RDRAND },
  { ZYDIS_ISA_SET_RDSEED, X86_FEATURE_RDSEED },
  { ZYDIS_ISA_SET_RDTSCP, X86_FEATURE_RDTSCP },
  { ZYDIS_ISA_SET_RDWRFSGS, X86_FEATURE_FSGSBASE },
  { ZYDIS_ISA_SET_SHA, X86_FEATURE_SHA_NI },
  { ZYDIS_ISA_SET_SMAP, X86_FEATURE_SMAP },
  { ZYDIS_ISA_SET_SSE, X86_FEATURE_SSE },
  { ZYDIS_ISA_SET_SSE2, X86_FEATURE_SSE2 },
  { ZYDIS_ISA_SET_SSE2MMX, X86_FEATURE_SSE2 },
  { ZYDIS_ISA_SET_SSE3, X86_FEATURE_SSE3 },
  { ZYDIS_ISA_SET_SSE4, X86_FEATURE_SSE4_1 },
  { ZYDIS_ISA_SET_SSE42, X86_FEATURE_SSE4_2 },
  { ZYDIS_ISA_SET_SSE4A, X86_FEATURE_SSE4A },
  { ZYDIS_ISA_SET_SSEMXCSR, X86_FEATURE_SSE },
  { ZYDIS_ISA_SET_SSSE3, X86_FEATURE_SSSE3 },
  { ZYDIS_ISA_SET_SSSE3MMX, X86_FEATURE_SSSE3 },
  { ZYDIS_ISA_SET_X87, X86_FEATURE_FPU },
  { ZYDIS_ISA_SET_XSAVE, X86_FEATURE_XSAVE },
  { ZYDIS_ISA_SET_XSAVEC, X86_FEATURE_XSAVEC },
  { ZYDIS_ISA_SET_XSAVEOPT, X86_FEATURE_XSAVEOPT },
};

static bool
in_model (const VtX86Model *model, ZydisISASet set)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (set_features); i++)
    if (set_features[i].isa_set == set)
      return vt_x86_has (model, set_features[i].feature);
  return true;
}

/* --- Operands ----------------------------------------------------------------------------------------------------- */

static uint8_t
gpr_number (ZydisRegister reg)
{
  return reg == ZYDIS_REGISTER_NONE ? VT_X86_NO_REG : (uint8_t) ZydisRegisterGetId (reg);
}

static unsigned
seg_number (ZydisRegister reg)
{
  return reg >= ZYDIS_REGISTER_ES && reg <= ZYDIS_REGISTER_GS ? (unsigned) (reg - ZYDIS_REGISTER_ES) : VT_DS;
}

static void
take_gpr8 (VtX86Insn *out, unsigned i, ZydisRegister reg)
{
  bool high = reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH;
  unsigned n = (unsigned) (reg - ZYDIS_REGISTER_AL);   /* AL..BL, AH..BH, SPL..DIL, R8B..R15B */
  out->kind[i] = high ? VT_OPND_GPR8H : VT_OPND_GPR;
  out->reg[i] = (uint8_t) (n < 4 ? n : n - 4);
}

static void
take_register (VtX86Insn *out, unsigned i, ZydisRegister reg)
{
  static const struct
  {
    uint8_t class, kind;
  } kinds[] = {
    { ZYDIS_REGCLASS_GPR16, VT_OPND_GPR },   { ZYDIS_REGCLASS_GPR32, VT_OPND_GPR },
    { ZYDIS_REGCLASS_GPR64, VT_OPND_GPR },   { ZYDIS_REGCLASS_X87, VT_OPND_ST },
    { ZYDIS_REGCLASS_MMX, VT_OPND_MM },      { ZYDIS_REGCLASS_XMM, VT_OPND_XMM },
    { ZYDIS_REGCLASS_YMM, VT_OPND_YMM },     { ZYDIS_REGCLASS_SEGMENT, VT_OPND_SEG },
    { ZYDIS_REGCLASS_CONTROL, VT_OPND_CR },  { ZYDIS_REGCLASS_DEBUG, VT_OPND_DR },
  };
  ZydisRegisterClass class = ZydisRegisterGetClass (reg);
  if (class == ZYDIS_REGCLASS_GPR8)
    {
      take_gpr8 (out, i, reg);
      return;
    }
  out->kind[i] = VT_OPND_NONE;
  out->reg[i] = (uint8_t) ZydisRegisterGetId (reg);
  for (unsigned k = 0; k < G_N_ELEMENTS (kinds); k++)
    if (kinds[k].class == class)
      out->kind[i] = kinds[k].kind;
}

static void
take_memory (VtX86Insn *out, const ZydisDecodedOperandMem *mem)
{
  out->seg = (uint8_t) seg_number (mem->segment);
  bool rip = mem->base == ZYDIS_REGISTER_RIP || mem->base == ZYDIS_REGISTER_EIP;
  out->base = rip ? VT_X86_REG_RIP : gpr_number (mem->base);
  out->index = gpr_number (mem->index);
  out->scale = mem->scale != 0 ? mem->scale : 1;
  out->disp = mem->disp.value;
}

/* Mod 00 with a SIB base of 101: a displacement and no base, whatever REX.B says (SDM volume 2, table 2-3). Zydis 4.0
 * gives R13D when addresses have 32 bits in 64-bit code. */
static void
correct_sib_base (VtX86Insn *out, const ZydisDecodedInstruction *in)
{
  if ((in->attributes & ZYDIS_ATTRIB_HAS_SIB) && in->raw.modrm.mod == 0 && in->raw.sib.base == 5)
    {
      out->base = VT_X86_NO_REG;
      out->disp = in->raw.disp.value;
    }
}

static void
take_immediate (VtX86Insn *out, unsigned *n_immediates, const ZydisDecodedOperandImm *imm)
{
  if (imm->is_relative)
    out->disp = imm->value.s;
  if (*n_immediates == 0)
    out->imm = imm->value.u;
  else
    out->imm2 = (uint8_t) imm->value.u;
  ++*n_immediates;
}

/* String instructions, XLAT and MASKMOV have memory operands that are not listed; what can vary is the segment. */
static void
take_hidden_memory (VtX86Insn *out, const ZydisDecodedOperandMem *mem)
{
  unsigned seg = seg_number (mem->segment);
  if (seg != VT_ES && seg != VT_SS)
    out->seg = (uint8_t) seg;
  else if (seg == VT_SS && gpr_number (mem->base) != VT_RSP)
    out->seg = VT_SS;
}

static void
take_operands (VtX86Insn *out, const ZydisDecodedInstruction *in, const ZydisDecodedOperand *operands)
{
  unsigned n_immediates = 0;
  out->n_operands = (uint8_t) MIN (in->operand_count_visible, VT_X86_MAX_OPERANDS);
  for (unsigned i = 0; i < out->n_operands; i++)
    {
      const ZydisDecodedOperand *operand = &operands[i];
      out->opnd_size[i] = (uint8_t) MIN (operand->size / 8, 255);
      switch (operand->type)
        {
        case ZYDIS_OPERAND_TYPE_REGISTER:
          take_register (out, i, operand->reg.value);
          break;
        case ZYDIS_OPERAND_TYPE_MEMORY:
          out->kind[i] = VT_OPND_MEM;
          take_memory (out, &operand->mem);
          correct_sib_base (out, in);
          break;
        case ZYDIS_OPERAND_TYPE_POINTER:
          out->kind[i] = VT_OPND_IMM;
          out->imm = operand->ptr.offset | (uint64_t) operand->ptr.segment << 32;
          break;
        case ZYDIS_OPERAND_TYPE_IMMEDIATE:
          out->kind[i] = VT_OPND_IMM;
          take_immediate (out, &n_immediates, &operand->imm);
          break;
        default:
          break;
        }
    }
  for (unsigned i = in->operand_count_visible; i < in->operand_count; i++)
    if (operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
      take_hidden_memory (out, &operands[i].mem);
}

/* --- Prefixes and the rest ---------------------------------------------------------------------------------------- */

static void
take_prefixes (VtX86Insn *out, const ZydisDecodedInstruction *in)
{
  for (unsigned i = 0; i < in->raw.prefix_count; i++)
    switch (in->raw.prefixes[i].value)
      {
      case 0xf0:
        out->prefixes |= VT_PFX_LOCK;
        break;
      case 0xf2:
        out->prefixes = (uint8_t) ((out->prefixes & ~VT_PFX_REP) | VT_PFX_REPNE);
        break;
      case 0xf3:
        out->prefixes = (uint8_t) ((out->prefixes & ~VT_PFX_REPNE) | VT_PFX_REP);
        break;
      }
  if (in->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX)
    out->prefixes |= VT_PFX_VEX;
  if (in->attributes & ZYDIS_ATTRIB_HAS_SEGMENT)
    out->prefixes |= VT_PFX_SEGO;
}

static uint8_t
vector_length (const VtX86Insn *out, const ZydisDecodedInstruction *in)
{
  if (in->encoding == ZYDIS_INSTRUCTION_ENCODING_VEX)
    return in->avx.vector_length == 256 ? 32 : 16;
  uint8_t length = 0;
  for (unsigned i = 0; i < out->n_operands; i++)
    if (out->kind[i] == VT_OPND_XMM)
      return 16;
    else if (out->kind[i] == VT_OPND_MM)
      length = 8;
  return length;
}

/* Words of VtX86State for the sum in forms.h; dr[4] is always zero. */
#define STATE_WORD(member) ((uint8_t) (offsetof (VtX86State, member) / 8))
#define ZERO_WORD          STATE_WORD (dr[4])

static void
set_address_form (VtX86Insn *out)
{
  /* RIP as a base is the address of the instruction; its length goes into the displacement. */
  G_STATIC_ASSERT (offsetof (VtX86State, rip) == 8 * VT_X86_REG_RIP);
  if (out->base == VT_X86_REG_RIP)
    out->disp += out->length;
  out->ea_base = out->base == VT_X86_NO_REG ? ZERO_WORD : out->base;
  out->ea_index = out->index == VT_X86_NO_REG ? ZERO_WORD : out->index;
  out->ea_shift = out->scale != 0 ? (uint8_t) __builtin_ctz (out->scale) : 0;
  out->ea_seg = ZERO_WORD;
  if (out->seg == VT_FS)
    out->ea_seg = STATE_WORD (seg[VT_FS].base);
  else if (out->seg == VT_GS)
    out->ea_seg = STATE_WORD (seg[VT_GS].base);
  for (unsigned i = 0; i < G_N_ELEMENTS (out->byte_off); i++)
    out->byte_off[i] = (uint8_t) (out->reg[i] * 8 + (out->kind[i] == VT_OPND_GPR8H));
}

static const VtX86OpRow *
find_row (const ZydisDecodedInstruction *in)
{
  switch (in->encoding)
    {
    case ZYDIS_INSTRUCTION_ENCODING_LEGACY:
    case ZYDIS_INSTRUCTION_ENCODING_VEX:
      break;
    default:
      return NULL;
    }
  bool both = in->mnemonic == ZYDIS_MNEMONIC_MOVSD || in->mnemonic == ZYDIS_MNEMONIC_CMPSD;
  bool string = in->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT;
  if (integer_rows[in->mnemonic] != NULL && (!both || string))
    return integer_rows[in->mnemonic];
  return other_rows[in->mnemonic];
}

static bool
is_string (const ZydisDecodedInstruction *in)
{
  return (in->attributes & (ZYDIS_ATTRIB_ACCEPTS_REP | ZYDIS_ATTRIB_ACCEPTS_REPE)) != 0;
}

static VtX86Tail
tail_of (const VtX86Insn *out, const ZydisDecodedInstruction *in)
{
  if (system_row[in->mnemonic] || out->op == vt_x86_op_mov_to_cr || out->op == vt_x86_op_mov_to_dr
      || out->op == vt_x86_op_call_far || out->op == vt_x86_op_jmp_far || out->op == vt_x86_op_ret_far)
    return VT_X86_TAIL_SPECIAL;
  if ((out->op == vt_x86_op_mov_to_seg || out->op == vt_x86_op_pop_seg) && out->reg[0] == VT_SS)
    return VT_X86_TAIL_SPECIAL;
  switch (in->meta.category)
    {
    case ZYDIS_CATEGORY_CALL:
    case ZYDIS_CATEGORY_RET:
    case ZYDIS_CATEGORY_COND_BR:
    case ZYDIS_CATEGORY_UNCOND_BR:
      return VT_X86_TAIL_BRANCH;
    default:
      /* A repeated string instruction may have to come back to itself. PAUSE: someone else should get a chance. */
      if ((is_string (in) && (out->prefixes & (VT_PFX_REP | VT_PFX_REPNE))) || in->mnemonic == ZYDIS_MNEMONIC_PAUSE
          || in->mnemonic == ZYDIS_MNEMONIC_INVLPG)
        return VT_X86_TAIL_BRANCH;
      return VT_X86_TAIL_NONE;
    }
}

void
vt_x86_op_undefined (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_x86_ud (cpu);
}

static void
make_undefined (VtX86Insn *out, VtX86Tail *tail, unsigned length)
{
  *out = (VtX86Insn) {
    .op = vt_x86_op_undefined,
    .length = (uint8_t) length,
    .seg = VT_DS,
    .base = VT_X86_NO_REG,
    .index = VT_X86_NO_REG,
  };
  *tail = VT_X86_TAIL_BRANCH;
}

/* F3 90 with REX.B is no PAUSE: the prefix loses, and XCHG with R8 it is. */
static void
make_xchg_r8 (VtX86Insn *out, const VtX86OpRow *row)
{
  out->mnemonic = ZYDIS_MNEMONIC_XCHG;
  out->n_operands = 2;
  out->kind[0] = out->kind[1] = VT_OPND_GPR;
  out->reg[0] = VT_R8;
  out->reg[1] = VT_RAX;
  out->opnd_size[0] = out->opnd_size[1] = out->opsize;
  row->prepare (out);
}

static void
convert (const VtX86Decoder *decoder, const ZydisDecodedInstruction *in, const ZydisDecodedOperand *operands,
         VtX86Insn *out, VtX86Tail *tail)
{
  const VtX86OpRow *row = find_row (in);
  if (row == NULL || !in_model (decoder->model, in->meta.isa_set))
    {
      make_undefined (out, tail, in->length);
      return;
    }
  *out = (VtX86Insn) {
    .op = row->op,
    .mnemonic = (uint16_t) in->mnemonic,
    .length = in->length,
    .opsize = in->operand_width / 8,
    .addrsize = in->address_width / 8,
    .opcode = in->opcode,
    .seg = VT_DS,
    .base = VT_X86_NO_REG,
    .index = VT_X86_NO_REG,
  };
  if (in->attributes & ZYDIS_ATTRIB_HAS_MODRM)
    out->modrm = (uint8_t) (in->raw.modrm.mod << 6 | in->raw.modrm.reg << 3 | in->raw.modrm.rm);
  take_prefixes (out, in);
  take_operands (out, in, operands);
  out->veclen = vector_length (out, in);
  set_address_form (out);
  if (row->prepare != NULL)
    row->prepare (out);
  *tail = tail_of (out, in);
  if (in->mnemonic == ZYDIS_MNEMONIC_PAUSE && (in->attributes & ZYDIS_ATTRIB_HAS_REX) && in->raw.rex.B)
    make_xchg_r8 (out, integer_rows[ZYDIS_MNEMONIC_XCHG]);
}

/* F3 90 is PAUSE; with REX.B it still exchanges R8 and RAX, which Zydis 4.0 overlooks. */
static bool
is_exchange (const ZydisDecodedInstruction *in)
{
  return in->mnemonic == ZYDIS_MNEMONIC_PAUSE && (in->attributes & ZYDIS_ATTRIB_HAS_REX) && in->raw.rex.B;
}

static VtX86DecodeResult
decode_exchange (VtX86Decoder *decoder, const ZydisDecodedInstruction *in, const uint8_t *bytes, unsigned code_bits,
                 VtX86Insn *out, VtX86Tail *tail)
{
  uint8_t without[VT_X86_MAX_INSN];
  for (unsigned i = 0; i < in->length; i++)
    without[i] = bytes[i] == 0xf3 ? 0x3e : bytes[i];   /* an override that 64-bit code ignores */
  return vt_x86_decode (decoder, without, in->length, code_bits, out, tail);
}

VtX86DecodeResult
vt_x86_decode (VtX86Decoder *decoder, const uint8_t *bytes, unsigned len, unsigned code_bits, VtX86Insn *out,
               VtX86Tail *tail)
{
  const ZydisDecoder *zydis = &decoder->by_mode[code_bits >> 5];
  ZydisDecoderContext context;
  ZydisDecodedInstruction in;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];

  ZyanStatus status = ZydisDecoderDecodeInstruction (zydis, &context, bytes, MIN (len, VT_X86_MAX_INSN), &in);
  if (status == ZYDIS_STATUS_INSTRUCTION_TOO_LONG)
    return VT_X86_TOO_LONG;
  if (status == ZYDIS_STATUS_NO_MORE_DATA)
    return len >= VT_X86_MAX_INSN ? VT_X86_TOO_LONG : VT_X86_NEED_MORE;
  if (ZYAN_SUCCESS (status) && G_UNLIKELY (is_exchange (&in)))
    return decode_exchange (decoder, &in, bytes, code_bits, out, tail);
  if (ZYAN_SUCCESS (status))
    status = ZydisDecoderDecodeOperands (zydis, &context, &in, operands, in.operand_count);
  if (ZYAN_SUCCESS (status))
    convert (decoder, &in, operands, out, tail);
  else
    make_undefined (out, tail, 1);
  return VT_X86_DECODED;
}

VtX86Decoder *
vt_x86_decoder_new (const VtX86Model *model)
{
  static const struct
  {
    ZydisMachineMode mode;
    ZydisStackWidth  stack;
  } modes[] = {
    { ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16 },
    { ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32 },
    { ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64 },
  };

  VtX86Decoder *decoder = g_new0 (VtX86Decoder, 1);
  decoder->model = model;
  build_tables ();
  for (unsigned i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      ZydisDecoder *zydis = &decoder->by_mode[i];
      ZydisDecoderInit (zydis, modes[i].mode, modes[i].stack);
      /* Encodings that are something older (NOP, BSF, BSR, WBINVD) on processors that lack the extension. */
      ZydisDecoderEnableMode (zydis, ZYDIS_DECODER_MODE_MPX, false);
      ZydisDecoderEnableMode (zydis, ZYDIS_DECODER_MODE_CET, false);
      ZydisDecoderEnableMode (zydis, ZYDIS_DECODER_MODE_CLDEMOTE, false);
      ZydisDecoderEnableMode (zydis, ZYDIS_DECODER_MODE_WBNOINVD, vt_x86_has (model, X86_FEATURE_WBNOINVD));
      ZydisDecoderEnableMode (zydis, ZYDIS_DECODER_MODE_LZCNT, vt_x86_has (model, X86_FEATURE_ABM));
      ZydisDecoderEnableMode (zydis, ZYDIS_DECODER_MODE_TZCNT, vt_x86_has (model, X86_FEATURE_BMI1));
    }
  return decoder;
}

void
vt_x86_decoder_free (VtX86Decoder *decoder)
{
  g_free (decoder);
}

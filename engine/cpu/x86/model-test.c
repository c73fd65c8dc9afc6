/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "x86-sys.h"

#include "x86-test.h"

#include <vitrine/error.h>

static VtX86Model *
model_of (const char *name)
{
  GError *error = NULL;
  VtX86Model *model = vt_x86_model_new (name, 2, &error);
  g_assert_no_error (error);
  return model;
}

static void
every_name_makes_a_model (void)
{
  for (const char *const *name = vt_x86_model_names (); *name != NULL; name++)
    {
      g_autoptr(VtX86Model) model = model_of (*name);
      g_assert_cmpstr (model->name, ==, *name);
      g_assert_cmpuint (strlen (model->brand), <=, 47);
      g_assert_true (vt_x86_has (model, X86_FEATURE_FPU));
      g_assert_true (vt_x86_has (model, X86_FEATURE_APIC));
      g_assert_true (vt_x86_has (model, X86_FEATURE_LM));
      g_assert_false (vt_x86_has (model, X86_FEATURE_OSXSAVE));
      /* What we do not implement must not slip in through a list. */
      g_assert_false (vt_x86_has (model, X86_FEATURE_SSE4A));
      g_assert_false (vt_x86_has (model, X86_FEATURE_MONITOR));
    }
}

static void
models_grow_along_their_line (void)
{
  static const char *const line[] = { "Conroe", "Penryn", "Nehalem", "Westmere", "SandyBridge", "IvyBridge", "Haswell",
                                      "Broadwell", "Skylake-Client", "max" };
  for (unsigned i = 1; i < G_N_ELEMENTS (line); i++)
    {
      g_autoptr(VtX86Model) old = model_of (line[i - 1]), new = model_of (line[i]);
      for (unsigned w = 0; w < X86_WORD_COUNT; w++)
        g_assert_cmphex (old->feature[w] & ~new->feature[w], ==, 0);
    }
}

static void
names_select_what_they_say (void)
{
  g_autoptr(VtX86Model) plain = model_of ("qemu64"), nehalem = model_of ("Nehalem"), haswell = model_of ("Haswell");
  g_assert_false (vt_x86_has (plain, X86_FEATURE_SSSE3));
  g_assert_cmpuint (plain->xcr0, ==, 0);
  g_assert_true (vt_x86_has (nehalem, X86_FEATURE_POPCNT));
  g_assert_false (vt_x86_has (nehalem, X86_FEATURE_AES));
  g_assert_true (vt_x86_has (haswell, X86_FEATURE_AVX2));
  g_assert_cmpuint (haswell->xcr0, ==, 7);
  g_assert_cmphex (vt_x86_model_signature (haswell), ==, 0x306c4);
  g_assert_cmphex (vt_x86_model_signature (plain), ==, 0x60fb1);
  g_autoptr(VtX86Model) epyc = model_of ("EPYC");
  g_assert_cmphex (vt_x86_model_signature (epyc), ==, 0x800f12);
}

static void
aliases_mean_max (void)
{
  g_autoptr(VtX86Model) a = model_of (NULL), b = model_of ("host-passthrough");
  g_assert_cmpstr (a->name, ==, "max");
  g_assert_cmpstr (b->name, ==, "max");
}

static void
an_unknown_model_is_refused_with_the_list (void)
{
  g_autoptr(GError) error = NULL;
  g_assert_null (vt_x86_model_new ("Z80", 1, &error));
  g_assert_error (error, VT_ERROR, VT_ERROR_CONFIG);
  g_assert_nonnull (strstr (error->message, "Z80"));
  g_assert_nonnull (strstr (error->message, "Skylake-Client"));
}

static void
features_can_be_set_and_cleared (void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(VtX86Model) model = model_of ("Haswell");
  g_assert_true (vt_x86_model_set_feature (model, "avx", false, &error));
  g_assert_cmpuint (model->xcr0, ==, 3);
  g_assert_true (vt_x86_model_set_feature (model, "avx", true, &error));
  g_assert_cmpuint (model->xcr0, ==, 7);
  g_assert_true (vt_x86_model_set_feature (model, "vmx", false, &error));
  g_assert_false (vt_x86_model_set_feature (model, "vmx", true, &error));
  g_assert_error (error, VT_ERROR, VT_ERROR_CONFIG);
  g_clear_error (&error);
  g_assert_false (vt_x86_model_set_feature (model, "monitor", true, &error));
  g_assert_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED);
}

static void
cpuid_names_the_vendor_and_us (void)
{
  VtX86Test test;
  uint32_t r[4];
  x86_test_setup (&test, 1 << 20, 32);
  vt_x86_cpuid (test.cpu, 0, 0, r);
  g_assert_cmpuint (r[0], >=, 0x15);
  g_assert_cmpmem (&r[1], 4, "Genu", 4);
  vt_x86_cpuid (test.cpu, 0x40000000, 0, r);
  g_assert_cmpuint (r[0], ==, 0x40000010);
  g_assert_cmpmem (&r[1], 12, "VitrineVM   ", 12);
  vt_x86_cpuid (test.cpu, 0x40000010, 0, r);
  g_assert_cmpuint (r[0], ==, 1000000);
  vt_x86_cpuid (test.cpu, 0x80000002, 0, r);
  g_assert_cmpmem (r, 16, "Vitrine Virtual ", 16);
  vt_x86_cpuid (test.cpu, 0x80000008, 0, r);
  g_assert_cmpuint (r[0] & 0xff, ==, VT_X86_PHYS_BITS);
  /* TSC = crystal * EBX / EAX */
  vt_x86_cpuid (test.cpu, 0x15, 0, r);
  g_assert_cmpuint ((uint64_t) r[2] * r[1] / r[0], ==, test.cpu->tsc_hz);
  x86_test_teardown (&test);
}

static void
msr_values_are_checked (void)
{
  VtX86Test test;
  uint64_t value;
  x86_test_setup (&test, 1 << 20, 32);
  VtX86Cpu *cpu = test.cpu;
  g_assert_true (vt_x86_write_msr (cpu, 0x277, UINT64_C (0x0007040600070406)));
  g_assert_false (vt_x86_write_msr (cpu, 0x277, 2));
  g_assert_true (vt_x86_write_msr (cpu, 0x200, 0x80000006));
  g_assert_false (vt_x86_write_msr (cpu, 0x200, UINT64_C (1) << 50));
  g_assert_true (vt_x86_write_msr (cpu, 0xc0000082, UINT64_C (0xffffffff81000000)));
  g_assert_false (vt_x86_write_msr (cpu, 0xc0000082, UINT64_C (0x8000000000000000)));
  g_assert_false (vt_x86_write_msr (cpu, 0xfe, 0));
  g_assert_true (vt_x86_read_msr (cpu, 0xfe, &value));
  g_assert_cmphex (value, ==, 0x508);
  g_assert_false (vt_x86_read_msr (cpu, 0xdeadbeef, &value));
  g_assert_false (vt_x86_write_msr (cpu, 0xc0000080, 1 << 12));
  x86_test_teardown (&test);
}

static void
tsc_and_tsc_adjust_move_together (void)
{
  VtX86Test test;
  uint64_t value;
  x86_test_setup (&test, 1 << 20, 32);
  VtX86Cpu *cpu = test.cpu;
  vt_clock_start (test.clock);
  vt_clock_advance (test.clock, 1000);
  uint64_t before = vt_x86_read_tsc (cpu);
  g_assert_true (vt_x86_write_msr (cpu, 0x10, before + 500));
  g_assert_cmpuint (vt_x86_read_tsc (cpu), ==, before + 500);
  g_assert_true (vt_x86_read_msr (cpu, 0x3b, &value));
  g_assert_cmpuint (value, ==, 500);
  g_assert_true (vt_x86_write_msr (cpu, 0x3b, 0));
  g_assert_cmpuint (vt_x86_read_tsc (cpu), ==, before);
  vt_clock_advance (test.clock, 7);
  g_assert_cmpuint (vt_x86_read_tsc (cpu), ==, before + 7);
  x86_test_teardown (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/x86/model/every name makes a model", every_name_makes_a_model);
  g_test_add_func ("/x86/model/models grow along their line", models_grow_along_their_line);
  g_test_add_func ("/x86/model/names select what they say", names_select_what_they_say);
  g_test_add_func ("/x86/model/aliases mean max", aliases_mean_max);
  g_test_add_func ("/x86/model/an unknown model is refused with the list", an_unknown_model_is_refused_with_the_list);
  g_test_add_func ("/x86/model/features can be set and cleared", features_can_be_set_and_cleared);
  g_test_add_func ("/x86/cpuid/names the vendor and us", cpuid_names_the_vendor_and_us);
  g_test_add_func ("/x86/msr/values are checked", msr_values_are_checked);
  g_test_add_func ("/x86/msr/TSC and TSC_ADJUST move together", tsc_and_tsc_adjust_move_together);
  return g_test_run ();
}

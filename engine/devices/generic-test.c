/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every registered device gets for free.
 *
 * The tests know nothing of any device: they drive the regions that its class names, and its state table.  Offsets come
 * mostly from the register table and values are mostly small, because full-range noise seldom reaches a register or a near
 * deadline.  `--seed` repeats a run (GLib prints the seed); `-p /devices/NAME` picks one device; VT_GENERIC_ROUNDS sets how
 * often each test repeats.
 */
#include "rig.h"

#define ROUNDS 20
#define OPS    400

/* For the watchdog; atomic. */
static int         steps;     /* random lives begun */
static const char *current;   /* class */

static const VtState *
table (const Rig *rig)
{
  return &rig->dev->cls->state;
}

/* --- Random guests -------------------------------------------------------------------------------------------------- */

/* xorshift64*: the same sequence can be played to two devices. */
typedef struct
{
  uint64_t s;
} Rng;

static uint64_t
next (Rng *rng)
{
  rng->s ^= rng->s >> 12;
  rng->s ^= rng->s << 25;
  rng->s ^= rng->s >> 27;
  return rng->s * UINT64_C (0x2545f4914f6cdd1d);
}

static uint64_t
below (Rng *rng, uint64_t limit)
{
  return next (rng) % limit;
}

static Rng
rng_new (void)
{
  return (Rng) { (uint64_t) (uint32_t) g_test_rand_int () << 32 | (uint32_t) g_test_rand_int () | 1 };
}

static uint64_t
random_value (Rng *rng)
{
  switch (below (rng, 8))
    {
    case 0: return UINT64_MAX;
    case 1: return next (rng);
    case 2: return UINT64_C (1) << below (rng, 64);
    case 3: return below (rng, RIG_RAM_BYTES) & ~VT_PAGE_MASK;
    case 4: return below (rng, 256);
    default: return below (rng, 16);
    }
}

static uint64_t
random_offset (Rng *rng, const VtDeviceClass *cls, const VtRegion *region)
{
  if (cls->n_regs > 0 && below (rng, 4) != 0)
    {
      uint64_t off = cls->regs[below (rng, cls->n_regs)].off;
      if (off < region->length)
        return off;
    }
  return below (rng, below (rng, 2) ? MIN (region->length, 64) : region->length);
}

static unsigned
random_size (Rng *rng, const VtRegion *region)
{
  unsigned least = MAX (region->ops->min_size, 1), most = region->ops->max_size != 0 ? region->ops->max_size : 8;
  unsigned size = 1u << below (rng, 4);
  return CLAMP (size, least, most);
}

static void
random_access (Rig *rig, Rng *rng)
{
  const VtDeviceClass *cls = rig->dev->cls;
  size_t n = 0;
  while (cls->regions != NULL && cls->regions[n] != NULL)
    n++;
  if (n == 0)
    return;
  const VtRegion *region = cls->regions[below (rng, n)];
  unsigned size = random_size (rng, region);
  uint64_t off = random_offset (rng, cls, region);
  if (!region->ops->unaligned)
    off &= ~(uint64_t) (size - 1);
  uint64_t value = random_value (rng) & vt_mask_bytes (size);
  if (!vt_fits (off, size, region->length))
    return;
  if (below (rng, 3) == 0)
    rig_note (rig, region->ops->read (rig->dev, off, size) & vt_mask_bytes (size));
  else
    region->ops->write (rig->dev, off, value, size);
}

static void
random_time (Rig *rig, Rng *rng)
{
  static const int64_t lengths[] = { 10, 1000, 100000, 1000000, 10000000 };
  vt_clock_advance (rig->clock, (int64_t) below (rng, (uint64_t) lengths[below (rng, G_N_ELEMENTS (lengths))]) + 1);
}

/* Descriptors that look like something: pages of small numbers and of addresses inside RAM. */
static void
random_memory (Rig *rig, Rng *rng)
{
  uint64_t page = below (rng, RIG_RAM_BYTES / VT_PAGE_SIZE);
  for (unsigned i = 0; i < 64; i++)
    vt_store_le (rig->host + page * VT_PAGE_SIZE + below (rng, VT_PAGE_SIZE / 4) * 4, random_value (rng), 4);
}

static void
random_life (Rig *rig, Rng *rng, unsigned ops)
{
  g_atomic_int_inc (&steps);
  for (unsigned i = 0; i < ops; i++)
    switch (below (rng, 16))
      {
      case 0: random_time (rig, rng); break;
      case 1: random_memory (rig, rng); break;
      default: random_access (rig, rng); break;
      }
}

static void
start (Rig *rig, const VtDeviceClass *cls)
{
  g_atomic_pointer_set (&current, cls->name);
  rig_init (rig, cls);
}

static unsigned
rounds (void)
{
  const char *text = g_getenv ("VT_GENERIC_ROUNDS");
  return text != NULL ? (unsigned) g_ascii_strtoull (text, NULL, 10) : ROUNDS;
}

/* --- Fields --------------------------------------------------------------------------------------------------------- */

static void
every_byte_of_state_belongs_to_one_field (const void *data)
{
  const VtDeviceClass *cls = data;
  g_autofree char *message = NULL;
  if (!vt_state_complete (&cls->state, &message))
    g_error ("%s: %s", cls->name, message);
}

static void
assert_field (Rig *rig, const VtField *field, const uint8_t *expected, const char *when)
{
  const uint8_t *actual = (const uint8_t *) vt_device_state (rig->dev) + field->off;
  if (memcmp (actual, expected, field->len) != 0)
    g_error ("%s: field %s is wrong %s", rig->dev->cls->name, field->name, when);
}

static void
a_guest_reset_restores_exactly_the_fields_that_are_not_kept (const void *data)
{
  const VtDeviceClass *cls = data;
  for (unsigned round = 0; round < rounds (); round++)
    {
      g_auto(Rig) rig;
      start (&rig, cls);
      Rng rng = rng_new ();
      random_life (&rig, &rng, OPS);
      rig_pause (&rig);
      g_autofree uint8_t *before = g_memdup2 (vt_device_state (rig.dev), cls->state.size);
      g_autofree uint8_t *fresh = g_malloc0 (cls->state.size);
      if (cls->state.at_reset != NULL)
        memcpy (fresh, cls->state.at_reset, cls->state.size);
      vt_device_reset (rig.dev, VT_RESET_GUEST);
      for (const VtField *f = cls->state.fields; f < cls->state.fields + cls->state.n_fields; f++)
        assert_field (&rig, f, (f->kept ? before : fresh) + f->off, "after a guest reset");
      vt_device_reset (rig.dev, VT_RESET_POWER);
      for (const VtField *f = cls->state.fields; f < cls->state.fields + cls->state.n_fields; f++)
        assert_field (&rig, f, fresh + f->off, "after a power-on reset");
      vt_device_set_running (rig.dev, true);
      random_life (&rig, &rng, 50);
    }
}

/* --- Save and load -------------------------------------------------------------------------------------------------- */

static GByteArray *
save (Rig *rig)
{
  GByteArray *bytes = g_byte_array_new ();
  vt_device_save (rig->dev, bytes);
  return bytes;
}

static bool
load (Rig *rig, const uint8_t *bytes, size_t len, GError **error)
{
  rig->loading = true;
  bool ok = vt_device_load (rig->dev, table (rig)->version, bytes, len, error);
  rig->loading = false;
  return ok;
}

/* Memory of their own, which is not part of what these tests save; or the host's connections, which end with a load. */
static bool
has_another_future (const VtDeviceClass *cls)
{
  static const char *const names[] = { "stdvga", "bochs-display", "virtio-gpu-pci", "virtio-vga", "flash", "virtio-vsock-pci", NULL };
  return g_strv_contains (names, cls->name);
}

static void
a_loaded_device_is_the_saved_one_and_has_the_same_future (const void *data)
{
  const VtDeviceClass *cls = data;
  for (unsigned round = 0; round < rounds (); round++)
    {
      g_auto(Rig) a;
      g_auto(Rig) b;
      start (&a, cls);
      start (&b, cls);
      Rng rng = rng_new ();
      random_life (&a, &rng, OPS);
      rig_pause (&a);
      rig_pause (&b);
      g_autoptr(GByteArray) saved = save (&a);

      memcpy (b.host, a.host, RIG_RAM_BYTES);
      vt_clock_set_now (b.clock, vt_clock_now (a.clock));
      unsigned edges = b.edges;
      g_autoptr(GError) error = NULL;
      bool ok = load (&b, saved->data, saved->len, &error);
      g_assert_no_error (error);
      g_assert_true (ok);
      g_assert_cmpuint (b.edges, ==, edges);   /* loading makes no interrupt */
      g_autoptr(GByteArray) again = save (&b);
      g_assert_cmpmem (saved->data, saved->len, again->data, again->len);

      if (has_another_future (cls))
        continue;
      a.history = b.history = 0;
      vt_device_set_running (a.dev, true);
      vt_device_set_running (b.dev, true);
      Rng rng_b = rng;
      random_life (&a, &rng, OPS);
      random_life (&b, &rng_b, OPS);
      if (a.history != b.history)
        g_error ("%s: the loaded device behaves differently", cls->name);
      rig_pause (&a);
      rig_pause (&b);
      g_autoptr(GByteArray) end_a = save (&a);
      g_autoptr(GByteArray) end_b = save (&b);
      g_assert_cmpmem (end_a->data, end_a->len, end_b->data, end_b->len);
    }
}

static void
mutate (GByteArray *bytes, Rng *rng)
{
  unsigned hits = 1 + (unsigned) below (rng, 8);
  for (unsigned i = 0; i < hits && bytes->len > 0; i++)
    {
      uint8_t *at = &bytes->data[below (rng, bytes->len)];
      switch (below (rng, 4))
        {
        case 0: *at = (uint8_t) next (rng); break;
        case 1: *at ^= 1u << below (rng, 8); break;
        case 2: *at = 0xff; break;
        default: *at = (uint8_t) random_value (rng); break;
        }
    }
  if (below (rng, 16) == 0)
    g_byte_array_set_size (bytes, (guint) below (rng, bytes->len + 8));
}

static void
a_hostile_stream_is_refused_whole_or_leaves_a_usable_device (const void *data)
{
  const VtDeviceClass *cls = data;
  unsigned refused = 0, taken = 0;
  for (unsigned round = 0; round < rounds () * 5; round++)
    {
      g_auto(Rig) rig;
      start (&rig, cls);
      Rng rng = rng_new ();
      random_life (&rig, &rng, OPS / 8);
      rig_pause (&rig);
      g_autoptr(GByteArray) good = save (&rig);
      g_autoptr(GByteArray) bad = save (&rig);
      if (below (&rng, 8) == 0)
        for (guint i = 0; i < bad->len; i++)
          bad->data[i] = (uint8_t) next (&rng);
      else
        mutate (bad, &rng);
      g_autoptr(GError) error = NULL;
      if (load (&rig, bad->data, bad->len, &error))
        taken++;
      else
        {
          refused++;
          g_assert_nonnull (error);
          g_autoptr(GByteArray) after = save (&rig);
          g_assert_cmpmem (good->data, good->len, after->data, after->len);
        }
      vt_device_set_running (rig.dev, true);
      random_life (&rig, &rng, OPS / 4);
      vt_clock_advance (rig.clock, VT_NS_PER_SECOND / 10);
      vt_device_reset (rig.dev, VT_RESET_GUEST);
      random_life (&rig, &rng, OPS / 8);
    }
  g_test_message ("%u streams refused, %u taken", refused, taken);
}

/* --- Traffic -------------------------------------------------------------------------------------------------------- */

static void
random_register_traffic_never_breaks_it (const void *data)
{
  const VtDeviceClass *cls = data;
  for (unsigned round = 0; round < rounds (); round++)
    {
      g_auto(Rig) rig;
      start (&rig, cls);
      Rng rng = rng_new ();
      for (unsigned page = 0; page < RIG_RAM_BYTES / VT_PAGE_SIZE; page++)
        random_memory (&rig, &rng);
      random_life (&rig, &rng, OPS * 10);
      rig_pause (&rig);
    }
}

/* --- A test that hangs fails, and says where ------------------------------------------------------------------------- */

#define HANG_SECONDS 60

static void *
watch (void *opaque)
{
  int seen = -1;
  for (unsigned idle = 0; idle < HANG_SECONDS; idle++)
    {
      g_usleep (G_USEC_PER_SEC);
      int now = g_atomic_int_get (&steps);
      if (now != seen)
        idle = 0;
      seen = now;
    }
  g_error ("%s: no progress for %u seconds", (const char *) g_atomic_pointer_get (&current), HANG_SECONDS);
  return NULL;
}

static void
drop (const char *domain, GLogLevelFlags level, const char *message, void *opaque)
{
}

static void
add (const VtDeviceClass *cls, const char *name, GTestDataFunc test)
{
  g_autofree char *path = g_strdup_printf ("/devices/%s/%s", cls->name, name);
  g_test_add_data_func (path, cls, test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_handler (G_LOG_DOMAIN, G_LOG_LEVEL_DEBUG, drop, NULL);   /* guest warnings: random guests earn many */
  g_thread_unref (g_thread_new ("watch", watch, NULL));
  for (const VtDeviceClass *const *cls = vt_device_classes; *cls != NULL; cls++)
    {
      add (*cls, "fields-complete", every_byte_of_state_belongs_to_one_field);
      add (*cls, "reset", a_guest_reset_restores_exactly_the_fields_that_are_not_kept);
      add (*cls, "save-load", a_loaded_device_is_the_saved_one_and_has_the_same_future);
      add (*cls, "hostile-stream", a_hostile_stream_is_refused_whole_or_leaves_a_usable_device);
      add (*cls, "traffic", random_register_traffic_never_breaks_it);
    }
  return g_test_run ();
}

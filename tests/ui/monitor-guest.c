/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A program for a Linux guest: gives each connected monitor its preferred mode, as a desktop does, and fills it with the pattern
 * of tests/ui/pattern.py. Looks again and again. With "cursor" on the kernel's command line the first monitor has a pointer.
 * Interface: the kernel's DRM mode setting, include/uapi/drm/drm_mode.h; for which Debian has no header without a library. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX 16
#define DRM(number, type) _IOWR ('d', number, type)

typedef struct
{
  uint64_t fbs, crtcs, connectors, encoders;
  uint32_t n_fbs, n_crtcs, n_connectors, n_encoders, min_width, max_width, min_height, max_height;
} Resources;

typedef struct
{
  uint32_t clock;
  uint16_t hdisplay, hsync_start, hsync_end, htotal, hskew, vdisplay, vsync_start, vsync_end, vtotal, vscan;
  uint32_t vrefresh, flags, type;
  char     name[32];
} Mode;

typedef struct
{
  uint64_t encoders, modes, props, values;
  uint32_t n_modes, n_props, n_encoders, encoder, id, type, type_id, connection, mm_width, mm_height, subpixel, pad;
} Connector;

typedef struct
{
  uint64_t connectors;
  uint32_t n_connectors, id, fb, x, y, gamma, valid;
  Mode     mode;
} Crtc;

typedef struct
{
  uint32_t height, width, bpp, flags, handle, pitch;
  uint64_t size;
} Dumb;

typedef struct
{
  uint32_t handle, pad;
  uint64_t offset;
} Map;

typedef struct
{
  uint32_t fb, width, height, pitch, bpp, depth, handle;
} Fb;

typedef struct
{
  uint32_t flags, crtc;
  int32_t  x, y;
  uint32_t width, height, handle;
  int32_t  hot_x, hot_y;
} Cursor;

enum { SET_MASTER = 0x1e, GET_RESOURCES = 0xa0, SET_CRTC = 0xa2, GET_CONNECTOR = 0xa7, ADD_FB = 0xae, RM_FB = 0xaf,
       CREATE_DUMB = 0xb2, MAP_DUMB = 0xb3, DESTROY_DUMB = 0xb4, CURSOR = 0xbb, CONNECTED = 1, PREFERRED = 1 << 3,
       CURSOR_IMAGE = 1, CURSOR_MOVE = 2, EDGE = 64 };

typedef struct
{
  uint32_t width, height, fb, handle;
} Shown;

static Shown shown[MAX];

static void *
make_dumb (int card, uint32_t width, uint32_t height, Dumb *dumb)
{
  *dumb = (Dumb) { .width = width, .height = height, .bpp = 32 };
  Map map = { 0 };
  if (ioctl (card, DRM (CREATE_DUMB, Dumb), dumb) < 0)
    return NULL;
  map.handle = dumb->handle;
  if (ioctl (card, DRM (MAP_DUMB, Map), &map) < 0)
    return NULL;
  void *pixels = mmap (NULL, dumb->size, PROT_READ | PROT_WRITE, MAP_SHARED, card, (off_t) map.offset);
  return pixels != MAP_FAILED ? pixels : NULL;
}

static void
draw (void *pixels, const Dumb *dumb)
{
  for (uint32_t y = 0; y < dumb->height; y++)
    {
      uint32_t *row = (uint32_t *) (void *) ((char *) pixels + (size_t) y * dumb->pitch);
      for (uint32_t x = 0; x < dumb->width; x++)
        row[x] = ((x * 7 + dumb->width) & 0xff) << 16 | ((y * 5 + dumb->height) & 0xff) << 8 | ((x ^ y) & 0xff);
    }
}

static void
forget (int card, Shown *old)
{
  if (old->fb != 0)
    {
      ioctl (card, DRM (RM_FB, uint32_t), &old->fb);
      ioctl (card, DRM (DESTROY_DUMB, uint32_t), &old->handle);
    }
  *old = (Shown) { 0 };
}

static bool
show (int card, uint32_t crtc_id, uint32_t connector, const Mode *mode, Shown *slot)
{
  Dumb  dumb;
  void *pixels = make_dumb (card, mode->hdisplay, mode->vdisplay, &dumb);
  if (pixels == NULL)
    return false;
  draw (pixels, &dumb);
  Fb   fb = { .width = dumb.width, .height = dumb.height, .pitch = dumb.pitch, .bpp = 32, .depth = 24, .handle = dumb.handle };
  Crtc crtc = { .connectors = (uintptr_t) &connector, .n_connectors = 1, .id = crtc_id, .valid = 1, .mode = *mode };
  bool ok = ioctl (card, DRM (ADD_FB, Fb), &fb) == 0;
  crtc.fb = fb.fb;
  ok = ok && ioctl (card, DRM (SET_CRTC, Crtc), &crtc) == 0;
  munmap (pixels, dumb.size);
  Shown old = *slot;
  *slot = (Shown) { dumb.width, dumb.height, fb.fb, dumb.handle };
  forget (card, &old);
  return ok;
}

static void
hide (int card, uint32_t crtc_id, Shown *slot)
{
  Crtc crtc = { .id = crtc_id };
  ioctl (card, DRM (SET_CRTC, Crtc), &crtc);
  forget (card, slot);
}

static const Mode *
preferred (const Mode *modes, uint32_t n)
{
  for (uint32_t i = 0; i < n; i++)
    if (modes[i].type & PREFERRED)
      return &modes[i];
  return n > 0 ? modes : NULL;
}

static void
look (int card, unsigned i, uint32_t connector_id, uint32_t crtc_id)
{
  static Mode modes[128];
  Connector   connector = { .id = connector_id };
  ioctl (card, DRM (GET_CONNECTOR, Connector), &connector);       /* probes */
  connector = (Connector) { .id = connector_id, .modes = (uintptr_t) modes, .n_modes = 128 };
  if (ioctl (card, DRM (GET_CONNECTOR, Connector), &connector) < 0)
    return;
  const Mode *mode = preferred (modes, connector.n_modes);
  bool        on = connector.connection == CONNECTED && mode != NULL;
  if (!on && shown[i].width != 0)
    {
      hide (card, crtc_id, &shown[i]);
      printf ("monitor %u off\n", i);
    }
  else if (on && (shown[i].width != mode->hdisplay || shown[i].height != mode->vdisplay))
    printf ("monitor %u %ux%u %ux%u mm %s\n", i, mode->hdisplay, mode->vdisplay, connector.mm_width, connector.mm_height,
            show (card, crtc_id, connector_id, mode, &shown[i]) ? "shown" : "failed");
}

/* A cross of 17 pixels, in the middle of its hot spot. */
static void
show_cursor (int card, uint32_t crtc)
{
  Dumb      dumb;
  uint32_t *pixels = make_dumb (card, EDGE, EDGE, &dumb);
  for (unsigned i = 0; pixels != NULL && i < EDGE * EDGE; i++)
    pixels[i] = (i / EDGE == 8 && i % EDGE < 17) || (i % EDGE == 8 && i / EDGE < 17) ? 0xffff8000 : 0;
  Cursor cursor = { .flags = CURSOR_IMAGE | CURSOR_MOVE, .crtc = crtc, .x = 92, .y = 42, .width = EDGE, .height = EDGE,
                    .handle = dumb.handle, .hot_x = 8, .hot_y = 8 };
  if (ioctl (card, DRM (CURSOR, Cursor), &cursor) < 0)
    perror ("cursor");
}

static bool
wants_cursor (void)
{
  char line[1024] = "";
  int  fd = open ("/proc/cmdline", O_RDONLY);
  if (read (fd, line, sizeof line - 1) < 0)
    return false;
  close (fd);
  return strstr (line, " cursor") != NULL;
}

int
main (void)
{
  uint32_t  crtcs[MAX], connectors[MAX];
  Resources all = { .crtcs = (uintptr_t) crtcs, .connectors = (uintptr_t) connectors, .n_crtcs = MAX, .n_connectors = MAX };
  int       card;
  setvbuf (stdout, NULL, _IOLBF, 0);
  while ((card = open ("/dev/dri/card0", O_RDWR)) < 0)
    usleep (100000);
  ioctl (card, _IO ('d', SET_MASTER));
  if (ioctl (card, DRM (GET_RESOURCES, Resources), &all) < 0)
    return 1;
  for (bool cursor = wants_cursor ();; usleep (100000))
    {
      for (unsigned i = 0; i < all.n_connectors && i < all.n_crtcs; i++)
        look (card, i, connectors[i], crtcs[i]);
      if (cursor && shown[0].width != 0)
        show_cursor (card, crtcs[0]);
      cursor = cursor && shown[0].width == 0;
    }
}

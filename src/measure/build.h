/* SPDX-License-Identifier: Apache-2.0 */
/* Compiling and linking the test firmware of one library in a private folder. */
#ifndef DTMM_MEASURE_BUILD_H
#define DTMM_MEASURE_BUILD_H

#include "measure/measure.h"

/* Where a source comes from; its object's folder decides its sections (board/common/sections.ld).
 */
enum source_group {
    GROUP_GENERATED = 1, /* firmware.c, written for the model -> harness/ */
    GROUP_BOARD = 2,     /* board/common, board/<startup> -> harness/ */
    GROUP_MODEL = 4,     /* OUT/src -> model/ */
    GROUP_RUNTIME = 8,   /* OUT/runtime, board/<startup>/library -> runtime/ */
    GROUP_ALL = 15
};

struct source {
    enum source_group group;
    const char *path, *object; /* absolute; relative to the workshop's folder */
};

/* One build. The caller gives `firmware` and `arena`, and removes `folder` (null: not made yet). */
struct workshop {
    const struct firmware *firmware;
    struct arena *arena;
    size_t n_samples;
    int per_layer;               /* the model calls the recorder after each layer */
    const char *folder;          /* private, temporary */
    const char *library, *board; /* absolute paths of OUT and of the boards */
    struct source *sources;
    size_t n_sources, sources_size;
};

/* Checks the firmware's facts, makes the private folder, lists the sources. */
enum status workshop_open(struct workshop *workshop, struct diag *diag);

/* Lists the sources in a fixed order; part of workshop_open(). */
enum status workshop_list_sources(struct workshop *workshop, struct diag *diag);

/* Compiles the sources of `groups`; needed again for what depends on `per_layer` or `n_samples`. */
enum status workshop_compile(struct workshop *workshop, unsigned groups, struct diag *diag);

/* Links with memories without end and reads the sizes; ERR_BUDGET when a budget or the target is
 * too small for them. `sram_bytes`: data + bss + arena. */
enum status workshop_size(struct workshop *workshop, struct built *built, size_t *sram_bytes,
                          struct diag *diag);

/* Links firmware.elf to be run. ERR_BUDGET when the emulated machine is too small. */
enum status workshop_link(struct workshop *workshop, struct diag *diag);

/* What the library may need: the smaller of the budget and the target's memory. */
size_t flash_limit(const struct firmware *firmware);
size_t sram_limit(const struct firmware *firmware);

#define TOOL_TIMEOUT_SECONDS 300

#endif

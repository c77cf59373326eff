/* SPDX-License-Identifier: Apache-2.0 */
/* A folder that appears complete or not at all: filled under another name, then renamed. */
#ifndef DTMM_BASE_STAGE_H
#define DTMM_BASE_STAGE_H

#include "base/arena.h"
#include "base/status.h"

struct stage {
    const char *folder; /* to be filled */
    const char *path;   /* its name once complete */
    const char *made;   /* the topmost parent that had to be made, or NULL */
};

/* Makes an empty folder beside `path`, and the parents that are missing. Holds interrupts until
 * stage_commit() or stage_discard(), unless it fails. */
enum status stage_open(const char *path, struct arena *arena, struct stage *stage,
                       struct diag *diag);

/* Renames it to its path; a folder that is there is removed. Discards it when that fails. */
enum status stage_commit(const struct stage *stage, struct arena *arena, struct diag *diag);

/* Removes it, and the parents that were made. */
void stage_discard(const struct stage *stage);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A set of unique names, each with a number: finding and adding take constant time. */
#ifndef DTMM_GRAPH_NAME_SET_H
#define DTMM_GRAPH_NAME_SET_H

#include <stdint.h>

#include "base/arena.h"

struct name_set;

/* An empty set in memory of the arena. */
struct name_set *name_set_start(struct arena *arena);

/* The number of a name, or -1 when it is not in the set. */
int32_t name_set_find(const struct name_set *names, const char *name);

/* Adds a name that is not in the set. The string is not copied. */
void name_set_add(struct name_set *names, const char *name, int32_t id);

/* `name` itself when it is free, otherwise a free one made of it: "name_1", "name_2", ... */
const char *name_set_unique(struct name_set *names, const char *name);

#endif

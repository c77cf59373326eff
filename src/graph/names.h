/* SPDX-License-Identifier: Apache-2.0 */
/* A set of unique names, each with a number: finding and adding take constant time. */
#ifndef DTMM_GRAPH_NAMES_H
#define DTMM_GRAPH_NAMES_H

#include <stdint.h>

#include "base/arena.h"

struct names;

/* An empty set in memory of the arena. */
struct names *names_start(struct arena *arena);

/* The number of a name, or -1 when it is not in the set. */
int32_t names_find(const struct names *names, const char *name);

/* Adds a name that is not in the set. The string is not copied. */
void names_add(struct names *names, const char *name, int32_t id);

/* `name` itself when it is free, otherwise a free one made of it: "name_1", "name_2", ... */
const char *names_unique(struct names *names, const char *name);

#endif

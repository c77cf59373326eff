/* SPDX-License-Identifier: Apache-2.0 */
#include "graph/name_set.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

struct name_set_entry {
    const char *name; /* NULL: free */
    uint64_t hash;
    int32_t id;
    int32_t last_suffix; /* tried by name_set_unique(), so that many equal names stay cheap */
};

/* Open addressing with linear probing; `size` is a power of two, at most half of it used. */
struct name_set {
    struct arena *arena;
    size_t n, size;
    struct name_set_entry *entries;
};

/* FNV-1a with a final mix, since linear probing needs good low bits. */
static uint64_t name_hash(const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *name != '\0'; name++)
        hash = (hash ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
    hash ^= hash >> 32;
    hash *= UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ (hash >> 29);
}

struct name_set *name_set_start(struct arena *arena)
{
    struct name_set *names = ARENA_NEW(arena, struct name_set);
    names->arena = arena;
    names->size = 64;
    names->entries = ARENA_ARRAY(arena, names->size, struct name_set_entry);
    return names;
}

/* The entry of the name, or the free one where it belongs. */
static struct name_set_entry *name_set_slot(const struct name_set *names, const char *name,
                                            uint64_t hash)
{
    size_t i = (size_t)hash & (names->size - 1);
    while (names->entries[i].name != NULL &&
           (names->entries[i].hash != hash || strcmp(names->entries[i].name, name) != 0))
        i = (i + 1) & (names->size - 1);
    return &names->entries[i];
}

static void name_set_grow(struct name_set *names)
{
    const struct name_set_entry *old = names->entries;
    size_t old_size = names->size;
    names->size *= 2;
    names->entries = ARENA_ARRAY(names->arena, names->size, struct name_set_entry);
    for (size_t i = 0; i < old_size; i++)
        if (old[i].name != NULL)
            *name_set_slot(names, old[i].name, old[i].hash) = old[i];
}

int32_t name_set_find(const struct name_set *names, const char *name)
{
    const struct name_set_entry *entry = name_set_slot(names, name, name_hash(name));
    return entry->name == NULL ? -1 : entry->id;
}

void name_set_add(struct name_set *names, const char *name, int32_t id)
{
    if (2 * (names->n + 1) > names->size)
        name_set_grow(names);
    uint64_t hash = name_hash(name);
    struct name_set_entry *entry = name_set_slot(names, name, hash);
    assert(entry->name == NULL);
    *entry = (struct name_set_entry){.name = name, .hash = hash, .id = id};
    names->n++;
}

const char *name_set_unique(struct name_set *names, const char *name)
{
    struct name_set_entry *entry = name_set_slot(names, name, name_hash(name));
    const char *candidate = name;
    while (name_set_find(names, candidate) >= 0)
        candidate = arena_printf(names->arena, "%s_%d", name, ++entry->last_suffix);
    return candidate;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "schedule/layouts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "pass/pass.h"

/* The channels of a tensor that belong to one set: how many each choice keeps. */
struct share {
    int32_t knob;
    int32_t kept[MAX_CHOICES];
};

/* The channels of a tensor: those that always stay, and those of sets. */
struct width {
    int32_t fixed, n_shares;
    struct share *shares;
    size_t column_bytes; /* of one channel at all positions */
};

struct entry {
    struct entry *next;
    uint64_t hash;
    uint32_t *key; /* key_words of the layouts */
    struct layout *layout;
};

struct layouts {
    const struct space *space;
    struct arena arena;
    struct width *widths; /* by tensor */
    struct graph graph;   /* with tensors of its own, whose last dimensions change */
    size_t *bytes;        /* by tensor */
    size_t n_buckets, n_entries, key_words;
    uint32_t *key;
    struct entry **buckets;
    uint8_t is_in_place[N_KERNELS]; /* writes its output over an input of any size */
    struct arena scratch;
};

/* ---- widths ---- */

static struct share *share_of(struct layouts *layouts, struct width *width, int32_t knob)
{
    int32_t i = 0;
    while (i < width->n_shares && width->shares[i].knob != knob)
        i++;
    if (i < width->n_shares)
        return &width->shares[i];
    if (width->shares == NULL)
        width->shares = ARENA_ARRAY(&layouts->arena, (size_t)layouts->space->n_knobs, struct share);
    width->shares[i].knob = knob;
    width->n_shares++;
    return &width->shares[i];
}

/* The place of each class in its set's order: choices that remove more classes remove it. */
static int32_t *class_places(const struct space *space, struct arena *arena)
{
    int32_t *places = ARENA_ARRAY(arena, (size_t)space->groups->n_groups + 1, int32_t);
    for (int32_t s = 0; s < space->sets.n_sets; s++)
        for (int32_t i = 0; i < space->sets.n_classes[s]; i++)
            places[space->sets.classes[s][i]] = i;
    return places;
}

static void widths_find(struct layouts *layouts, const int32_t *places)
{
    const struct space *space = layouts->space;
    const struct groups *groups = space->groups;
    for (int32_t t = 0; t < groups->n_tensors; t++) {
        struct width *width = &layouts->widths[t];
        if (groups->channels[t] == NULL)
            continue;
        width->column_bytes =
            tensor_bytes(&space->graph->tensors[t]) / (size_t)groups->n_channels[t];
        for (int32_t c = 0; c < groups->n_channels[t]; c++) {
            int32_t class = groups->channels[t][c];
            if (class < 0) {
                width->fixed++;
                continue;
            }
            int32_t k = space->filters_knob[space->sets.of_class[class]];
            struct share *share = share_of(layouts, width, k);
            for (int32_t i = 0; i < space->knobs[k].n_choices; i++)
                share->kept[i] += places[class] >= space->knobs[k].choices[i].n_absent;
        }
    }
}

static int32_t width_get(const struct width *width, const uint8_t *candidate)
{
    int32_t n = width->fixed;
    for (int32_t i = 0; i < width->n_shares; i++)
        n += width->shares[i].kept[candidate[width->shares[i].knob]];
    return n;
}

const size_t *layouts_bytes(struct layouts *layouts, const uint8_t *candidate)
{
    for (int32_t t = 0; t < layouts->graph.n_tensors; t++) {
        const struct width *width = &layouts->widths[t];
        layouts->bytes[t] = width->column_bytes * (size_t)width_get(width, candidate);
    }
    return layouts->bytes;
}

/* ---- memory ---- */

struct layouts *layouts_make(const struct space *space)
{
    struct arena scratch = {0};
    size_t n = (size_t)space->graph->n_tensors + 1;
    struct layouts *layouts = calloc(1, sizeof *layouts);
    assert(layouts != NULL);
    layouts->space = space;
    layouts->graph = *space->graph;
    layouts->graph.tensors =
        arena_copy(&layouts->arena, space->graph->tensors, (n - 1) * sizeof(struct tensor));
    layouts->widths = ARENA_ARRAY(&layouts->arena, n, struct width);
    layouts->bytes = ARENA_ARRAY(&layouts->arena, n, size_t);
    layouts->n_buckets = (size_t)1 << 10;
    layouts->buckets = ARENA_ARRAY(&layouts->arena, layouts->n_buckets, struct entry *);
    for (int k = 0; k < N_KERNELS; k++)
        layouts->is_in_place[k] = strstr(kernel_facts((enum kernel)k)->name, "inplace") != NULL;
    widths_find(layouts, class_places(space, &scratch));
    arena_free(&scratch);
    return layouts;
}

void layouts_free(struct layouts *layouts)
{
    if (layouts == NULL)
        return;
    arena_free(&layouts->scratch);
    arena_free(&layouts->arena);
    free(layouts);
}

/* ---- keys ---- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

/* What plan() asks of a call's kernel. Of a layer's only whether it works in place; those of other
 * ops may do so where sizes are equal. */
static uint32_t kernel_key(const struct layouts *layouts, const struct packed_call *call)
{
    const struct node *node = &layouts->space->graph->nodes[call->node];
    return op_is_layer(node->op) ? layouts->is_in_place[call->kernel] : (uint32_t)call->kernel;
}

/* What decides on the layout: choices of the sets, kernels and their scratch memory. The calls of
 * a network are the same for all candidates. */
static uint64_t key_make(struct layouts *layouts, const uint8_t *candidate,
                         const struct packed *packed, int is_exact)
{
    const struct space *space = layouts->space;
    size_t n = 0;
    uint64_t hash = 0;
    if (layouts->key == NULL) {
        layouts->key_words = (size_t)space->sets.n_sets + 2 * (size_t)packed->n_calls + 1;
        layouts->key = ARENA_ARRAY(&layouts->arena, layouts->key_words + 1, uint32_t);
    }
    for (int32_t s = 0; s < space->sets.n_sets; s++)
        layouts->key[n++] = candidate[space->filters_knob[s]];
    for (int32_t c = 0; c < packed->n_calls; c++) {
        layouts->key[n++] = kernel_key(layouts, &packed->calls[c]);
        layouts->key[n++] = (uint32_t)packed->calls[c].scratch_bytes;
    }
    layouts->key[n++] = (uint32_t)is_exact;
    assert(n == layouts->key_words);
    for (size_t i = 0; i < n; i++)
        hash = mix(hash, layouts->key[i]);
    return hash;
}

static struct entry *entry_find(const struct layouts *layouts, uint64_t hash)
{
    struct entry *entry = layouts->buckets[hash & (layouts->n_buckets - 1)];
    while (entry != NULL &&
           !(entry->hash == hash &&
             memcmp(entry->key, layouts->key, layouts->key_words * sizeof *entry->key) == 0))
        entry = entry->next;
    return entry;
}

/* ---- planning ---- */

static void shapes_set(struct layouts *layouts, const uint8_t *candidate)
{
    struct graph *graph = &layouts->graph;
    for (int32_t t = 0; t < graph->n_tensors; t++) {
        struct shape *shape = &graph->tensors[t].shape;
        if (layouts->widths[t].column_bytes > 0 && shape->rank > 0)
            shape->dims[shape->rank - 1] = width_get(&layouts->widths[t], candidate);
    }
}

/* Keeps of the layout what is asked for again and again. */
static struct layout *layout_keep(const struct layout *from, struct arena *arena)
{
    struct layout *layout = arena_copy(arena, from, sizeof *from);
    layout->tensors = NULL;
    layout->scratch_offset = NULL;
    layout->live_bytes =
        arena_copy(arena, from->live_bytes, (size_t)from->n_calls * sizeof *from->live_bytes);
    return layout;
}

static void buckets_grow(struct layouts *layouts)
{
    struct entry **old = layouts->buckets;
    size_t n = layouts->n_buckets;
    layouts->n_buckets = 4 * n;
    layouts->buckets = ARENA_ARRAY(&layouts->arena, layouts->n_buckets, struct entry *);
    for (size_t i = 0; i < n; i++)
        for (struct entry *entry = old[i], *next; entry != NULL; entry = next) {
            struct entry **bucket = &layouts->buckets[entry->hash & (layouts->n_buckets - 1)];
            next = entry->next;
            entry->next = *bucket;
            *bucket = entry;
        }
}

static struct entry *entry_add(struct layouts *layouts, uint64_t hash, const struct layout *layout)
{
    struct arena *arena = &layouts->arena;
    if (layouts->n_entries++ == layouts->n_buckets)
        buckets_grow(layouts);
    struct entry **bucket = &layouts->buckets[hash & (layouts->n_buckets - 1)];
    struct entry *entry = ARENA_NEW(arena, struct entry);
    *entry = (struct entry){
        *bucket, hash, arena_copy(arena, layouts->key, layouts->key_words * sizeof *layouts->key),
        layout_keep(layout, arena)};
    return *bucket = entry;
}

enum status layouts_get(struct layouts *layouts, const uint8_t *candidate,
                        const struct packed *packed, int is_exact, const struct layout **layout,
                        struct diag *diag)
{
    uint64_t hash = key_make(layouts, candidate, packed, is_exact);
    struct entry *entry = entry_find(layouts, hash);
    if (entry == NULL) {
        struct layout *made;
        shapes_set(layouts, candidate);
        enum status status =
            (is_exact ? plan : plan_least)(&layouts->graph, packed, &layouts->scratch, &made, diag);
        if (status == OK)
            entry = entry_add(layouts, hash, made);
        arena_reset(&layouts->scratch);
        TRY(status);
    }
    *layout = entry->layout;
    return OK;
}

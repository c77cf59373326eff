/* SPDX-License-Identifier: Apache-2.0 */
#include "pass/plan_place.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/random.h"

/* Work is counted in elementary steps, not in seconds, so that every host finds the same result. */
enum {
    LOCAL_TRIES = 1000,
    LOCAL_WORK = 8000000,
    DEPTH_WORK = 8000000,
    DEPTH_ROUNDS = 6,
    DEPTH_BUFFERS = 2000
};

/* One problem and the best answer so far. */
struct placing {
    struct buffer *buffers; /* bytes rounded up to the alignment */
    int32_t n, n_calls;
    size_t bound;    /* largest sum at any call: nothing can be smaller */
    int32_t *order;  /* the greedy order being tried */
    int32_t *sorted; /* buffers placed so far, by offset */
    size_t *offsets; /* the answer being tried */
    size_t *best;
    size_t peak; /* of `best` */
    int64_t work;
};

static size_t align_up(size_t value, size_t alignment)
{
    return (value + alignment - 1) & ~(alignment - 1);
}

static size_t bytes_at(const struct buffer *buffer, int32_t call)
{
    return buffer->steps == NULL ? buffer->bytes : buffer->steps[call - buffer->first];
}

static int overlap_in_time(const struct buffer *a, const struct buffer *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* The most bytes of a buffer while the other one lives; they overlap in time. */
static size_t extent(const struct buffer *buffer, const struct buffer *other)
{
    int32_t first = buffer->first > other->first ? buffer->first : other->first;
    int32_t last = buffer->last < other->last ? buffer->last : other->last;
    size_t most = bytes_at(buffer, first);
    for (int32_t call = first; buffer->steps != NULL && call <= last; call++)
        if (bytes_at(buffer, call) > most)
            most = bytes_at(buffer, call);
    return most;
}

static size_t largest_sum(const struct buffer *buffers, int32_t n, int32_t n_calls,
                          struct arena *arena)
{
    size_t *sum = ARENA_ARRAY(arena, (size_t)n_calls + 1, size_t);
    size_t largest = 0;
    for (int32_t i = 0; i < n; i++)
        for (int32_t call = buffers[i].first; call <= buffers[i].last; call++) {
            sum[call] += bytes_at(&buffers[i], call);
            if (sum[call] > largest)
                largest = sum[call];
        }
    return largest;
}

/* The lowest offset for a buffer beside the first `k` of p->sorted. */
static size_t lowest_gap(struct placing *p, const struct buffer *buffer, int32_t k)
{
    size_t offset = 0;
    for (int32_t j = 0; j < k; j++) {
        const struct buffer *other = &p->buffers[p->sorted[j]];
        size_t start = p->offsets[p->sorted[j]];
        p->work++;
        if (!overlap_in_time(buffer, other) || start + extent(other, buffer) <= offset)
            continue;
        if (start >= offset + extent(buffer, other)) {
            if (buffer->steps == NULL)
                break;
            continue;
        }
        offset = align_up(start + extent(other, buffer), buffer->alignment);
        /* What was above may now be in the way. */
        if (buffer->steps != NULL)
            j = -1;
    }
    return offset;
}

/* Places the buffers one after the other in the given order, each into the lowest gap it fits;
 * returns the peak. Gives up, with SIZE_MAX, as soon as the peak reaches `limit`. */
static size_t place_in_order(struct placing *p, size_t limit)
{
    size_t peak = 0;
    for (int32_t k = 0; k < p->n; k++) {
        int32_t id = p->order[k];
        const struct buffer *buffer = &p->buffers[id];
        size_t offset = lowest_gap(p, buffer, k);
        p->work++;
        if (offset + buffer->bytes > peak)
            peak = offset + buffer->bytes;
        if (peak >= limit)
            return SIZE_MAX;
        p->offsets[id] = offset;
        int32_t place = k;
        for (; place > 0 && p->offsets[p->sorted[place - 1]] > offset; place--)
            p->sorted[place] = p->sorted[place - 1];
        p->sorted[place] = id;
    }
    return peak;
}

static int keep_if_better(struct placing *p, size_t peak)
{
    if (peak >= p->peak)
        return 0;
    p->peak = peak;
    memcpy(p->best, p->offsets, (size_t)p->n * sizeof *p->best);
    return 1;
}

/* ---- greedy orders ---- */

enum order { ORDER_SIZE, ORDER_AREA, ORDER_LIFETIME, ORDER_FIRST, ORDER_LAST, N_ORDERS };

static uint64_t order_key(const struct buffer *buffer, enum order order)
{
    uint64_t length = (uint64_t)(buffer->last - buffer->first) + 1;
    switch (order) {
    case ORDER_SIZE:
        return buffer->bytes;
    case ORDER_AREA:
        return buffer->bytes * length;
    case ORDER_LIFETIME:
        return length << 32 | buffer->bytes;
    case ORDER_FIRST:
        return (uint64_t)(INT32_MAX - buffer->first) << 32 | buffer->bytes;
    default:
        return (uint64_t)buffer->last << 32 | buffer->bytes;
    }
}

struct keyed {
    uint64_t key;
    int32_t id;
};

static int compare_keyed(const void *left, const void *right)
{
    const struct keyed *a = left, *b = right;
    if (a->key != b->key)
        return a->key > b->key ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

static void sort_order(struct placing *p, enum order order, struct keyed *keyed)
{
    for (int32_t i = 0; i < p->n; i++)
        keyed[i] = (struct keyed){order_key(&p->buffers[i], order), i};
    qsort(keyed, (size_t)p->n, sizeof *keyed, compare_keyed);
    for (int32_t i = 0; i < p->n; i++)
        p->order[i] = keyed[i].id;
}

/* Leaves the best order in p->order. */
static void place_greedily(struct placing *p, struct arena *arena)
{
    struct keyed *keyed = ARENA_ARRAY(arena, (size_t)p->n, struct keyed);
    enum order best = ORDER_SIZE;
    for (int order = 0; order < N_ORDERS && p->peak > p->bound; order++) {
        sort_order(p, (enum order)order, keyed);
        if (keep_if_better(p, place_in_order(p, SIZE_MAX)))
            best = (enum order)order;
    }
    sort_order(p, best, keyed);
}

/* ---- local search over orders ---- */

static void move_in_order(int32_t *order, int32_t from, int32_t to)
{
    int32_t moved = order[from];
    if (from < to)
        memmove(order + from, order + from + 1, (size_t)(to - from) * sizeof *order);
    else
        memmove(order + to + 1, order + to, (size_t)(from - to) * sizeof *order);
    order[to] = moved;
}

static void place_locally(struct placing *p)
{
    struct random random = {(uint64_t)p->n};
    /* Small problems are left to the search in depth, which solves them exactly. */
    int64_t limit = (int64_t)p->n * p->n * LOCAL_TRIES;
    if (limit > LOCAL_WORK)
        limit = LOCAL_WORK;
    p->work = 0;
    while (p->peak > p->bound && p->work < limit) {
        int32_t from = random_range(&random, 0, p->n - 1);
        int32_t to = random_range(&random, 0, p->n - 1);
        move_in_order(p->order, from, to);
        size_t peak = place_in_order(p, p->peak + 1);
        if (peak == SIZE_MAX)
            move_in_order(p->order, to, from);
        else
            keep_if_better(p, peak);
    }
}

/* ---- search in depth ----
 * Buffers are placed by rising offset. At each call all that is placed forms one column without
 * use for what lies below its top, so a buffer goes on the highest top of its lifetime. */

struct depth {
    struct placing *p;
    size_t target;     /* the peak must not exceed it */
    size_t *top;       /* by call: end of what is placed */
    size_t *remaining; /* by call: bytes not yet placed */
    size_t *undo;      /* tops before each placement, back to back */
    size_t n_undo;
    uint8_t *placed;
    int32_t *rank; /* buffers by falling size: the order in which equal choices are tried */
    size_t *natural;
    int32_t *choices; /* of all levels, back to back; an index into rank and its offset */
    size_t *offsets;
};

static size_t natural_offset(const struct depth *d, const struct buffer *buffer)
{
    size_t top = 0;
    for (int32_t call = buffer->first; call <= buffer->last; call++)
        if (d->top[call] > top)
            top = d->top[call];
    return align_up(top, buffer->alignment);
}

static void depth_push(struct depth *d, int32_t id)
{
    const struct buffer *buffer = &d->p->buffers[id];
    size_t offset = d->natural[id];
    for (int32_t call = buffer->first; call <= buffer->last; call++) {
        d->undo[d->n_undo++] = d->top[call];
        d->top[call] = offset + bytes_at(buffer, call);
        d->remaining[call] -= bytes_at(buffer, call);
    }
    d->p->offsets[id] = offset;
    d->placed[id] = 1;
}

static void depth_pop(struct depth *d, int32_t id)
{
    const struct buffer *buffer = &d->p->buffers[id];
    for (int32_t call = buffer->last; call >= buffer->first; call--) {
        d->top[call] = d->undo[--d->n_undo];
        d->remaining[call] += bytes_at(buffer, call);
    }
    d->placed[id] = 0;
}

/* Whether what remains can fit below the target when nothing more starts below `floor`. */
static int depth_feasible(struct depth *d, size_t floor)
{
    for (int32_t call = 0; call < d->p->n_calls; call++) {
        size_t start = d->top[call] > floor ? d->top[call] : floor;
        if (d->remaining[call] > 0 && start + d->remaining[call] > d->target)
            return 0;
    }
    d->p->work += d->p->n_calls;
    return 1;
}

/* Lists the buffers worth placing next, lowest offset first; `choices` has room for all.
 * One that would leave room for another whole one below it is not: that one goes first. */
static int32_t depth_choices(struct depth *d, size_t floor, int32_t last_rank, int32_t *choices)
{
    struct placing *p = d->p;
    size_t lowest_end = SIZE_MAX;
    for (int32_t r = 0; r < p->n; r++) {
        int32_t id = d->rank[r];
        if (d->placed[id])
            continue;
        d->natural[id] = natural_offset(d, &p->buffers[id]);
        p->work += p->buffers[id].last - p->buffers[id].first + 2;
        if (d->natural[id] + p->buffers[id].bytes < lowest_end)
            lowest_end = d->natural[id] + p->buffers[id].bytes;
    }
    int32_t n = 0;
    for (int32_t r = 0; r < p->n; r++) {
        size_t natural = d->natural[d->rank[r]];
        if (d->placed[d->rank[r]] || natural < floor || natural >= lowest_end ||
            (natural == floor && r < last_rank))
            continue;
        int32_t place = n++;
        for (; place > 0 && d->natural[d->rank[choices[place - 1]]] > natural; place--)
            choices[place] = choices[place - 1];
        choices[place] = r;
    }
    return n;
}

static int depth_search(struct depth *d, int32_t n_placed, size_t floor, int32_t last_rank,
                        size_t n_choices)
{
    struct placing *p = d->p;
    if (n_placed == p->n)
        return 1;
    if (p->work > DEPTH_WORK || !depth_feasible(d, floor))
        return 0;
    int32_t *choices = d->choices + n_choices;
    size_t *offsets = d->offsets + n_choices;
    int32_t n = depth_choices(d, floor, last_rank, choices);
    for (int32_t i = 0; i < n; i++)
        offsets[i] = d->natural[d->rank[choices[i]]];
    for (int32_t i = 0; i < n; i++) {
        int32_t id = d->rank[choices[i]];
        d->natural[id] = offsets[i];
        if (offsets[i] + p->buffers[id].bytes > d->target)
            continue;
        depth_push(d, id);
        if (depth_search(d, n_placed + 1, offsets[i], choices[i], n_choices + (size_t)n))
            return 1;
        depth_pop(d, id);
    }
    return 0;
}

static int place_below(struct placing *p, size_t target)
{
    struct arena arena = {0};
    size_t n = (size_t)p->n, n_calls = (size_t)p->n_calls;
    struct depth d = {.p = p,
                      .target = target,
                      .top = ARENA_ARRAY(&arena, n_calls, size_t),
                      .remaining = ARENA_ARRAY(&arena, n_calls, size_t),
                      .placed = ARENA_ARRAY(&arena, n, uint8_t),
                      .rank = p->order,
                      .natural = ARENA_ARRAY(&arena, n, size_t),
                      .choices = ARENA_ARRAY(&arena, n * (n + 1) / 2, int32_t),
                      .offsets = ARENA_ARRAY(&arena, n * (n + 1) / 2, size_t)};
    size_t n_undo = 0;
    for (int32_t i = 0; i < p->n; i++)
        for (int32_t call = p->buffers[i].first; call <= p->buffers[i].last; call++, n_undo++)
            d.remaining[call] += bytes_at(&p->buffers[i], call);
    d.undo = ARENA_ARRAY(&arena, n_undo, size_t);
    sort_order(p, ORDER_SIZE, ARENA_ARRAY(&arena, n, struct keyed));
    p->work = 0;
    int found = depth_search(&d, 0, 0, 0, 0);
    arena_free(&arena);
    return found;
}

static size_t offsets_peak(const struct placing *p)
{
    size_t peak = 0;
    for (int32_t i = 0; i < p->n; i++)
        if (p->offsets[i] + p->buffers[i].bytes > peak)
            peak = p->offsets[i] + p->buffers[i].bytes;
    return peak;
}

/* The bound itself first, as it is nearly always reached; then by halves. */
static void place_in_depth(struct placing *p)
{
    size_t low = p->bound;
    int rounds = p->n <= DEPTH_BUFFERS ? DEPTH_ROUNDS : 0;
    for (int round = 0; round < rounds && p->peak > low; round++) {
        size_t target = round == 0 ? low : low + (p->peak - 1 - low) / 2;
        if (place_below(p, target))
            keep_if_better(p, offsets_peak(p));
        else
            low = target + 1;
    }
}

static const size_t *aligned_steps(const struct buffer *buffer, struct arena *arena)
{
    size_t n = (size_t)(buffer->last - buffer->first) + 1;
    size_t *steps = ARENA_ARRAY(arena, n, size_t);
    for (size_t i = 0; i < n; i++) {
        steps[i] = align_up(buffer->steps[i], buffer->alignment);
        assert(buffer->steps[i] > 0 && steps[i] <= buffer->bytes);
    }
    return steps;
}

size_t buffers_place(struct buffer *buffers, int32_t n, int32_t n_calls)
{
    if (n == 0)
        return 0;
    struct arena arena = {0};
    struct placing p = {.buffers = arena_copy(&arena, buffers, (size_t)n * sizeof *buffers),
                        .n = n,
                        .n_calls = n_calls,
                        .order = ARENA_ARRAY(&arena, (size_t)n, int32_t),
                        .sorted = ARENA_ARRAY(&arena, (size_t)n, int32_t),
                        .offsets = ARENA_ARRAY(&arena, (size_t)n, size_t),
                        .best = ARENA_ARRAY(&arena, (size_t)n, size_t),
                        .peak = SIZE_MAX};
    for (int32_t i = 0; i < n; i++) {
        struct buffer *buffer = &p.buffers[i];
        assert(buffer->bytes > 0 && buffer->first >= 0 && buffer->first <= buffer->last &&
               buffer->last < n_calls);
        buffer->bytes = align_up(buffer->bytes, buffer->alignment);
        if (buffer->steps != NULL)
            buffer->steps = aligned_steps(buffer, &arena);
    }
    p.bound = largest_sum(p.buffers, n, n_calls, &arena);
    place_greedily(&p, &arena);
    place_locally(&p);
    place_in_depth(&p);
    for (int32_t i = 0; i < n; i++)
        buffers[i].offset = p.best[i];
    arena_free(&arena);
    return p.peak;
}

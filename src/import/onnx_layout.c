/* SPDX-License-Identifier: Apache-2.0 */
#include "import/onnx_layout.h"

#include <string.h>

/* Joins factors that are neighbors in the file, in the same dimension, and in memory; drops those
 * of size 1. `place[i]` is factor i's place in memory, relative to the others'. */
static struct layout normalized(int32_t n, const int32_t *size, const int32_t *dim,
                                const int32_t *place)
{
    struct layout layout = {.n = 0};
    int32_t places[MAX_FACTORS] = {0};
    for (int32_t i = 0; i < n; i++) {
        if (size[i] == 1)
            continue;
        layout.size[layout.n] = size[i];
        layout.dim[layout.n] = dim[i];
        places[layout.n++] = place[i];
    }
    /* Places without gaps: the rank of each among all. */
    int32_t rank[MAX_FACTORS] = {0};
    for (int32_t i = 0; i < layout.n; i++) {
        rank[i] = 0;
        for (int32_t k = 0; k < layout.n; k++)
            rank[i] += places[k] < places[i];
    }
    struct layout joined = {.n = 0};
    for (int32_t i = 0; i < layout.n; i++) {
        if (i > 0 && layout.dim[i] == layout.dim[i - 1] && rank[i] == rank[i - 1] + 1) {
            joined.size[joined.n - 1] *= layout.size[i];
            continue;
        }
        joined.size[joined.n] = layout.size[i];
        joined.dim[joined.n] = layout.dim[i];
        places[joined.n++] = rank[i];
    }
    for (int32_t i = 0; i < joined.n; i++) {
        int32_t at = 0;
        for (int32_t k = 0; k < joined.n; k++)
            at += places[k] < places[i];
        joined.memory[at] = i;
    }
    return joined;
}

static void places_of(const struct layout *layout, int32_t place[MAX_FACTORS])
{
    for (int32_t i = 0; i < layout->n; i++)
        place[layout->memory[i]] = i;
}

struct layout layout_of_order(const struct shape *shape, const int32_t *order, int32_t n)
{
    int32_t dims[MAX_RANK] = {0}, place[MAX_RANK] = {0};
    for (int32_t d = 0; d < shape->rank; d++)
        dims[d] = d;
    for (int32_t i = 0; i < n; i++)
        if (order[i] >= 0 && order[i] < shape->rank)
            place[order[i]] = i;
    return normalized(shape->rank, shape->dims, dims, place);
}

struct layout layout_plain(const struct shape *shape)
{
    static const int32_t order[MAX_RANK] = {0, 1, 2, 3, 4};
    return layout_of_order(shape, order, shape->rank);
}

int layout_equal(const struct layout *a, const struct layout *b)
{
    size_t bytes = (size_t)a->n * sizeof *a->size;
    return a->n == b->n && memcmp(a->size, b->size, bytes) == 0 &&
           memcmp(a->dim, b->dim, bytes) == 0 && memcmp(a->memory, b->memory, bytes) == 0;
}

struct layout layout_transpose(const struct layout *from, const int32_t *order, int32_t rank)
{
    int32_t old_place[MAX_FACTORS] = {0}, n = 0;
    int32_t size[MAX_FACTORS] = {0}, dim[MAX_FACTORS] = {0}, place[MAX_FACTORS] = {0};
    places_of(from, old_place);
    for (int32_t d = 0; d < rank; d++)
        for (int32_t i = 0; i < from->n; i++)
            if (from->dim[i] == order[d]) {
                size[n] = from->size[i];
                dim[n] = d;
                place[n++] = old_place[i];
            }
    return normalized(n, size, dim, place);
}

/* As if all dimensions were one. */
static struct layout layout_flatten(const struct layout *from)
{
    int32_t place[MAX_FACTORS] = {0}, dim[MAX_FACTORS] = {0};
    places_of(from, place);
    return normalized(from->n, from->size, dim, place);
}

int layout_reshape(const struct layout *from, const struct shape *shape, struct layout *to)
{
    struct layout flat = layout_flatten(from);
    int32_t size[MAX_FACTORS] = {0}, dim[MAX_FACTORS] = {0}, place[MAX_FACTORS] = {0},
            old_place[MAX_FACTORS] = {0};
    int32_t n = 0, factor = 0, left = flat.n > 0 ? flat.size[0] : 1;
    places_of(&flat, old_place);
    for (int32_t d = 0; d < shape->rank; d++) {
        int32_t wanted = shape->dims[d];
        while (wanted > 1) {
            if (left == 1 && ++factor < flat.n)
                left = flat.size[factor];
            if (factor >= flat.n || n == MAX_FACTORS)
                return 0;
            int32_t taken = left <= wanted ? left : wanted;
            if (wanted % taken != 0 || left % taken != 0)
                return 0;
            size[n] = taken;
            dim[n] = d;
            /* Parts of one factor follow each other. */
            place[n] = old_place[factor] * MAX_FACTORS + n;
            n++;
            left /= taken;
            wanted /= taken;
        }
    }
    *to = normalized(n, size, dim, place);
    return left == 1 && factor + 1 >= flat.n;
}

struct layout layout_without(const struct layout *from, uint32_t mask, int32_t shift)
{
    int32_t old_place[MAX_FACTORS] = {0}, n = 0;
    int32_t size[MAX_FACTORS] = {0}, dim[MAX_FACTORS] = {0}, place[MAX_FACTORS] = {0};
    places_of(from, old_place);
    for (int32_t i = 0; i < from->n; i++) {
        if (mask >> from->dim[i] & 1)
            continue;
        size[n] = from->size[i];
        dim[n] = from->dim[i] - shift;
        place[n++] = old_place[i];
    }
    return normalized(n, size, dim, place);
}

struct layout layout_channels(const struct layout *base, int32_t dim, const struct layout *from,
                              int32_t multiplier)
{
    if (layout_ascends(from, dim))
        return *base;
    int32_t base_place[MAX_FACTORS] = {0}, from_place[MAX_FACTORS] = {0}, n = 0;
    int32_t size[2 * MAX_FACTORS] = {0}, dims[2 * MAX_FACTORS] = {0}, place[2 * MAX_FACTORS] = {0};
    places_of(base, base_place);
    places_of(from, from_place);
    for (int32_t i = 0; i < base->n; i++) {
        int32_t start = base_place[i] * 2 * MAX_FACTORS;
        size[n] = base->size[i];
        dims[n] = base->dim[i];
        place[n++] = start;
        if (base->dim[i] != dim)
            continue;
        n--;
        for (int32_t k = 0; k < from->n; k++) {
            if (from->dim[k] != dim)
                continue;
            size[n] = from->size[k];
            dims[n] = dim;
            place[n++] = start + from_place[k];
        }
        size[n] = multiplier;
        dims[n] = dim;
        place[n++] = start + MAX_FACTORS;
    }
    return normalized(n <= MAX_FACTORS ? n : MAX_FACTORS, size, dims, place);
}

struct layout layout_append(const struct layout *from, int32_t dim, int32_t size)
{
    struct layout to = *from;
    if (to.n == MAX_FACTORS || size == 1)
        return to;
    to.size[to.n] = size;
    to.dim[to.n] = dim;
    to.memory[to.n] = to.n;
    to.n++;
    return to;
}

int layout_follows(const struct layout *layout, const int32_t *order, int32_t n)
{
    int32_t at = 0;
    for (int32_t i = 0; i < layout->n; i++) {
        int32_t dim = layout->dim[layout->memory[i]];
        while (at < n && order[at] != dim)
            at++;
    }
    return at < n || layout->n == 0;
}

int layout_ascends(const struct layout *layout, int32_t dim)
{
    int32_t last = -1;
    for (int32_t i = 0; i < layout->n; i++) {
        int32_t factor = layout->memory[i];
        if (layout->dim[factor] != dim)
            continue;
        if (factor < last)
            return 0;
        last = factor;
    }
    return 1;
}

const int32_t *layout_indices(const struct layout *layout, int32_t dim, int32_t size,
                              struct arena *arena)
{
    if (layout_ascends(layout, dim))
        return NULL;
    int32_t *indices = ARENA_ARRAY(arena, (size_t)size, int32_t);
    int32_t made = 1; /* indices of the outer factors in memory, scaled as in the file */
    for (int32_t i = 0; i < layout->n; i++) {
        int32_t factor = layout->memory[i], stride = 1;
        if (layout->dim[factor] != dim)
            continue;
        for (int32_t k = factor + 1; k < layout->n && layout->dim[k] == dim; k++)
            stride *= layout->size[k];
        for (int32_t k = made - 1; k >= 0; k--) {
            int32_t outer = indices[k];
            for (int32_t j = layout->size[factor] - 1; j >= 0; j--)
                indices[k * layout->size[factor] + j] = outer + j * stride;
        }
        made *= layout->size[factor];
    }
    return indices;
}

int layout_splits(const struct layout *layout, const struct shape *shape,
                  int32_t first[MAX_RANK + 1])
{
    int32_t at = 0;
    for (int32_t d = 0; d < shape->rank; d++) {
        int32_t wanted = shape->dims[d];
        first[d] = at;
        while (wanted > 1 && at < layout->n) {
            int32_t size = layout->size[layout->memory[at]];
            if (wanted % size != 0)
                return 0;
            wanted /= size;
            at++;
        }
        if (wanted != 1)
            return 0;
    }
    first[shape->rank] = at;
    return at == layout->n;
}

/* The shape of the dimensions in the given order; those out of range have size 1. */
static struct shape shape_in_order(const struct shape *file, const int32_t *order, int32_t n)
{
    struct shape shape = {.rank = n};
    for (int32_t i = 0; i < n; i++)
        shape.dims[i] = order[i] >= 0 && order[i] < file->rank ? file->dims[order[i]] : 1;
    return shape;
}

/* Dimensions of size 1 first, then the others as they come in memory. */
static int shape_as_it_comes(const struct layout *layout, const struct shape *file,
                             struct shape *shape)
{
    int32_t order[MAX_RANK], n = 0;
    for (int32_t d = 0; d < file->rank; d++)
        if (file->dims[d] == 1)
            order[n++] = d;
    for (int32_t i = 0; i < layout->n; i++) {
        int32_t dim = layout->dim[layout->memory[i]];
        if ((i == 0 || layout->dim[layout->memory[i - 1]] != dim) && n < MAX_RANK)
            order[n++] = dim;
    }
    if (n == file->rank && layout_follows(layout, order, n)) {
        *shape = shape_in_order(file, order, n);
        return 1;
    }
    if (layout->n > MAX_RANK - 1)
        return 0;
    *shape = (struct shape){.rank = layout->n + 1, .dims = {1}};
    for (int32_t i = 0; i < layout->n; i++)
        shape->dims[i + 1] = layout->size[layout->memory[i]];
    return 1;
}

int layout_shape(const struct layout *layout, const struct shape *file, struct shape *shape)
{
    static const int32_t image[4] = {0, 2, 3, 1}, line[4] = {0, -1, 2, 1};
    static const int32_t plain[MAX_RANK] = {0, 1, 2, 3, 4};
    if (file->rank == 4 && layout_follows(layout, image, 4)) {
        *shape = shape_in_order(file, image, 4);
        return 1;
    }
    if (layout_follows(layout, plain, file->rank)) {
        *shape = *file;
        return 1;
    }
    if (file->rank == 3 && layout_follows(layout, line, 4)) {
        *shape = shape_in_order(file, line, 4);
        return 1;
    }
    return shape_as_it_comes(layout, file, shape);
}

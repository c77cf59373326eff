/* SPDX-License-Identifier: Apache-2.0 */
#include "import/tflite_slice.h"

/* Indices first, first + step, ... of a dimension. */
struct range {
    int64_t first, step, count;
};

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

static int in_32_bits(int64_t value)
{
    return value > INT32_MIN && value <= INT32_MAX;
}

/* What `entry` takes of a dimension of `size`. Negative indices count from the end. */
static const char *range_resolve(const struct slice_spec *spec, int32_t entry, int64_t size,
                                 struct range *range)
{
    int64_t begin = spec->begin[entry], end = spec->end[entry], step = spec->step[entry];
    if (!in_32_bits(begin) || !in_32_bits(end) || !in_32_bits(step) || step == 0)
        return "begin, end or stride is out of range";
    if (spec->begin_mask >> entry & 1)
        begin = step > 0 ? 0 : size - 1;
    else if (begin < 0)
        begin += size;
    if (spec->shrink_axis_mask >> entry & 1) {
        *range = (struct range){.first = begin, .step = 1, .count = 1};
        return begin < 0 || begin >= size ? "an index is outside of its dimension" : NULL;
    }
    /* The positions just before the first and just behind the last index, as the step goes. */
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
    begin = clamp(begin, low, high);
    if (spec->end_mask >> entry & 1)
        end = step > 0 ? high : low;
    else if (spec->end_is_offset)
        end = clamp(begin + end, low, high);
    else
        end = clamp(end < 0 ? end + size : end, low, high);
    int64_t distance = step > 0 ? end - begin : begin - end;
    int64_t magnitude = step > 0 ? step : -step;
    *range = (struct range){begin, step, (distance + magnitude - 1) / magnitude};
    return distance < 1 ? "nothing is left of a dimension" : NULL;
}

/* One dimension of the input: what `entry` says, or all of it for -1. */
static const char *dimension_take(const struct slice_spec *spec, int32_t entry, struct slice *slice)
{
    int32_t d = slice->kept.rank;
    if (d >= spec->input.rank)
        return "it has more entries than its input has dimensions";
    struct range range = {.step = 1, .count = spec->input.dims[d]};
    const char *wrong = entry < 0 ? NULL : range_resolve(spec, entry, range.count, &range);
    if (wrong != NULL)
        return wrong;
    slice->begin[d] = (int32_t)range.first;
    slice->step[d] = (int32_t)range.step;
    slice->kept.dims[d] = (int32_t)range.count;
    slice->kept.rank++;
    if (entry >= 0 && spec->shrink_axis_mask >> entry & 1)
        return NULL;
    if (slice->result.rank == MAX_RANK)
        return "its output has too many dimensions";
    slice->result.dims[slice->result.rank++] = (int32_t)range.count;
    return NULL;
}

/* How many entries from `entry` on take a dimension of the input. */
static int32_t entries_left(const struct slice_spec *spec, int32_t entry)
{
    int32_t n = 0;
    for (int32_t i = entry; i < spec->n; i++)
        n += !(spec->new_axis_mask >> i & 1);
    return n;
}

const char *slice_resolve(const struct slice_spec *spec, struct slice *slice)
{
    *slice = (struct slice){.kept = {.rank = 0}};
    int seen_ellipsis = 0;
    for (int32_t i = 0; i < spec->n; i++) {
        const char *wrong = NULL;
        if (spec->ellipsis_mask >> i & 1) {
            if (seen_ellipsis)
                return "it has more than one ellipsis";
            seen_ellipsis = 1;
            int32_t end = spec->input.rank - entries_left(spec, i + 1);
            while (wrong == NULL && slice->kept.rank < end)
                wrong = dimension_take(spec, -1, slice);
        } else if (spec->new_axis_mask >> i & 1) {
            if (slice->result.rank == MAX_RANK)
                return "its output has too many dimensions";
            slice->result.dims[slice->result.rank++] = 1;
        } else {
            wrong = dimension_take(spec, i, slice);
        }
        if (wrong != NULL)
            return wrong;
    }
    while (slice->kept.rank < spec->input.rank) {
        const char *wrong = dimension_take(spec, -1, slice);
        if (wrong != NULL)
            return wrong;
    }
    return NULL;
}

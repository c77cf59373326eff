/* SPDX-License-Identifier: Apache-2.0 */
#include "../dtmm.h"
#include "../requantize.h"

enum { RANK = 5 };

/* Walks some dimensions of the input, the last one fastest. */
struct walk {
    int32_t dims[RANK]; /* 1 where the dimension is not walked */
    int32_t index[RANK];
};

/* Moves to the next position and returns its offset; after the last one, the first. */
static int32_t walk_next(struct walk *walk, const int32_t stride[RANK], int32_t offset)
{
    for (int d = RANK - 1; d >= 0; d--) {
        offset += stride[d];
        if (++walk->index[d] < walk->dims[d])
            break;
        offset -= walk->dims[d] * stride[d];
        walk->index[d] = 0;
    }
    return offset;
}

void dtmm_mean_s8_c(const struct dtmm_mean *p, const void *input, void *output)
{
    struct walk kept = {{0}, {0}}, reduced = {{0}, {0}};
    int32_t stride[RANK];
    int32_t n_outputs = 1, step = 1;
    for (int d = RANK - 1; d >= 0; d--) {
        int is_reduced = p->axes >> d & 1;
        kept.dims[d] = is_reduced ? 1 : p->dims[d];
        reduced.dims[d] = is_reduced ? p->dims[d] : 1;
        n_outputs *= kept.dims[d];
        stride[d] = step;
        step *= p->dims[d];
    }

    const int8_t *in = input;
    int8_t *out = output;
    int32_t offset = 0;
    for (int32_t o = 0; o < n_outputs; o++) {
        int32_t sum = 0;
        for (int32_t i = 0; i < p->count; i++) {
            sum += in[offset] - p->input_zero_point;
            offset = walk_next(&reduced, stride, offset);
        }
        sum = dtmm_requantize(sum, p->multiplier, p->shift);
        *out++ = dtmm_clamp(sum, p->output_zero_point, INT8_MIN, INT8_MAX);
        offset = walk_next(&kept, stride, offset);
    }
}

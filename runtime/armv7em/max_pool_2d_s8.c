/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

/* The largest of n > 0 positions `step` bytes apart, and of `max`, of four channels. */
static inline int32_t max_of_run(int32_t max, const int8_t *at, int32_t step, int32_t n)
{
    int32_t a;
    __asm__ volatile("1: ldr %[a], [%[at]]\n"
                     "   add %[at], %[at], %[step]\n"
                     "   ssub8 r12, %[max], %[a]\n"
                     "   sel %[max], %[max], %[a]\n"
                     "   subs %[n], %[n], #1\n"
                     "   bne 1b\n"
                     : [max] "+&r"(max), [at] "+&r"(at), [n] "+&r"(n), [a] "=&r"(a)
                     : [step] "r"(step)
                     : "r12", "cc", "memory");
    return max;
}

static void max_pixel(const struct dtmm_pool_2d *p, const int8_t *at, int32_t n_rows,
                      int32_t n_columns, int8_t *out)
{
    int32_t row_bytes = p->input_w * p->channels;
    int32_t low = (int32_t)((uint8_t)p->output_min * UINT32_C(0x01010101));
    int32_t high = (int32_t)((uint8_t)p->output_max * UINT32_C(0x01010101));
    for (int32_t first = 0; first < p->channels; first += 4) {
        int32_t c = dtmm_dsp_group(first, p->channels), max = low;
        const int8_t *row = at + c;
        for (int32_t i = 0; i < n_rows; i++, row += row_bytes)
            max = max_of_run(max, row, p->channels, n_columns);
        dtmm_dsp_store(out + c, dtmm_dsp_min(max, high));
    }
}

void dtmm_max_pool_2d_s8_armv7em(const struct dtmm_pool_2d *p, const void *input, void *output)
{
    int8_t *out = output;
    for (int32_t oy = 0; oy < p->output_h; oy++) {
        struct dtmm_span rows = dtmm_window(oy * p->stride_h - p->pad_top, p->window_h, p->input_h);
        for (int32_t ox = 0; ox < p->output_w; ox++, out += p->channels) {
            struct dtmm_span columns =
                dtmm_window(ox * p->stride_w - p->pad_left, p->window_w, p->input_w);
            int32_t pixel = rows.begin * p->input_w + columns.begin;
            max_pixel(p, (const int8_t *)input + pixel * p->channels, rows.end - rows.begin,
                      columns.end - columns.begin, out);
        }
    }
}

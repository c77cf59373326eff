/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

/* A window of the input, as runs of positions that are side by side. */
struct window {
    const int8_t *at;
    int32_t n_runs, run, run_bytes; /* run_bytes: from one to the next */
};

static struct window find_window(const struct dtmm_pool_2d *p, const int8_t *input,
                                 struct dtmm_span rows, struct dtmm_span columns)
{
    struct window w = {.n_runs = rows.end - rows.begin, .run = columns.end - columns.begin};
    w.at = input + (rows.begin * p->input_w + columns.begin) * p->channels;
    w.run_bytes = p->input_w * p->channels;
    if (w.run == p->input_w) {
        w.run *= w.n_runs;
        w.n_runs = 1;
    }
    return w;
}

/* The mean, rounded half away from zero. */
static int8_t finish(const struct dtmm_pool_2d *p, int32_t sum, int32_t count)
{
    int32_t half = count >> 1;
    return dtmm_clamp((sum > 0 ? sum + half : sum - half) / count, 0, p->output_min, p->output_max);
}

static void average_pixel(const struct dtmm_pool_2d *p, const struct window *w, int8_t *out)
{
    int32_t count = w->n_runs * w->run;
    for (int32_t first = 0; first < p->channels; first += 4) {
        int32_t c = dtmm_dsp_group(first, p->channels);
        struct dtmm_dsp_sums sums = {0, 0, 0, {0, 0, 0, 0}};
        const int8_t *at = w->at + c;
        for (int32_t i = 0; i < w->n_runs; i++, at += w->run_bytes)
            dtmm_dsp_add_run(&sums, at, p->channels, w->run);
        dtmm_dsp_flush(&sums);
        out[c] = finish(p, sums.channel[0], count);
        out[c + 1] = finish(p, sums.channel[1], count);
        out[c + 2] = finish(p, sums.channel[2], count);
        out[c + 3] = finish(p, sums.channel[3], count);
    }
}

void dtmm_average_pool_2d_s8_armv7em(const struct dtmm_pool_2d *p, const void *input, void *output)
{
    int8_t *out = output;
    for (int32_t oy = 0; oy < p->output_h; oy++) {
        struct dtmm_span rows = dtmm_window(oy * p->stride_h - p->pad_top, p->window_h, p->input_h);
        for (int32_t ox = 0; ox < p->output_w; ox++, out += p->channels) {
            struct dtmm_span columns =
                dtmm_window(ox * p->stride_w - p->pad_left, p->window_w, p->input_w);
            struct window window = find_window(p, input, rows, columns);
            average_pixel(p, &window, out);
        }
    }
}

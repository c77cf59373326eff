/* SPDX-License-Identifier: Apache-2.0 */
/* How often the parts of the convolutions in lanes run (runtime/scalar/lanes.h, for Cortex-M3 and
 * Cortex-M0). The instructions of the assembly are counted one by one. */
#include "target/cost.h"

#include "../../runtime/armv6m/rules.h"
#include "../../runtime/armv7m/rules.h"

/* Instructions of the assembly for a group of lanes. */
struct lanes_code {
    double channel, pair;         /* of a piece: each channel, each begun pair of channels */
    double next;                  /* to the next item */
    double moved_odd, moved_even; /* a piece of less than 16 channels */
    double moved_whole;           /* one of 16 channels that does not follow the last */
    double start, interrupt, finish, finish_sums; /* items */
    double group;                                 /* the rest of a group */
};

static struct lanes_code code_armv7m(int32_t lanes, int is_clamped)
{
    int32_t stores = lanes + (lanes == 8 ? 2 : 1);
    struct lanes_code code = {.next = 1, .moved_odd = 2, .moved_even = 2, .moved_whole = 1};
    code.channel = lanes == 8 ? 7 : lanes == 4 ? 4 : 3;
    code.start = 4 + lanes / 2;
    code.interrupt = 3 + 5 * lanes;
    code.finish = 4 + 3 * lanes;
    code.finish_sums = 5 + lanes;
    code.group = 15 + 7 * lanes + stores + (is_clamped ? 2 + 6 * lanes : 0);
    return code;
}

static struct lanes_code code_armv6m(int32_t lanes)
{
    int32_t fours = lanes / 4;
    struct lanes_code code = {.pair = 1, .next = 4, .moved_odd = 3, .moved_even = 2};
    code.moved_whole = 1;
    code.channel = 1 + 7 * fours;
    code.start = 15;
    code.interrupt = 13 + 33 * fours;
    code.finish = 3 + 29 * fours;
    code.finish_sums = 1;
    code.group = 40 + 28 * lanes;
    return code;
}

/* A core's kernels on a layer. */
struct lanes {
    const struct dtmm_conv_2d *p;
    struct dtmm_lanes_window window;
    struct lanes_code code;
    int32_t limit, shared; /* lanes that share words */
};

/* A list in the making, as in dtmm_lanes_list. */
struct list {
    double instructions; /* of the assembly */
    double units, pieces;
    int32_t position, left, n_interrupts;
};

static void list_add(const struct lanes *l, struct list *list, int32_t start, int32_t n)
{
    int is_moved = start != list->position;
    list->units++;
    list->position = start + n;
    while (n > 0) {
        int32_t piece = n < DTMM_LANES_PIECE ? n : DTMM_LANES_PIECE;
        n -= piece;
        list->left -= piece;
        if (list->left < 0) {
            list->n_interrupts++;
            list->left = l->limit - piece;
        }
        list->pieces++;
        list->instructions +=
            l->code.channel * piece + l->code.pair * ((piece + 1) / 2) + l->code.next;
        if (piece < DTMM_LANES_PIECE)
            list->instructions += piece % 2 ? l->code.moved_odd : l->code.moved_even;
        else if (is_moved)
            list->instructions += l->code.moved_whole;
        is_moved = 0;
    }
}

/* The item that ends the list, and the interruptions. */
static void list_end(const struct lanes *l, struct list *list)
{
    const struct lanes_code *code = &l->code;
    if (list->n_interrupts == 0)
        list->instructions += code->finish;
    else
        list->instructions +=
            code->start + code->finish_sums + (list->n_interrupts + 1) * code->interrupt;
}

static int is_equal(const struct lanes *l)
{
    const struct dtmm_conv_2d *p = l->p;
    int32_t block = p->block < p->input_channels ? p->block : p->input_channels;
    return p->input_channels % block == 0 && block <= l->limit;
}

/* Lists the kept units of the filter with this mask; small units are interrupted at whole bytes of
 * the mask only, others of equal size not within a unit. */
static struct list list_kept(const struct lanes *l, const uint8_t *mask)
{
    const struct dtmm_conv_2d *p = l->p;
    int32_t channels = p->input_channels, block = p->block < channels ? p->block : channels;
    int32_t columns = dtmm_lanes_columns(p, l->window.steps), bit = 0, n = 0;
    int is_small = dtmm_lanes_is_small(p);
    int may_interrupt = p->kernel_h * p->kernel_w * channels > l->limit;
    struct list list = {.left = is_small ? INT32_MAX : l->limit};
    for (int32_t ky = 0; ky < p->kernel_h; ky++)
        for (int32_t kx = 0; kx < p->kernel_w; kx++)
            for (int32_t i = 0; i < channels; i += block, bit++) {
                int32_t tap = ky * p->dilation_h * columns + kx * p->dilation_w;
                if (is_small && may_interrupt && bit % 8 == 0 && n > l->limit / block - 8) {
                    list.n_interrupts++;
                    n = 0;
                }
                if (!(mask[bit / 8] >> bit % 8 & 1))
                    continue;
                if (!is_small && is_equal(l) && list.left < block) {
                    list.n_interrupts++;
                    list.left = l->limit;
                }
                list_add(l, &list, tap * channels + i, channels - i < block ? channels - i : block);
                n++;
            }
    list_end(l, &list);
    return list;
}

static struct list list_all(const struct lanes *l)
{
    const struct dtmm_conv_2d *p = l->p;
    int32_t row = p->dilation_h * dtmm_lanes_columns(p, l->window.steps), runs = p->kernel_w;
    int32_t n = p->input_channels;
    struct list list = {.left = l->limit};
    if (p->dilation_w == 1) {
        n *= runs;
        runs = 1;
    }
    for (int32_t ky = 0; ky < p->kernel_h; ky++)
        for (int32_t i = 0; i < runs; i++)
            list_add(l, &list, (ky * row + i * p->dilation_w) * p->input_channels, n);
    list_end(l, &list);
    return list;
}

/* The windows of a layer. Words are counted in channels of the lanes that share words. */
struct windows {
    double n, groups;
    double inside, border, moved; /* filled from the input for all lanes, for some or none; moved */
    double runs;                  /* filled at once */
};

/* Counts the filling of a row of the window, which starts at column x, as the kernel does it. */
static void count_row(const struct lanes *l, int32_t x, int is_inside, struct windows *windows)
{
    const struct dtmm_lanes_window *w = &l->window;
    int32_t columns = dtmm_lanes_columns(l->p, w->steps), distance = w->steps * l->p->stride_w;
    for (int32_t lane = 0; lane < w->form.lanes; lane += l->shared, x += l->shared * distance)
        for (int32_t i = 0, n; i < columns; i += n) {
            int all_inside = is_inside;
            n = columns - i;
            for (int32_t k = 0, at = x + i; k < l->shared; k++, at += distance) {
                int32_t run = at < 0 ? -at : w->input_w - at;
                all_inside &= at >= 0 && run > 0;
                n = run > 0 && run < n ? run : n;
            }
            windows->runs++;
            *(all_inside ? &windows->inside : &windows->border) += n * l->p->input_channels;
        }
}

static struct windows windows_count(const struct lanes *l)
{
    const struct dtmm_lanes_window *w = &l->window;
    int32_t columns = dtmm_lanes_columns(l->p, w->steps), n_rows = dtmm_lanes_rows(l->p, w->rows);
    int32_t shared = n_rows - w->rows * l->p->stride_h;
    struct windows windows = {0, 0, 0, 0, 0, 0};
    for (int32_t ox = 0; ox < w->output_w; ox += w->steps * w->form.lanes)
        for (int32_t oy = 0; oy < w->output_h; oy += w->rows) {
            int32_t steps = w->output_w - ox < w->steps ? w->output_w - ox : w->steps;
            int32_t rows = w->output_h - oy < w->rows ? w->output_h - oy : w->rows;
            int32_t kept = oy > 0 && shared > 0 ? shared : 0;
            windows.n++;
            windows.groups += steps * rows;
            windows.moved += (double)kept * columns * l->p->input_channels;
            for (int32_t row = kept; row < n_rows; row++) {
                int32_t y = oy * l->p->stride_h - l->p->pad_top + row;
                count_row(l, ox * l->p->stride_w - l->p->pad_left, y >= 0 && y < w->input_h,
                          &windows);
            }
        }
    return windows;
}

static int is_raw(const struct dtmm_conv_2d *p, int32_t o)
{
    int32_t limit = 1 << 29;
    return p->shift[o] >= 0 || p->bias[o] >= limit || p->bias[o] <= -limit ||
           p->kernel_h * p->kernel_w * p->input_channels > limit >> 14;
}

static void count_lanes(const struct lanes *l, double counts[MAX_WORK])
{
    const struct dtmm_conv_2d *p = l->p;
    struct windows windows = windows_count(l);
    int32_t words = l->window.form.words, mask_bytes = (dtmm_lanes_n_offsets(p) + 7) / 8;
    int is_small = p->mask && dtmm_lanes_is_small(p);
    struct list all = list_all(l);
    for (int32_t o = 0; o < p->output_channels; o++) {
        struct list list = p->mask ? list_kept(l, p->mask + o * mask_bytes) : all;
        counts[2] += windows.groups * (list.instructions + l->code.group);
        if (is_raw(p, o))
            counts[3] += windows.groups * l->window.form.lanes;
        if (!p->mask)
            continue;
        counts[is_small ? 6 : is_equal(l) ? 11 : 7] += windows.n * list.pieces;
        if (!is_small)
            counts[12] += windows.n * list.units;
        for (int32_t i = 0; i < mask_bytes && is_small; i++)
            counts[p->mask[o * mask_bytes + i] ? 13 : 14] += windows.n;
    }
    if (!p->mask)
        counts[7] = all.pieces;
    counts[1] = windows.n * p->output_channels;
    counts[2] += windows.moved * words * 0.5;
    counts[4] = windows.inside;
    counts[5] = windows.border;
    counts[8] = windows.runs;
    counts[9] = windows.n;
    counts[10] = windows.groups;
}

static void count_armv7m(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    struct lanes l = {.p = p, .window = dtmm_armv7m_lanes_window(p)};
    l.code = code_armv7m(l.window.form.lanes, p->output_min > -128 || p->output_max < 127);
    l.limit = DTMM_ARMV7M_LANES_LIMIT;
    l.shared = 2;
    count_lanes(&l, counts);
}

static void count_armv6m(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    struct lanes l = {.p = p, .window = dtmm_armv6m_lanes_window(p)};
    l.code = code_armv6m(l.window.form.lanes);
    l.limit = DTMM_ARMV6M_LANES_LIMIT;
    l.shared = 4;
    count_lanes(&l, counts);
}

void work_conv_2d_lanes_s8_armv7m(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    count_armv7m(p, counts);
}

void work_conv_2d_fwcs_lanes_s8_armv7m(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    count_armv7m(p, counts);
}

void work_conv_2d_lanes_s8_armv6m(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    count_armv6m(p, counts);
}

void work_conv_2d_fwcs_lanes_s8_armv6m(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    count_armv6m(p, counts);
}

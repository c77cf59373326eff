/* SPDX-License-Identifier: Apache-2.0 */
/* How often the parts of Helium's convolutions run. What is assembly is counted instruction by
 * instruction. */
#include "../../runtime/mve/rules.h"
#include "target/cost.h"
#include "target/work.h"

static int32_t divide_up(int32_t n, int32_t by)
{
    return (n + by - 1) / by;
}

/* Instructions from 8 sums, in two vectors, to 8 outputs of 16 bits. */
static int32_t requantize_instructions(const struct dtmm_conv_2d *p)
{
    static const int32_t scale[] = {3, 5, 12};
    return 4 + 2 * scale[dtmm_mve_rounding(p)] + 5;
}

/* Of rounds after the first in pairs, with `body` instructions each, from the first's end on. */
static int32_t pairs_instructions(int32_t n, int32_t body)
{
    return (n % 2 ? 2 : 3) + n * body + 2 * divide_up(n, 2) + 1;
}

/* Taps of a line that lie inside for output o. */
static int32_t taps_inside(struct line line, int32_t o)
{
    int32_t n = 0;
    for (int32_t k = 0; k < line.kernel; k++)
        n += tap_inside(line, o, k);
    return n;
}

/* ---- conv_2d_s8 ---- */

/* Where the taps of a row are one run of bytes. */
static int is_one_run(const struct dtmm_conv_2d *p)
{
    return p->dilation_w == 1 || p->kernel_w == 1;
}

/* Runs of bytes in rows of taps, of which `taps` are inside, and the vectors that they take. */
static void count_runs(const struct dtmm_conv_2d *p, int32_t rows, int32_t taps, double *n,
                       double counts[MAX_WORK])
{
    int32_t runs = is_one_run(p) ? rows * (taps > 0) : rows * taps;
    int32_t run = is_one_run(p) ? taps * p->input_channels : p->input_channels;
    *n += runs;
    counts[9] += runs * divide_up(run, 16);
}

static void count_inside(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    int32_t run = p->kernel_w * p->input_channels;
    counts[4]++;
    if (is_one_run(p) && run % 16 == 0)
        counts[5] += p->kernel_h * (5 + 3 * (run / 16));
    else if (is_one_run(p) && run < 16)
        counts[5] += 2 + p->kernel_h * 8;
    else
        count_runs(p, p->kernel_h, p->kernel_w, &counts[14], counts);
}

static void count_border(const struct dtmm_conv_2d *p, int32_t rows, int32_t taps,
                         double counts[MAX_WORK])
{
    counts[6]++;
    counts[7] += p->kernel_h - rows + p->kernel_w - taps;
    counts[10] += dtmm_mve_conv_vectors(p);
    counts[8] += rows;
    count_runs(p, rows, taps, &counts[11], counts);
}

void work_conv_2d_s8_mve(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    int32_t filters = p->output_channels, vectors = dtmm_mve_conv_vectors(p);
    double pair = 16 + pairs_instructions(vectors - 1, 14) + requantize_instructions(p) + 9;
    int32_t pixels = p->output_h * p->output_w, groups = divide_up(pixels, 4);
    counts[1] = filters;
    counts[2] = groups * ((filters > 1) + (filters & 1));
    counts[3] = groups * divide_up(filters, 2) * pair;
    for (int32_t y = 0; y < p->output_h; y++)
        for (int32_t x = 0; x < p->output_w; x++) {
            int32_t rows = taps_inside(CONV_LINE_H(p), y), columns = taps_inside(CONV_LINE_W(p), x);
            if (is_one_run(p) && rows == p->kernel_h && columns == p->kernel_w)
                count_inside(p, counts);
            else
                count_border(p, rows, columns, counts);
        }
    counts[12] = p->output_h;
    counts[13] = (groups * 4 - pixels) * vectors;
}

/* ---- conv_2d_fwcs_s8 ---- */

/* Of groups of a band, as the kernel makes them. */
static int32_t groups_of_band(const struct dtmm_conv_2d *p, const struct dtmm_mve_band *band,
                              int32_t rows, int32_t columns, int *is_close)
{
    int32_t in_rows = rows * divide_up(columns, 8);
    int32_t across = divide_up(rows, 2) * divide_up(columns, 4);
    int is_across = rows > 1 && across < in_rows && (band->width + 4) * p->output_channels <= 65535;
    *is_close = !is_across && columns >= 8;
    return is_across ? across : in_rows;
}

/* A filter's kept units. */
struct kept_units {
    int32_t units, pieces, weights;
    int32_t nibbles; /* groups of 4 units of which one is kept */
};

static struct kept_units kept_units(const struct dtmm_conv_2d *p,
                                    const struct dtmm_mve_weight_pieces *pieces,
                                    const uint8_t *mask)
{
    struct kept_units kept = {0, 0, 0, 0};
    int32_t n_units = p->kernel_h * p->kernel_w * pieces->units;
    for (int32_t unit = 0; unit < n_units; unit++) {
        int32_t bits = mask[unit / 8] >> (unit & 4) & 15;
        kept.nibbles += unit % 4 == 0 && bits;
        if (!(bits >> unit % 4 & 1))
            continue;
        int32_t n = (unit + 1) % pieces->units ? pieces->length : pieces->last;
        kept.units++;
        kept.weights += n;
        kept.pieces += divide_up(n, pieces->size);
    }
    return kept;
}

static double list_instructions(const struct dtmm_conv_2d *p,
                                const struct dtmm_mve_weight_pieces *pieces,
                                const struct kept_units *kept)
{
    int32_t bytes = divide_up(p->kernel_h * p->kernel_w * pieces->units, 8);
    if (pieces->length > pieces->size)
        return 11 + 6 * bytes + 8 * kept->units + 5 * (kept->pieces - kept->units);
    return 11 + 8 * bytes + (pieces->size == 4 ? 6 : 8) * kept->nibbles;
}

/* The rounds of one group. */
static double rounds_instructions(const struct dtmm_mve_weight_pieces *pieces, int32_t pitch,
                                  int32_t n_pieces, int is_close)
{
    int32_t size = pieces->size;
    if (size >= 32)
        return n_pieces * (5 + 17 * (size / 16)) + 1;
    int is_gather = size < 16, n = divide_up(n_pieces * size, 16);
    int is_fast = is_close && pitch == 16;
    int32_t next = (is_gather || is_fast ? 2 : 3) + (is_gather && !is_fast);
    return (is_gather && !is_fast) + next + 16 + pairs_instructions(n - 1, next + 17);
}

/* One filter in a band with `groups` groups. */
static double filter_instructions(const struct dtmm_conv_2d *p,
                                  const struct dtmm_mve_weight_pieces *pieces, int32_t pitch,
                                  const struct kept_units *kept, int32_t groups, int is_close)
{
    double finish = requantize_instructions(p) + 8;
    if (kept->units == 0)
        return 39 + 3 + 12 + finish + (groups > 1 ? 8 + (groups - 1) * 6 : 0);
    return 44 + groups * (3 + rounds_instructions(pieces, pitch, kept->pieces, is_close) + finish);
}

/* Instructions that lay out one row of a group of channels, with `inside` pixels in the image. */
static double row_instructions(const struct dtmm_mve_band *band, int32_t channels, double inside)
{
    double outside = band->input_columns * band->phases - inside;
    double copy = band->pitch == 64   ? 10
                  : band->pitch == 32 ? 6
                  : band->pitch == 4  ? 1
                  : channels < 16     ? 5
                                      : 4;
    return copy * inside + outside * band->pitch / 8;
}

static void count_layout(const struct dtmm_conv_2d *p, const struct dtmm_mve_band *band, int32_t y,
                         int32_t x, double counts[MAX_WORK])
{
    int32_t step = p->kernel_h == 1 ? p->stride_h : 1;
    int32_t width = dtmm_mve_is_one_row(p) ? band->width : p->input_w, inside = 0;
    for (int32_t phase = 0; phase < band->phases; phase++)
        for (int32_t i = 0; i < band->input_columns; i++) {
            int32_t at = (x + i) * p->stride_w - p->pad_left + phase;
            inside += at >= 0 && at < width;
        }
    for (int32_t c = 0; c < p->input_channels; c += band->pitch)
        for (int32_t i = 0; i < band->input_rows; i++) {
            int32_t at = y * p->stride_h - p->pad_top + i * step;
            int is_inside = at >= 0 && at < p->input_h;
            counts[3] += is_inside ? band->phases : 0.25;
            counts[12] += is_inside ? band->phases * band->input_columns - inside : 0;
            counts[4] += row_instructions(band, p->input_channels - c, is_inside ? inside : 0);
        }
}

static void count_band(const struct dtmm_conv_2d *p, const struct dtmm_mve_band *band, int32_t y,
                       int32_t x, double counts[MAX_WORK])
{
    struct dtmm_mve_weight_pieces pieces = dtmm_mve_weight_pieces(p);
    int32_t rows = band->height - y, columns = band->width - x, is_close;
    rows = rows < band->rows ? rows : band->rows;
    columns = columns < band->columns ? columns : band->columns;
    int32_t groups = groups_of_band(p, band, rows, columns, &is_close);
    int32_t n_units = p->kernel_h * p->kernel_w * pieces.units;
    counts[1]++;
    counts[5] += groups;
    count_layout(p, band, y, x, counts);
    const uint8_t *mask = p->mask;
    for (int32_t o = 0; o < p->output_channels; o++, mask += divide_up(n_units, 8)) {
        struct kept_units kept = kept_units(p, &pieces, mask);
        counts[2] += filter_instructions(p, &pieces, band->pitch, &kept, groups, is_close);
        if (!dtmm_mve_is_irregular(&pieces)) {
            counts[2] += list_instructions(p, &pieces, &kept);
            continue;
        }
        counts[6]++;
        counts[8] += n_units;
        counts[9] += kept.units;
        counts[10] += kept.pieces;
        counts[11] += pieces.is_padded ? kept.weights : 0;
    }
}

/* How many band sizes dtmm_mve_band tries. */
static int32_t rows_tried(const struct dtmm_conv_2d *p, const struct dtmm_mve_band *band)
{
    struct dtmm_mve_band tried = *band;
    int32_t n = 0;
    for (int32_t columns = band->width; columns > band->columns; n++)
        columns = (columns / 2 + 7) / 8 * 8;
    for (int32_t rows = 1; rows <= band->height; n++) {
        dtmm_mve_set_band_size(p, &tried, rows++, band->columns);
        if (dtmm_mve_band_bytes(p, &tried) > DTMM_MVE_BAND_BYTES)
            break;
    }
    return n;
}

void work_conv_2d_fwcs_s8_mve(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    struct dtmm_mve_band band = dtmm_mve_band(p, dtmm_mve_weight_pieces(p).size);
    for (int32_t y = 0; y < band.height; y += band.rows)
        for (int32_t x = 0; x < band.width; x += band.columns)
            count_band(p, &band, y, x, counts);
    counts[7] = p->kernel_h * p->kernel_w * dtmm_mve_weight_pieces(p).units;
    counts[13] = p->output_channels;
    counts[14] = rows_tried(p, &band);
}

void work_pointwise_inplace_s8_mve(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    work_conv_2d_s8_mve(p, counts);
}

void work_pointwise_fwcs_inplace_s8_mve(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    work_conv_2d_fwcs_s8_mve(p, counts);
}

void work_conv_2d_fwcs_16_s8_mve(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    work_conv_2d_fwcs_s8_mve(p, counts);
}

void work_conv_2d_fwcs_list_s8_mve(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    const uint8_t *list = p->mask;
    counts[1] = p->output_channels;
    counts[2] = divide_up(p->output_channels, 4);
    for (int32_t o = 0; o < p->output_channels; o++, list += 1 + *list)
        counts[3] += 5 * divide_up(*list, 4);
    counts[4] = divide_up(p->input_channels, 16);
}

void work_conv_2d_fwcs_single_s8_mve(const struct dtmm_conv_2d *p, double counts[MAX_WORK])
{
    struct dtmm_mve_weight_pieces pieces = dtmm_mve_weight_pieces(p);
    const uint8_t *mask = p->mask;
    int32_t bytes = divide_up(pieces.units, 8);
    counts[1] = p->output_channels;
    counts[2] = divide_up(p->output_channels, 4);
    for (int32_t o = 0; o < p->output_channels; o++, mask += bytes) {
        struct kept_units kept = kept_units(p, &pieces, mask);
        if (p->block >= p->input_channels)
            counts[3] += kept.units * 4 * divide_up(p->input_channels, 16);
        else if (p->block == 4)
            counts[4] += 8 * bytes + 11 * kept.nibbles;
        else
            counts[5] += 7 * bytes + 11 * kept.units;
    }
    counts[6] = p->block == 4 ? divide_up(p->input_channels, 16) : 0;
    counts[7] = bytes > 1 ? p->output_channels : 0;
}

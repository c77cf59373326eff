/* SPDX-License-Identifier: Apache-2.0 */
/* How often the parts of the kernels of the DSP extension run, other than those of conv_2d. */
#include "../../runtime/armv7em/rules.h"
#include "target/cost.h"
#include "target/work.h"

/* Outputs of a row that are not requantized the fast way. */
static double exact_outputs(const struct dtmm_fully_connected *p)
{
    int32_t n = 0;
    for (int32_t o = 0; o < p->output_channels; o++)
        n += !dtmm_dsp_shift_is_fast(p->shift[p->per_channel ? o : 0]);
    return n;
}

/* Rows that are multiplied pair by pair in one loop have counts of their own. */
void work_fully_connected_s8_armv7em(const struct dtmm_fully_connected *p, double counts[MAX_WORK])
{
    int32_t n = p->input_channels, blocks = n / 8;
    int is_usual = n % 8 == 0 && !p->per_channel && dtmm_dsp_shift_is_fast(p->shift[0]) &&
                   p->output_min == -128 && p->output_max == 127 && p->output_channels > 1;
    double usual = is_usual ? (double)p->rows * (p->output_channels / 2) : 0;
    double others = is_usual ? (double)p->rows * (p->output_channels % 2)
                             : (double)p->rows * ((p->output_channels + 1) / 2);
    double block = n % 4 == 0 ? 19 : 23, block_loop = 2;
    counts[1] = p->rows;
    counts[2] = (double)p->rows * (n / 4);
    counts[3] = usual;
    counts[4] = others;
    counts[5] = (usual + others) * (blocks * block + (blocks + 1) / 2 * block_loop);
    counts[6] = others * ((n & 4) * 3 + (n & 3) * 6);
    counts[7] = p->rows * exact_outputs(p);
}

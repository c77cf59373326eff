/* SPDX-License-Identifier: Apache-2.0 */
/* How often the parts of the kernels of the DSP extension run, other than those of conv_2d. */
#include "../../runtime/armv7em/rules.h"
#include "target/cost.h"
#include "target/work.h"

/* Rows that are multiplied pair by pair in one loop have counts of their own. */
void work_fully_connected_s8_armv7em(const struct dtmm_fully_connected *p, double counts[MAX_WORK])
{
    int32_t n = p->input_channels;
    int is_usual = n % 8 == 0 && !p->per_channel && p->shift[0] >= -22 && p->shift[0] <= -1 &&
                   p->output_min == -128 && p->output_max == 127 && p->output_channels > 1;
    double pairs = (double)p->rows * (p->output_channels / 2);
    double others = is_usual ? (double)p->rows * (p->output_channels % 2)
                             : (double)p->rows * (p->output_channels + 1) / 2;
    counts[1] = p->rows;
    counts[2] = (double)p->rows * (n / 4);
    counts[3] = is_usual ? pairs : 0;
    counts[4] = others;
    counts[5] = ((is_usual ? pairs : 0) + others) * (n / 16);
    counts[6] = ((is_usual ? pairs : 0) + others) * (n % 16 / 4);
    counts[7] = others * (n % 4);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Four units of the list a vector: their numbers are the offsets of a gather load. */
#include "conv_2d_single.h"

void dtmm_conv_2d_fwcs_list_s8_mve(const struct dtmm_conv_2d *p, const void *input, void *output,
                                   void *scratch)
{
    int32_t *sums = scratch;
    int8_t *aligned = (int8_t *)(sums + p->output_channels);
    const int8_t *weights = p->weights;
    const uint8_t *list = p->mask;
    dtmm_mve_align_input(input, p->input_channels, aligned);
    for (int32_t o = 0; o < p->output_channels; o++) {
        int32_t sum = p->bias[o], n_kept = *list++, n = 4 * n_kept;
        const uint8_t *numbers = list;
        const int8_t *w = weights;
        __asm__ volatile("   wlstp.8 lr, %[n], 2f\n"
                         "1: vldrb.u32 q2, [%[numbers]], #4\n"
                         "   vldrw.u32 q0, [%[x], q2, uxtw #2]\n"
                         "   vldrb.u8 q1, [%[w]], #16\n"
                         "   vmladava.s8 %[sum], q0, q1\n"
                         "   letp lr, 1b\n"
                         "2:\n"
                         : [sum] "+Te"(sum), [numbers] "+l"(numbers), [w] "+r"(w)
                         : [n] "r"(n), [x] "r"(aligned)
                         : "q0", "q1", "q2", "lr", "memory");
        list += n_kept;
        weights += n;
        sums[o] = sum;
    }
    dtmm_mve_finish_sums(p, sums, output);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pass/fwcs_list.h"

#include "pass/kernel_rules.h"

/* Appends the numbers of filter `o` and how many they are; returns the bytes. */
static size_t list_filter(const struct dtmm_conv_2d *masked, int32_t o, uint8_t *list)
{
    int32_t units = (masked->input_channels - 1) / masked->block + 1;
    const uint8_t *mask = masked->mask + (size_t)o * (size_t)((units + 7) / 8);
    size_t n = 1;
    for (int32_t i = 0; i < masked->input_channels; i += 4) {
        int32_t unit = i / masked->block;
        if (mask[unit / 8] >> unit % 8 & 1)
            list[n++] = (uint8_t)(i / 4);
    }
    list[0] = (uint8_t)(n - 1);
    return n;
}

size_t fwcs_list_make(const struct dtmm_conv_2d *masked, struct arena *arena,
                      struct dtmm_conv_2d *listed)
{
    union kernel_parameters form = {.conv_2d = *masked};
    form.conv_2d.block = 4;
    if (masked->block >= masked->input_channels || masked->block % 4 != 0 ||
        !kernel_accepts(KERNEL_conv_2d_fwcs_list_s8_c, &form))
        return 0;
    size_t most = (size_t)masked->output_channels * (size_t)(1 + masked->input_channels / 4), n = 0;
    uint8_t *list = ARENA_ARRAY(arena, most, uint8_t);
    for (int32_t o = 0; o < masked->output_channels; o++)
        n += list_filter(masked, o, list + n);
    *listed = form.conv_2d;
    listed->mask = list;
    return n;
}

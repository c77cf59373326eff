/* SPDX-License-Identifier: Apache-2.0 */
#include "product/units.h"

#include <string.h>

int op_is_layer(enum op op)
{
    return op == OP_conv_2d || op == OP_depthwise_conv_2d || op == OP_transpose_conv ||
           op == OP_fully_connected;
}

static const char *const names[] = {
#define X(suffix, name, meaning) name,
    UNIT_LIST(X)
#undef X
};

enum status unit_parse(const char *text, struct unit *unit, struct diag *diag)
{
    *unit = (struct unit){UNIT_BLOCK, 0};
    if (strcmp(text, "block:4") == 0 || strcmp(text, "block:8") == 0)
        unit->block = text[6] - '0';
    else if (strcmp(text, "block:16") == 0)
        unit->block = 16;
    if (unit->block > 0)
        return OK;
    for (int i = 0; i < N_UNIT_KINDS; i++)
        if (i != UNIT_BLOCK && strcmp(text, names[i]) == 0) {
            unit->kind = (enum unit_kind)i;
            return OK;
        }
    return fail(diag, ERR_USAGE,
                "unit '%s': must be filterlet, filter, block:4, block:8, block:16 or element",
                text);
}

const char *unit_name(const struct unit *unit, struct arena *arena)
{
    return unit->kind == UNIT_BLOCK ? arena_printf(arena, "block:%d", unit->block)
                                    : names[unit->kind];
}

int32_t filter_count(enum op op, const struct shape *weights)
{
    return weights->dims[op == OP_depthwise_conv_2d ? 3 : 0];
}

int32_t filter_of_weight(enum op op, const struct shape *weights, int64_t i)
{
    if (op == OP_depthwise_conv_2d)
        return (int32_t)(i % weights->dims[3]);
    return (int32_t)(i / (shape_elements(weights) / weights->dims[0]));
}

/* Units in a filterlet of `channels` input channels. */
static int32_t blocks_in(const struct unit *unit, int32_t channels)
{
    return unit->kind == UNIT_BLOCK ? (channels + unit->block - 1) / unit->block : 1;
}

int64_t unit_count(const struct unit *unit, enum op op, const struct shape *weights)
{
    int32_t channels = weights->dims[weights->rank - 1];
    if (op == OP_depthwise_conv_2d || unit->kind == UNIT_FILTER)
        return filter_count(op, weights);
    if (unit->kind == UNIT_ELEMENT)
        return shape_elements(weights);
    return shape_elements(weights) / channels * blocks_in(unit, channels);
}

int64_t unit_of_weight(const struct unit *unit, enum op op, const struct shape *weights, int64_t i)
{
    int32_t channels = weights->dims[weights->rank - 1];
    if (op == OP_depthwise_conv_2d || unit->kind == UNIT_FILTER)
        return filter_of_weight(op, weights, i);
    if (unit->kind == UNIT_ELEMENT)
        return i;
    int64_t filterlet = i / channels;
    return unit->kind == UNIT_FILTERLET
               ? filterlet
               : filterlet * blocks_in(unit, channels) + i % channels / unit->block;
}

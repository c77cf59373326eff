/* SPDX-License-Identifier: Apache-2.0 */
#include "target/latency.h"

#include <string.h>

double instructions_per_cycle(const struct core *core)
{
    static const struct {
        const char *core;
        double instructions;
    } notes[] = {
        {"cortex-m0", 0.7},     /* loads take 2 cycles, taken branches 3 (Arm DDI 0432) */
        {"cortex-m0plus", 0.7}, /* 2 and 2 (Arm DDI 0484) */
        {"cortex-m3", 0.7},     /* loads 2 but in a row 1, multiply-accumulates 2 (DDI 0337) */
        {"cortex-m4", 0.8},     /* multiply-accumulates 1 (DDI 0439) */
        {"cortex-m7", 1.3},     /* issues two (DDI 0489) */
        {"cortex-m33", 0.85},   /* issues two of 16 bits in some cases (100230) */
        {"cortex-m55", 0.6},    /* a vector instruction takes two beats (101051) */
        {"rv32imc", 0.8},       /* of a core with four stages */
        {"rv32imac", 0.8},
    };
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++)
        if (strcmp(notes[i].core, core->name) == 0)
            return notes[i].instructions;
    return 1;
}

double latency_seconds(const struct target *target, double instructions)
{
    if (target->clock_hz == 0)
        return 0;
    return instructions / instructions_per_cycle(target->core) / target->clock_hz;
}

double latency_instructions(const struct target *target, double seconds)
{
    return seconds * instructions_per_cycle(target->core) * target->clock_hz;
}

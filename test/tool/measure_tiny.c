/* SPDX-License-Identifier: Apache-2.0 */
/* usage: measure_tiny TARGET FOLDER [build|run|layers] [TIMEOUT] [FLASH_BUDGET] [SRAM_BUDGET]
 * Builds or runs test/target/fixture (or a changed copy of it) and checks its outputs. Prints
 * `name value` lines; exit code 1 and the message when something fails. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/measure.h"

#define N_SAMPLES 3

struct sample_in {
    int8_t input[64];
    float gains[4];
};

struct sample_out {
    int8_t output[64];
    float sums[4];
};

/* The fixture's table: 0 .. 7, zeros, 100 last. */
static int8_t expected_output(int8_t input, int i)
{
    int table = i < 8 ? i : i == 63 ? 100 : 0;
    return (int8_t)(uint8_t)((unsigned)(input + table) & 0xFFu);
}

static int check_outputs(const struct sample_in *in, const struct sample_out *out)
{
    for (int s = 0; s < N_SAMPLES; s++) {
        for (int i = 0; i < 64; i++)
            if (out[s].output[i] != expected_output(in[s].input[i], i))
                return printf("outputs wrong: sample %d element %d\n", s, i), 1;
        for (int i = 0; i < 4; i++)
            if (out[s].sums[i] < in[s].gains[i] * 4 || out[s].sums[i] > in[s].gains[i] * 4)
                return printf("outputs wrong: sample %d sum %d\n", s, i), 1;
    }
    printf("outputs right\n");
    return 0;
}

static int run(const struct firmware *firmware, int per_layer, int timeout, struct diag *diag)
{
    struct arena arena = {0};
    struct run result;
    struct sample_in in[N_SAMPLES];
    struct sample_out out[N_SAMPLES];
    for (int s = 0; s < N_SAMPLES; s++) {
        for (int i = 0; i < 64; i++)
            in[s].input[i] = (int8_t)(s * 50 + i * 3 - 120);
        for (int i = 0; i < 4; i++)
            in[s].gains[i] = (float)s + 0.25f * (float)i;
    }
    if (measure_run(firmware, in, N_SAMPLES, per_layer, timeout, &arena, &result, diag) != OK) {
        arena_free(&arena);
        return printf("error %s\n", diag->message), 1;
    }
    printf("instructions %lld\nstack %lld\n", (long long)result.instructions,
           (long long)result.stack_bytes);
    for (int32_t i = 0; i < result.n_layers; i++)
        printf("layer%d %lld\n", (int)i, (long long)result.layer_instructions[i]);
    int wrong = 1;
    if (result.output_bytes == sizeof out) {
        memcpy(out, result.outputs, sizeof out);
        wrong = check_outputs(in, out);
    }
    arena_free(&arena);
    return wrong;
}

int main(int argc, char **argv)
{
    static const size_t input_bytes[] = {64, 16}, output_bytes[] = {64, 16};
    struct firmware firmware = {.model = "tiny",
                                .board_folder = "board",
                                .n_nodes = 3,
                                .n_inputs = 2,
                                .n_outputs = 2,
                                .input_bytes = input_bytes,
                                .output_bytes = output_bytes};
    struct diag diag;
    struct built built;
    if (argc < 4)
        return fprintf(stderr, "usage: see the source\n"), 2;
    if (target_find(argv[1], &firmware.target, &diag) != OK)
        return printf("error %s\n", diag.message), 1;
    firmware.folder = argv[2];
    int timeout = argc > 4 ? atoi(argv[4]) : 30;
    firmware.flash_budget = argc > 5 ? (size_t)atol(argv[5]) : 0;
    firmware.sram_budget = argc > 6 ? (size_t)atol(argv[6]) : 0;
    if (strcmp(argv[3], "build") != 0)
        return run(&firmware, strcmp(argv[3], "layers") == 0, timeout, &diag);
    if (measure_build(&firmware, &built, &diag) != OK)
        return printf("error %s\n", diag.message), 1;
    printf("flash %zu\ncode %zu\ndata %zu\n", built.flash_bytes, built.code_bytes,
           built.data_bytes);
    return 0;
}

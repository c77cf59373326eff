/* SPDX-License-Identifier: Apache-2.0 */
#include "test/kernels/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "product/packed.h"
#include "test/kernels/naive.h"

/* How the layers of each reference kernel are made, and what they must give. */
static const struct {
    const char *name;
    layer_maker *make;
    naive_kernel *naive;
} families[] = {
#define FAMILY(name, make, naive) {#name, make, naive},
#include "test/kernels/families.inc"
#undef FAMILY
};

#define RUN_unary (parameters, inputs[0], output)
#define RUN_scratch (parameters, inputs[0], output, scratch)
#define RUN_binary (parameters, inputs[0], inputs[1], output)
#define KERNEL(name, isa, type, form, reference)                                                   \
    ONLY_##isa(static void run_##name(const void *parameters, const void *const inputs[2],         \
                                      void *output, void *scratch) {                               \
        (void)scratch;                                                                             \
        dtmm_##name##_##isa RUN_##form;                                                            \
    })
#include "runtime/kernels.inc"
#undef KERNEL

const struct kernel_under_test kernels_under_test[] = {
#define KERNEL(name, isa, type, form, reference)                                                   \
    ONLY_##isa({#name, #isa, TEST_FORM_##form, run_##name}, )
#include "runtime/kernels.inc"
#undef KERNEL
};
const size_t n_kernels_under_test = sizeof(kernels_under_test) / sizeof(kernels_under_test[0]);

/* One comparison: a layer, where its buffers lie, and which input (if any) is also the output. */
struct trial {
    const struct kernel_under_test *kernel, *reference;
    layer_maker *make;
    naive_kernel *naive;
    enum guard_edge edge;
    int shared; /* the input that the output shares memory with, or -1 */
};

enum { FILL = 0x5c };

static void expect(const struct trial *trial, const struct layer *layer, uint8_t *output,
                   void *scratch)
{
    memset(output, FILL, layer->output_bytes);
    if (trial->reference)
        trial->reference->run(&layer->parameters, layer->inputs, output, scratch);
    else
        trial->naive(layer, output);
}

/* Returns what is wrong, or NULL. */
static const char *compare(const struct trial *trial, const struct layer *layer,
                           struct guard *writable, char detail[120])
{
    size_t bytes = layer->output_bytes;
    if (trial->shared >= 0 && layer->input_bytes[trial->shared] > bytes)
        bytes = layer->input_bytes[trial->shared];
    uint8_t *expected = guard_alloc(writable, layer->output_bytes, 8);
    uint8_t *output = guard_alloc(writable, bytes, sizeof(float));
    void *scratch = guard_alloc(writable, layer->scratch_bytes, 8);
    memset(output, FILL, bytes);
    expect(trial, layer, expected, scratch);
    const void *inputs[2] = {layer->inputs[0], layer->inputs[1]};
    if (trial->shared >= 0) {
        memcpy(output, inputs[trial->shared], layer->input_bytes[trial->shared]);
        inputs[trial->shared] = output;
    }
    trial->kernel->run(&layer->parameters, inputs, output, scratch);
    for (size_t i = 0; i < layer->output_bytes; i++)
        if (output[i] != expected[i]) {
            (void)snprintf(detail, 120, "byte %zu of %zu is %d, not %d", i, layer->output_bytes,
                           (int8_t)output[i], (int8_t)expected[i]);
            return detail;
        }
    return guard_intact(writable) ? NULL : "wrote outside of the output or the scratch memory";
}

/* Makes the layer and compares; the layer's permitted sharing is returned in *in_place. */
static int run_trial(const struct trial *trial, struct random random, int *in_place,
                     char message[512])
{
    struct guard constant = {.edge = trial->edge}, writable = {.edge = trial->edge};
    struct layer layer;
    memset(&layer, 0, sizeof(layer));
    uint64_t state = random.state;
    trial->make(&random, &constant, &layer);
    guard_seal(&constant);
    *in_place = layer.in_place;
    (void)snprintf(
        message, 512, "%s_%s: layer state %#" PRIx64 " (%s), %s edge%s: ", trial->kernel->name,
        trial->kernel->isa, state, layer.text, trial->edge == GUARD_END ? "end" : "start",
        trial->shared >= 0 ? ", in place" : "");
    guard_report(message);
    char detail[120];
    const char *wrong = compare(trial, &layer, &writable, detail);
    size_t length = strlen(message);
    if (wrong)
        (void)snprintf(message + length, 512 - length, "%s", wrong);
    guard_free(&constant);
    guard_free(&writable);
    return wrong == NULL;
}

static int check_layer(struct trial *trial, struct random random, char message[512])
{
    for (int edge = GUARD_END; edge <= GUARD_START; edge++) {
        int in_place = 0;
        trial->edge = (enum guard_edge)edge;
        trial->shared = -1;
        if (!run_trial(trial, random, &in_place, message))
            return 0;
        for (int i = 0; i < 2; i++) {
            trial->shared = i;
            int ignored;
            if ((in_place >> i & 1) && !run_trial(trial, random, &ignored, message))
                return 0;
        }
    }
    return 1;
}

int check_kernel(const struct kernel_under_test *kernel, const struct kernel_under_test *reference,
                 uint64_t seed, int n_layers, char message[512])
{
    struct trial trial = {.kernel = kernel, .reference = reference};
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        if (strcmp(families[i].name, kernel->name) == 0) {
            trial.make = families[i].make;
            trial.naive = families[i].naive;
        }
    if (!trial.make) {
        (void)snprintf(message, 512, "%s: no test layers are made for it", kernel->name);
        return 0;
    }
    struct random random = {seed};
    for (int i = 0; i < n_layers; i++) {
        struct random of_layer = {random_bits(&random)};
        if (!check_layer(&trial, of_layer, message))
            return 0;
    }
    return 1;
}

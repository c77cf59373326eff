/* SPDX-License-Identifier: Apache-2.0 */
/* The MLPerf Tiny networks against the outputs that TensorFlow Lite Micro's reference kernels gave
 * for the same inputs. The models and recordings lie beside the repository (../shared, or
 * $DTMM_SHARED); without them the tests are skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "eval/eval.h"
#include "import/import.h"
#include "pass/pass.h"

/* Last: it defines `fail`. */
#include <cmocka.h>

/* A network with its recordings, and what is known of it. */
struct recording {
    const char *model;  /* below models/ */
    const char *golden; /* golden/<golden>.{inputs,outputs}.bin */
    int64_t macs;
};

static const struct recording resnet = {"pretrainedResnet_quant", "resnet", 12501632};
static const struct recording kws = {"kws_ref_model", "kws", 2656768};
static const struct recording vww = {"vww_96_int8", "vww", 7489664};
static const struct recording vww_images = {"vww_96_int8", "vww_img", 7489664};
static const struct recording ad = {"ad01_int8", "ad", 264192};

/* A model ready to run. */
struct model {
    struct arena arena;
    struct graph *graph;
    struct packed *packed;
};

static const char *shared_path(struct arena *arena, const char *folder, const char *name,
                               const char *suffix)
{
    const char *shared = getenv("DTMM_SHARED");
    return arena_printf(arena, "%s/%s/%s%s", shared != NULL ? shared : "../shared", folder, name,
                        suffix);
}

static int is_there(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file != NULL)
        fclose(file);
    return file != NULL;
}

/* Skips the test when the file is missing. */
static struct file read_shared(struct arena *arena, const char *folder, const char *name,
                               const char *suffix)
{
    struct file file;
    struct diag diag = {""};
    const char *path = shared_path(arena, folder, name, suffix);
    if (!is_there(path)) {
        print_message("%s is not there\n", path);
        arena_free(arena);
        skip();
    }
    if (file_read(path, arena, &file, &diag) != OK)
        fail_msg("%s", diag.message);
    return file;
}

static struct model load(const char *name)
{
    struct model model = {{NULL}, NULL, NULL};
    struct diag diag = {""};
    struct file file = read_shared(&model.arena, "models", name, ".tflite");
    if (import_tflite(file.data, file.size, name, &model.arena, &model.graph, &diag) != OK ||
        pack(model.graph, NULL, &model.arena, &model.packed, &diag) != OK)
        fail_msg("%s: %s", name, diag.message);
    return model;
}

static void run(const struct model *model, const void *input, void *output)
{
    struct diag diag = {""};
    assert_int_equal(model->graph->n_inputs, 1);
    assert_int_equal(model->graph->n_outputs, 1);
    if (eval_run(model->graph, model->packed, NULL, &input, &output, &diag) != OK)
        fail_msg("%s", diag.message);
}

static void outputs_equal_recordings(void **state)
{
    const struct recording *recording = *state;
    struct model model = load(recording->model);
    struct file inputs = read_shared(&model.arena, "golden", recording->golden, ".inputs.bin");
    struct file outputs = read_shared(&model.arena, "golden", recording->golden, ".outputs.bin");
    size_t input_bytes = graph_input_bytes(model.graph);
    size_t output_bytes = graph_output_bytes(model.graph);
    size_t n = inputs.size / input_bytes;
    assert_int_equal(n, 16);
    assert_int_equal(inputs.size, n * input_bytes);
    assert_int_equal(outputs.size, n * output_bytes);
    uint8_t *output = arena_alloc(&model.arena, output_bytes, 1);
    for (size_t i = 0; i < n; i++) {
        run(&model, inputs.data + i * input_bytes, output);
        if (memcmp(output, outputs.data + i * output_bytes, output_bytes) != 0)
            fail_msg("%s: sample %zu differs", recording->golden, i);
    }
    arena_free(&model.arena);
}

static void macs_are_the_usual_count(void **state)
{
    const struct recording *recording = *state;
    struct model model = load(recording->model);
    int64_t macs = 0;
    for (int32_t i = 0; i < model.graph->n_nodes; i++) {
        /* Absent filterlets cost nothing, so count what the dense layer would. */
        const struct packed_node *facts = &model.packed->nodes[i];
        const struct node *node = &model.graph->nodes[i];
        const struct tensor *weights = node->n_inputs > 1 ? node_input(model.graph, node, 1) : NULL;
        if (weights != NULL && weights->data != NULL && facts->weight_bytes != 0)
            macs += facts->macs / (int64_t)facts->weight_bytes * (int64_t)tensor_bytes(weights);
    }
    assert_int_equal(macs, recording->macs);
    arena_free(&model.arena);
}

/* The bytes of a compressed NumPy array behind its header of 128 bytes. */
static uint8_t *read_array(struct arena *arena, const char *name, size_t bytes)
{
    const char *path = shared_path(arena, "data/kws01", name, ".npy.xz");
    uint8_t *data = arena_alloc(arena, bytes + 128, 1);
    FILE *pipe =
        is_there(path) ? popen(arena_printf(arena, "xz -dc '%s' 2>/dev/null", path), "r") : NULL;
    size_t size = pipe == NULL ? 0 : fread(data, 1, bytes + 128, pipe);
    if (pipe == NULL || pclose(pipe) != 0 || size != bytes + 128) {
        print_message("%s is not there, or no xz\n", path);
        arena_free(arena);
        skip();
    }
    return data + 128;
}

static void kws_accuracy_is_901_of_1000(void **state)
{
    (void)state;
    enum { SAMPLES = 1000, INPUT = 490, CLASSES = 12 };
    struct model model = load("kws_ref_model");
    const uint8_t *inputs = read_array(&model.arena, "mfcc_i8", (size_t)SAMPLES * INPUT);
    const uint8_t *labels = read_array(&model.arena, "y_u8", SAMPLES);
    int correct = 0;
    for (int i = 0; i < SAMPLES; i++) {
        int8_t output[CLASSES];
        int best = 0;
        run(&model, inputs + (size_t)i * INPUT, output);
        for (int k = 1; k < CLASSES; k++)
            if (output[k] > output[best])
                best = k;
        correct += best == labels[i];
    }
    assert_int_equal(correct, 901);
    arena_free(&model.arena);
}

#define ON(test, recording)                                                                        \
    {                                                                                              \
#test " " #recording, test, NULL, NULL, (void *)(uintptr_t)&recording                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(outputs_equal_recordings, resnet), ON(outputs_equal_recordings, kws),
        ON(outputs_equal_recordings, vww),    ON(outputs_equal_recordings, vww_images),
        ON(outputs_equal_recordings, ad),     ON(macs_are_the_usual_count, resnet),
        ON(macs_are_the_usual_count, kws),    ON(macs_are_the_usual_count, vww),
        ON(macs_are_the_usual_count, ad),     cmocka_unit_test(kws_accuracy_is_901_of_1000),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

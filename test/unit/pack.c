/* SPDX-License-Identifier: Apache-2.0 */
/* The pass `pack`: multipliers, parameters, byte counts, the choice of FWCS, refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "pass/fixed_point.h"
#include "pass/pass.h"

/* Last: it defines `fail`. */
#include <cmocka.h>

static struct arena arena;

static int release(void **state)
{
    (void)state;
    arena_free(&arena);
    return 0;
}

static enum status try_pack(const char *text, struct packed **packed, struct diag *diag)
{
    struct graph *graph;
    if (graph_parse(text, strlen(text), &arena, &graph, diag) != OK)
        fail_msg("%s", diag->message);
    return pack(graph, NULL, &arena, packed, diag);
}

static const struct packed *packed_of(const char *text)
{
    struct packed *packed;
    struct diag diag = {""};
    if (try_pack(text, &packed, &diag) != OK)
        fail_msg("%s", diag.message);
    return packed;
}

/* Packing fails, naming `node` and `reason`. */
static void assert_refused(const char *text, const char *node, const char *reason)
{
    struct packed *packed;
    struct diag diag = {""};
    assert_int_equal(try_pack(text, &packed, &diag), ERR_UNSUPPORTED);
    if (strstr(diag.message, node) == NULL || strstr(diag.message, reason) == NULL)
        fail_msg("'%s' does not name '%s' and '%s'", diag.message, node, reason);
}

static const char *name_of(const struct packed_call *call)
{
    return kernel_facts(call->kernel)->name;
}

static const struct packed_array *array_of(const struct packed_call *call, const char *field)
{
    for (int32_t i = 0; i < call->n_arrays; i++)
        if (strcmp(call->arrays[i].field, field) == 0)
            return &call->arrays[i];
    fail_msg("no array '%s'", field);
    return NULL;
}

/* TensorFlow Lite, quantization_util_test.cc, QuantizeMultiplier. */
static void multipliers_equal_tflite(void **state)
{
    static const struct {
        double real;
        int32_t multiplier, shift;
    } known[] = {{-4, -1073741824, 3},
                 {-2, -1073741824, 2},
                 {-1, -1073741824, 1},
                 {-0.5, -1073741824, 0},
                 {-0.25, -1073741824, -1},
                 {-0.125, -1073741824, -2},
                 {0, 0, 0},
                 {0.125, 1073741824, -2},
                 {0.25, 1073741824, -1},
                 {0.5, 1073741824, 0},
                 {1, 1073741824, 1},
                 {2, 1073741824, 2},
                 {4, 1073741824, 3}};
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct fixed_point by = fixed_point_from(known[i].real);
        assert_int_equal(by.multiplier, known[i].multiplier);
        assert_int_equal(by.shift, known[i].shift);
    }
}

static void multipliers_at_the_ends(void **state)
{
    (void)state;
    /* The fraction rounds up to 1. */
    struct fixed_point by = fixed_point_from(0.99999999999);
    assert_int_equal(by.multiplier, 1 << 30);
    assert_int_equal(by.shift, 1);
    /* 2^-32 still has a shift of -31; the half of it is flushed to zero. */
    by = fixed_point_from(1.0 / 4294967296.0);
    assert_int_equal(by.multiplier, 1 << 30);
    assert_int_equal(by.shift, -31);
    by = fixed_point_from(0.5 / 4294967296.0);
    assert_int_equal(by.multiplier, 0);
    assert_int_equal(by.shift, 0);
}

/* TensorFlow Lite, quantization_util_test.cc, CalculateInputRadius. */
static void input_radius_equals_tflite(void **state)
{
    (void)state;
    assert_int_equal(input_radius(4, 27), 15);
    assert_int_equal(input_radius(3, 27), 14);
    assert_int_equal(input_radius(3, 28), 7);
    assert_int_equal(input_radius(4, 2), 503316480);
}

/* Halves away from zero in the shift; toward plus infinity in the multiplication (gemmlowp). */
static void rounding_is_gemmlowps(void **state)
{
    (void)state;
    assert_int_equal(rounding_shift_right(5, 1), 3);
    assert_int_equal(rounding_shift_right(-5, 1), -3);
    assert_int_equal(rounding_shift_right(-6, 2), -2);
    assert_int_equal(high_multiply(1, 1 << 30), 1);
    assert_int_equal(high_multiply(-1, 1 << 30), 0);
    assert_int_equal(high_multiply(-3, 1 << 30), -1);
    assert_int_equal(high_multiply(INT32_MIN, INT32_MIN), INT32_MAX);
    assert_int_equal(fixed_point_multiply(100, (struct fixed_point){1 << 30, 3}), 400);
}

#define CONV(x, w, data, bias, y, attributes)                                                      \
    "graph g\ntensor \"x\" s8 " x "\ntensor \"w\" s8 " w " = " data "\ntensor \"b\" s32 " bias     \
    "\ntensor \"y\" s8 " y                                                                         \
    "\ninput \"x\"\nnode conv_2d layer \"x\" \"w\" \"b\" -> \"y\" " attributes "\noutput \"y\"\n"

static void conv_2d_parameters(void **state)
{
    (void)state;
    const struct packed *packed = packed_of(
        CONV("1x5x7x1 scale 0.5 zero_point -3", "2x2x3x1 axis 0 scale 0.25 0.5 zero_point 0",
             "1 2 3 4 5 6 -1 -2 -3 -4 -5 -7", "2 = 100 -100", "1x3x2x2 scale 0.25 zero_point -128",
             "stride 2 3 dilation 1 2 pads 0 1 1 2 activation relu6"));
    assert_int_equal(packed->n_calls, 1);
    const struct packed_call *call = &packed->calls[0];
    const struct dtmm_conv_2d *conv = &call->parameters.conv_2d;
    assert_string_equal(name_of(call), "conv_2d_s8");
    assert_null(conv->mask);
    /* bias + 3 * (sum of weights) */
    assert_int_equal(conv->bias[0], 100 + 3 * 21);
    assert_int_equal(conv->bias[1], -100 - 3 * 22);
    /* 0.5 * 0.25 / 0.25 and 0.5 * 0.5 / 0.25 */
    assert_int_equal(conv->multiplier[0], 1 << 30);
    assert_int_equal(conv->shift[0], 0);
    assert_int_equal(conv->multiplier[1], 1 << 30);
    assert_int_equal(conv->shift[1], 1);
    assert_int_equal(conv->kernel_h, 2);
    assert_int_equal(conv->kernel_w, 3);
    assert_int_equal(conv->stride_h, 2);
    assert_int_equal(conv->stride_w, 3);
    assert_int_equal(conv->dilation_h, 1);
    assert_int_equal(conv->dilation_w, 2);
    assert_int_equal(conv->pad_top, 0);
    assert_int_equal(conv->pad_left, 1);
    assert_int_equal(conv->input_zero_point, -3);
    assert_int_equal(conv->output_min, -128);
    assert_int_equal(conv->output_max, -128 + 24);
    const struct packed_node *facts = &packed->nodes[0];
    assert_int_equal(facts->weight_bytes, 12);
    assert_int_equal(facts->index_bytes, 0);
    assert_int_equal(facts->bias_bytes, 8);
    assert_int_equal(facts->quantization_bytes, 10);
    assert_int_equal(facts->macs, 6 * 12);
    assert_int_equal(facts->n_filters, 2);
    assert_int_equal(facts->n_filterlets_kept, 12);
    assert_int_equal(call->n_arrays, 4);
    assert_ptr_equal(array_of(call, "bias")->data, conv->bias);
    assert_int_equal(array_of(call, "weights")->n, 12);
    assert_string_equal(array_of(call, "shift")->c_type, "int8_t");
}

/* Weights of two filters of 1x3 filterlets of 8 channels; the first keeps filterlets 0 and 2, the
 * second filterlet 1. */
static void fwcs_keeps_filterlets(void **state)
{
    (void)state;
    const struct packed *packed =
        packed_of(CONV("1x1x3x8 scale 1 zero_point 2", "2x1x3x8 scale 1",
                       "1*8 0*8 2*8 0*8 3 0 0 3 4 4 4 4 0*8", "2 = 0 0", "1x1x1x2 scale 1", ""));
    const struct packed_call *call = &packed->calls[0];
    const struct dtmm_conv_2d *conv = &call->parameters.conv_2d;
    assert_string_equal(name_of(call), "conv_2d_fwcs_s8");
    assert_int_equal(conv->block, 8);
    assert_int_equal(array_of(call, "mask")->n, 2);
    assert_int_equal(conv->mask[0], 5);
    assert_int_equal(conv->mask[1], 2);
    static const int8_t kept[] = {1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2,
                                  2, 2, 2, 2, 3, 0, 0, 3, 4, 4, 4, 4};
    assert_int_equal(array_of(call, "weights")->n, sizeof kept);
    assert_memory_equal(conv->weights, kept, sizeof kept);
    assert_int_equal(conv->bias[0], -2 * 24);
    const struct packed_node *facts = &packed->nodes[0];
    assert_int_equal(facts->weight_bytes, 24);
    assert_int_equal(facts->index_bytes, 2);
    assert_int_equal(facts->macs, 24);
    assert_int_equal(facts->n_filters_kept, 2);
    assert_int_equal(facts->n_filterlets, 6);
    assert_int_equal(facts->n_filterlets_kept, 3);
}

/* 24 channels of which 4 at a time are zero: blocks of 4 are smaller than filterlets. */
static void fwcs_takes_the_smallest_block(void **state)
{
    (void)state;
    const struct packed *packed =
        packed_of(CONV("1x1x1x24 scale 1", "2x1x1x24 scale 1",
                       "1*4 0*4 1*4 0*4 1*4 0*4 0*4 2*4 0*16", "2 = 0 0", "1x1x1x2 scale 1", ""));
    const struct dtmm_conv_2d *conv = &packed->calls[0].parameters.conv_2d;
    assert_int_equal(conv->block, 4);
    assert_int_equal(conv->mask[0], 0x15);
    assert_int_equal(conv->mask[1], 0x02);
    assert_int_equal(packed->nodes[0].weight_bytes, 16);
    assert_int_equal(packed->nodes[0].index_bytes, 2);
    assert_int_equal(packed->nodes[0].n_filterlets_kept, 2);
}

/* One filterlet of one channel is zero: its mask costs what it saves. */
static void dense_wins_a_tie(void **state)
{
    (void)state;
    const struct packed *packed = packed_of(
        CONV("1x2x2x1 scale 1", "1x2x2x1 scale 1", "1 0 3 4", "1 = 0", "1x1x1x1 scale 1", ""));
    assert_string_equal(name_of(&packed->calls[0]), "conv_2d_s8");
    assert_int_equal(packed->nodes[0].weight_bytes, 4);
    assert_int_equal(packed->nodes[0].n_filterlets_kept, 4);
}

static void filters_without_weights_have_storage(void **state)
{
    (void)state;
    const struct packed *packed = packed_of(
        CONV("1x2x2x1 scale 1", "1x2x2x1 scale 1", "0*4", "1 = 7", "1x1x1x1 scale 1", ""));
    assert_string_equal(name_of(&packed->calls[0]), "conv_2d_fwcs_s8");
    assert_int_equal(array_of(&packed->calls[0], "weights")->n, 1);
    assert_int_equal(packed->nodes[0].n_filters_kept, 0);
    assert_int_equal(packed->nodes[0].macs, 0);
}

#define FC(w, y)                                                                                   \
    "graph g\ntensor \"x\" s8 3x8 scale 0.5\ntensor \"w\" s8 " w "\ntensor \"y\" s8 " y            \
    "\ninput \"x\"\nnode fully_connected layer \"x\" \"w\" -> \"y\"\noutput \"y\"\n"

static void fully_connected_has_one_multiplier(void **state)
{
    (void)state;
    const struct packed *packed = packed_of(FC("2x8 scale 0.5 = 1*16", "3x2 scale 1"));
    const struct dtmm_fully_connected *layer = &packed->calls[0].parameters.fully_connected;
    assert_int_equal(layer->rows, 3);
    assert_int_equal(layer->per_channel, 0);
    assert_int_equal(packed->nodes[0].quantization_bytes, 5);
    assert_int_equal(packed->nodes[0].macs, 48);
    assert_int_equal(packed->nodes[0].n_filterlets, 2);
    packed = packed_of(FC("2x8 axis 0 scale 0.5 0.25 zero_point 0 = 1*16", "3x2 scale 1"));
    assert_int_equal(packed->calls[0].parameters.fully_connected.per_channel, 1);
    assert_int_equal(packed->nodes[0].quantization_bytes, 10);
}

/* Of 16 bytes of weights 8 are kept, and the masks need 2; but with one scale the convolution
 * kernel needs 5 bytes more. The sum is smaller by one. */
static void fully_connected_counts_all_bytes(void **state)
{
    (void)state;
    const struct packed *packed = packed_of(FC("2x8 scale 0.5 = 1*8 0*8", "3x2 scale 1"));
    assert_string_equal(name_of(&packed->calls[0]), "conv_2d_fwcs_s8");
    assert_int_equal(packed->calls[0].parameters.conv_2d.input_h, 3);
    assert_int_equal(packed->calls[0].parameters.conv_2d.output_h, 3);
    assert_int_equal(packed->nodes[0].macs, 24);
    /* Nothing saved when less than 7 bytes are zero. */
    packed = packed_of(FC("2x8 scale 0.5 = 1*8 0*4 1*4", "3x2 scale 1"));
    assert_string_equal(name_of(&packed->calls[0]), "fully_connected_s8");
}

/* The largest scale (1 by 16) times 2^26 still fits; twice it is held below 2^31. */
static void softmax_multiplier(void **state)
{
    static const char text[] = "graph g\ntensor \"x\" s8 4x5 scale %s\ntensor \"y\" s8 4x5 scale "
                               "0.00390625 zero_point -128\ninput \"x\"\nnode softmax s \"x\" -> "
                               "\"y\"\noutput \"y\"\n";
    char graph[512];
    (void)state;
    snprintf(graph, sizeof graph, text, "16");
    const struct dtmm_softmax *softmax = &packed_of(graph)->calls[0].parameters.softmax;
    assert_int_equal(softmax->rows, 4);
    assert_int_equal(softmax->columns, 5);
    assert_int_equal(softmax->multiplier, 1 << 30);
    assert_int_equal(softmax->shift, 31);
    snprintf(graph, sizeof graph, text, "32");
    softmax = &packed_of(graph)->calls[0].parameters.softmax;
    assert_int_equal(softmax->multiplier, INT32_MAX);
    assert_int_equal(softmax->shift, 31);
    snprintf(graph, sizeof graph, text, "0.1");
    softmax = &packed_of(graph)->calls[0].parameters.softmax;
    assert_int_equal(softmax->shift, 23);
    assert_int_equal(softmax->difference_min, -248);
}

#define BINARY(op, a, b, y)                                                                        \
    "graph g\ntensor \"a\" s8 " a "\ntensor \"b\" s8 " b "\ntensor \"y\" s8 " y                    \
    "\ninput \"a\" \"b\"\nnode " op " sum \"a\" \"b\" -> \"y\"\noutput \"y\"\n"

static void equal_shapes_merge(void **state)
{
    (void)state;
    const struct packed *packed =
        packed_of(BINARY("add", "1x2x3x4 scale 0.5", "1x2x3x4 scale 1", "1x2x3x4 scale 1"));
    const struct dtmm_add *add = &packed->calls[0].parameters.add;
    static const int32_t dims[] = {1, 1, 1, 24}, stride[] = {0, 0, 0, 1};
    assert_memory_equal(add->dims, dims, sizeof dims);
    assert_memory_equal(add->stride_a, stride, sizeof stride);
    assert_memory_equal(add->stride_b, stride, sizeof stride);
    assert_int_equal(add->multiplier_a, 1 << 30);
    assert_int_equal(add->shift_a, -1);
    assert_int_equal(add->shift_b, 0);
    assert_int_equal(add->multiplier_output, 1 << 30);
    assert_int_equal(add->shift_output, -18);
}

static void broadcasts_stride(void **state)
{
    (void)state;
    const struct packed *packed =
        packed_of(BINARY("mul", "2x3x1x4 scale 0.5", "3x5x1 scale 1", "2x3x5x4 scale 1"));
    const struct dtmm_mul *mul = &packed->calls[0].parameters.mul;
    static const int32_t dims[] = {2, 3, 5, 4};
    static const int32_t stride_a[] = {12, 4, 0, 1}, stride_b[] = {0, 5, 1, 0};
    assert_memory_equal(mul->dims, dims, sizeof dims);
    assert_memory_equal(mul->stride_a, stride_a, sizeof stride_a);
    assert_memory_equal(mul->stride_b, stride_b, sizeof stride_b);
}

static void refusals_name_the_layer(void **state)
{
    (void)state;
    assert_refused("graph g\ntensor \"x\" f32 4\ntensor \"y\" f32 4\ninput \"x\"\n"
                   "node relu act \"x\" -> \"y\"\noutput \"y\"\n",
                   "relu 'act'", "quantize");
    assert_refused(
        CONV("1x1x1x1 scale 1", "1x1x1x1 scale 1", "127", "1 = 2147483600", "1x1x1x1 scale 1", ""),
        "conv_2d 'layer'", "overflow");
    assert_refused(CONV("1x1x1x1 scale 1", "1x1x1x1 scale 1", "127", "1 = 1000000",
                        "1x1x1x1 scale 0.0001", ""),
                   "conv_2d 'layer'", "too large");
    assert_refused(BINARY("mul", "2 scale 1000", "2 scale 1000", "2 scale 1"), "mul 'sum'",
                   "too large");
    assert_refused("graph g\ntensor \"x\" s8 9000 scale 1\ntensor \"y\" s8 9000 scale 0.00390625 "
                   "zero_point -128\ninput \"x\"\nnode softmax s \"x\" -> \"y\"\noutput \"y\"\n",
                   "softmax 's'", "classes");
    assert_refused("graph g\ntensor \"x\" s8 4 scale 1e-9\ntensor \"y\" s8 4 scale 0.00390625 "
                   "zero_point -128\ninput \"x\"\nnode softmax s \"x\" -> \"y\"\noutput \"y\"\n",
                   "softmax 's'", "too small");
    assert_refused("graph g\ntensor \"x\" s8 4 scale 1e-9\ntensor \"y\" s8 4 scale 0.00390625 "
                   "zero_point -128\ninput \"x\"\nnode logistic s \"x\" -> \"y\"\noutput \"y\"\n",
                   "logistic 's'", "out of range");
    assert_refused("graph g\ntensor \"x\" s8 4 scale 1\ntensor \"y\" s8 4 scale 0.001\n"
                   "input \"x\"\nnode hard_swish h \"x\" -> \"y\"\noutput \"y\"\n",
                   "hard_swish 'h'", "128 times");
}

static void kernels_have_facts(void **state)
{
    (void)state;
    const struct kernel_facts *facts = kernel_facts(KERNEL_conv_2d_fwcs_s8_c);
    assert_string_equal(facts->name, "conv_2d_fwcs_s8");
    assert_string_equal(facts->isa, "c");
    assert_string_equal(facts->parameters, "conv_2d");
    assert_int_equal(facts->form, FORM_scratch);
}

static void a_core_without_kernels_takes_the_portable_ones(void **state)
{
    static const struct core bare = {.name = "bare", .isa = "bare"};
    static const struct pack_request request = {.core = &bare};
    static const char text[] = FC("2x8 scale 0.5 = 1*16", "3x2 scale 1");
    struct graph *graph;
    struct packed *packed;
    struct diag diag = {""};
    (void)state;
    assert_int_equal(graph_parse(text, strlen(text), &arena, &graph, &diag), OK);
    assert_int_equal(pack(graph, &request, &arena, &packed, &diag), OK);
    assert_int_equal(packed->calls[0].kernel, KERNEL_fully_connected_s8_c);
}

/* A layer of one output position, in blocks of 8: on Helium its list, in blocks of 4, is faster. */
static void the_list_takes_the_place_of_the_mask(void **state)
{
    static const struct core helium = {.name = "cortex-m55", .isa = "mve"};
    static const struct pack_request request = {.core = &helium};
    static const char text[] =
        CONV("1x1x1x64 scale 1", "2x1x1x64 scale 1", "0*8 1*8 0*32 2*8 0*8 3*8 0*56", "2 = 0 0",
             "1x1x1x2 scale 1", "");
    static const uint8_t list[] = {4, 2, 3, 12, 13, 2, 0, 1};
    struct graph *graph;
    struct packed *packed;
    struct diag diag = {""};
    (void)state;
    assert_int_equal(graph_parse(text, strlen(text), &arena, &graph, &diag), OK);
    assert_int_equal(pack(graph, &request, &arena, &packed, &diag), OK);
    const struct packed_call *call = &packed->calls[0];
    assert_int_equal(call->kernel, KERNEL_conv_2d_fwcs_list_s8_mve);
    assert_int_equal(call->parameters.conv_2d.block, 4);
    assert_int_equal(array_of(call, "mask")->n, sizeof list);
    assert_memory_equal(call->parameters.conv_2d.mask, list, sizeof list);
    assert_int_equal(array_of(call, "weights")->n, 24);
    assert_int_equal(packed->nodes[0].index_bytes, sizeof list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(multipliers_equal_tflite),
        cmocka_unit_test(multipliers_at_the_ends),
        cmocka_unit_test(input_radius_equals_tflite),
        cmocka_unit_test(rounding_is_gemmlowps),
        cmocka_unit_test_teardown(conv_2d_parameters, release),
        cmocka_unit_test_teardown(fwcs_keeps_filterlets, release),
        cmocka_unit_test_teardown(fwcs_takes_the_smallest_block, release),
        cmocka_unit_test_teardown(dense_wins_a_tie, release),
        cmocka_unit_test_teardown(filters_without_weights_have_storage, release),
        cmocka_unit_test_teardown(fully_connected_has_one_multiplier, release),
        cmocka_unit_test_teardown(fully_connected_counts_all_bytes, release),
        cmocka_unit_test_teardown(softmax_multiplier, release),
        cmocka_unit_test_teardown(equal_shapes_merge, release),
        cmocka_unit_test_teardown(broadcasts_stride, release),
        cmocka_unit_test_teardown(refusals_name_the_layer, release),
        cmocka_unit_test(kernels_have_facts),
        cmocka_unit_test_teardown(a_core_without_kernels_takes_the_portable_ones, release),
        cmocka_unit_test_teardown(the_list_takes_the_place_of_the_mask, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

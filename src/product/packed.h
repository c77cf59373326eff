/* SPDX-License-Identifier: Apache-2.0 */
/* What the runtime will execute: the graph lowered to kernel calls with their parameters. */
#ifndef DTMM_PRODUCT_PACKED_H
#define DTMM_PRODUCT_PACKED_H

#include <stddef.h>
#include <stdint.h>

#include "../../runtime/dtmm.h"
#include "base/arena.h"

enum kernel {
#define KERNEL(name, isa, parameters, form, reference) KERNEL_##name##_##isa,
#include "../../runtime/kernels.inc"
#undef KERNEL
    N_KERNELS
};

enum kernel_form { FORM_unary, FORM_scratch, FORM_binary };

/* Facts of each kernel, by enum kernel; made from kernels.inc. */
struct kernel_facts {
    const char *name;       /* "conv_2d_s8" */
    const char *isa;        /* "c": the folder under runtime/ */
    const char *parameters; /* "conv_2d": struct dtmm_conv_2d */
    enum kernel_form form;
    enum kernel reference; /* of isa "c", which it equals bit for bit */
};
const struct kernel_facts *kernel_facts(enum kernel kernel);

/* The name of its function: "dtmm_conv_2d_s8_c". */
const char *kernel_function(enum kernel kernel, struct arena *arena);

/* The kernel of that function; -1: there is none. */
int kernel_named(const char *function);

/* Their text for kernels of runtime/c, which run on the host, and nothing for all others; used with
 * the `isa` of kernels.inc: ONLY_##isa(...). */
#define ONLY_c(...) __VA_ARGS__
#define ONLY_mve(...)
#define ONLY_armv7em(...)
#define ONLY_armv7m(...)
#define ONLY_armv6m(...)
#define ONLY_rv32(...)

union kernel_parameters {
    struct dtmm_conv_2d conv_2d;
    struct dtmm_depthwise_conv_2d depthwise_conv_2d;
    struct dtmm_fully_connected fully_connected;
    struct dtmm_add add;
    struct dtmm_mul mul;
    struct dtmm_pool_2d pool_2d;
    struct dtmm_mean mean;
    struct dtmm_softmax softmax;
    struct dtmm_lookup lookup;
    struct dtmm_copy copy;
    struct dtmm_pad pad;
    struct dtmm_slice slice;
    struct dtmm_resize_nearest resize_nearest;
    struct dtmm_quantize quantize;
};

/* A constant array that the parameters of a call point to. */
struct packed_array {
    const char *field;  /* the member of the parameter structure: "weights", "mask", "bias", ... */
    const char *c_type; /* "int8_t", "uint8_t", "int32_t", "uint16_t" */
    const void *data;   /* what that member points to on the host */
    size_t n;           /* elements */
    size_t element_bytes;
};

enum { MAX_ARRAYS = 5 };

struct packed_call {
    int32_t node; /* the node it belongs to; a concatenation has a call an input */
    enum kernel kernel;
    union kernel_parameters parameters; /* pointers are host memory of the packed arena */
    int32_t n_arrays;
    struct packed_array arrays[MAX_ARRAYS];
    int32_t n_inputs;
    int32_t inputs[2];    /* tensor ids */
    int32_t output;       /* tensor id */
    size_t output_offset; /* bytes into the output tensor where this call writes */
    size_t scratch_bytes;
    double instructions; /* predicted; negative when unknown */
};

/* What a node costs in flash, and what is left of it. A node without a call (a reshape that shares
 * its input's memory) has zeros. */
struct packed_node {
    int32_t first_call, n_calls;
    size_t weight_bytes; /* stored weights */
    size_t index_bytes;  /* masks */
    size_t bias_bytes;
    size_t quantization_bytes; /* multipliers, shifts, lookup tables */
    int64_t macs;              /* multiply-accumulates with stored weights */
    /* conv_2d, depthwise_conv_2d, transpose_conv, fully_connected; otherwise 0. depthwise: a filter
     * is a channel and its filterlets are its kernel positions; fully_connected: one filterlet a
     * filter. */
    int32_t n_filters, n_filters_kept;
    int32_t n_filterlets, n_filterlets_kept;
};

struct packed {
    int32_t n_calls;
    struct packed_call *calls; /* in execution order */
    int32_t n_nodes;           /* as in the graph */
    struct packed_node *nodes;
};

#endif

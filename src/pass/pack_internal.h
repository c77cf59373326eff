/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the pass `pack` share. */
#ifndef DTMM_PASS_PACK_INTERNAL_H
#define DTMM_PASS_PACK_INTERNAL_H

#include "base/arena.h"
#include "base/status.h"
#include "graph/graph.h"
#include "pass/pass.h"
#include "pass/fixed_point.h"
#include "product/packed.h"
#include "target/cost.h"

/* The pass at work on one node. */
struct packing {
    const struct graph *graph;
    const struct pack_request *request; /* null: portable kernels */
    struct arena *arena;
    struct diag *diag;
    struct packed *packed;
    int32_t calls_size;
    const struct node *node;
    int32_t node_id;
    struct packed_node *facts; /* of the node */
};

/* Fails with ERR_UNSUPPORTED and "<op> '<node>': <format>". */
enum status unsupported(struct packing *packing, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends a call of the named reference kernel with the node's output and its first `n_inputs`
 * inputs; the kernel of the isa is chosen once the parameters are complete. Valid until the next
 * call is appended. */
struct packed_call *call_add(struct packing *packing, const char *kernel, int32_t n_inputs);

/* Notes an array that the parameters of the call point to and adds its bytes to `*total`. */
void call_array(struct packed_call *call, struct packed_array array, size_t *total);

/* ERR_UNSUPPORTED, naming `what`, unless low <= value <= high. */
enum status check_range(struct packing *packing, const char *what, int64_t value, int64_t low,
                        int64_t high);

/* Stores a value into a narrower member after checking that it fits. */
#define SET_U8(packing, structure, member, value)                                                  \
    do {                                                                                           \
        int64_t set_value_ = (value);                                                              \
        TRY(check_range((packing), #member, set_value_, 0, UINT8_MAX));                            \
        (structure)->member = (uint8_t)set_value_;                                                 \
    } while (0)
#define SET_U16(packing, structure, member, value)                                                 \
    do {                                                                                           \
        int64_t set_value_ = (value);                                                              \
        TRY(check_range((packing), #member, set_value_, 0, UINT16_MAX));                           \
        (structure)->member = (uint16_t)set_value_;                                                \
    } while (0)
#define SET_S8(packing, structure, member, value)                                                  \
    do {                                                                                           \
        int64_t set_value_ = (value);                                                              \
        TRY(check_range((packing), #member, set_value_, INT8_MIN, INT8_MAX));                      \
        (structure)->member = (int8_t)set_value_;                                                  \
    } while (0)

/* The fixed-point form of `real`. Refused when it is not finite, has no 32-bit form, or when a
 * value of magnitude `largest` would overflow 32 bits in the left shift. `what` names it. */
enum status multiplier_make(struct packing *packing, const char *what, double real, int64_t largest,
                            struct fixed_point *multiplier);

/* Scale and zero point of a tensor quantized as a whole. */
float tensor_scale(const struct tensor *tensor);
int32_t tensor_zero_point(const struct tensor *tensor);

/* CalculateActivationRangeQuantized (TensorFlow Lite's kernel_util.cc) of the node's activation for
 * its output. */
void activation_range(const struct packing *packing, int8_t *low, int8_t *high);

/* The size of dimension `i` of MAX_RANK after the shape is extended at the front. */
int32_t extended_dim(const struct shape *shape, int i);

/* Batch 1 and rank 4, which kernels over height and width demand. */
enum status check_image(struct packing *packing, const struct tensor *tensor);

/* lookup_table.c: the value of an element-wise op of one input for each of its 256 inputs (index
 * q + 128), in the arithmetic of TensorFlow Lite Micro's reference kernels. */
enum status lookup_table(struct packing *packing, int8_t table[256]);

/* One function an op, or a few of a kind. */
enum status pack_conv_2d(struct packing *packing);
enum status pack_depthwise_conv_2d(struct packing *packing);
enum status pack_transpose_conv(struct packing *packing);
enum status pack_fully_connected(struct packing *packing);
enum status pack_add_or_sub(struct packing *packing);
enum status pack_mul(struct packing *packing);
enum status pack_lookup(struct packing *packing);
enum status pack_softmax(struct packing *packing);
enum status pack_pool_2d(struct packing *packing);
enum status pack_mean(struct packing *packing);
enum status pack_quantize(struct packing *packing);
enum status pack_concatenation(struct packing *packing);
enum status pack_copy(struct packing *packing);
enum status pack_pad(struct packing *packing);
enum status pack_strided_slice(struct packing *packing);
enum status pack_resize_nearest_neighbor(struct packing *packing);

#endif

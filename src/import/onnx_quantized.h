/* SPDX-License-Identifier: Apache-2.0 */
/* Networks in QDQ form: floats between pairs of QuantizeLinear and DequantizeLinear. The import
 * makes a float graph and notes what each tensor is quantized to; in the end it becomes an s8
 * graph.
 */
#ifndef DTMM_IMPORT_ONNX_QUANTIZED_H
#define DTMM_IMPORT_ONNX_QUANTIZED_H

#include "import/onnx_importer.h"

/* What a tensor of the float graph is quantized to. */
struct annotation {
    int32_t n; /* scales: 1, or one a filter; 0: none noted */
    const float *scale;
    int32_t zero_point; /* as of s8 */
};

/* Notes what the weights of a node are quantized to, if they are. Their filters are dimension
 * `axis` of the constant; those from `first` on in the order of `indices` (NULL: ascending) are
 * filters 0 .. n - 1. `factor` multiplies the scales. */
void weights_annotate(struct onnx_importer *importer, int32_t tensor,
                      const struct constant *constant, int32_t axis, int32_t first, int32_t n,
                      const int32_t *indices, float factor);

/* Scales and zero point of the QuantizeLinear or DequantizeLinear at work. `constant` has the shape
 * of what is (de)quantized; *axis is that of several scales. */
struct quantizer {
    int32_t n, axis;
    const float *scale;
    const int64_t *zero_point; /* n, or NULL: zero */
    int32_t type;              /* of the integers */
};
enum status quantizer_read(struct onnx_importer *importer, const struct shape *shape,
                           struct quantizer *quantizer);

/* Makes the s8 graph, when activations are quantized; otherwise leaves the graph as it is. */
enum status graph_quantized(struct onnx_importer *importer, struct graph **graph);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The int8 network that a float network was made from, as dequantize() gave it. */
#ifndef DTMM_PRODUCT_INT8_ORIGIN_H
#define DTMM_PRODUCT_INT8_ORIGIN_H

#include "graph/graph.h"
#include "product/fake_quantization.h"

struct int8_origin {
    const struct graph *graph; /* f32 */
    const struct fake_quantization *scales;
};

#endif

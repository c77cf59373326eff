/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that compute constants share. */
#ifndef DTMM_IMPORT_ONNX_FOLD_H
#define DTMM_IMPORT_ONNX_FOLD_H

#include "import/onnx_importer.h"

/* ---- onnx_fold.c ---- */

/* The first output of the node at work is the constant. */
enum status fold_result(struct onnx_importer *importer, const struct constant *constant);

/* Constant input `position`, or NULL when it is left out. */
const struct constant *fold_input(const struct onnx_importer *importer, int32_t position);

/* ---- onnx_fold_move.c: elements in another shape or order ---- */

/* 0: Reshape, 1: Flatten, 2: Squeeze, 3: Unsqueeze */
enum status fold_reshape(struct onnx_importer *importer, int op);
enum status fold_transpose(struct onnx_importer *importer, int parameter);
enum status fold_slice(struct onnx_importer *importer, int parameter);
enum status fold_gather(struct onnx_importer *importer, int parameter);
enum status fold_concat(struct onnx_importer *importer, int parameter);

/* ---- onnx_fold_compute.c: elements of another value ---- */

enum status fold_cast(struct onnx_importer *importer, int parameter);
enum status fold_floor(struct onnx_importer *importer, int parameter);
/* '+', '-', '*' or '/' */
enum status fold_arithmetic(struct onnx_importer *importer, int operation);
enum status fold_quantize(struct onnx_importer *importer, int parameter);
enum status fold_dequantize(struct onnx_importer *importer, int parameter);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A check of protobuf bytes before they are decoded: the decoder recurses, and takes memory, as
 * deep and as much as the bytes ask for. */
#ifndef DTMM_IMPORT_ONNX_WIRE_H
#define DTMM_IMPORT_ONNX_WIRE_H

#include <stddef.h>
#include <stdint.h>

struct ProtobufCMessageDescriptor;

/* Whether `data` is a sequence of well-formed fields whose messages nest at most `max_depth` deep,
 * `type` being the type of the outermost. */
int wire_check(const struct ProtobufCMessageDescriptor *type, const uint8_t *data, size_t size,
               int max_depth);

#endif

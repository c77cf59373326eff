/* SPDX-License-Identifier: Apache-2.0 */
#include "import/onnx_wire.h"

#include <protobuf-c/protobuf-c.h>

enum { WIRE_VARINT = 0, WIRE_64_BITS = 1, WIRE_BYTES = 2, WIRE_32_BITS = 5 };

struct wire {
    const uint8_t *data;
    size_t left;
};

static int varint_read(struct wire *wire, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        if (wire->left == 0)
            return 0;
        uint8_t byte = *wire->data++;
        wire->left--;
        if (shift < 64)
            *value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return 1;
    }
    return 0;
}

static int bytes_skip(struct wire *wire, uint64_t n)
{
    if (n > wire->left)
        return 0;
    wire->data += n;
    wire->left -= (size_t)n;
    return 1;
}

static const ProtobufCMessageDescriptor *submessage_of(const ProtobufCMessageDescriptor *type,
                                                       uint64_t number)
{
    if (number > UINT32_MAX)
        return NULL;
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(type, (unsigned)number);
    return field != NULL && field->type == PROTOBUF_C_TYPE_MESSAGE ? field->descriptor : NULL;
}

int wire_check(const ProtobufCMessageDescriptor *type, const uint8_t *data, size_t size,
               int max_depth)
{
    if (max_depth == 0)
        return 0;
    struct wire wire = {data, size};
    while (wire.left > 0) {
        uint64_t key, length;
        if (!varint_read(&wire, &key))
            return 0;
        int ok = 0;
        switch (key & 7) {
        case WIRE_VARINT:
            ok = varint_read(&wire, &length);
            break;
        case WIRE_64_BITS:
            ok = bytes_skip(&wire, 8);
            break;
        case WIRE_32_BITS:
            ok = bytes_skip(&wire, 4);
            break;
        case WIRE_BYTES: {
            if (!varint_read(&wire, &length) || length > wire.left)
                return 0;
            const ProtobufCMessageDescriptor *inner = submessage_of(type, key >> 3);
            ok = (inner == NULL || wire_check(inner, wire.data, (size_t)length, max_depth - 1)) &&
                 bytes_skip(&wire, length);
            break;
        }
        default:
            break;
        }
        if (!ok)
            return 0;
    }
    return 1;
}

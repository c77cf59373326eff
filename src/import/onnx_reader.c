/* SPDX-License-Identifier: Apache-2.0 */
#include "import/onnx_reader.h"

#include <string.h>

#include "import/onnx_wire.h"
#include "onnx.pb-c.h"

enum { MAX_DEPTH = 24 };

/* Memory for the decoder: from the arena, and not without limit. */
struct source {
    struct arena *arena;
    size_t left;
};

static void *source_alloc(void *context, size_t size)
{
    struct source *source = context;
    if (size > source->left)
        return NULL;
    source->left -= size;
    return arena_alloc(source->arena, 1, size);
}

static void source_free(void *context, void *pointer)
{
    (void)context;
    (void)pointer;
}

/* ---- what is optional has a value afterwards ---- */

static const char *string_of(const char *text)
{
    return text != NULL ? text : "";
}

static struct onnx_tensor tensor_of(const Onnx__TensorProto *from)
{
    return (struct onnx_tensor){
        .name = string_of(from->name),
        .type = from->has_data_type ? from->data_type : 0,
        .n_dims = from->n_dims,
        .dims = from->dims,
        .is_external = (from->has_data_location &&
                        from->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL) ||
                       from->n_external_data > 0,
        .has_raw = from->has_raw_data,
        .raw = from->raw_data.data,
        .raw_size = from->raw_data.len,
        .n_floats = from->n_float_data,
        .n_int32s = from->n_int32_data,
        .n_int64s = from->n_int64_data,
        .n_doubles = from->n_double_data,
        .n_uint64s = from->n_uint64_data,
        .floats = from->float_data,
        .int32s = from->int32_data,
        .int64s = from->int64_data,
        .doubles = from->double_data,
        .uint64s = from->uint64_data,
    };
}

static const char *bytes_string(struct arena *arena, const ProtobufCBinaryData *bytes)
{
    char *text = arena_alloc(arena, bytes->len + 1, 1);
    if (bytes->len > 0)
        memcpy(text, bytes->data, bytes->len);
    return text;
}

static struct onnx_attribute attribute_of(struct arena *arena, const Onnx__AttributeProto *from)
{
    struct onnx_attribute attribute = {
        .name = string_of(from->name),
        .type = from->has_type ? (int32_t)from->type : 0,
        .f = from->has_f ? from->f : 0,
        .i = from->has_i ? from->i : 0,
        .s = from->has_s ? bytes_string(arena, &from->s) : "",
        .n_floats = from->n_floats,
        .n_ints = from->n_ints,
        .floats = from->floats,
        .ints = from->ints,
    };
    if (from->t != NULL) {
        struct onnx_tensor *tensor = ARENA_NEW(arena, struct onnx_tensor);
        *tensor = tensor_of(from->t);
        attribute.t = tensor;
    }
    return attribute;
}

static struct onnx_node node_of(struct arena *arena, const Onnx__NodeProto *from)
{
    struct onnx_attribute *attributes =
        ARENA_ARRAY(arena, from->n_attribute, struct onnx_attribute);
    for (size_t i = 0; i < from->n_attribute; i++)
        attributes[i] = attribute_of(arena, from->attribute[i]);
    return (struct onnx_node){
        .name = string_of(from->name),
        .op_type = string_of(from->op_type),
        .domain = strcmp(string_of(from->domain), "ai.onnx") == 0 ? "" : string_of(from->domain),
        .n_inputs = from->n_input,
        .n_outputs = from->n_output,
        .n_attributes = from->n_attribute,
        .inputs = (const char *const *)from->input,
        .outputs = (const char *const *)from->output,
        .attributes = attributes,
    };
}

static struct onnx_value_info value_info_of(struct arena *arena, const Onnx__ValueInfoProto *from)
{
    struct onnx_value_info info = {.name = string_of(from->name)};
    if (from->type == NULL || from->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE ||
        from->type->tensor_type == NULL)
        return info;
    const Onnx__TypeProto__Tensor *tensor = from->type->tensor_type;
    info.type = tensor->has_elem_type ? tensor->elem_type : 0;
    if (tensor->shape == NULL)
        return info;
    info.has_shape = 1;
    info.n_dims = tensor->shape->n_dim;
    int64_t *dims = ARENA_ARRAY(arena, info.n_dims, int64_t);
    const char **symbols = ARENA_ARRAY(arena, info.n_dims, const char *);
    for (size_t i = 0; i < info.n_dims; i++) {
        const Onnx__TensorShapeProto__Dimension *dim = tensor->shape->dim[i];
        int is_number = dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        int is_symbol = dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
        dims[i] = is_number ? dim->dim_value : -1;
        symbols[i] = is_symbol ? string_of(dim->dim_param) : "";
    }
    info.dims = dims;
    info.dim_symbols = symbols;
    return info;
}

static struct onnx_value_info *value_infos_of(struct arena *arena, size_t n,
                                              Onnx__ValueInfoProto *const *from)
{
    struct onnx_value_info *infos = ARENA_ARRAY(arena, n, struct onnx_value_info);
    for (size_t i = 0; i < n; i++)
        infos[i] = value_info_of(arena, from[i]);
    return infos;
}

static void graph_convert(struct arena *arena, const Onnx__GraphProto *graph,
                          struct onnx_model *model)
{
    struct onnx_node *nodes = ARENA_ARRAY(arena, graph->n_node, struct onnx_node);
    for (size_t i = 0; i < graph->n_node; i++)
        nodes[i] = node_of(arena, graph->node[i]);
    struct onnx_tensor *tensors = ARENA_ARRAY(arena, graph->n_initializer, struct onnx_tensor);
    for (size_t i = 0; i < graph->n_initializer; i++)
        tensors[i] = tensor_of(graph->initializer[i]);
    model->n_nodes = graph->n_node;
    model->nodes = nodes;
    model->n_initializers = graph->n_initializer;
    model->initializers = tensors;
    model->n_inputs = graph->n_input;
    model->inputs = value_infos_of(arena, graph->n_input, graph->input);
    model->n_outputs = graph->n_output;
    model->outputs = value_infos_of(arena, graph->n_output, graph->output);
    model->n_sparse_initializers = graph->n_sparse_initializer > 0;
}

const char *onnx_read(const void *data, size_t size, struct arena *arena, struct onnx_model *model)
{
    static const char damaged[] =
        "neither a TensorFlow Lite model (no 'TFL3' at byte 4) nor an ONNX "
        "model, or damaged or cut off; give a .tflite or .onnx file, "
        "copied or exported again";
    *model = (struct onnx_model){.opset = 0};
    if (size == 0)
        return "the file is empty";
    if (!wire_check(&onnx__model_proto__descriptor, data, size, MAX_DEPTH))
        return damaged;
    struct source source = {arena, ((size_t)64 << 20) + 16 * size};
    ProtobufCAllocator allocator = {source_alloc, source_free, &source};
    Onnx__ModelProto *proto = onnx__model_proto__unpack(&allocator, size, data);
    if (proto == NULL || proto->graph == NULL)
        return damaged;
    for (size_t i = 0; i < proto->n_opset_import; i++) {
        const char *domain = string_of(proto->opset_import[i]->domain);
        if (*domain == '\0' || strcmp(domain, "ai.onnx") == 0)
            model->opset =
                proto->opset_import[i]->has_version ? proto->opset_import[i]->version : 0;
    }
    model->n_functions = proto->n_functions > 0;
    model->producer = string_of(proto->producer_name);
    graph_convert(arena, proto->graph, model);
    return NULL;
}

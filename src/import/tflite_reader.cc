/* SPDX-License-Identifier: Apache-2.0 */
/* The one C++ file: the flat buffer's own accessors exist only in C++. It copies what they find
 * into C structures and decides nothing. */
#include "import/tflite_reader.h"

#include "tflite_generated.h"

namespace
{

using flatbuffers::Vector;

static_assert(FLATBUFFERS_LITTLEENDIAN, "arrays are handed out as they stand in the file");

tflite_ints ints(const Vector<int32_t> *vector)
{
    return vector ? tflite_ints{vector->data(), vector->size()} : tflite_ints{nullptr, 0};
}

tflite_bytes bytes(const Vector<uint8_t> *vector)
{
    return vector ? tflite_bytes{vector->data(), vector->size()} : tflite_bytes{nullptr, 0};
}

const char *string(const flatbuffers::String *text)
{
    return text ? text->c_str() : "";
}

template <typename T> uint32_t count(const Vector<flatbuffers::Offset<T>> *vector)
{
    return vector ? vector->size() : 0;
}

template <typename T> tflite_indices index_values(const T *table, uint32_t bytes_each)
{
    if (!table || !table->values())
        return {nullptr, 0, 0};
    return {table->values()->Data(), table->values()->size(), bytes_each};
}

tflite_indices indices(tflite::SparseIndexVector type, const void *table)
{
    switch (type) {
    case tflite::SparseIndexVector::Int32Vector:
        return index_values(static_cast<const tflite::Int32Vector *>(table), 4);
    case tflite::SparseIndexVector::Uint16Vector:
        return index_values(static_cast<const tflite::Uint16Vector *>(table), 2);
    case tflite::SparseIndexVector::Uint8Vector:
        return index_values(static_cast<const tflite::Uint8Vector *>(table), 1);
    default:
        return {nullptr, 0, 0};
    }
}

const tflite_sparsity *sparsity(const tflite::SparsityParameters *from, arena *memory)
{
    if (!from)
        return nullptr;
    uint32_t n = count(from->dim_metadata());
    tflite_dimension *dimensions = ARENA_ARRAY(memory, n, tflite_dimension);
    for (uint32_t i = 0; i < n; i++) {
        const tflite::DimensionMetadata *dimension = from->dim_metadata()->Get(i);
        dimensions[i].format = static_cast<int32_t>(dimension->format());
        dimensions[i].dense_size = dimension->dense_size();
        dimensions[i].segments =
            indices(dimension->array_segments_type(), dimension->array_segments());
        dimensions[i].indices =
            indices(dimension->array_indices_type(), dimension->array_indices());
    }
    tflite_sparsity *to = ARENA_NEW(memory, tflite_sparsity);
    *to = {ints(from->traversal_order()), ints(from->block_map()), n, dimensions};
    return to;
}

tflite_quantization quantization(const tflite::QuantizationParameters *from)
{
    tflite_quantization to = {};
    if (!from)
        return to;
    if (from->scale())
        to.scale = {from->scale()->data(), from->scale()->size()};
    if (from->zero_point())
        to.zero_point = {from->zero_point()->Data(), from->zero_point()->size()};
    to.axis = from->quantized_dimension();
    to.details_type = static_cast<int32_t>(from->details_type());
    return to;
}

const tflite_tensor *tensors(const tflite::SubGraph *subgraph, arena *memory)
{
    uint32_t n = count(subgraph->tensors());
    tflite_tensor *to = ARENA_ARRAY(memory, n, tflite_tensor);
    for (uint32_t i = 0; i < n; i++) {
        const tflite::Tensor *from = subgraph->tensors()->Get(i);
        to[i].name = string(from->name());
        to[i].type = static_cast<int32_t>(from->type());
        to[i].shape = ints(from->shape());
        to[i].shape_signature = ints(from->shape_signature());
        to[i].buffer = from->buffer();
        to[i].external_buffer = from->external_buffer();
        to[i].is_variable = from->is_variable();
        to[i].quantization = quantization(from->quantization());
        to[i].sparsity = sparsity(from->sparsity(), memory);
    }
    return to;
}

/* The fields that options share, whichever the table is. */
template <typename T> void activation(const T *from, tflite_options *to)
{
    to->activation = static_cast<int32_t>(from->fused_activation_function());
}

template <typename T> void window(const T *from, tflite_options *to)
{
    to->padding = static_cast<int32_t>(from->padding());
    to->stride_h = from->stride_h();
    to->stride_w = from->stride_w();
    activation(from, to);
}

template <typename T> void convolution(const T *from, tflite_options *to)
{
    window(from, to);
    to->dilation_h = from->dilation_h_factor();
    to->dilation_w = from->dilation_w_factor();
}

void read(const tflite::Conv2DOptions *from, tflite_options *to)
{
    convolution(from, to);
}

void read(const tflite::DepthwiseConv2DOptions *from, tflite_options *to)
{
    convolution(from, to);
}

void read(const tflite::TransposeConvOptions *from, tflite_options *to)
{
    window(from, to);
}

void read(const tflite::Pool2DOptions *from, tflite_options *to)
{
    window(from, to);
    to->filter_h = from->filter_height();
    to->filter_w = from->filter_width();
}

void read(const tflite::FullyConnectedOptions *from, tflite_options *to)
{
    activation(from, to);
    to->weights_format = static_cast<int32_t>(from->weights_format());
    to->keep_num_dims = from->keep_num_dims();
}

void read(const tflite::SoftmaxOptions *from, tflite_options *to)
{
    to->beta = from->beta();
}

void read(const tflite::ConcatenationOptions *from, tflite_options *to)
{
    activation(from, to);
    to->axis = from->axis();
}

void read(const tflite::AddOptions *from, tflite_options *to)
{
    activation(from, to);
}

void read(const tflite::SubOptions *from, tflite_options *to)
{
    activation(from, to);
}

void read(const tflite::MulOptions *from, tflite_options *to)
{
    activation(from, to);
}

void read(const tflite::ReshapeOptions *from, tflite_options *to)
{
    to->new_shape = ints(from->new_shape());
}

void read(const tflite::ReducerOptions *from, tflite_options *to)
{
    to->keep_dims = from->keep_dims();
}

void read(const tflite::LeakyReluOptions *from, tflite_options *to)
{
    to->alpha = from->alpha();
}

void read(const tflite::ResizeNearestNeighborOptions *from, tflite_options *to)
{
    to->align_corners = from->align_corners();
    to->half_pixel_centers = from->half_pixel_centers();
}

void read(const tflite::StridedSliceOptions *from, tflite_options *to)
{
    to->begin_mask = from->begin_mask();
    to->end_mask = from->end_mask();
    to->ellipsis_mask = from->ellipsis_mask();
    to->new_axis_mask = from->new_axis_mask();
    to->shrink_axis_mask = from->shrink_axis_mask();
    to->end_is_offset = from->offset();
}

tflite_options options(const tflite::Operator *from)
{
    tflite_options to = {};
    to.dilation_h = to.dilation_w = 1;
    to.type = static_cast<int32_t>(from->builtin_options_type());
    if (!from->builtin_options())
        to.type = 0;
    switch (static_cast<tflite::BuiltinOptions>(to.type)) {
#define READ(table)                                                                                \
    case tflite::BuiltinOptions::table:                                                            \
        read(from->builtin_options_as_##table(), &to);                                             \
        break
        READ(Conv2DOptions);
        READ(DepthwiseConv2DOptions);
        READ(TransposeConvOptions);
        READ(Pool2DOptions);
        READ(FullyConnectedOptions);
        READ(SoftmaxOptions);
        READ(ConcatenationOptions);
        READ(AddOptions);
        READ(SubOptions);
        READ(MulOptions);
        READ(ReshapeOptions);
        READ(ReducerOptions);
        READ(LeakyReluOptions);
        READ(ResizeNearestNeighborOptions);
        READ(StridedSliceOptions);
#undef READ
    default: /* no fields that the importer reads */
        break;
    }
    return to;
}

const tflite_operator *operators(const tflite::SubGraph *subgraph, arena *memory)
{
    uint32_t n = count(subgraph->operators());
    tflite_operator *to = ARENA_ARRAY(memory, n, tflite_operator);
    for (uint32_t i = 0; i < n; i++) {
        const tflite::Operator *from = subgraph->operators()->Get(i);
        to[i].code_index = from->opcode_index();
        to[i].inputs = ints(from->inputs());
        to[i].outputs = ints(from->outputs());
        to[i].options = options(from);
    }
    return to;
}

const tflite_code *codes(const tflite::Model *model, arena *memory)
{
    uint32_t n = count(model->operator_codes());
    tflite_code *to = ARENA_ARRAY(memory, n, tflite_code);
    for (uint32_t i = 0; i < n; i++) {
        const tflite::OperatorCode *from = model->operator_codes()->Get(i);
        /* Old files have only the first field; new ones put 127 there for what does not fit. */
        int32_t narrow = from->deprecated_builtin_code();
        int32_t wide = static_cast<int32_t>(from->builtin_code());
        to[i].builtin = narrow > wide ? narrow : wide;
        to[i].name =
            tflite::EnumNameBuiltinOperator(static_cast<tflite::BuiltinOperator>(to[i].builtin));
        to[i].custom_name = string(from->custom_code());
        to[i].version = from->version();
    }
    return to;
}

const tflite_buffer *buffers(const tflite::Model *model, arena *memory)
{
    uint32_t n = count(model->buffers());
    tflite_buffer *to = ARENA_ARRAY(memory, n, tflite_buffer);
    for (uint32_t i = 0; i < n; i++) {
        const tflite::Buffer *from = model->buffers()->Get(i);
        to[i] = {bytes(from->data()), from->offset(), from->size()};
    }
    return to;
}

} /* namespace */

const char *tflite_read(const void *data, size_t size, arena *memory, tflite_model *model)
{
    if (size == 0)
        return "the file is empty";
    if (size < 8 || !tflite::ModelBufferHasIdentifier(data))
        return "not a TensorFlow Lite model (no 'TFL3' at byte 4); give a .tflite file";
    if (size >= FLATBUFFERS_MAX_BUFFER_SIZE)
        return "the file is larger than 2 GiB";

    const uint8_t *copy = static_cast<const uint8_t *>(arena_copy(memory, data, size));
    flatbuffers::Verifier verifier(copy, size);
    if (!tflite::VerifyModelBuffer(verifier))
        return "the file is damaged or cut off (its tables point outside of it); copy or export it "
               "again";

    const tflite::Model *from = tflite::GetModel(copy);
    *model = {};
    model->version = from->version();
    model->file = copy;
    model->file_size = size;
    model->n_codes = count(from->operator_codes());
    model->codes = codes(from, memory);
    model->n_buffers = count(from->buffers());
    model->buffers = buffers(from, memory);
    model->n_subgraphs = count(from->subgraphs());
    if (model->n_subgraphs > 0) {
        const tflite::SubGraph *subgraph = from->subgraphs()->Get(0);
        model->subgraph.n_tensors = count(subgraph->tensors());
        model->subgraph.tensors = tensors(subgraph, memory);
        model->subgraph.n_operators = count(subgraph->operators());
        model->subgraph.operators = operators(subgraph, memory);
        model->subgraph.inputs = ints(subgraph->inputs());
        model->subgraph.outputs = ints(subgraph->outputs());
    }
    return nullptr;
}

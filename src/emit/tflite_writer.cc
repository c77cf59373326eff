/* SPDX-License-Identifier: Apache-2.0 */
/* The flat buffer's own builder exists only in C++. This file copies C structures into it and
 * decides nothing. */
#include "emit/tflite_writer.h"

#include <vector>

#include "tflite_generated.h"

namespace
{

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;
template <typename T> using Offsets = std::vector<Offset<T>>;

enum { SCHEMA_VERSION = 3, ALIGNMENT = 16, MAX_NARROW_CODE = 127 };

Offset<tflite::QuantizationParameters> quantization(FlatBufferBuilder &builder,
                                                    const tflite_new_tensor &from)
{
    if (from.n_scales == 0)
        return 0;
    size_t n = static_cast<size_t>(from.n_scales);
    std::vector<int64_t> zero_points(from.zero_point, from.zero_point + n);
    auto scale = builder.CreateVector(from.scale, n);
    auto zero_point = builder.CreateVector(zero_points);
    return tflite::CreateQuantizationParameters(builder, scale, zero_point,
                                                tflite::QuantizationDetails::NONE, 0, from.axis);
}

Offset<tflite::Buffer> buffer(FlatBufferBuilder &builder, const tflite_new_tensor &from)
{
    builder.ForceVectorAlignment(from.data_bytes, 1, ALIGNMENT);
    auto data = builder.CreateVector(static_cast<const uint8_t *>(from.data), from.data_bytes);
    return tflite::CreateBuffer(builder, data);
}

/* Buffer 0 is empty; each constant has one of its own. */
Offsets<tflite::Buffer> buffers(FlatBufferBuilder &builder, const tflite_new_model &model)
{
    Offsets<tflite::Buffer> to = {tflite::CreateBuffer(builder)};
    for (int32_t i = 0; i < model.n_tensors; i++)
        if (model.tensors[i].data != nullptr)
            to.push_back(buffer(builder, model.tensors[i]));
    return to;
}

Offsets<tflite::Tensor> tensors(FlatBufferBuilder &builder, const tflite_new_model &model)
{
    Offsets<tflite::Tensor> to;
    uint32_t n_buffers = 1;
    for (int32_t i = 0; i < model.n_tensors; i++) {
        const tflite_new_tensor &from = model.tensors[i];
        auto name = builder.CreateString(from.name);
        auto shape = builder.CreateVector(from.dims, static_cast<size_t>(from.rank));
        to.push_back(tflite::CreateTensor(
            builder, shape, static_cast<tflite::TensorType>(from.type),
            from.data != nullptr ? n_buffers++ : 0, name, quantization(builder, from)));
    }
    return to;
}

Offset<void> options(FlatBufferBuilder &b, const tflite_new_options &from)
{
    auto padding = static_cast<tflite::Padding>(from.padding);
    auto activation = static_cast<tflite::ActivationFunctionType>(from.activation);
    switch (static_cast<tflite::BuiltinOptions>(from.type)) {
    case tflite::BuiltinOptions::Conv2DOptions:
        return tflite::CreateConv2DOptions(b, padding, from.stride[1], from.stride[0], activation,
                                           from.dilation[1], from.dilation[0])
            .Union();
    case tflite::BuiltinOptions::DepthwiseConv2DOptions:
        return tflite::CreateDepthwiseConv2DOptions(b, padding, from.stride[1], from.stride[0],
                                                    from.depth_multiplier, activation,
                                                    from.dilation[1], from.dilation[0])
            .Union();
    case tflite::BuiltinOptions::TransposeConvOptions:
        return tflite::CreateTransposeConvOptions(b, padding, from.stride[1], from.stride[0],
                                                  activation)
            .Union();
    case tflite::BuiltinOptions::Pool2DOptions:
        return tflite::CreatePool2DOptions(b, padding, from.stride[1], from.stride[0],
                                           from.filter[1], from.filter[0], activation)
            .Union();
    case tflite::BuiltinOptions::FullyConnectedOptions:
        return tflite::CreateFullyConnectedOptions(
                   b, activation, tflite::FullyConnectedOptionsWeightsFormat::DEFAULT,
                   from.keep_num_dims != 0)
            .Union();
    case tflite::BuiltinOptions::SoftmaxOptions:
        return tflite::CreateSoftmaxOptions(b, from.beta).Union();
    case tflite::BuiltinOptions::ConcatenationOptions:
        return tflite::CreateConcatenationOptions(b, from.axis, activation).Union();
    case tflite::BuiltinOptions::AddOptions:
        return tflite::CreateAddOptions(b, activation).Union();
    case tflite::BuiltinOptions::SubOptions:
        return tflite::CreateSubOptions(b, activation).Union();
    case tflite::BuiltinOptions::MulOptions:
        return tflite::CreateMulOptions(b, activation).Union();
    case tflite::BuiltinOptions::ReshapeOptions: {
        auto shape = b.CreateVector(from.new_shape, static_cast<size_t>(from.rank));
        return tflite::CreateReshapeOptions(b, shape).Union();
    }
    case tflite::BuiltinOptions::ReducerOptions:
        return tflite::CreateReducerOptions(b, from.keep_dims != 0).Union();
    case tflite::BuiltinOptions::LeakyReluOptions:
        return tflite::CreateLeakyReluOptions(b, from.alpha).Union();
    case tflite::BuiltinOptions::ResizeNearestNeighborOptions:
        return tflite::CreateResizeNearestNeighborOptions(b, from.align_corners != 0,
                                                          from.half_pixel_centers != 0)
            .Union();
    case tflite::BuiltinOptions::StridedSliceOptions:
        return tflite::CreateStridedSliceOptions(b, 0, from.end_mask).Union();
    case tflite::BuiltinOptions::PadOptions:
        return tflite::CreatePadOptions(b).Union();
    case tflite::BuiltinOptions::QuantizeOptions:
        return tflite::CreateQuantizeOptions(b).Union();
    case tflite::BuiltinOptions::DequantizeOptions:
        return tflite::CreateDequantizeOptions(b).Union();
    case tflite::BuiltinOptions::HardSwishOptions:
        return tflite::CreateHardSwishOptions(b).Union();
    default:
        return 0;
    }
}

Offsets<tflite::Operator> operators(FlatBufferBuilder &builder, const tflite_new_model &model)
{
    Offsets<tflite::Operator> to;
    for (int32_t i = 0; i < model.n_operators; i++) {
        const tflite_new_operator &from = model.operators[i];
        auto inputs = builder.CreateVector(from.inputs, static_cast<size_t>(from.n_inputs));
        auto outputs = builder.CreateVector(&from.output, 1);
        auto type = static_cast<tflite::BuiltinOptions>(from.options.type);
        to.push_back(tflite::CreateOperator(builder, static_cast<uint32_t>(from.code), inputs,
                                            outputs, type, options(builder, from.options)));
    }
    return to;
}

Offsets<tflite::OperatorCode> codes(FlatBufferBuilder &builder, const tflite_new_model &model)
{
    Offsets<tflite::OperatorCode> to;
    for (int32_t i = 0; i < model.n_codes; i++) {
        int32_t builtin = model.codes[i].builtin;
        int32_t narrow = builtin < MAX_NARROW_CODE ? builtin : MAX_NARROW_CODE;
        to.push_back(tflite::CreateOperatorCode(builder, static_cast<int8_t>(narrow), 0,
                                                model.codes[i].version,
                                                static_cast<tflite::BuiltinOperator>(builtin)));
    }
    return to;
}

Offset<tflite::SubGraph> subgraph(FlatBufferBuilder &builder, const tflite_new_model &model)
{
    auto all_tensors = builder.CreateVector(tensors(builder, model));
    auto inputs = builder.CreateVector(model.inputs, static_cast<size_t>(model.n_inputs));
    auto outputs = builder.CreateVector(model.outputs, static_cast<size_t>(model.n_outputs));
    auto all_operators = builder.CreateVector(operators(builder, model));
    auto name = builder.CreateString(model.name);
    return tflite::CreateSubGraph(builder, all_tensors, inputs, outputs, all_operators, name);
}

} /* namespace */

const uint8_t *tflite_write(const tflite_new_model *model, arena *memory, size_t *size)
{
    FlatBufferBuilder builder;
    auto all_codes = builder.CreateVector(codes(builder, *model));
    auto subgraphs = builder.CreateVector(Offsets<tflite::SubGraph>{subgraph(builder, *model)});
    auto description = builder.CreateString(model->description);
    auto all_buffers = builder.CreateVector(buffers(builder, *model));
    tflite::FinishModelBuffer(builder, tflite::CreateModel(builder, SCHEMA_VERSION, all_codes,
                                                           subgraphs, description, all_buffers));
    *size = builder.GetSize();
    return static_cast<const uint8_t *>(
        arena_copy(memory, builder.GetBufferPointer(), builder.GetSize()));
}

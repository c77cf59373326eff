/* SPDX-License-Identifier: Apache-2.0 */
/* usage: read_tflite MODEL INPUTS OUTPUTS [EXPECTED [STEPS]]
 * Has Arm NN parse a .tflite file and run it by its reference backend on the raw values of a file
 * (all inputs one after the other, in the file's types), and writes those of the outputs. Prints
 * how far they are from those of the file EXPECTED. Exit code 0: they agree; 1: they do not; 2: Arm
 * NN does not take the network, it prints why. */
#include <armnn/ArmNN.hpp>
#include <armnnTfLiteParser/ITfLiteParser.hpp>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

using Bytes = std::vector<char>;

static Bytes read_file(const char *path)
{
    std::ifstream file(path, std::ios::binary);
    if (!file)
        throw std::runtime_error(std::string("cannot read ") + path);
    return Bytes(std::istreambuf_iterator<char>(file), {});
}

/* How far values are from the expected ones, and whether that is near enough. */
static bool compare(const armnn::TensorInfo &info, const char *found, const char *expected,
                    int steps)
{
    unsigned n = info.GetNumElements(), off = 0;
    double worst = 0, largest = 0;
    if (info.GetDataType() == armnn::DataType::Float32) {
        for (unsigned i = 0; i < n; i++) {
            float a, b;
            std::memcpy(&a, found + 4 * i, 4);
            std::memcpy(&b, expected + 4 * i, 4);
            if (!std::isfinite(a) || !std::isfinite(b))
                worst = INFINITY;
            worst = std::fmax(worst, std::fabs((double)a - (double)b));
            largest = std::fmax(largest, std::fabs((double)b));
        }
        std::printf("%u float values up to %.4g, off by up to %.2g\n", n, largest, worst);
        return worst <= 1e-4 * largest;
    }
    for (unsigned i = 0; i < n; i++) {
        int step = std::abs((int)(int8_t)found[i] - (int)(int8_t)expected[i]);
        worst = std::fmax(worst, step);
        off += step > steps;
    }
    std::printf("%u int8 values, off by up to %.0f, %u by more than %d\n", n, worst, off, steps);
    return worst <= 2 * steps && off * 100 <= n;
}

static int run(int argc, char **argv)
{
    auto parser = armnnTfLiteParser::ITfLiteParser::Create();
    auto network = parser->CreateNetworkFromBinaryFile(argv[1]);
    auto runtime = armnn::IRuntime::Create(armnn::IRuntime::CreationOptions());
    auto optimized = armnn::Optimize(*network, {"CpuRef"}, runtime->GetDeviceSpec());
    armnn::NetworkId id;
    std::string why = "no backend for it";
    if (!optimized || runtime->LoadNetwork(id, std::move(optimized), why) != armnn::Status::Success)
        throw std::runtime_error(why);

    Bytes in = read_file(argv[2]), out;
    armnn::InputTensors inputs;
    armnn::OutputTensors outputs;
    size_t at = 0;
    for (auto &name : parser->GetSubgraphInputTensorNames(0)) {
        auto binding = parser->GetNetworkInputBindingInfo(0, name);
        if (at + binding.second.GetNumBytes() > in.size())
            return std::printf("the inputs have more than %zu bytes\n", in.size()), 1;
        inputs.emplace_back(binding.first, armnn::ConstTensor(binding.second, in.data() + at));
        at += binding.second.GetNumBytes();
    }
    if (at != in.size())
        return std::printf("the inputs have %zu bytes, not %zu\n", at, in.size()), 1;
    auto names = parser->GetSubgraphOutputTensorNames(0);
    at = 0;
    for (auto &name : names)
        at += parser->GetNetworkOutputBindingInfo(0, name).second.GetNumBytes();
    out.resize(at);
    at = 0;
    for (auto &name : names) {
        auto binding = parser->GetNetworkOutputBindingInfo(0, name);
        outputs.emplace_back(binding.first, armnn::Tensor(binding.second, out.data() + at));
        at += binding.second.GetNumBytes();
    }
    if (runtime->EnqueueWorkload(id, inputs, outputs) != armnn::Status::Success)
        throw std::runtime_error("does not run");
    std::ofstream(argv[3], std::ios::binary).write(out.data(), (std::streamsize)out.size());
    if (argc < 5)
        return 0;

    Bytes expected = read_file(argv[4]);
    if (expected.size() != out.size())
        return std::printf("the outputs have %zu bytes, not %zu\n", out.size(), expected.size()), 1;
    bool same = true;
    int steps = argc > 5 ? std::atoi(argv[5]) : 1;
    at = 0;
    for (auto &output : outputs) {
        const armnn::TensorInfo &info = output.second.GetInfo();
        same &= compare(info, out.data() + at, expected.data() + at, steps);
        at += info.GetNumBytes();
    }
    return same ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc > 6)
        return std::fprintf(stderr, "usage: read_tflite MODEL INPUTS OUTPUTS [EXPECTED [STEPS]]\n"),
               1;
    try {
        return run(argc, argv);
    } catch (const std::exception &error) {
        return std::printf("%s\n", error.what()), 2;
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Emitted libraries under real compilers: strict warnings, every core, and outputs on the host that
 * equal eval_run(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/random.h"
#include "base/text.h"
#include "emit/emit.h"
#include "eval/eval.h"
#include "pass/pass.h"

#include <cmocka.h> /* last: it makes fail() a macro */

#define WARNINGS "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"
#define STRICTER WARNINGS " -Wcast-qual -Wcast-align -Wstrict-prototypes -Wmissing-prototypes"

static struct arena arena;
static struct diag diag;
static const char *folder;

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(folder_temporary(&arena, &folder, &diag), OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(folder_remove(folder, &diag), OK);
    arena_free(&arena);
    return 0;
}

static void succeed(enum status status)
{
    if (status != OK)
        fail_msg("%s", diag.message);
}

/* Runs a shell command below the temporary folder; it must succeed. */
static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void shell(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *command = arena_vprintf(&arena, format, arguments);
    va_end(arguments);
    if (system(arena_printf(&arena, "cd '%s' && %s", folder, command)) != 0)
        fail_msg("failed: %s", command);
}

static int have(const char *program)
{
    return system(arena_printf(&arena, "command -v %s >/dev/null 2>&1", program)) == 0;
}

/* ---- networks ---- */

/* `n` random constants from -range to range; about half of the rows of `row` are zero. */
static void constants(struct text *text, struct random *random, int n, int range, int row)
{
    int absent = 0;
    text_printf(text, " =");
    for (int i = 0; i < n; i++) {
        if (i % row == 0)
            absent = row > 1 && random_range(random, 0, 1) == 0;
        text_printf(text, "%s%d", i % 16 == 0 ? "\n  " : " ",
                    absent ? 0 : (int)random_range(random, -range, range));
    }
    text_printf(text, "\n");
}

static void weights(struct text *text, struct random *random, const char *name, const char *shape,
                    int n, int filters, int row)
{
    text_printf(text, "tensor \"%s\" s8 %s scale 0.02 zero_point 0", name, shape);
    constants(text, random, n, 127, row);
    text_printf(text, "tensor \"%s bias\" s32 %d scale 0.001 zero_point 0", name, filters);
    constants(text, random, filters, 2000, 1);
}

/* Every op, several inputs and outputs, float at both ends, and names that are hard to take. */
static const char *everything(void)
{
    struct text text = text_start(&arena);
    struct random random = {3};
    text_printf(&text, "graph everything\n"
                       "tensor \"arena\" f32 1x8x8x4\n"
                       "tensor \"class\" s8 1x1x1x6 scale 0.03 zero_point 5\n"
                       "tensor \"q\" s8 1x8x8x4 scale 0.05 zero_point -3\n");
    weights(&text, &random, "w1", "6x3x3x4", 216, 6, 4);
    weights(&text, &random, "w2", "1x3x3x6", 54, 6, 1);
    weights(&text, &random, "w3", "5x2x2x12", 240, 5, 1);
    weights(&text, &random, "w4", "7x5", 35, 7, 1);
    text_printf(&text, "tensor \"table\" s8 1x8x8x6 scale 0.05 zero_point 1");
    constants(&text, &random, 384, 100, 1);
    static const char *const tensors[][2] = {
        {"conv", "1x8x8x6"},     {"deep", "1x8x8x6"},       {"moved", "1x8x8x6"},
        {"sum", "1x8x8x6"},      {"difference", "1x8x8x6"}, {"product", "1x8x8x6"},
        {"positive", "1x8x8x6"}, {"joined", "1x8x8x12"},    {"largest", "1x4x4x12"},
        {"middle", "1x4x4x12"},  {"both", "1x4x4x12"},      {"larger", "1x6x7x12"},
        {"cut", "1x3x3x12"},     {"wide", "1x6x6x12"},      {"up", "1x12x12x5"},
        {"one", "1x1x1x5"},      {"leaky", "1x1x1x5"},      {"swish", "1x1x1x5"},
        {"six", "1x1x1x5"},      {"flat", "1x5"},           {"logits", "1x7"},
    };
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++)
        text_printf(&text, "tensor \"%s\" s8 %s scale 0.05 zero_point 1\n", tensors[i][0],
                    tensors[i][1]);
    text_printf(&text,
                "tensor \"sigmoid\" s8 1x1x1x5 scale 0.00390625 zero_point -128\n"
                "tensor \"tanh\" s8 1x1x1x5 scale 0.0078125 zero_point 0\n"
                "tensor \"p\" s8 1x7 scale 0.00390625 zero_point -128\n"
                "tensor \"int8_t\" f32 1x7\n"
                "input \"arena\" \"class\"\n"
                "node quantize dtmm_add_s8_c \"arena\" -> \"q\"\n"
                "node conv_2d base \"q\" \"w1\" \"w1 bias\" -> \"conv\" pads 1 1 1 1\n"
                "node depthwise_conv_2d base_weights \"conv\" \"w2\" \"w2 bias\" -> \"deep\" "
                "pads 1 1 1 1 activation relu\n"
                "node add output \"deep\" \"class\" -> \"moved\"\n"
                "node add sum \"moved\" \"table\" -> \"sum\"\n"
                "node sub everything_run \"sum\" \"conv\" -> \"difference\"\n"
                "node mul memcpy \"difference\" \"sum\" -> \"product\"\n"
                "node relu tanh \"product\" -> \"positive\"\n"
                "node concatenation join \"positive\" \"conv\" -> \"joined\" axis 3\n"
                "node max_pool_2d max \"joined\" -> \"largest\" window 2 2 stride 2 2\n"
                "node average_pool_2d mean \"joined\" -> \"middle\" window 2 2 stride 2 2\n"
                "node add both \"largest\" \"middle\" -> \"both\"\n"
                "node pad larger \"both\" -> \"larger\" before 0 1 1 0 after 0 1 2 0\n"
                "node strided_slice cut \"larger\" -> \"cut\" begin 0 1 0 0 step 1 2 2 1\n"
                "node resize_nearest_neighbor wide \"cut\" -> \"wide\"\n"
                "node transpose_conv up \"wide\" \"w3\" \"w3 bias\" -> \"up\" stride 2 2\n"
                "node mean one \"up\" -> \"one\" axes 6\n"
                "node tanh fast \"one\" -> \"tanh\"\n"
                "node leaky_relu leaky \"tanh\" -> \"leaky\" alpha 0.25\n"
                "node hard_swish swish \"leaky\" -> \"swish\"\n"
                "node logistic sigmoid \"swish\" -> \"sigmoid\"\n"
                "node relu6 six \"sigmoid\" -> \"six\"\n"
                "node reshape flat \"six\" -> \"flat\"\n"
                "node fully_connected logits \"flat\" \"w4\" \"w4 bias\" -> \"logits\"\n"
                "node softmax p \"logits\" -> \"p\" beta 1\n"
                "node dequantize real \"p\" -> \"int8_t\"\n"
                "output \"int8_t\" \"sum\"\n");
    return text.data;
}

static const char *small(void)
{
    return "graph small\n"
           "tensor \"x\" s8 1x3x3x2 scale 0.5 zero_point 2\n"
           "tensor \"w\" s8 2x1x1x2 scale 0.25 zero_point 0 = 1 -2 3 4\n"
           "tensor \"b\" s32 2 scale 0.125 zero_point 0 = 100 -50\n"
           "tensor \"y\" s8 1x3x3x2 scale 0.75 zero_point -1\n"
           "input \"x\"\n"
           "node conv_2d conv \"x\" \"w\" \"b\" -> \"y\"\n"
           "output \"y\"\n";
}

struct compiled {
    struct graph *graph;
    struct packed *packed;
    struct layout *layout;
};

static struct compiled compile(const char *source, const char *out)
{
    struct compiled compiled;
    static const struct target host = {.name = "host"};
    succeed(graph_parse(source, strlen(source), &arena, &compiled.graph, &diag));
    succeed(pack(compiled.graph, NULL, &arena, &compiled.packed, &diag));
    succeed(plan(compiled.graph, compiled.packed, &arena, &compiled.layout, &diag));
    succeed(emit_c_library(compiled.graph, compiled.packed, compiled.layout, &host, "runtime",
                           arena_printf(&arena, "%s/%s", folder, out), &diag));
    return compiled;
}

/* ---- running on the host ---- */

/* A program that runs the samples of in.bin through both functions, back to back, to out.bin. */
static void write_program(const struct graph *graph)
{
    struct text text = text_start(&arena), arguments = text_start(&arena);
    text_printf(&text, "#include <stdio.h>\n#include <stdlib.h>\n#include \"%s.h\"\n", graph->name);
    for (int32_t i = 0; i < graph->n_inputs + graph->n_outputs; i++) {
        int is_input = i < graph->n_inputs;
        const int32_t *ids = is_input ? graph->inputs : graph->outputs;
        int32_t k = is_input ? i : i - graph->n_inputs;
        const char *type = graph->tensors[ids[k]].dtype == DTYPE_F32 ? "float" : "int8_t";
        text_printf(&text, "static %s buffer_%d[%lld];\n", type, (int)i,
                    (long long)shape_elements(&graph->tensors[ids[k]].shape));
        text_printf(&arguments, "%sbuffer_%d", i == 0 ? "" : ", ", (int)i);
    }
    text_printf(&text, "int main(void)\n{\n    FILE *in = fopen(\"in.bin\", \"rb\");\n"
                       "    FILE *out = fopen(\"out.bin\", \"wb\");\n    int n = 0;\n"
                       "    for (;; n++) {\n");
    for (int32_t i = 0; i < graph->n_inputs; i++)
        text_printf(&text,
                    "        if (fread(buffer_%d, sizeof buffer_%d, 1, in) != 1)\n"
                    "            break;\n",
                    (int)i, (int)i);
    text_printf(&text,
                "        void *arena = aligned_alloc(8, (%s_ARENA_BYTES + 7) / 8 * 8);\n"
                "        if (n %% 2 == 0)\n            %s_run(%s);\n        else\n"
                "            %s_run_in(arena, %s);\n        free(arena);\n",
                graph->name[0] == 's' ? "SMALL" : "EVERYTHING", graph->name, arguments.data,
                graph->name, arguments.data);
    for (int32_t i = graph->n_inputs; i < graph->n_inputs + graph->n_outputs; i++)
        text_printf(&text, "        fwrite(buffer_%d, sizeof buffer_%d, 1, out);\n", (int)i,
                    (int)i);
    text_printf(&text, "    }\n    fclose(in);\n    return fclose(out);\n}\n");
    succeed(file_write(arena_printf(&arena, "%s/main.c", folder), text.data, text.length, &diag));
}

static void fill(struct random *random, const struct tensor *tensor, uint8_t *data)
{
    size_t n = (size_t)shape_elements(&tensor->shape);
    for (size_t i = 0; i < n; i++) {
        float real = (float)random_range(random, -8000, 8000) / 1000.0F;
        if (tensor->dtype == DTYPE_F32)
            memcpy(data + i * sizeof real, &real, sizeof real);
        else
            data[i] = (uint8_t)random_bits(random);
    }
}

enum { N_SAMPLES = 6 };

/* Runs one sample with and without the layout; appends its input and output bytes. */
static void evaluate_sample(const struct compiled *compiled, struct random *random, struct text *in,
                            struct text *out)
{
    const struct graph *graph = compiled->graph;
    const void *inputs[4];
    void *outputs[4], *planned[4];
    for (int32_t i = 0; i < graph->n_inputs; i++) {
        const struct tensor *tensor = &graph->tensors[graph->inputs[i]];
        uint8_t *data = ARENA_ARRAY(&arena, tensor_bytes(tensor), uint8_t);
        fill(random, tensor, data);
        inputs[i] = data;
        text_append(in, (const char *)data, tensor_bytes(tensor));
    }
    for (int32_t i = 0; i < graph->n_outputs; i++) {
        size_t bytes = tensor_bytes(&graph->tensors[graph->outputs[i]]);
        outputs[i] = ARENA_ARRAY(&arena, bytes, uint8_t);
        planned[i] = ARENA_ARRAY(&arena, bytes, uint8_t);
    }
    succeed(eval_run(graph, compiled->packed, NULL, inputs, outputs, &diag));
    succeed(eval_run(graph, compiled->packed, compiled->layout, inputs, planned, &diag));
    for (int32_t i = 0; i < graph->n_outputs; i++) {
        size_t bytes = tensor_bytes(&graph->tensors[graph->outputs[i]]);
        assert_memory_equal(outputs[i], planned[i], bytes);
        text_append(out, outputs[i], bytes);
    }
}

/* Writes in.bin and returns the bytes that out.bin must have. */
static struct text evaluate(const struct compiled *compiled)
{
    struct text in = text_start(&arena), out = text_start(&arena);
    struct random random = {9};
    for (int sample = 0; sample < N_SAMPLES; sample++)
        evaluate_sample(compiled, &random, &in, &out);
    succeed(file_write(arena_printf(&arena, "%s/in.bin", folder), in.data, in.length, &diag));
    return out;
}

static void runs_as_evaluated(const char *source, const char *compiler)
{
    struct compiled compiled = compile(source, "out");
    struct text expected = evaluate(&compiled);
    write_program(compiled.graph);
    shell("rm -f program out.bin *.o && for f in $(find out/runtime -name '*.c'); do "
          "%s -std=c11 -O1 -g %s -c $f || exit 1; done",
          compiler, WARNINGS);
    shell("%s -std=c11 -O1 -g %s -fsanitize=address,undefined -fno-sanitize-recover=all "
          "-Iout/include main.c out/src/%s.c *.o -o program && ./program",
          compiler, STRICTER, compiled.graph->name);
    struct file file;
    succeed(file_read(arena_printf(&arena, "%s/out.bin", folder), &arena, &file, &diag));
    assert_int_equal(file.size, expected.length);
    assert_memory_equal(file.data, expected.data, expected.length);
}

static void everything_runs_under_gcc(void **state)
{
    (void)state;
    runs_as_evaluated(everything(), "gcc");
}

static void everything_runs_under_clang(void **state)
{
    (void)state;
    if (!have("clang"))
        skip();
    runs_as_evaluated(everything(), "clang");
}

static void small_runs(void **state)
{
    (void)state;
    runs_as_evaluated(small(), "gcc");
}

/* ---- other compilers ---- */

static void every_op_is_emitted(void **state)
{
    int seen[N_OPS] = {0};
    struct graph *graph;
    const char *source = everything();
    (void)state;
    succeed(graph_parse(source, strlen(source), &arena, &graph, &diag));
    for (int32_t i = 0; i < graph->n_nodes; i++)
        seen[graph->nodes[i].op]++;
    for (int op = 0; op < N_OPS; op++)
        if (seen[op] == 0 && op_runs_on_s8((enum op)op))
            fail_msg("no node %s", op_name((enum op)op));
}

/* The network compiled for a core; its own kernels are among the runtime files. */
static void emit_for(const struct target *target)
{
    struct graph *graph;
    struct packed *packed;
    struct layout *layout;
    const char *source = everything();
    const struct pack_request request = {.core = target->core};
    shell("rm -rf out");
    succeed(graph_parse(source, strlen(source), &arena, &graph, &diag));
    succeed(pack(graph, &request, &arena, &packed, &diag));
    succeed(plan(graph, packed, &arena, &layout, &diag));
    succeed(emit_c_library(graph, packed, layout, target, "runtime",
                           arena_printf(&arena, "%s/out", folder), &diag));
}

static const char *clang_for(const struct core *core)
{
    if (strcmp(core->name, "host") == 0)
        return "clang";
    return strncmp(core->flags, "-march=rv32", strlen("-march=rv32")) == 0
               ? "clang --target=riscv32-unknown-elf -ffreestanding"
               : "clang --target=arm-none-eabi -ffreestanding";
}

/* Source, runtime files and, as C++, the header; with the flags of the core's own build. */
static void compiles_for_every_core(void **state)
{
    (void)state;
    if (!have("arm-none-eabi-gcc") || !have("riscv64-unknown-elf-gcc") || !have("clang"))
        skip();
    int n = 0;
    for (size_t i = 0; i < n_targets(); i++) {
        const struct target *target = target_at(i);
        const struct core *core = target->core;
        if (strcmp(target->name, core->name) != 0)
            continue;
        emit_for(target);
        const char *compilers[] = {core->compiler, clang_for(core)};
        for (int k = 0; k < 2; k++) {
            for (int part = 0; part < 2; part++)
                shell("for f in $(find out/%s -name '*.c'); do %s %s -ffreestanding -std=c11 -O2 "
                      "%s -Iout/include -c $f -o /dev/null || exit 1; done",
                      part == 0 ? "src" : "runtime", compilers[k], core->flags,
                      part == 0 && k == 0 ? STRICTER : WARNINGS);
            shell("echo '#include \"everything.h\"' >header.cc && %s %s -ffreestanding -x c++ "
                  "-std=c++17 "
                  "%s -Iout/include -fsyntax-only header.cc",
                  compilers[k], core->flags, WARNINGS);
        }
        n++;
    }
    assert_true(n >= 9);
}

static void header_is_cpp(void **state)
{
    (void)state;
    compile(everything(), "out");
    compile(small(), "out");
    for (int i = 0; i < 2; i++)
        shell("printf '#include \"everything.h\"\\n#include \"small.h\"\\n"
              "int main() { return small_quantize_input(0.0F) - 2; }\\n' >header.cc && "
              "%s -std=c++17 %s -Iout/include -fsyntax-only header.cc",
              i == 0 || !have("clang") ? "g++" : "clang++", WARNINGS);
}

/* A user of the caller's arena does not pay for the static one. */
static void unused_arena_is_not_linked(void **state)
{
    (void)state;
    struct compiled compiled = compile(everything(), "out");
    assert_true(compiled.layout->arena_bytes > 0);
    for (int in = 0; in < 2; in++) {
        shell("printf '#include \"everything.h\"\\nint main(void) { float a[256], r[7]; "
              "int8_t c[6], s[384]; %s }\\n' >main.c",
              in ? "static _Alignas(8) char m[EVERYTHING_ARENA_BYTES]; "
                   "everything_run_in(m, a, c, r, s);"
                 : "everything_run(a, c, r, s);");
        shell("gcc -std=c11 -O1 -w -ffunction-sections -fdata-sections -Wl,--gc-sections "
              "-Iout/include main.c out/src/*.c $(find out/runtime -name '*.c') -o program");
        shell("nm program | grep -q ' b arena'; test $? = %d", in);
    }
}

static void quantize_helpers_round_and_saturate(void **state)
{
    (void)state;
    compile(small(), "out");
    /* Input: scale 0.5, zero point 2. Output: scale 0.75, zero point -1. */
    const char *program =
        "#include <math.h>\n#include \"small.h\"\n"
        "#define CHECK(real, q) if (small_quantize_input(real) != (q)) return __LINE__ & 127\n"
        "int main(void)\n{\n"
        "    CHECK(0.0F, 2); CHECK(0.25F, 3); CHECK(-0.25F, 1); CHECK(0.24999999F, 2);\n"
        "    CHECK(-0.24999999F, 2); CHECK(0.75F, 4); CHECK(-0.75F, 0); CHECK(62.5F, 127);\n"
        "    CHECK(62.24F, 126); CHECK(1e30F, 127); CHECK(-1e30F, -128); CHECK(-65.0F, -128);\n"
        "    CHECK(-64.5F, -127); CHECK(INFINITY, 127); CHECK(-INFINITY, -128);\n"
        "    CHECK(62.0F, 126); CHECK(62.25F, 127); CHECK(-64.75F, -128);\n"
        "    for (int q = -128; q < 128; q++)\n"
        "        CHECK(0.5F * (float)(q - 2), q);\n"
        "    if (small_dequantize_output(-1) != 0.0F || small_dequantize_output(3) != 3.0F ||\n"
        "        small_dequantize_output(-128) != -95.25F)\n        return 99;\n"
        "    return 0;\n}\n";
    succeed(file_write(arena_printf(&arena, "%s/main.c", folder), program, strlen(program), &diag));
    shell("gcc -std=c11 -Iout/include -fsanitize=undefined -fno-sanitize-recover=all main.c -o "
          "program && ./program");
}

static void cmake_builds_it(void **state)
{
    (void)state;
    if (!have("cmake"))
        skip();
    compile(small(), "out");
    shell("printf 'cmake_minimum_required(VERSION 3.13)\\nproject(user C)\\n"
          "add_subdirectory(out)\\nadd_executable(user main.c)\\n"
          "target_link_libraries(user small)\\n' >CMakeLists.txt");
    shell("printf '#include \"small.h\"\\nint main(void) { int8_t x[SMALL_INPUT_SIZE] = {0}, "
          "y[SMALL_OUTPUT_SIZE]; small_run(x, y); return 0; }\\n' >main.c");
    shell("cmake -S . -B host >cmake.log 2>&1 && cmake --build host >>cmake.log 2>&1 && host/user");
    if (!have("arm-none-eabi-gcc"))
        return;
    shell("cmake -S out -B cross -DCMAKE_SYSTEM_NAME=Generic -DCMAKE_C_COMPILER=arm-none-eabi-gcc "
          "-DCMAKE_C_FLAGS='-mcpu=cortex-m4 -mthumb' >>cmake.log 2>&1 && "
          "cmake --build cross >>cmake.log 2>&1 && test -f cross/libsmall.a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(small_runs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(everything_runs_under_gcc, set_up, tear_down),
        cmocka_unit_test_setup_teardown(everything_runs_under_clang, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_op_is_emitted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(compiles_for_every_core, set_up, tear_down),
        cmocka_unit_test_setup_teardown(header_is_cpp, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unused_arena_is_not_linked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(quantize_helpers_round_and_saturate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(cmake_builds_it, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

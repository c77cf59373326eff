/* SPDX-License-Identifier: Apache-2.0 */
#include "base/version.h"
#include "emit/library.h"

/* One input or output as the header tells it. */
struct end {
    const struct tensor *tensor;
    const char *parameter, *macro;
    int is_input;
};

static struct end end_at(const struct library *library, int is_input, int32_t i)
{
    const struct graph *graph = library->graph;
    struct end end = {
        .tensor = &graph->tensors[is_input ? graph->inputs[i] : graph->outputs[i]],
        .parameter = is_input ? library->input_names[i] : library->output_names[i],
        .is_input = is_input,
    };
    end.macro = library_macro(library, end.parameter);
    return end;
}

static const char *float_constant(const struct library *library, float value)
{
    struct text text = text_start(library->arena);
    element_print(&text, FIELD_float, &value);
    return text.data;
}

static int is_quantized(const struct tensor *tensor)
{
    return tensor->dtype == DTYPE_S8 && tensor->quantization.n == 1;
}

/* A negative number stands in parentheses, as a macro's body must. */
static const char *integer_macro(const struct library *library, int32_t value)
{
    return arena_printf(library->arena, value < 0 ? "(%d)" : "%d", (int)value);
}

static void print_macros(const struct library *library, const struct end *end, struct text *text)
{
    const struct tensor *tensor = end->tensor;
    const struct shape *shape = &tensor->shape;
    library_comment(library, text, "%s `%s`: %s %s%s, row-major%s.",
                    end->is_input ? "Input" : "Output", end->parameter,
                    shape_string(shape, library->arena), library_c_type(tensor->dtype),
                    shape->rank == 4 ? ", NHWC" : "",
                    is_quantized(tensor) ? "; real = scale * (q - zero point)" : "");
    text_printf(text, "#define %s_SHAPE {", end->macro);
    for (int32_t i = 0; i < shape->rank; i++)
        text_printf(text, "%s%d", i == 0 ? "" : ", ", (int)shape->dims[i]);
    text_printf(text, "%s}\n", shape->rank == 0 ? "1" : "");
    text_printf(text, "#define %s_SIZE %lld\n", end->macro, (long long)shape_elements(shape));
    text_printf(text, "#define %s_BYTES %zu\n", end->macro, tensor_bytes(tensor));
    if (is_quantized(tensor)) {
        text_printf(text, "#define %s_SCALE %s\n", end->macro,
                    float_constant(library, tensor->quantization.scale[0]));
        text_printf(text, "#define %s_ZERO_POINT %s\n", end->macro,
                    integer_macro(library, tensor->quantization.zero_point[0]));
    }
    text_printf(text, "\n");
}

/* The fraction is compared instead of adding one half, which would round 0.49999997 up. */
static void print_quantize(const struct library *library, const struct end *end, struct text *text)
{
    int32_t zero_point = end->tensor->quantization.zero_point[0];
    library_comment(library, text,
                    "The value of `%s` nearest to `real`; halves away from zero, saturating.",
                    end->parameter);
    text_printf(text,
                "static inline int8_t %s_quantize_%s(float real)\n"
                "{\n"
                "    const float scaled = real / %s_SCALE;\n",
                library->model, end->parameter, end->macro);
    text_printf(text, "    if (!(scaled > %s))\n        return -128;\n",
                float_constant(library, (float)(-128 - zero_point)));
    text_printf(text, "    if (scaled >= %s)\n        return 127;\n",
                float_constant(library, (float)(127 - zero_point)));
    text_printf(text,
                "    const int32_t whole = (int32_t)scaled;\n"
                "    const float fraction = scaled - (float)whole;\n"
                "    const int32_t step = fraction >= 0.5f ? 1 : fraction <= -0.5f ? -1 : 0;\n"
                "    return (int8_t)(whole + step + %s_ZERO_POINT);\n"
                "}\n\n",
                end->macro);
}

static void print_dequantize(const struct library *library, const struct end *end,
                             struct text *text)
{
    text_printf(text,
                "/* The real value of an element of `%s`. */\n"
                "static inline float %s_dequantize_%s(int8_t q)\n"
                "{\n"
                "    return %s_SCALE * (float)(q - %s_ZERO_POINT);\n"
                "}\n\n",
                end->parameter, library->model, end->parameter, end->macro, end->macro);
}

static void print_functions(const struct library *library, struct text *text)
{
    const char *model = library->model, *capitals = library->capitals;
    library_comment(library, text, "Bytes of working memory for %s_run_in().", model);
    text_printf(text, "#define %s_ARENA_BYTES %zu\n\n", capitals, library->layout->arena_bytes);
    library_comment(library, text,
                    "Runs one inference. Not reentrant: the working memory is static (and is not "
                    "linked when only %s_run_in() is used). Inputs and outputs must not overlap.",
                    model);
    library_prototype(library, arena_printf(library->arena, "%s_run", model), "", text);
    text_printf(text, ";\n\n");
    library_comment(library, text,
                    "The same in the caller's working memory: %s_ARENA_BYTES bytes, aligned to 8, "
                    "which may hold anything before and afterwards. Reentrant with an arena each.",
                    capitals);
    library_prototype(library, arena_printf(library->arena, "%s_run_in", model), "void *arena",
                      text);
    text_printf(text, ";\n\n");
}

void library_header(const struct library *library, struct text *text)
{
    const struct graph *graph = library->graph;
    library_comment(library, text,
                    "%s: a neural network for microcontrollers. Generated by dtmm %s for %s; do "
                    "not edit.",
                    library->model, DTMM_VERSION, library->target->name);
    text_printf(text,
                "#ifndef %s_MODEL_H\n#define %s_MODEL_H\n\n#include <stdint.h>\n\n"
                "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n",
                library->capitals, library->capitals);
    for (int is_input = 1; is_input >= 0; is_input--)
        for (int32_t i = 0; i < (is_input ? graph->n_inputs : graph->n_outputs); i++) {
            struct end end = end_at(library, is_input, i);
            print_macros(library, &end, text);
        }
    print_functions(library, text);
    for (int is_input = 1; is_input >= 0; is_input--)
        for (int32_t i = 0; i < (is_input ? graph->n_inputs : graph->n_outputs); i++) {
            struct end end = end_at(library, is_input, i);
            if (is_quantized(end.tensor))
                (is_input ? print_quantize : print_dequantize)(library, &end, text);
        }
    text_printf(text, "#ifdef __cplusplus\n}\n#endif\n\n#endif\n");
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Resize and Upsample to the nearest pixel. ONNX has many ways to say which pixel is nearest; those
 * are read that choose, for the sizes at hand, the pixels that resize_nearest_neighbor chooses in
 * one of its modes. */
#include <math.h>
#include <string.h>

#include "import/onnx_importer.h"
#include "import/onnx_window.h"

struct resize {
    const char *coordinates, *nearest;
    int64_t input[2], output[2];
    double scale[2]; /* output / input, as the file says */
};

/* What the graph's op computes: GetNearestNeighbor of TensorFlow Lite. */
static int64_t pixel_here(int64_t at, int64_t input, int64_t output, int corners, int centers)
{
    float scale = corners && output > 1 ? (float)(input - 1) / (float)(output - 1)
                                        : (float)input / (float)output;
    float place = ((float)at + (centers ? 0.5F : 0.0F)) * scale;
    int64_t pixel = (int64_t)(corners ? roundf(place) : floorf(place));
    return pixel < input - 1 ? pixel : input - 1;
}

/* The place in the input of pixel `at`, as the file says it. */
static double place_there(const struct resize *resize, int64_t at, int i)
{
    double scale = resize->scale[i], x = (double)at;
    if (strcmp(resize->coordinates, "asymmetric") == 0)
        return x / scale;
    if (strcmp(resize->coordinates, "align_corners") == 0)
        return resize->output[i] == 1
                   ? 0
                   : x * (double)(resize->input[i] - 1) / (double)(resize->output[i] - 1);
    if (strcmp(resize->coordinates, "tf_half_pixel_for_nn") == 0)
        return (x + 0.5) / scale;
    if (strcmp(resize->coordinates, "pytorch_half_pixel") == 0 && resize->output[i] == 1)
        return 0;
    return (x + 0.5) / scale - 0.5; /* half_pixel */
}

static int64_t pixel_there(const struct resize *resize, int64_t at, int i)
{
    double place = place_there(resize, at, i), pixel;
    if (strcmp(resize->nearest, "floor") == 0)
        pixel = floor(place);
    else if (strcmp(resize->nearest, "ceil") == 0)
        pixel = ceil(place);
    else if (strcmp(resize->nearest, "round_prefer_ceil") == 0)
        pixel = floor(place + 0.5);
    else
        pixel = ceil(place - 0.5);
    pixel = pixel < 0 ? 0 : pixel;
    return pixel < (double)resize->input[i] ? (int64_t)pixel : resize->input[i] - 1;
}

static int chooses_same(const struct resize *resize, int corners, int centers)
{
    for (int i = 0; i < 2; i++)
        for (int64_t at = 0; at < resize->output[i]; at++)
            if (pixel_here(at, resize->input[i], resize->output[i], corners, centers) !=
                pixel_there(resize, at, i))
                return 0;
    return 1;
}

static enum status modes_read(struct onnx_importer *importer, struct resize *resize)
{
    static const char *const known[] = {"asymmetric", "align_corners", "half_pixel",
                                        "pytorch_half_pixel", "tf_half_pixel_for_nn"};
    const char *mode;
    int old = strcmp(importer->step->op_type, "Upsample") == 0 || importer->opset < 11, found = 0;
    TRY(attribute_string(importer, "mode", "nearest", &mode));
    TRY(attribute_string(importer, "coordinate_transformation_mode",
                         old ? "asymmetric" : "half_pixel", &resize->coordinates));
    TRY(attribute_string(importer, "nearest_mode", old ? "floor" : "round_prefer_floor",
                         &resize->nearest));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        found = found || strcmp(resize->coordinates, known[i]) == 0;
    if (strcmp(mode, "nearest") != 0 || !found)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "mode '%s' with '%s' is not supported; use nearest-neighbor interpolation",
                         onnx_name(importer->arena, mode),
                         onnx_name(importer->arena, resize->coordinates));
    return OK;
}

/* Scales, one a dimension: an attribute or input `position`; *scales is NULL when there are none.
 */
static enum status scales_read(struct onnx_importer *importer, int32_t position, int32_t rank,
                               const float **scales)
{
    const struct onnx_attribute *attribute = attribute_find(importer, "scales");
    const struct value *input = step_input(importer, position);
    const struct constant *constant;
    int64_t n = 0;
    *scales = NULL;
    if (attribute != NULL && attribute->type == ONNX_ATTRIBUTE_FLOATS) {
        n = (int64_t)(attribute->n_floats & INT32_MAX);
        *scales = attribute->floats;
    } else if (input != NULL && !(input->constant != NULL && shape_elements(&input->shape) == 0)) {
        TRY(input_floats(importer, position, "scales", &constant));
        n = constant_elements(constant);
        *scales = constant->floats;
    }
    if (*scales != NULL && n != rank)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "%lld scales for %d dimensions; give one for each", (long long)n,
                         (int)rank);
    return OK;
}

/* Sets the sizes from input `position` or from the scales. */
static enum status sizes_read(struct onnx_importer *importer, int32_t position,
                              const struct shape *shape, const float *scales, struct resize *resize)
{
    int64_t sizes[MAX_RANK];
    int32_t n = 0;
    for (int32_t d = 0; d < shape->rank && scales != NULL; d++, n++) {
        if (!(scales[d] > 0 && scales[d] < 65536))
            return onnx_fail(importer, ERR_UNSUPPORTED, "a scale of %g is not supported",
                             (double)scales[d]);
        sizes[d] = (int64_t)floor((double)shape->dims[d] * (double)scales[d]);
    }
    if (scales == NULL)
        TRY(input_integer_list(importer, position, "sizes", sizes, MAX_RANK, &n));
    if (n != shape->rank || sizes[0] != shape->dims[0] || sizes[1] != shape->dims[1])
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "only height and width can be resized; export with batch size 1");
    for (int32_t d = 2; d < n; d++) {
        int i = d + 2 - shape->rank;
        if (sizes[d] < 1 || sizes[d] > UINT16_MAX)
            return onnx_fail(importer, ERR_UNSUPPORTED, "a size of %lld is not supported",
                             (long long)sizes[d]);
        resize->input[i] = shape->dims[d];
        resize->output[i] = sizes[d];
        resize->scale[i] =
            scales != NULL ? (double)scales[d] : (double)sizes[d] / (double)shape->dims[d];
    }
    return OK;
}

enum status import_onnx_resize(struct onnx_importer *importer, int parameter)
{
    (void)parameter;
    struct value *input;
    const float *scales;
    struct resize resize = {.input = {1, 1}, .output = {1, 1}, .scale = {1, 1}};
    struct node node = {.op = OP_resize_nearest_neighbor, .n_inputs = 1};
    TRY(step_computed(importer, 0, &input));
    TRY(modes_read(importer, &resize));
    TRY(image_input(importer, input, &node.inputs[0]));
    int32_t scales_at =
        strcmp(importer->step->op_type, "Upsample") == 0 || importer->opset < 11 ? 1 : 2;
    TRY(scales_read(importer, scales_at, input->shape.rank, &scales));
    TRY(sizes_read(importer, 3, &input->shape, scales, &resize));
    for (int mode = 0; mode < 3; mode++) {
        node.attrs.half_pixel_centers = mode == 1;
        node.attrs.align_corners = mode == 2;
        if (chooses_same(&resize, mode == 2, mode == 1))
            return image_output(importer, &node, input->shape.rank, resize.output,
                                input->shape.dims[1], input, 1);
    }
    return onnx_fail(importer, ERR_UNSUPPORTED,
                     "'%s' with '%s' chooses other pixels than any mode here; use 'asymmetric' "
                     "with 'floor' (in PyTorch: mode='nearest')",
                     onnx_name(importer->arena, resize.coordinates),
                     onnx_name(importer->arena, resize.nearest));
}

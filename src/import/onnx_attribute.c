/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "import/onnx_importer.h"

const struct onnx_attribute *attribute_find(const struct onnx_importer *importer, const char *name)
{
    const struct onnx_node *node = importer->step->node;
    for (size_t i = 0; i < node->n_attributes; i++)
        if (strcmp(node->attributes[i].name, name) == 0)
            return &node->attributes[i];
    return NULL;
}

/* Finds an attribute of a type; *found is NULL when there is none of the name. */
static enum status typed_find(struct onnx_importer *importer, const char *name, int32_t type,
                              const struct onnx_attribute **found)
{
    *found = attribute_find(importer, name);
    if (*found != NULL && (*found)->type != type)
        return onnx_fail(importer, ERR_INPUT,
                         "attribute %s has type %d, it must have %d; the file is damaged", name,
                         (int)(*found)->type, (int)type);
    return OK;
}

enum status attribute_int(struct onnx_importer *importer, const char *name, int64_t initial,
                          int64_t *value)
{
    const struct onnx_attribute *attribute;
    TRY(typed_find(importer, name, ONNX_ATTRIBUTE_INT, &attribute));
    *value = attribute != NULL ? attribute->i : initial;
    return OK;
}

enum status attribute_float(struct onnx_importer *importer, const char *name, float initial,
                            float *value)
{
    const struct onnx_attribute *attribute;
    TRY(typed_find(importer, name, ONNX_ATTRIBUTE_FLOAT, &attribute));
    *value = attribute != NULL ? attribute->f : initial;
    return OK;
}

enum status attribute_string(struct onnx_importer *importer, const char *name, const char *initial,
                             const char **value)
{
    const struct onnx_attribute *attribute;
    TRY(typed_find(importer, name, ONNX_ATTRIBUTE_STRING, &attribute));
    *value = attribute != NULL ? attribute->s : initial;
    return OK;
}

enum status attribute_ints(struct onnx_importer *importer, const char *name, int64_t *values,
                           int32_t max, int32_t *n)
{
    const struct onnx_attribute *attribute;
    *n = 0;
    TRY(typed_find(importer, name, ONNX_ATTRIBUTE_INTS, &attribute));
    if (attribute == NULL)
        return OK;
    if (attribute->n_ints > (size_t)max)
        return onnx_fail(importer, ERR_UNSUPPORTED,
                         "attribute %s has %zu elements, at most %d are supported", name,
                         attribute->n_ints, (int)max);
    *n = (int32_t)attribute->n_ints;
    for (int32_t i = 0; i < *n; i++)
        values[i] = attribute->ints[i];
    return OK;
}

enum status list_read(struct onnx_importer *importer, const char *name, int32_t position,
                      int64_t *values, int32_t max, int32_t *n)
{
    *n = -1;
    if (attribute_find(importer, name) != NULL)
        return attribute_ints(importer, name, values, max, n);
    if (position >= 0 && step_input(importer, position) != NULL)
        return input_integer_list(importer, position, name, values, max, n);
    return OK;
}

enum status axis_check(struct onnx_importer *importer, int64_t axis, int32_t rank, int32_t *result)
{
    if (axis < -rank || axis >= rank)
        return onnx_fail(importer, ERR_INPUT,
                         "axis %lld is not one of %d dimensions; the file is damaged",
                         (long long)axis, (int)rank);
    *result = (int32_t)(axis < 0 ? axis + rank : axis);
    return OK;
}

enum status axes_read(struct onnx_importer *importer, int32_t position, int32_t rank,
                      uint32_t *mask, int *given)
{
    int64_t axes[MAX_RANK];
    int32_t n;
    *mask = 0;
    TRY(list_read(importer, "axes", position, axes, MAX_RANK, &n));
    *given = n > 0;
    for (int32_t i = 0; i < n; i++) {
        int32_t axis = 0;
        TRY(axis_check(importer, axes[i], rank, &axis));
        *mask |= 1U << axis;
    }
    return OK;
}

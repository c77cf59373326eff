/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoints: a graph in text form among the metadata, and values for its constants. */
#include <string.h>

#include "base/safetensors.h"
#include "import/import.h"

/* Values of the best epoch, where the file has them, are preferred over the last ones. */
static enum status values_take(const struct safetensors *file, struct arena *arena,
                               struct tensor *tensor, struct diag *diag)
{
    const struct safetensor *found =
        safetensors_find(file, arena_printf(arena, "best:%s", tensor->name));
    if (found == NULL)
        found = safetensors_find(file, tensor->name);
    if (found == NULL && tensor->initializer != INITIALIZER_NONE)
        return fail(diag, ERR_INPUT, "there are no values for '%s'", tensor->name);
    if (found == NULL)
        return OK; /* those of the text */
    if (strcmp(found->dtype, "F32") != 0 || tensor->dtype != DTYPE_F32 ||
        found->bytes != tensor_bytes(tensor))
        return fail(diag, ERR_INPUT, "'%s' has other values than the graph wants (%s)",
                    tensor->name, shape_string(&tensor->shape, arena));
    tensor->data = found->data;
    tensor->initializer = INITIALIZER_NONE;
    return OK;
}

enum status import_safetensors(const void *data, size_t size, struct arena *arena,
                               struct graph **graph, struct diag *diag)
{
    struct safetensors file;
    TRY(safetensors_read(data, size, arena, &file, diag));
    const char *text = safetensors_metadata(&file, "graph");
    if (text == NULL)
        return fail(diag, ERR_INPUT,
                    "a safetensors file without a graph; only those that 'dtmm train' writes can "
                    "be read");
    TRY(graph_parse(text, strlen(text), arena, graph, diag));
    for (int32_t i = 0; i < (*graph)->n_tensors; i++)
        if ((*graph)->tensors[i].data != NULL)
            TRY(values_take(&file, arena, &(*graph)->tensors[i], diag));
    return graph_verify(*graph, diag);
}

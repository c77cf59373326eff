/* SPDX-License-Identifier: Apache-2.0 */
/* The nodes of the file with their names resolved. */
#include "graph/name_set.h"
#include "import/onnx_importer.h"

/* Values of the outputs; a name may be given once. */
static enum status outputs_resolve(struct onnx_importer *importer, struct step *step)
{
    for (int32_t i = 0; i < step->n_outputs; i++) {
        const char *name = step->node->outputs[i];
        step->outputs[i] = -1;
        if (*name == '\0')
            continue;
        if (name_set_find(importer->names, name) >= 0)
            return onnx_fail(importer, ERR_INPUT,
                             "'%s' is produced twice, or is an input or a constant; the file is "
                             "damaged",
                             onnx_name(importer->arena, name));
        step->outputs[i] = importer->n_values++;
        importer->values[step->outputs[i]] = (struct value){.name = name, .id = -1, .maker = -1};
        name_set_add(importer->names, name, step->outputs[i]);
    }
    return OK;
}

static enum status inputs_resolve(struct onnx_importer *importer, struct step *step)
{
    for (int32_t i = 0; i < step->n_inputs; i++) {
        const char *name = step->node->inputs[i];
        step->inputs[i] = *name == '\0' ? -1 : name_set_find(importer->names, name);
        if (*name != '\0' && step->inputs[i] < 0)
            return onnx_fail(importer, ERR_INPUT,
                             "nothing produces its input '%s'; the file is damaged",
                             onnx_name(importer->arena, name));
    }
    return OK;
}

static enum status step_start(struct onnx_importer *importer, int32_t index)
{
    const struct onnx_node *node = &importer->model->nodes[index];
    struct step *step = &importer->steps[index];
    importer->step = step;
    importer->step_index = index;
    importer->node_name = onnx_name(importer->arena, node->name);
    *step = (struct step){.node = node, .op_type = node->op_type};
    if (node->n_inputs > INT16_MAX || node->n_outputs > INT16_MAX)
        return onnx_fail(importer, ERR_UNSUPPORTED, "it has %zu inputs and %zu outputs: too many",
                         node->n_inputs, node->n_outputs);
    step->n_inputs = (int32_t)node->n_inputs;
    step->n_outputs = (int32_t)node->n_outputs;
    step->inputs = ARENA_ARRAY(importer->arena, node->n_inputs, int32_t);
    step->outputs = ARENA_ARRAY(importer->arena, node->n_outputs, int32_t);
    return outputs_resolve(importer, step);
}

enum status steps_resolve(struct onnx_importer *importer)
{
    importer->n_steps = (int32_t)importer->model->n_nodes;
    for (int32_t i = 0; i < importer->n_steps; i++)
        TRY(step_start(importer, i));
    for (int32_t i = 0; i < importer->n_steps; i++) {
        importer->step = &importer->steps[i];
        importer->step_index = i;
        importer->node_name = onnx_name(importer->arena, importer->steps[i].node->name);
        TRY(inputs_resolve(importer, &importer->steps[i]));
    }
    importer->step = NULL;
    return OK;
}

/* Nodes stand in order, so that one pass from the last sees every reader before the maker. */
void steps_mark(struct onnx_importer *importer, const int32_t *outputs, size_t n_outputs)
{
    for (int32_t i = 0; i < importer->n_values; i++)
        importer->values[i].n_readers = 0;
    for (size_t i = 0; i < n_outputs; i++)
        importer->values[outputs[i]].n_readers++;
    for (int32_t i = importer->n_steps - 1; i >= 0; i--) {
        struct step *step = &importer->steps[i];
        step->live = 0;
        for (int32_t k = 0; k < step->n_outputs; k++)
            if (step->outputs[k] >= 0 && importer->values[step->outputs[k]].n_readers > 0)
                step->live = 1;
        for (int32_t k = 0; step->live && k < step->n_inputs; k++)
            if (step->inputs[k] >= 0)
                importer->values[step->inputs[k]].n_readers++;
    }
}

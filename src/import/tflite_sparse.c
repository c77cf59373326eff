/* SPDX-License-Identifier: Apache-2.0 */
/* A sparse tensor is a tree with a level per dimension (and per dimension of the dense blocks, when
 * there are any) in `traversal_order`. A DENSE level has all children; a SPARSE_CSR level has, for
 * node p of the level above, the children indices[segments[p]] .. indices[segments[p + 1] - 1]. The
 * leaves, in order, are the stored values. */
#include <string.h>

#include "import/tflite_importer.h"

enum { MAX_LEVELS = 2 * MAX_RANK, FORMAT_DENSE = 0, FORMAT_SPARSE_CSR = 1 };

struct level {
    const struct tflite_dimension *stored;
    int64_t size;   /* children of a node, at most */
    int64_t stride; /* elements of the dense tensor from one child to the next */
};

struct tree {
    int32_t n_levels;
    struct level levels[MAX_LEVELS];
    const struct sparse_source *source;
    size_t next_value;
    uint8_t *dense;
};

static int64_t index_at(const struct tflite_indices *indices, int64_t i)
{
    const uint8_t *at = indices->data + (size_t)i * indices->bytes_each;
    if (indices->bytes_each == 1)
        return *at;
    if (indices->bytes_each == 2) {
        uint16_t value;
        memcpy(&value, at, sizeof value);
        return value;
    }
    int32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* Whether entries `first` .. `first + n - 1` of the order are these numbers in any order. */
static int is_permutation(const struct tflite_ints *order, int32_t first, int32_t n)
{
    uint32_t seen = 0;
    for (int32_t i = first; i < first + n; i++) {
        int32_t dimension = order->data[i];
        if (dimension < first || dimension >= first + n || (seen >> dimension & 1) != 0)
            return 0;
        seen |= UINT32_C(1) << dimension;
    }
    return 1;
}

/* The block size of each dimension of the tensor, 1 without blocks. */
static const char *blocks_find(const struct sparse_source *source, int64_t *blocks)
{
    const struct tflite_sparsity *sparsity = source->sparsity;
    int32_t rank = source->shape->rank;
    for (int32_t d = 0; d < rank; d++)
        blocks[d] = 1;
    uint32_t seen = 0;
    for (uint32_t level = (uint32_t)rank; level < sparsity->n_dimensions; level++) {
        const struct tflite_dimension *stored = &sparsity->dimensions[level];
        int32_t d = sparsity->block_map.data[sparsity->traversal_order.data[level] - rank];
        if (d < 0 || d >= rank || (seen >> d & 1) != 0)
            return "its block_map names a dimension twice or one that is not there";
        seen |= UINT32_C(1) << d;
        if (stored->format != FORMAT_DENSE)
            return "its blocks are not dense";
        if (stored->dense_size < 1 || source->shape->dims[d] % stored->dense_size != 0)
            return "its blocks do not divide its shape";
        blocks[d] = stored->dense_size;
    }
    return NULL;
}

static const char *levels_make(struct tree *tree)
{
    const struct sparse_source *source = tree->source;
    const struct tflite_sparsity *sparsity = source->sparsity;
    int32_t rank = source->shape->rank;
    uint32_t n_blocks = sparsity->block_map.n;
    if (n_blocks > (uint32_t)rank || sparsity->n_dimensions != (uint32_t)rank + n_blocks ||
        sparsity->traversal_order.n != sparsity->n_dimensions)
        return "its traversal_order, block_map and dim_metadata do not fit its shape";
    if (!is_permutation(&sparsity->traversal_order, 0, rank) ||
        !is_permutation(&sparsity->traversal_order, rank, (int32_t)n_blocks))
        return "its traversal_order is not a permutation";
    int64_t blocks[MAX_RANK];
    const char *wrong = blocks_find(source, blocks);
    if (wrong != NULL)
        return wrong;

    int64_t strides[MAX_RANK];
    int64_t stride = 1;
    for (int32_t d = rank - 1; d >= 0; d--) {
        strides[d] = stride;
        stride *= source->shape->dims[d];
    }
    tree->n_levels = (int32_t)sparsity->n_dimensions;
    for (int32_t i = 0; i < tree->n_levels; i++) {
        struct level *level = &tree->levels[i];
        int32_t d = sparsity->traversal_order.data[i];
        level->stored = &sparsity->dimensions[i];
        if (d < rank) {
            level->size = source->shape->dims[d] / blocks[d];
            level->stride = strides[d] * blocks[d];
        } else {
            d = sparsity->block_map.data[d - rank];
            level->size = blocks[d];
            level->stride = strides[d];
        }
    }
    return NULL;
}

/* Checks the segments and indices of a sparse level below `n_parents` nodes. */
static const char *csr_check(const struct level *level, int64_t n_parents)
{
    const struct tflite_indices *segments = &level->stored->segments;
    const struct tflite_indices *indices = &level->stored->indices;
    if ((int64_t)segments->n != n_parents + 1 || index_at(segments, 0) != 0 ||
        index_at(segments, n_parents) != (int64_t)indices->n)
        return "its array_segments do not fit its array_indices";
    for (int64_t parent = 0; parent < n_parents; parent++) {
        int64_t first = index_at(segments, parent);
        int64_t end = index_at(segments, parent + 1);
        if (first > end || end > (int64_t)indices->n)
            return "its array_segments do not ascend";
        int64_t previous = -1;
        for (int64_t i = first; i < end; i++) {
            int64_t index = index_at(indices, i);
            if (index <= previous || index >= level->size)
                return "its array_indices do not ascend or are outside of its shape";
            previous = index;
        }
    }
    return NULL;
}

/* Checks every level and that the leaves are as many as the values. No level has more nodes than
 * the tensor has elements, so that counts cannot overflow. */
static const char *tree_check(const struct tree *tree)
{
    int64_t n_nodes = 1;
    for (int32_t i = 0; i < tree->n_levels; i++) {
        const struct level *level = &tree->levels[i];
        if (level->stored->format == FORMAT_DENSE) {
            if (level->stored->dense_size != level->size)
                return "a dense_size differs from its shape";
            n_nodes *= level->size;
        } else if (level->stored->format == FORMAT_SPARSE_CSR) {
            const char *wrong = csr_check(level, n_nodes);
            if (wrong != NULL)
                return wrong;
            n_nodes = level->stored->indices.n;
        } else {
            return "the format of a dimension is neither DENSE nor SPARSE_CSR";
        }
    }
    return (uint64_t)n_nodes == tree->source->n_values
               ? NULL
               : "the number of its values differs from that of its indices";
}

/* Writes the leaves below node `node` of `level`, whose first element is `offset`. At most
 * MAX_LEVELS deep. */
static void tree_write(struct tree *tree, int32_t level_index, int64_t node, int64_t offset)
{
    if (level_index == tree->n_levels) {
        size_t bytes = tree->source->value_bytes;
        memcpy(tree->dense + (size_t)offset * bytes,
               tree->source->values + tree->next_value * bytes, bytes);
        tree->next_value++;
        return;
    }
    const struct level *level = &tree->levels[level_index];
    if (level->stored->format == FORMAT_DENSE) {
        for (int64_t i = 0; i < level->size; i++)
            tree_write(tree, level_index + 1, node * level->size + i, offset + i * level->stride);
        return;
    }
    int64_t end = index_at(&level->stored->segments, node + 1);
    for (int64_t i = index_at(&level->stored->segments, node); i < end; i++)
        tree_write(tree, level_index + 1, i,
                   offset + index_at(&level->stored->indices, i) * level->stride);
}

const char *sparse_expand(const struct sparse_source *source, uint8_t *dense)
{
    struct tree tree = {.source = source, .dense = dense};
    const char *wrong = levels_make(&tree);
    if (wrong == NULL)
        wrong = tree_check(&tree);
    if (wrong == NULL)
        tree_write(&tree, 0, 0, 0);
    return wrong;
}

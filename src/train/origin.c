/* SPDX-License-Identifier: Apache-2.0 */
#include "train/origin.h"

#include <inttypes.h>

/* All samples would take as long as an epoch's start; so many are spread over all. */
enum { SAMPLES_LOOKED_AT = 256 };

/* 64-bit FNV-1a. */
static const uint64_t hash_start = UINT64_C(0xcbf29ce484222325);

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t n)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; bytes != NULL && i < n; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static const char *of_dataset(const struct dataset *dataset, struct arena *arena)
{
    size_t n = (size_t)dataset->n_samples;
    size_t bytes =
        (size_t)shape_elements(&dataset->shape) * (dataset->type == SAMPLE_F32 ? sizeof(float) : 1);
    uint64_t hash = hash_bytes(hash_start, &dataset->type, sizeof dataset->type);
    hash = hash_bytes(hash, dataset->labels, n * sizeof *dataset->labels);
    hash = hash_bytes(hash, dataset->targets,
                      n * (size_t)dataset->n_targets * sizeof *dataset->targets);
    size_t n_looked_at = n < SAMPLES_LOOKED_AT ? n : SAMPLES_LOOKED_AT;
    for (size_t i = 0; i < n_looked_at; i++)
        hash = hash_bytes(hash, (const uint8_t *)dataset->samples + i * n / n_looked_at * bytes,
                          bytes);
    return arena_printf(arena, "%d samples of %s in %d classes, %016" PRIx64, dataset->n_samples,
                        shape_string(&dataset->shape, arena), dataset->n_classes, hash);
}

static const char *of_teacher(const struct graph *teacher, struct arena *arena)
{
    if (teacher == NULL)
        return "none";
    uint64_t hash = hash_start;
    for (int32_t i = 0; i < teacher->n_tensors; i++)
        if (teacher->tensors[i].data != NULL)
            hash = hash_bytes(hash, teacher->tensors[i].data, tensor_bytes(&teacher->tensors[i]));
    return arena_printf(arena, "%016" PRIx64, hash);
}

struct origin origin_of(const struct dataset *dataset, const struct graph *teacher,
                        const uint8_t *kept, int64_t n_values, struct arena *arena)
{
    const char *zeros = "none";
    if (kept != NULL)
        zeros = arena_printf(arena, "%016" PRIx64, hash_bytes(hash_start, kept, (size_t)n_values));
    return (struct origin){of_dataset(dataset, arena), of_teacher(teacher, arena), zeros};
}

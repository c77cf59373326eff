/* SPDX-License-Identifier: Apache-2.0 */
#include "target/code.h"

#include <assert.h>
#include <string.h>

struct part {
    const char *core;
    enum kernel kernel;
    const char *name; /* "": the kernel's own */
    size_t bytes;
};

static int part_number(struct core_code *code, const char **names, const struct part *part)
{
    int i = 0;
    while (i < code->n_parts && strcmp(names[i], part->name) != 0)
        i++;
    if (i == code->n_parts) {
        assert(i < MAX_CODE_PARTS);
        names[code->n_parts++] = part->name;
    }
    if (part->bytes > code->part_bytes[i])
        code->part_bytes[i] = part->bytes;
    return i;
}

struct core_code core_code_load(const struct core *core)
{
    static const struct part parts[] = {
#define PART(core, name, isa, part, bytes) {core, KERNEL_##name##_##isa, part, bytes},
#include "target/code_parts.inc"
#undef PART
    };
    struct core_code code = {.n_parts = 0};
    const char *names[MAX_CODE_PARTS];
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        const struct part *part = &parts[i];
        if (strcmp(part->core, core->name) != 0)
            continue;
        if (strstr(part->name, "memcpy") != NULL || strstr(part->name, "memset") != NULL)
            code.memory |= UINT64_C(1) << part_number(&code, names, part);
        if (part->name[0] == '\0')
            code.own_bytes[part->kernel] = part->bytes;
        else
            code.parts[part->kernel] |= UINT64_C(1) << part_number(&code, names, part);
    }
    if (strcmp(core->isa, "armv6m") == 0)
        code.always = code.memory;
    return code;
}

static size_t parts_bytes(const struct core_code *code, uint64_t parts)
{
    size_t bytes = 0;
    for (int i = 0; i < code->n_parts; i++)
        if (parts >> i & 1)
            bytes += code->part_bytes[i];
    return bytes;
}

size_t core_kernel_bytes(const struct core_code *code, enum kernel kernel)
{
    return code->own_bytes[kernel] + parts_bytes(code, code->parts[kernel] & ~code->memory);
}

size_t core_code_bytes(const struct core_code *code, const uint8_t *used)
{
    size_t bytes = 0;
    uint64_t parts = code->always;
    for (int i = 0; i < N_KERNELS; i++)
        if (used[i]) {
            bytes += code->own_bytes[i];
            parts |= code->parts[i];
        }
    return bytes + parts_bytes(code, parts);
}

enum {
#define PARAMETERS(type, bytes) BYTES_##type = bytes,
#include "target/parameter_bytes.inc"
#undef PARAMETERS
};

size_t parameter_bytes(enum kernel kernel)
{
    static const size_t bytes[N_KERNELS] = {
#define KERNEL(name, isa, type, form, reference) [KERNEL_##name##_##isa] = BYTES_##type,
#include "../../runtime/kernels.inc"
#undef KERNEL
    };
    return bytes[kernel];
}

/* Means over networks, dense and pruned; that of one is off by at most 8. What a call takes depends
 * on the offsets of its tensors, which Armv6-M loads from words of their own where they are large.
 */
size_t call_bytes(const struct core *core)
{
    if (strcmp(core->isa, "armv6m") == 0)
        return 21;
    return strcmp(core->isa, "mve") == 0 || strcmp(core->isa, "rv32") == 0 ? 20 : 17;
}

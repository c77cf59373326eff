/* SPDX-License-Identifier: Apache-2.0 */
/* guard.h on a device, where no page is unmapped: buffers lie in a heap between margins. The two
 * edges are two patterns, so that a result that depends on what lies around a buffer differs
 * between them. */
#include "test/kernels/guard.h"

enum { HEAP_BYTES = 1 << 20, MARGIN = 64 };

static _Alignas(8) uint8_t heap[HEAP_BYTES];
static size_t used;

/* The program ends here; the host reports the layer at work. */
_Noreturn void harness_exit(uint32_t code);
enum { OUT_OF_HEAP = 9 };

static uint8_t pattern_of(const struct guard *guard)
{
    return guard->edge == GUARD_END ? 0xa5 : 0x3c;
}

void guard_report(const char *what)
{
    (void)what;
}

/* Buffers of `alignment` 1 start at any address, as those of a real network may. */
void *guard_alloc(struct guard *guard, size_t bytes, size_t alignment)
{
    size_t odd = alignment == 1 ? (size_t)guard->n % 4 : 0;
    size_t whole = (MARGIN + odd + bytes + MARGIN + 7) / 8 * 8;
    if (guard->n == MAX_GUARDED || guard->is_sealed || whole > HEAP_BYTES - used)
        harness_exit(OUT_OF_HEAP);
    struct guarded *buffer = &guard->buffers[guard->n++];
    buffer->mapping = heap + used;
    buffer->mapping_bytes = whole;
    buffer->data = buffer->mapping + MARGIN + odd;
    buffer->data_bytes = bytes;
    used += whole;
    for (size_t i = 0; i < whole; i++)
        buffer->mapping[i] = pattern_of(guard);
    return buffer->data;
}

void guard_seal(struct guard *guard)
{
    guard->is_sealed = 1;
}

int guard_intact(const struct guard *guard)
{
    for (int i = 0; i < guard->n; i++) {
        const struct guarded *buffer = &guard->buffers[i];
        const uint8_t *end = buffer->mapping + buffer->mapping_bytes;
        for (const uint8_t *byte = buffer->mapping; byte < end; byte++)
            if ((byte < buffer->data || byte >= buffer->data + buffer->data_bytes) &&
                *byte != pattern_of(guard))
                return 0;
    }
    return 1;
}

/* Buffers are given back last first. */
void guard_free(struct guard *guard)
{
    while (guard->n > 0)
        used -= guard->buffers[--guard->n].mapping_bytes;
    guard->is_sealed = 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers that catch every access outside of them: one edge lies on an unmapped page, so that a
 * read or write beyond it faults; the rest of the mapped pages is filled with a pattern that is
 * compared afterwards. */
#ifndef DTMM_TEST_KERNELS_GUARD_H
#define DTMM_TEST_KERNELS_GUARD_H

#include <stddef.h>
#include <stdint.h>

enum guard_edge {
    GUARD_END,  /* the buffer ends where an unmapped page starts */
    GUARD_START /* the buffer starts where an unmapped page ends */
};

enum { MAX_GUARDED = 24 };

struct guarded {
    uint8_t *mapping, *data;
    size_t mapping_bytes, data_bytes;
};

struct guard {
    enum guard_edge edge;
    int n, is_sealed;
    struct guarded buffers[MAX_GUARDED];
};

/* A writable buffer filled with the pattern, whose size should be a multiple of `alignment` (else
 * up to alignment - 1 bytes beyond its end are only compared, not unmapped). Never returns NULL. */
void *guard_alloc(struct guard *guard, size_t bytes, size_t alignment);

/* Makes all buffers there are read-only. */
void guard_seal(struct guard *guard);

/* 1 when nothing was written around any buffer. */
int guard_intact(const struct guard *guard);

/* Gives all buffers back. */
void guard_free(struct guard *guard);

/* What to print should an access fault; kept by reference, and written to standard error just
 * before the process ends. */
void guard_report(const char *what);

#endif

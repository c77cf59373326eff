/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "test/kernels/guard.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PATTERN = 0xa5 };

static const char *volatile report;

static void on_fault(int signal)
{
    static const char text[] = "access outside of a buffer: ";
    const char *what = report ? report : "?";
    if (write(STDERR_FILENO, text, sizeof(text) - 1) >= 0 &&
        write(STDERR_FILENO, what, strlen(what)) >= 0)
        (void)!write(STDERR_FILENO, "\n", 1);
    _exit(128 + signal);
}

void guard_report(const char *what)
{
    report = what;
    signal(SIGSEGV, on_fault);
    signal(SIGBUS, on_fault);
}

/* Mappings given back, to be used again: making one costs far more than a small layer. */
enum { MAX_SPARE = 128 };
static struct guarded spares[MAX_SPARE];
static int n_spares;

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static uint8_t *first_byte(const struct guarded *buffer)
{
    return buffer->mapping + page_bytes();
}

static size_t usable_bytes(const struct guarded *buffer)
{
    return buffer->mapping_bytes - 2 * page_bytes();
}

static void protect(const struct guarded *buffer, int protection)
{
    if (mprotect(first_byte(buffer), usable_bytes(buffer), protection) != 0)
        abort();
}

static struct guarded map_buffer(size_t mapping_bytes)
{
    for (int i = 0; i < n_spares; i++)
        if (spares[i].mapping_bytes == mapping_bytes) {
            struct guarded found = spares[i];
            spares[i] = spares[--n_spares];
            return found;
        }
    struct guarded made = {.mapping_bytes = mapping_bytes};
    made.mapping = mmap(NULL, mapping_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (made.mapping == MAP_FAILED)
        abort();
    protect(&made, PROT_READ | PROT_WRITE);
    return made;
}

void *guard_alloc(struct guard *guard, size_t bytes, size_t alignment)
{
    if (guard->n == MAX_GUARDED || guard->is_sealed)
        abort();
    size_t pages = bytes == 0 ? 1 : (bytes + page_bytes() - 1) / page_bytes();
    struct guarded *buffer = &guard->buffers[guard->n++];
    *buffer = map_buffer((pages + 2) * page_bytes());
    memset(first_byte(buffer), PATTERN, usable_bytes(buffer));
    buffer->data = first_byte(buffer);
    if (guard->edge == GUARD_END)
        buffer->data += (usable_bytes(buffer) - bytes) / alignment * alignment;
    buffer->data_bytes = bytes;
    return buffer->data;
}

void guard_seal(struct guard *guard)
{
    for (int i = 0; i < guard->n; i++)
        protect(&guard->buffers[i], PROT_READ);
    guard->is_sealed = 1;
}

int guard_intact(const struct guard *guard)
{
    for (int i = 0; i < guard->n; i++) {
        const struct guarded *buffer = &guard->buffers[i];
        const uint8_t *end = first_byte(buffer) + usable_bytes(buffer);
        for (const uint8_t *byte = first_byte(buffer); byte < end; byte++)
            if ((byte < buffer->data || byte >= buffer->data + buffer->data_bytes) &&
                *byte != PATTERN)
                return 0;
    }
    return 1;
}

void guard_free(struct guard *guard)
{
    for (int i = 0; i < guard->n; i++) {
        if (guard->is_sealed)
            protect(&guard->buffers[i], PROT_READ | PROT_WRITE);
        if (n_spares < MAX_SPARE)
            spares[n_spares++] = guard->buffers[i];
        else
            munmap(guard->buffers[i].mapping, guard->buffers[i].mapping_bytes);
    }
    guard->n = guard->is_sealed = 0;
}

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

void *guard_alloc(struct guard *guard, size_t bytes, size_t alignment)
{
    if (guard->n == MAX_GUARDED)
        abort();
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t inner = (bytes + page - 1) / page * page;
    if (inner == 0)
        inner = page;
    struct guarded *buffer = &guard->buffers[guard->n++];
    buffer->mapping_bytes = inner + 2 * page;
    buffer->mapping =
        mmap(NULL, buffer->mapping_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffer->mapping == MAP_FAILED ||
        mprotect(buffer->mapping + page, inner, PROT_READ | PROT_WRITE) != 0)
        abort();
    memset(buffer->mapping + page, PATTERN, inner);
    buffer->data = buffer->mapping + page;
    if (guard->edge == GUARD_END)
        buffer->data += (inner - bytes) / alignment * alignment;
    buffer->data_bytes = bytes;
    return buffer->data;
}

void guard_seal(struct guard *guard)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < guard->n; i++)
        if (mprotect(guard->buffers[i].mapping + page, guard->buffers[i].mapping_bytes - 2 * page,
                     PROT_READ) != 0)
            abort();
}

int guard_intact(const struct guard *guard)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < guard->n; i++) {
        const struct guarded *buffer = &guard->buffers[i];
        const uint8_t *end = buffer->mapping + buffer->mapping_bytes - page;
        for (const uint8_t *byte = buffer->mapping + page; byte < end; byte++)
            if ((byte < buffer->data || byte >= buffer->data + buffer->data_bytes) &&
                *byte != PATTERN)
                return 0;
    }
    return 1;
}

void guard_free(struct guard *guard)
{
    for (int i = 0; i < guard->n; i++)
        munmap(guard->buffers[i].mapping, guard->buffers[i].mapping_bytes);
    guard->n = 0;
}

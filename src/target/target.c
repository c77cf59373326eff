/* SPDX-License-Identifier: Apache-2.0 */
#include "target/target.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define KB 1024u
#define MB (1024u * 1024u)
#define MHZ 1000000u
#define N_OF(array) (sizeof(array) / sizeof *(array))

#define LONGEST_NAME 63
#define MOST_WRONG_LETTERS 3

#define FAMILY_ARM .compiler = "arm-none-eabi-gcc", .emulator = "qemu-system-arm", .startup = "arm"
#define FAMILY_RISCV                                                                               \
    .compiler = "riscv64-unknown-elf-gcc", .emulator = "qemu-system-riscv32", .startup = "riscv"

enum core_id {
#define CORE(id, ...) CORE_##id,
#include "target/cores.inc"
#undef CORE
    CORE_HOST
};

static const struct core cores[] = {
#define CORE(id, title, set, family, options, emulated, flash, flash_size, sram, sram_size, hz,    \
             shift, origin)                                                                        \
    [CORE_##id] = {FAMILY_##family,                                                                \
                   .name = (title),                                                                \
                   .isa = (set),                                                                   \
                   .flags = (options),                                                             \
                   .machine = (emulated),                                                          \
                   .board = (emulated),                                                            \
                   .flash_origin = (flash),                                                        \
                   .machine_flash_bytes = (flash_size),                                            \
                   .sram_origin = (sram),                                                          \
                   .machine_sram_bytes = (sram_size),                                              \
                   .timer_hz = (hz),                                                               \
                   .icount_shift = (shift)},
#include "target/cores.inc"
#undef CORE
    [CORE_HOST] = {.name = "host", .isa = "c", .compiler = "gcc", .flags = ""},
};

static const struct target targets[] = {
/* A bare core has its machine's memories; RISC-V's counter, in nanoseconds, tells no clock. */
#define CORE(id, title, set, family, options, emulated, flash, flash_size, sram, sram_size, hz,    \
             shift, origin)                                                                        \
    {.name = (title),                                                                              \
     .description = "any " title ", with the memories of the emulated machine",                    \
     .core = &cores[CORE_##id],                                                                    \
     .flash_bytes = (flash_size),                                                                  \
     .sram_bytes = (sram_size),                                                                    \
     .clock_hz = (shift) == 0 ? 0 : (hz),                                                          \
     .source = (origin)},
#include "target/cores.inc"
#undef CORE
#define DEVICE(title, id, flash, sram, hz, text, origin)                                           \
    {.name = (title),                                                                              \
     .description = (text),                                                                        \
     .core = &cores[CORE_##id],                                                                    \
     .flash_bytes = (flash),                                                                       \
     .sram_bytes = (sram),                                                                         \
     .clock_hz = (hz),                                                                             \
     .source = (origin)},
#include "target/devices.inc"
#undef DEVICE
    {.name = "host",
     .description = "this computer, portable C, nothing emulated",
     .core = &cores[CORE_HOST],
     .flash_bytes = 1024 * MB,
     .sram_bytes = 1024 * MB,
     .clock_hz = 0,
     .source = "no limits of its own; 1 GB stands for them"},
};

size_t n_targets(void)
{
    return N_OF(targets);
}

const struct target *target_at(size_t index)
{
    return index < N_OF(targets) ? &targets[index] : NULL;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein's distance, letters compared whatever their case. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[LONGEST_NAME + 1];
    size_t n = strlen(b);
    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            int differ = tolower((unsigned char)a[i]) != tolower((unsigned char)b[j]);
            size_t replaced = diagonal + (size_t)differ;
            diagonal = row[j + 1];
            row[j + 1] = smaller(replaced, smaller(row[j], diagonal) + 1);
        }
    }
    return row[n];
}

/* A name that starts alike ("stm32f446re", "nrf528") is near however much longer one of them is,
 * and so is one that ends as wanted ("m4", "f446"). */
static size_t name_distance(const char *wanted, const char *name)
{
    size_t length = smaller(strlen(wanted), strlen(name));
    if (length >= 4 && strncasecmp(wanted, name, length) == 0)
        return 1;
    if (length >= 2 && length == strlen(wanted) &&
        strcasecmp(wanted, name + strlen(name) - length) == 0)
        return 1;
    return edit_distance(wanted, name);
}

/* Names at most this far are suggested: the nearest and those one edit further, but none of which
 * more than half of the letters, or more than three, are wrong. */
static size_t farthest_suggestion(const char *wanted)
{
    size_t farthest = smaller(MOST_WRONG_LETTERS, strlen(wanted) / 2);
    size_t nearest = LONGEST_NAME;
    for (size_t i = 0; i < N_OF(targets); i++)
        nearest = smaller(nearest, name_distance(wanted, targets[i].name));
    return smaller(farthest, nearest + 1);
}

enum status target_find(const char *name, const struct target **target, struct diag *diag)
{
    if (strlen(name) > LONGEST_NAME)
        return fail(diag, ERR_USAGE,
                    "target '%.16s...' is not known; 'dtmm targets' lists all of them", name);
    for (size_t i = 0; i < N_OF(targets); i++) {
        if (strcasecmp(name, targets[i].name) == 0) {
            *target = &targets[i];
            return OK;
        }
    }
    char matches[512] = "";
    size_t used = 0, farthest = farthest_suggestion(name);
    for (size_t i = 0; i < N_OF(targets); i++) {
        size_t length = strlen(targets[i].name);
        if (name_distance(name, targets[i].name) > farthest ||
            used + length + sizeof ", " > sizeof matches)
            continue;
        used += used > 0 ? (memcpy(matches + used, ", ", 2), (size_t)2) : 0;
        memcpy(matches + used, targets[i].name, length + 1);
        used += length;
    }
    if (used > 0)
        return fail(diag, ERR_USAGE,
                    "target '%s' is not known; near it: %s; 'dtmm targets' lists all of them", name,
                    matches);
    return fail(diag, ERR_USAGE, "target '%s' is not known; 'dtmm targets' lists all of them",
                name);
}

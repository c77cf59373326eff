/* SPDX-License-Identifier: Apache-2.0 */
/* Start-up of QEMU's RISC-V virt machine in machine mode: stack, trap vector, memory. */
#include "harness.h"

extern uint32_t library_data_start[], library_data_end[], library_bss_start[], library_bss_end[];
extern uint32_t harness_data_start[], harness_data_end[], harness_bss_start[], harness_bss_end[];
extern const uint32_t library_data_load[], harness_data_load[];

void reset(void);
void trap(void);

/* The machine jumps to the first address of its RAM. */
__asm__(".section .vectors, \"ax\", @progbits\n"
        ".global start\n"
        "start:\n"
        ".option push\n"
        ".option arch, +zicsr\n"
        "    la sp, stack_top\n"
        "    la t0, trap\n"
        "    csrw mtvec, t0\n"
        "    j reset\n"
        ".option pop\n"
        ".text\n");

__attribute__((aligned(4))) void trap(void)
{
    harness_exit(HARNESS_FAULT);
}

static void copy_words(uint32_t *to, const uint32_t *end, const uint32_t *from)
{
    while (to < end)
        *to++ = *from++;
}

static void zero_words(uint32_t *to, const uint32_t *end)
{
    while (to < end)
        *to++ = 0;
}

void reset(void)
{
    copy_words(library_data_start, library_data_end, library_data_load);
    zero_words(library_bss_start, library_bss_end);
    copy_words(harness_data_start, harness_data_end, harness_data_load);
    zero_words(harness_bss_start, harness_bss_end);
    harness_main();
}

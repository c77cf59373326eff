/* SPDX-License-Identifier: Apache-2.0 */
/* Start-up of every Arm Cortex-M machine: vector table, memory, coprocessor access (Armv6-M,
 * Armv7-M and Armv8-M Architecture Reference Manuals). */
#include "harness.h"

#define CCR (*(volatile uint32_t *)0xE000ED14u)
#define CPACR (*(volatile uint32_t *)0xE000ED88u)
#define CCR_UNALIGN_TRP (1u << 3)
#define CPACR_CP10_CP11_FULL (0xFu << 20)

extern uint32_t library_data_start[], library_data_end[], library_bss_start[], library_bss_end[];
extern uint32_t harness_data_start[], harness_data_end[], harness_bss_start[], harness_bss_end[];
extern const uint32_t library_data_load[], harness_data_load[];
extern uint32_t stack_top[];

void reset_handler(void);
void systick_handler(void);

static void fault_handler(void)
{
    harness_exit(HARNESS_FAULT);
}

union vector {
    void *pointer;
    void (*handler)(void);
};

/* Exceptions 0 (initial stack pointer) to 15 (SysTick). */
__attribute__((section(".vectors"), used)) static const union vector vectors[16] = {
    {.pointer = stack_top},      {.handler = reset_handler}, {.handler = fault_handler},
    {.handler = fault_handler},  {.handler = fault_handler}, {.handler = fault_handler},
    {.handler = fault_handler},  {.handler = fault_handler}, {.handler = fault_handler},
    {.handler = fault_handler},  {.handler = fault_handler}, {.handler = fault_handler},
    {.handler = fault_handler},  {.handler = fault_handler}, {.handler = fault_handler},
    {.handler = systick_handler}};

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

void reset_handler(void)
{
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    CPACR |= CPACR_CP10_CP11_FULL;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
#if __ARM_ARCH == 6
    /* Armv6-M code may run on an emulated Armv7-M core: trap what an Armv6-M core cannot do. */
    CCR |= CCR_UNALIGN_TRP;
#endif
    copy_words(library_data_start, library_data_end, library_data_load);
    zero_words(library_bss_start, library_bss_end);
    copy_words(harness_data_start, harness_data_end, harness_data_load);
    zero_words(harness_bss_start, harness_bss_end);
    harness_main();
}

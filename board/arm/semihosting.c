/* SPDX-License-Identifier: Apache-2.0 */
/* Arm semihosting, M profile: breakpoint 0xAB, operation in r0, argument in r1, result in r0
 * (Arm "Semihosting for AArch32 and AArch64", 100863). */
#include "harness.h"

intptr_t board_semihosting(intptr_t operation, void *argument)
{
    register intptr_t r0 __asm__("r0") = operation;
    register void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

uintptr_t board_stack_pointer(void)
{
    uintptr_t pointer;
    __asm__ volatile("mov %0, sp" : "=r"(pointer));
    return pointer;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* RISC-V semihosting: an ebreak between two marked no-operations, none of them compressed and all
 * in one page; operation in a0, argument in a1, result in a0 (RISC-V Semihosting, version 0.3). */
#include "harness.h"

__attribute__((noinline, aligned(16))) static intptr_t call(intptr_t operation, void *argument)
{
    register intptr_t a0 __asm__("a0") = operation;
    register void *a1 __asm__("a1") = argument;
    __asm__ volatile(".option push\n\t"
                     ".option norvc\n\t"
                     ".balign 16\n\t"
                     "slli x0, x0, 0x1f\n\t"
                     "ebreak\n\t"
                     "srai x0, x0, 7\n\t"
                     ".option pop"
                     : "+r"(a0)
                     : "r"(a1)
                     : "memory");
    return a0;
}

intptr_t board_semihosting(intptr_t operation, void *argument)
{
    return call(operation, argument);
}

uintptr_t board_stack_pointer(void)
{
    uintptr_t pointer;
    __asm__ volatile("mv %0, sp" : "=r"(pointer));
    return pointer;
}

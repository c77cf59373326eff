/* SPDX-License-Identifier: Apache-2.0 */
/* memcpy, memmove and memset for a toolchain that comes without a C library. They count as the
 * library's flash, because whoever links it needs them from somewhere. */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);

void *memcpy(void *to, const void *from, size_t n)
{
    uint8_t *target = to;
    const uint8_t *source = from;
    if ((((uintptr_t)target | (uintptr_t)source) & 3) == 0) {
        for (; n >= 4; n -= 4, target += 4, source += 4)
            *(uint32_t *)(void *)target = *(const uint32_t *)(const void *)source;
    }
    while (n-- > 0)
        *target++ = *source++;
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    uint8_t *target = to;
    const uint8_t *source = from;
    if ((uintptr_t)target - (uintptr_t)source >= n)
        return memcpy(to, from, n);
    while (n-- > 0)
        target[n] = source[n];
    return to;
}

void *memset(void *to, int value, size_t n)
{
    uint8_t *target = to;
    uint32_t word = (uint8_t)value * UINT32_C(0x01010101);
    for (; n > 0 && ((uintptr_t)target & 3) != 0; n--)
        *target++ = (uint8_t)value;
    for (; n >= 4; n -= 4, target += 4)
        *(uint32_t *)(void *)target = word;
    while (n-- > 0)
        *target++ = (uint8_t)value;
    return to;
}

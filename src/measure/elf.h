/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes of the sections of a linked firmware. */
#ifndef DTMM_MEASURE_ELF_H
#define DTMM_MEASURE_ELF_H

#include "base/file.h"
#include "base/status.h"

/* The size of the section named `name` of a 32-bit little-endian ELF file (System V ABI, chapter
 * 4); 0 when there is none. ERR_TOOL when the file is not such a file. */
enum status elf_section_bytes(const struct file *elf, const char *name, size_t *bytes,
                              struct diag *diag);

#endif

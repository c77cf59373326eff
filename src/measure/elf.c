/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/elf.h"

#include <elf.h>
#include <string.h>

static int holds(const struct file *elf, size_t offset, size_t bytes)
{
    return offset <= elf->size && bytes <= elf->size - offset;
}

/* Reads section header `index`; returns whether it lies in the file. */
static int read_section(const struct file *elf, const Elf32_Ehdr *header, size_t index,
                        Elf32_Shdr *section)
{
    size_t offset = header->e_shoff + index * sizeof *section;
    if (index >= header->e_shnum || !holds(elf, offset, sizeof *section))
        return 0;
    memcpy(section, elf->data + offset, sizeof *section);
    return 1;
}

static int name_is(const struct file *elf, const Elf32_Shdr *names, size_t offset, const char *name)
{
    size_t length = strlen(name) + 1;
    return offset <= names->sh_size && length <= names->sh_size - offset &&
           holds(elf, names->sh_offset, names->sh_size) &&
           memcmp(elf->data + names->sh_offset + offset, name, length) == 0;
}

enum status elf_section_bytes(const struct file *elf, const char *name, size_t *bytes,
                              struct diag *diag)
{
    Elf32_Ehdr header;
    Elf32_Shdr names, section;
    *bytes = 0;
    if (!holds(elf, 0, sizeof header))
        return fail(diag, ERR_TOOL, "the linker wrote a file too short for ELF");
    memcpy(&header, elf->data, sizeof header);
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 || header.e_ident[EI_CLASS] != ELFCLASS32 ||
        header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_shentsize != sizeof section ||
        !read_section(elf, &header, header.e_shstrndx, &names))
        return fail(diag, ERR_TOOL, "the linker wrote something else than 32-bit ELF");
    for (size_t i = 0; read_section(elf, &header, i, &section); i++) {
        if (name_is(elf, &names, section.sh_name, name)) {
            *bytes = section.sh_size;
            return OK;
        }
    }
    return OK;
}

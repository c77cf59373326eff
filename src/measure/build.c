/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700
#include "measure/build.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "measure/elf.h"
#include "measure/process.h"

/* Longer than any library, short enough that origin + length stays below 4 GB. */
#define ENDLESS_BYTES (256u << 20)

/* At least this much is left for the stack where it shares the machine's SRAM. */
#define STACK_BYTES 1024

static size_t limit(size_t budget, size_t device)
{
    return budget > 0 && budget < device ? budget : device;
}

size_t flash_limit(const struct firmware *firmware)
{
    return limit(firmware->flash_budget, firmware->target->flash_bytes);
}

size_t sram_limit(const struct firmware *firmware)
{
    return limit(firmware->sram_budget, firmware->target->sram_bytes);
}

static enum status absolute(struct workshop *workshop, const char *path, const char **result,
                            struct diag *diag)
{
    char *resolved = realpath(path, NULL);
    if (resolved == NULL)
        return fail(diag, ERR_IO, "%s: there is no such folder", path);
    *result = arena_string(workshop->arena, resolved);
    free(resolved);
    return OK;
}

static int is_identifier(const char *name)
{
    if (!isalpha((unsigned char)name[0]) && name[0] != '_')
        return 0;
    while (isalnum((unsigned char)*name) || *name == '_')
        name++;
    return *name == '\0';
}

enum status workshop_open(struct workshop *workshop, struct diag *diag)
{
    const struct firmware *firmware = workshop->firmware;
    if (firmware->target->core->emulator == NULL)
        return fail(diag, ERR_UNSUPPORTED,
                    "target '%s' is not a device: nothing to build and measure; choose another "
                    "('dtmm targets' lists them)",
                    firmware->target->name);
    if (!is_identifier(firmware->model))
        return fail(diag, ERR_INPUT, "model name '%s' is not a C identifier", firmware->model);
    TRY(absolute(workshop, firmware->folder, &workshop->library, diag));
    TRY(absolute(workshop, firmware->board_folder, &workshop->board, diag));
    TRY(folder_temporary(workshop->arena, &workshop->folder, diag));
    static const char *const folders[] = {"harness", "model", "runtime"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        TRY(folder_make(arena_printf(workshop->arena, "%s/%s", workshop->folder, folders[i]),
                        diag));
    return workshop_list_sources(workshop, diag);
}

/* ---- the generated part of the harness ---- */

static const char *upper_case(struct arena *arena, const char *name)
{
    char *upper = arena_string(arena, name);
    for (char *c = upper; *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
    return upper;
}

static void write_buffers(struct text *text, const char *kind, int32_t n, const size_t *bytes)
{
    for (int32_t i = 0; i < n; i++)
        text_printf(text, "static _Alignas(8) unsigned char %s_%d[%zu];\n", kind, (int)i,
                    bytes[i] > 0 ? bytes[i] : 1);
    text_printf(text, "const struct harness_buffer harness_%ss[] = {", kind);
    for (int32_t i = 0; i < n; i++)
        text_printf(text, "%s{%s_%d, %zu}", i > 0 ? ", " : "", kind, (int)i, bytes[i]);
    text_printf(text, "};\nconst uint32_t harness_n_%ss = %d;\n", kind, (int)n);
}

/* firmware.c: the arena in the target's SRAM, the buffers in the harness's memory, the call. */
static enum status write_firmware(struct workshop *workshop, struct diag *diag)
{
    const struct firmware *firmware = workshop->firmware;
    struct text text = text_start(workshop->arena);
    const char *name = firmware->model, *upper = upper_case(workshop->arena, name);
    int32_t n_layers = workshop->per_layer ? firmware->n_nodes : 0;
    text_printf(&text, "#include \"harness.h\"\n#include \"%s.h\"\n", name);
    text_printf(&text,
                "static _Alignas(8) __attribute__((section(\".arena\"))) unsigned char\n"
                "    arena[%s_ARENA_BYTES > 0 ? %s_ARENA_BYTES : 1];\n",
                upper, upper);
    write_buffers(&text, "input", firmware->n_inputs, firmware->input_bytes);
    write_buffers(&text, "output", firmware->n_outputs, firmware->output_bytes);
    text_printf(&text,
                "const uint32_t harness_n_samples = %zu, harness_n_layers = %d;\n"
                "struct harness_layer harness_layers[%d];\n"
                "void harness_inference(void)\n{\n",
                workshop->n_samples, (int)n_layers, (int)(n_layers > 0 ? n_layers : 1));
    if (workshop->per_layer)
        text_printf(&text, "    harness_layers_start();\n");
    text_printf(&text, "    %s_run_in(arena", name);
    for (int32_t i = 0; i < firmware->n_inputs; i++)
        text_printf(&text, ", (const void *)input_%d", (int)i);
    for (int32_t i = 0; i < firmware->n_outputs; i++)
        text_printf(&text, ", (void *)output_%d", (int)i);
    text_printf(&text, ");\n}\n");
    return file_write(workshop->sources[0].path, text.data, text.length, diag);
}

/* ---- compiler and linker ---- */

struct arguments {
    const char **items; /* ends with NULL */
    size_t n, size;
};

static void add(struct arguments *arguments, const char *text)
{
    assert(arguments->n + 1 < arguments->size);
    arguments->items[arguments->n++] = text;
}

static void add_all(struct arguments *arguments, const char *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        add(arguments, texts[i]);
}

/* The compiler and the core's flags, one argument each; room for `more` and the usual ones. */
static struct arguments start_command(struct workshop *workshop, size_t more)
{
    const struct core *core = workshop->firmware->target->core;
    struct arguments arguments = {ARENA_ARRAY(workshop->arena, more + 64, const char *), 0,
                                  more + 64};
    add(&arguments, core->compiler);
    char *flags = arena_string(workshop->arena, core->flags), *position = NULL;
    for (char *flag = strtok_r(flags, " ", &position); flag != NULL;
         flag = strtok_r(NULL, " ", &position))
        add(&arguments, flag);
    return arguments;
}

static enum status run_tool(struct workshop *workshop, struct arguments *arguments, int *exit_code,
                            const char **line, struct diag *diag)
{
    const char *log = arena_printf(workshop->arena, "%s/log", workshop->folder);
    struct process process = {arguments->items, workshop->folder, log, TOOL_TIMEOUT_SECONDS};
    TRY(process_run(&process, exit_code, diag));
    *line = *exit_code != 0 ? process_log_line(log, workshop->arena) : "";
    return OK;
}

/* -ffreestanding because a toolchain may come without a C library, -fbuiltin so that memcpy is
 * still known to the compiler. The harness must call no library function: those are the library's
 * flash. */
static enum status compile(struct workshop *workshop, const struct source *source,
                           struct diag *diag)
{
    static const char *const common[] = {
        "-std=c11",        "-O2",          "-ffreestanding", "-ffunction-sections",
        "-fdata-sections", "-Wall",        "-Wextra",        "-Wpedantic",
        "-Wshadow",        "-Wconversion", "-Werror"};
    static const char *const harness[] = {"-fno-builtin", "-fno-tree-loop-distribute-patterns"};
    struct arguments arguments = start_command(workshop, 0);
    const char *headers = arena_printf(workshop->arena, "%s/common", workshop->board);
    add_all(&arguments, common, sizeof common / sizeof *common);
    if (source->group & (GROUP_MODEL | GROUP_RUNTIME))
        add(&arguments, "-fbuiltin");
    else
        add_all(&arguments, harness, sizeof harness / sizeof *harness);
    if (source->group == GROUP_MODEL && workshop->per_layer) {
        add(&arguments, "-include");
        add(&arguments, arena_printf(workshop->arena, "%s/profile.h", headers));
    }
    if (source->group & (GROUP_GENERATED | GROUP_BOARD))
        add(&arguments, arena_printf(workshop->arena, "-I%s", headers));
    add(&arguments, arena_printf(workshop->arena, "-I%s/include", workshop->library));
    add(&arguments, arena_printf(workshop->arena, "-I%s/runtime", workshop->library));
    const char *const files[] = {"-c", source->path, "-o", source->object};
    add_all(&arguments, files, 4);
    int exit_code;
    const char *line;
    TRY(run_tool(workshop, &arguments, &exit_code, &line, diag));
    if (exit_code != 0)
        return fail(diag, ERR_TOOL, "%s rejects %s: %s", arguments.items[0], source->path, line);
    return OK;
}

enum status workshop_compile(struct workshop *workshop, unsigned groups, struct diag *diag)
{
    if (groups & GROUP_GENERATED)
        TRY(write_firmware(workshop, diag));
    for (size_t i = 0; i < workshop->n_sources; i++)
        if (workshop->sources[i].group & groups)
            TRY(compile(workshop, &workshop->sources[i], diag));
    return OK;
}

struct memories {
    size_t flash_bytes, sram_bytes, machine_sram_bytes;
};

static const char *define_symbol(struct workshop *workshop, const char *name, size_t value)
{
    return arena_printf(workshop->arena, "-Wl,--defsym=%s=%zu", name, value);
}

/* Links all objects as `output`; `exit_code` and `line` tell what the linker said. */
static enum status link_objects(struct workshop *workshop, const struct memories *memories,
                                const char *output, int *exit_code, const char **line,
                                struct diag *diag)
{
    static const char *const flags[] = {"-nostdlib", "-Wl,--gc-sections", "-Wl,--fatal-warnings",
                                        "-Wl,--no-warn-rwx-segments"};
    const struct core *core = workshop->firmware->target->core;
    struct arena *arena = workshop->arena;
    struct arguments arguments = start_command(workshop, workshop->n_sources);
    add_all(&arguments, flags, sizeof flags / sizeof *flags);
    add(&arguments, define_symbol(workshop, "dtmm_flash_origin", core->flash_origin));
    add(&arguments, define_symbol(workshop, "dtmm_flash_bytes", memories->flash_bytes));
    add(&arguments, define_symbol(workshop, "dtmm_sram_origin", core->sram_origin));
    add(&arguments, define_symbol(workshop, "dtmm_sram_bytes", memories->sram_bytes));
    add(&arguments,
        define_symbol(workshop, "dtmm_machine_sram_bytes", memories->machine_sram_bytes));
    add(&arguments, define_symbol(workshop, "dtmm_stack_bytes", STACK_BYTES));
    add(&arguments, arena_printf(arena, "-L%s/common", workshop->board));
    add(&arguments, "-T");
    add(&arguments, arena_printf(arena, "%s/%s/memory.ld", workshop->board, core->board));
    for (size_t i = 0; i < workshop->n_sources; i++)
        add(&arguments, workshop->sources[i].object);
    /* Arm's toolchain has memcpy in its C library; RISC-V's has none, board/riscv/library does. */
    if (strcmp(core->startup, "arm") == 0)
        add(&arguments, "-lc");
    add(&arguments, "-lgcc");
    add(&arguments, "-o");
    add(&arguments, output);
    return run_tool(workshop, &arguments, exit_code, line, diag);
}

static enum status read_sizes(struct workshop *workshop, struct built *built, size_t *sram_bytes,
                              struct diag *diag)
{
    static const char *const names[] = {".library_text", ".library_rodata", ".model_rodata",
                                        ".library_data", ".library_bss",    ".arena"};
    size_t bytes[6];
    struct file elf;
    TRY(file_read(arena_printf(workshop->arena, "%s/sizes.elf", workshop->folder), workshop->arena,
                  &elf, diag));
    for (size_t i = 0; i < 6; i++)
        TRY(elf_section_bytes(&elf, names[i], &bytes[i], diag));
    built->code_bytes = bytes[0] + bytes[1];
    built->flash_bytes = bytes[0] + bytes[1] + bytes[2] + bytes[3];
    built->data_bytes = bytes[3] + bytes[4];
    *sram_bytes = built->data_bytes + bytes[5];
    return OK;
}

enum status workshop_size(struct workshop *workshop, struct built *built, size_t *sram_bytes,
                          struct diag *diag)
{
    const struct firmware *firmware = workshop->firmware;
    const struct memories endless = {ENDLESS_BYTES, ENDLESS_BYTES, ENDLESS_BYTES};
    int exit_code;
    const char *line;
    TRY(link_objects(workshop, &endless, "sizes.elf", &exit_code, &line, diag));
    if (exit_code != 0)
        return fail(diag, ERR_TOOL, "the library cannot be linked for %s: %s",
                    firmware->target->name, line);
    TRY(read_sizes(workshop, built, sram_bytes, diag));
    size_t flash = flash_limit(firmware), sram = sram_limit(firmware);
    if (built->flash_bytes <= flash && *sram_bytes <= sram)
        return OK;
    return fail(diag, ERR_BUDGET,
                "'%s' does not fit %s: it needs %zu bytes of flash (%zu of them code) and there "
                "are %zu%s; it needs %zu bytes of SRAM (%zu of them arena) and there are %zu%s",
                firmware->model, firmware->target->name, built->flash_bytes, built->code_bytes,
                flash, built->flash_bytes > flash ? " (too few)" : "", *sram_bytes,
                *sram_bytes - built->data_bytes, sram, *sram_bytes > sram ? " (too few)" : "");
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

enum status workshop_link(struct workshop *workshop, struct diag *diag)
{
    const struct firmware *firmware = workshop->firmware;
    const struct core *core = firmware->target->core;
    struct memories memories = {smaller(flash_limit(firmware), core->machine_flash_bytes),
                                smaller(sram_limit(firmware), core->machine_sram_bytes),
                                core->machine_sram_bytes};
    if (workshop->per_layer) /* the recorder's calls are not the library's */
        memories.flash_bytes = core->machine_flash_bytes;
    int exit_code;
    const char *line;
    TRY(link_objects(workshop, &memories, "firmware.elf", &exit_code, &line, diag));
    if (exit_code == 0)
        return OK;
    const char *overflow = strstr(line, "overflowed by ");
    if (overflow == NULL && strstr(line, "will not fit in region") == NULL)
        return fail(diag, ERR_TOOL, "the library cannot be linked for %s: %s",
                    firmware->target->name, line);
    return fail(diag, ERR_BUDGET,
                "'%s' fits %s, but the emulated machine %s (%u bytes of flash, %u of SRAM) cannot "
                "hold it together with the test's buffers and stack: %s",
                firmware->model, firmware->target->name, core->machine,
                (unsigned)core->machine_flash_bytes, (unsigned)core->machine_sram_bytes,
                overflow != NULL ? overflow : line);
}

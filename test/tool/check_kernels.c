/* SPDX-License-Identifier: Apache-2.0 */
/* usage: check_kernels CORE [LAYERS [KERNEL [TIMES]]]
 * Builds the checker of test/kernels/device.c for a core, runs it under emulation, and tells for
 * every kernel of the core's instruction set on how many random layers it equals its reference.
 * KERNEL is a name, or "all"; the file TIMES takes a line `core isa kernel state instructions` a
 * layer, of the portable kernels too. The seed is DTMM_SEED, the level of optimization DTMM_OPT
 * (-O2). Exit code 1 when a layer differs. Run at the top of the source tree. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "measure/process.h"
#include "product/packed.h"
#include "target/target.h"
#include "test/kernels/device.h"
#include "test/kernels/layers.h"
#include "test/kernels/seed.h"

#include <dirent.h>
#include <unistd.h>

enum { TIMEOUT_SECONDS = 600, TRIES_PER_LAYER = 40, MAX_ARGUMENTS = 256 };

/* Instructions of board/arm/time.c's interrupt handler. */
enum { WRAP_INSTRUCTIONS = 5 };

struct build {
    const struct core *core;
    const char *folder, *top;
    struct arena arena;
    const char *arguments[MAX_ARGUMENTS];
    int n_arguments;
    const char *objects[MAX_ARGUMENTS];
    int n_objects;
    int with_portable; /* the portable kernels are run as well, to be timed */
};

static void die(const char *message)
{
    fprintf(stderr, "check_kernels: %s\n", message);
    exit(2);
}

static void add(struct build *build, const char *argument)
{
    if (build->n_arguments + 1 >= MAX_ARGUMENTS)
        die("too many files");
    build->arguments[build->n_arguments++] = argument;
    build->arguments[build->n_arguments] = NULL;
}

static void start_command(struct build *build)
{
    build->n_arguments = 0;
    add(build, build->core->compiler);
    char *flags = arena_string(&build->arena, build->core->flags), *position = NULL;
    for (char *flag = strtok_r(flags, " ", &position); flag; flag = strtok_r(NULL, " ", &position))
        add(build, flag);
}

static void run_command(struct build *build)
{
    struct diag diag;
    const char *log = arena_printf(&build->arena, "%s/log", build->folder);
    struct process process = {build->arguments, build->folder, log, TIMEOUT_SECONDS};
    int code;
    if (process_run(&process, &code, &diag) != OK)
        die(diag.message);
    if (code != 0)
        die(process_log_line(log, &build->arena));
}

/* Compiles the file into an object in the folder `group`, which decides its sections. */
static void compile(struct build *build, const char *group, const char *path)
{
    const char *level = getenv("DTMM_OPT") != NULL ? getenv("DTMM_OPT") : "-O2";
    const char *const flags[] = {"-std=c11", level, "-ffreestanding", "-fbuiltin", "-g"};
    char *name = arena_printf(&build->arena, "%s/%s.o", group, path);
    for (char *c = name + strlen(group) + 1; *c != '\0'; c++)
        *c = *c == '/' ? '_' : *c;
    start_command(build);
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        add(build, flags[i]);
    if (strncmp(path, "board/", 6) == 0) /* its memset is not to become a call of itself */
        add(build, "-fno-tree-loop-distribute-patterns");
    static const char *const includes[] = {"", "/src", "/board/common"};
    for (size_t i = 0; i < sizeof(includes) / sizeof(includes[0]); i++)
        add(build, arena_printf(&build->arena, "-I%s%s", build->top, includes[i]));
    add(build, arena_printf(&build->arena, "-DISA_%s", build->core->isa));
    if (build->with_portable)
        add(build, "-DISA_c");
    add(build, "-c");
    add(build, arena_printf(&build->arena, "%s/%s", build->top, path));
    add(build, "-o");
    add(build, name);
    run_command(build);
    build->objects[build->n_objects++] = name;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void compile_folder(struct build *build, const char *group, const char *folder)
{
    const char *names[MAX_ARGUMENTS];
    size_t n = 0;
    DIR *directory = opendir(folder);
    if (directory == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        size_t length = strlen(entry->d_name);
        if (length > 2 && strcmp(entry->d_name + length - 2, ".c") == 0 && n < MAX_ARGUMENTS)
            names[n++] = arena_printf(&build->arena, "%s/%s", folder, entry->d_name);
    }
    closedir(directory);
    qsort(names, n, sizeof(names[0]), compare_names);
    for (size_t i = 0; i < n; i++)
        compile(build, group, names[i]);
}

static void link_program(struct build *build)
{
    const struct core *core = build->core;
    struct arena *arena = &build->arena;
    start_command(build);
    add(build, "-nostdlib");
    add(build, "-Wl,--gc-sections");
    add(build, "-Wl,--no-warn-rwx-segments");
    add(build, arena_printf(arena, "-Wl,--defsym=dtmm_flash_origin=%u", core->flash_origin));
    add(build, arena_printf(arena, "-Wl,--defsym=dtmm_flash_bytes=%u", core->machine_flash_bytes));
    add(build, arena_printf(arena, "-Wl,--defsym=dtmm_sram_origin=%u", core->sram_origin));
    add(build, arena_printf(arena, "-Wl,--defsym=dtmm_sram_bytes=%u", core->machine_sram_bytes));
    add(build,
        arena_printf(arena, "-Wl,--defsym=dtmm_machine_sram_bytes=%u", core->machine_sram_bytes));
    add(build, "-Wl,--defsym=dtmm_stack_bytes=16384");
    add(build, arena_printf(arena, "-L%s/board/common", build->top));
    add(build, "-T");
    add(build, arena_printf(arena, "%s/board/%s/memory.ld", build->top, core->board));
    for (int i = 0; i < build->n_objects; i++)
        add(build, build->objects[i]);
    if (strcmp(core->startup, "arm") == 0)
        add(build, "-lc");
    add(build, "-lgcc");
    add(build, "-o");
    add(build, "check.elf");
    run_command(build);
}

static void build_program(struct build *build)
{
    static const char *const own[] = {"layers", "guard_device", "device"};
    static const char *const groups[] = {"harness", "runtime"};
    struct diag diag;
    if (folder_temporary(&build->arena, &build->folder, &diag) != OK)
        die(diag.message);
    for (size_t i = 0; i < 2; i++)
        if (folder_make(arena_printf(&build->arena, "%s/%s", build->folder, groups[i]), &diag) !=
            OK)
            die(diag.message);
    compile_folder(build, "harness", arena_printf(&build->arena, "board/%s", build->core->startup));
    compile_folder(build, "runtime",
                   arena_printf(&build->arena, "board/%s/library", build->core->startup));
    compile_folder(build, "runtime", "runtime/c");
    compile_folder(build, "runtime", arena_printf(&build->arena, "runtime/%s", build->core->isa));
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        compile(build, "runtime", arena_printf(&build->arena, "test/kernels/%s.c", own[i]));
    link_program(build);
}

/* Runs it; the records. A fault of the program is a record too. */
static struct file emulate(struct build *build, const struct check_job *job, int is_timed)
{
    const struct core *core = build->core;
    struct diag diag;
    if (file_write(arena_printf(&build->arena, "%s/job.bin", build->folder), job, sizeof(*job),
                   &diag) != OK)
        die(diag.message);
    static const char *const quiet[] = {"-no-user-config",
                                        "-display",
                                        "none",
                                        "-serial",
                                        "none",
                                        "-monitor",
                                        "none",
                                        "-semihosting-config",
                                        "enable=on,target=native"};
    build->n_arguments = 0;
    add(build, core->emulator);
    add(build, "-M");
    add(build, core->machine);
    for (size_t i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++)
        add(build, quiet[i]);
    if (is_timed) {
        add(build, "-icount");
        add(build, arena_printf(&build->arena, "shift=%u", (unsigned)core->icount_shift));
    }
    add(build, "-kernel");
    add(build, "check.elf");
    if (strcmp(core->startup, "riscv") == 0) {
        add(build, "-bios");
        add(build, "none");
    }
    struct process process = {build->arguments, build->folder,
                              arena_printf(&build->arena, "%s/log", build->folder),
                              TIMEOUT_SECONDS};
    int code;
    struct file file;
    if (process_run(&process, &code, &diag) != OK ||
        file_read(arena_printf(&build->arena, "%s/result.bin", build->folder), &build->arena, &file,
                  &diag) != OK)
        die(diag.message);
    if (file.size == 0 || file.size % sizeof(struct check_record) != 0)
        die("the device wrote no result");
    return file;
}

/* ---- what came back ---- */

/* The kernels that the program tests, in the order of kernels.inc. */
static int list_kernels(const struct build *build, const struct kernel_facts *facts[N_KERNELS])
{
    int n = 0;
    for (int i = 0; i < N_KERNELS; i++)
        if (strcmp(kernel_facts((enum kernel)i)->isa, build->core->isa) == 0 ||
            (build->with_portable && strcmp(kernel_facts((enum kernel)i)->isa, "c") == 0))
            facts[n++] = kernel_facts((enum kernel)i);
    return n;
}

/* The layer that a record is about, made again to be described. */
static void describe(const struct kernel_facts *kernel, const struct check_record *record)
{
    static const struct {
        const char *name;
        layer_maker *make;
    } families[] = {
#define FAMILY(name, make, naive) {#name, make},
#include "test/kernels/families.inc"
#undef FAMILY
    };
    const char *reference = kernel_facts(kernel->reference)->name;
    struct guard guard = {.edge = GUARD_END};
    struct layer layer;
    memset(&layer, 0, sizeof(layer));
    struct random random = {record->state};
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
        if (strcmp(families[i].name, reference) == 0)
            families[i].make(&random, &guard, &layer);
    printf("%s_%s: layer state %#" PRIx64 " (%s): ", kernel->name, kernel->isa, record->state,
           layer.text);
    if (record->outcome == CHECK_FAULT)
        printf("fault, exit code %d\n", (int)record->ticks);
    else
        printf("differs from %s_c, or wrote outside of its buffers\n", reference);
    guard_free(&guard);
}

static double instructions_of(const struct core *core, const struct check_record *record)
{
    double ticks_per_instruction = ldexp(core->timer_hz / 1e9, (int)core->icount_shift);
    return (double)record->ticks / ticks_per_instruction - record->wraps * WRAP_INSTRUCTIONS;
}

/* `is_complete`: all kernels were to be tested. */
static int report(const struct build *build, const struct file *file, int is_complete, FILE *times)
{
    const struct core *core = build->core;
    const struct kernel_facts *facts[N_KERNELS];
    int n_kernels = list_kernels(build, facts), bad = 0, n_compared = 0;
    const struct check_record *records = (const void *)file->data;
    size_t n = file->size / sizeof(*records);
    for (int kernel = 0; kernel < n_kernels; kernel++) {
        int n_layers = 0, n_wrong = 0;
        for (size_t i = 0; i < n; i++) {
            const struct check_record *record = &records[i];
            if (record->kernel != (uint32_t)kernel || record->outcome == CHECK_DECLINED)
                continue;
            n_layers++;
            if (record->outcome != CHECK_EQUAL && n_wrong++ < 5)
                describe(facts[kernel], record);
            else if (times != NULL)
                fprintf(times, "%s %s %s %#" PRIx64 " %.1f\n", core->name, facts[kernel]->isa,
                        facts[kernel]->name, record->state, instructions_of(core, record));
        }
        if (n_layers == 0) {
            if (is_complete) {
                printf("%-40s accepted no layer that was made\n", facts[kernel]->name);
                bad = 1;
            }
            continue;
        }
        n_compared++;
        bad |= n_wrong;
        printf("%-40s %5d layers, %d wrong\n", facts[kernel]->name, n_layers, n_wrong);
    }
    printf("%s: %d of %d kernels of %s compared with runtime/c\n", core->name, n_compared,
           n_kernels, core->isa);
    return bad != 0;
}

int main(int argc, char **argv)
{
    struct diag diag;
    const struct target *target;
    char top[4096];
    if (argc < 2 || argc > 5 || getcwd(top, sizeof(top)) == NULL)
        die("usage: check_kernels CORE [LAYERS [KERNEL [TIMES]]]");
    if (target_find(argv[1], &target, &diag) != OK)
        die(diag.message);
    struct build build = {.core = target->core, .top = top, .with_portable = argc > 4};
    struct check_job job = {.seed = test_seed(), .kernel = CHECK_ALL};
    job.n_layers = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 500;
    job.most_tries = job.n_layers * TRIES_PER_LAYER;
    const struct kernel_facts *facts[N_KERNELS];
    int n_kernels = list_kernels(&build, facts);
    if (argc > 3 && strcmp(argv[3], "all") != 0) {
        int i = n_kernels - 1; /* the portable kernels come first */
        while (i >= 0 && strcmp(facts[i]->name, argv[3]) != 0)
            i--;
        if (i < 0)
            die("this instruction set has no such kernel in runtime/kernels.inc");
        job.kernel = (uint32_t)i;
    }
    FILE *times = argc > 4 ? fopen(argv[4], "w") : NULL;
    if (argc > 4 && times == NULL)
        die("cannot write the times");
    build_program(&build);
    struct file file = emulate(&build, &job, times != NULL);
    int bad = report(&build, &file, job.kernel == CHECK_ALL, times);
    if (times != NULL && fclose(times) != 0)
        die("cannot write the times");
    folder_remove(build.folder, &diag);
    arena_free(&build.arena);
    return bad;
}

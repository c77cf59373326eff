/* SPDX-License-Identifier: Apache-2.0 */
#define _XOPEN_SOURCE 700
#include "measure/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/interrupt.h"

/* Debian's package of each program that is run. */
static const char *package_of(const char *program)
{
    static const struct {
        const char *program, *package;
    } packages[] = {
        {"arm-none-eabi-gcc", "gcc-arm-none-eabi libnewlib-arm-none-eabi"},
        {"riscv64-unknown-elf-gcc", "gcc-riscv64-unknown-elf"},
        {"qemu-system-arm", "qemu-system-arm"},
        {"qemu-system-riscv32", "qemu-system-misc"},
    };
    for (size_t i = 0; i < sizeof packages / sizeof *packages; i++)
        if (strcmp(program, packages[i].program) == 0)
            return packages[i].package;
    return program;
}

/* The child: its own process group, no standard input, output to the log, temporary files in the
 * folder, which is removed even if the child is killed. When the program cannot
 * be started, errno goes through `report`, which a started program closes. */
static _Noreturn void run_child(const struct process *process, int report)
{
    setpgid(0, 0);
    int empty = open("/dev/null", O_RDONLY);
    int log = open(process->log, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (empty >= 0 && log >= 0 && dup2(empty, 0) >= 0 && dup2(log, 1) >= 0 && dup2(log, 2) >= 0 &&
        chdir(process->folder) == 0 && setenv("TMPDIR", ".", 1) == 0)
        execvp(process->arguments[0], (char *const *)(uintptr_t)process->arguments);
    int error = errno;
    ssize_t written = write(report, &error, sizeof error);
    _exit(written == sizeof error ? 127 : 126);
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Waits for the child, at most until the timeout or an interrupt; then kills its group. Returns
 * whether it ended by itself. */
static int wait_child(pid_t child, int timeout_seconds, int *state)
{
    double end = seconds_now() + timeout_seconds;
    struct timespec pause = {0, 1000000};
    for (;;) {
        pid_t ended = waitpid(child, state, WNOHANG);
        if (ended == child || (ended < 0 && errno != EINTR))
            return 1;
        if (seconds_now() > end || interrupt_noted())
            break;
        nanosleep(&pause, NULL);
        if (pause.tv_nsec < 16000000)
            pause.tv_nsec *= 2;
    }
    kill(-child, SIGKILL);
    while (waitpid(child, state, 0) < 0 && errno == EINTR)
        ;
    return 0;
}

static enum status started(const struct process *process, int report, struct diag *diag)
{
    int error = 0;
    ssize_t n;
    while ((n = read(report, &error, sizeof error)) < 0 && errno == EINTR)
        ;
    if (n != sizeof error)
        return OK;
    const char *program = process->arguments[0];
    if (error == ENOENT)
        return fail(diag, ERR_TOOL, "%s is not installed; apt-get install %s", program,
                    package_of(program));
    return fail(diag, ERR_TOOL, "%s cannot be started: %s", program, strerror(error));
}

enum status process_run(const struct process *process, int *exit_code, struct diag *diag)
{
    int report[2];
    if (pipe(report) != 0)
        return fail(diag, ERR_TOOL, "%s cannot be started: %s", process->arguments[0],
                    strerror(errno));
    fcntl(report[0], F_SETFD, FD_CLOEXEC);
    fcntl(report[1], F_SETFD, FD_CLOEXEC);
    pid_t child = fork();
    if (child == 0)
        run_child(process, report[1]);
    close(report[1]);
    if (child < 0) {
        close(report[0]);
        return fail(diag, ERR_TOOL, "%s cannot be started: %s", process->arguments[0],
                    strerror(errno));
    }
    setpgid(child, child); /* here too, so that the group exists before the first kill */
    enum status status = started(process, report[0], diag);
    close(report[0]);
    int state = 0;
    if (!wait_child(child, process->timeout_seconds, &state) && status == OK)
        status = interrupt_noted()
                     ? fail(diag, ERR_TOOL, "interrupted")
                     : fail(diag, ERR_TOOL, "%s did not end within %d s and was stopped",
                            process->arguments[0], process->timeout_seconds);
    *exit_code = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
    return status;
}

/* The first line that holds `pattern`, not counting the compiler driver's "ld returned 1 exit
 * status".
 */
static const char *first_line_with(const char *text, const char *pattern, struct arena *arena)
{
    char *copy = arena_string(arena, text), *position = NULL;
    for (char *line = strtok_r(copy, "\r\n", &position); line != NULL;
         line = strtok_r(NULL, "\r\n", &position))
        if (strstr(line, pattern) != NULL && strncmp(line, "collect2:", 9) != 0)
            return line;
    return NULL;
}

const char *process_log_line(const char *log, struct arena *arena)
{
    static const char *const patterns[] = {"overflowed by ", "will not fit", "undefined reference",
                                           "cannot find",    "error",        "ERROR"};
    struct diag ignored;
    struct file file = {0};
    if (file_read(log, arena, &file, &ignored) != OK)
        return "";
    const char *text = (const char *)file.data;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        const char *line = first_line_with(text, patterns[i], arena);
        if (line != NULL)
            return line;
    }
    const char *line = first_line_with(text, "", arena);
    return line != NULL ? line : "";
}

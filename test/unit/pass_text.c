/* SPDX-License-Identifier: Apache-2.0 */
/* Pass tests: test/pass/<name>.txt holds comments, a line "pass <name> [argument]", a graph, a line
 * "---", and the graph that the pass must make of it. What simplify, fold, equalize and shrink make
 * must also compute the same. With DTMM_PASS_PRINT set, prints what the passes make. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>

#include "base/file.h"
#include "pass/pass.h"
#include "test/unit/float_graph.h"
#include "test/unit/same_outputs.h"

#include <cmocka.h> /* last: it makes fail() a macro */

static const char folder[] = "test/pass";

struct pass_test {
    char pass[32];
    double argument;
    const char *before, *after;
};

/* Cuts the text of a test at its marks, in place. */
static struct pass_test test_split(char *text)
{
    struct pass_test test = {"", 0, NULL, NULL};
    char *pass = strstr(text, "\npass "), *mark = strstr(text, "\n---\n");
    assert_non_null(pass);
    assert_non_null(mark);
    sscanf(pass, "\npass %31s %lf", test.pass, &test.argument);
    test.before = strchr(pass + 1, '\n') + 1;
    mark[1] = '\0';
    test.after = mark + strlen("\n---\n");
    return test;
}

static struct graph *parse(const char *source, struct arena *arena)
{
    struct graph *graph = NULL;
    struct diag diag;
    if (graph_parse(source, strlen(source), arena, &graph, &diag) != OK)
        fail_msg("%s", diag.message);
    return graph;
}

static const char *dump(const struct graph *graph, struct arena *arena)
{
    struct text text = text_start(arena);
    graph_dump(graph, &text);
    return text.data;
}

static struct graph *run_pass(const struct pass_test *test, const struct graph *before,
                              struct arena *arena)
{
    struct graph *after = NULL;
    struct diag diag = {"unknown pass"};
    enum status status = ERR_USAGE;
    if (strcmp(test->pass, "simplify") == 0) {
        status = simplify(before, arena, &after, &diag);
    } else if (strcmp(test->pass, "prune") == 0) {
        struct scores *scores;
        struct masks *masks;
        struct unit filterlet = {UNIT_FILTERLET, 0};
        struct recipe *recipe = recipe_uniform(before, filterlet, test->argument, arena);
        assert_int_equal(score(before, recipe, NULL, arena, &scores, &diag), OK);
        assert_int_equal(choose_masks(before, scores, recipe, NULL, arena, &masks, &diag), OK);
        status = prune(before, masks, NULL, arena, &after, &diag);
    } else if (strcmp(test->pass, "fold") == 0) {
        status = fold(before, arena, &after, &diag);
    } else if (strcmp(test->pass, "equalize") == 0) {
        status = equalize(before, NULL, NULL, arena, &after, &diag);
    } else if (strcmp(test->pass, "shrink") == 0) {
        status = shrink(before, NULL, arena, &after, NULL, &diag);
    }
    if (status != OK)
        fail_msg("%s", diag.message);
    return after;
}

static void test_file(const char *name)
{
    struct arena arena = {0};
    struct file file;
    struct diag diag;
    print_message("  %s\n", name);
    if (file_read(arena_printf(&arena, "%s/%s", folder, name), &arena, &file, &diag) != OK)
        fail_msg("%s", diag.message);
    struct pass_test test = test_split((char *)file.data);
    struct graph *before = parse(test.before, &arena);
    struct graph *after = run_pass(&test, before, &arena);
    if (getenv("DTMM_PASS_PRINT"))
        print_message("%s", dump(after, &arena));
    else
        assert_string_equal(dump(after, &arena), dump(parse(test.after, &arena), &arena));
    if (strcmp(test.pass, "simplify") == 0)
        assert_int_equal(first_difference(before, after, 50, 1), -1);
    if (strcmp(test.pass, "fold") == 0 || strcmp(test.pass, "equalize") == 0 ||
        strcmp(test.pass, "shrink") == 0)
        assert_true(float_difference(before, after, 50, 1) < 1e-5);
    arena_free(&arena);
}

static void all_files(void **state)
{
    (void)state;
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, alphasort), n_tests = 0;
    for (int i = 0; i < n; i++) {
        const char *dot = strrchr(entries[i]->d_name, '.');
        if (dot && strcmp(dot, ".txt") == 0) {
            test_file(entries[i]->d_name);
            n_tests++;
        }
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    assert_true(n_tests > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_files)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

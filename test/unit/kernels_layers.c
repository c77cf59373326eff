/* SPDX-License-Identifier: Apache-2.0 */
/* Every kernel of runtime/kernels.inc on random layers: those of runtime/c against the naive
 * computation, all others against runtime/c. Buffers lie against unmapped pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "test/kernels/check.h"
#include "test/kernels/seed.h"

enum { N_LAYERS = 300 };

static uint64_t seed;

static const struct kernel_under_test *find_reference(const struct kernel_under_test *kernel)
{
    for (size_t i = 0; i < n_kernels_under_test; i++)
        if (strcmp(kernels_under_test[i].isa, "c") == 0 &&
            strcmp(kernels_under_test[i].name, kernel->name) == 0)
            return &kernels_under_test[i];
    return NULL;
}

static void test_kernel(void **state)
{
    const struct kernel_under_test *kernel = *state;
    const struct kernel_under_test *reference = find_reference(kernel);
    assert_non_null(reference);
    char message[512];
    if (!check_kernel(kernel, reference == kernel ? NULL : reference, seed, N_LAYERS, message))
        fail_msg("%s", message);
}

int main(void)
{
    struct CMUnitTest tests[64];
    memset(tests, 0, sizeof(tests));
    seed = test_seed();
    if (n_kernels_under_test > sizeof(tests) / sizeof(tests[0]))
        return 2;
    for (size_t i = 0; i < n_kernels_under_test; i++) {
        tests[i].name = kernels_under_test[i].name;
        tests[i].test_func = test_kernel;
        tests[i].initial_state = (void *)(uintptr_t)&kernels_under_test[i];
    }
    printf("%zu kernels, %d layers each\n", n_kernels_under_test, (int)N_LAYERS);
    return _cmocka_run_group_tests("kernels", tests, n_kernels_under_test, NULL, NULL);
}

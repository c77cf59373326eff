/* SPDX-License-Identifier: Apache-2.0 */
/* How far a pass over the layers is, for those who wait for it. */
#ifndef DTMM_TRAIN_LAYER_WATCH_H
#define DTMM_TRAIN_LAYER_WATCH_H

#include <stddef.h>
#include <stdint.h>

/* `see` is called before each node of a graph, and once behind the last: done == total. */
struct layer_watch {
    void (*see)(void *context, int32_t done, int32_t total);
    void *context;
};

/* Nobody watches where `watch` is NULL. */
static inline void layer_watch_tell(const struct layer_watch *watch, int32_t done, int32_t total)
{
    if (watch != NULL)
        watch->see(watch->context, done, total);
}

#endif

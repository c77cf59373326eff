/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the format from what is at a path. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/reader.h"

/* Where Debian's packages install datasets; the environment's DTMM_DATASETS overrides it. */
#define DATASETS_FOLDER "/usr/share/datasets"

static const char *const FASHION_MNIST_NAMES[] = {"T-shirt/top", "Trouser",   "Pullover", "Dress",
                                                  "Coat",        "Sandal",    "Shirt",    "Sneaker",
                                                  "Bag",         "Ankle boot"};

static enum status read_fashion_mnist(struct reader *reader, struct dataset *dataset)
{
    const char *root = getenv("DTMM_DATASETS");
    if (root == NULL || root[0] == '\0')
        root = DATASETS_FOLDER;
    const char *folder = arena_printf(reader->scratch, "%s/fashion-mnist", root);
    if (!idx_found(reader, folder))
        return fail(reader->diag, ERR_IO,
                    "fashion-mnist is not in %s; apt-get install dataset-fashion-mnist, or set "
                    "DTMM_DATASETS to the folder above it",
                    folder);
    TRY(idx_read(reader, folder, dataset));
    if (dataset->n_classes == 10)
        dataset->class_names = FASHION_MNIST_NAMES;
    return OK;
}

static enum status read_folder(struct reader *reader, struct dataset *dataset)
{
    static const struct {
        int (*found)(struct reader *, const char *);
        enum status (*read)(struct reader *, const char *, struct dataset *);
    } FORMATS[] = {{idx_found, idx_read},
                   {cifar_found, cifar_read},
                   {arrays_found, arrays_read_folder},
                   {csv_found, csv_read_folder}};
    for (size_t i = 0; i < sizeof FORMATS / sizeof FORMATS[0]; i++)
        if (FORMATS[i].found(reader, reader->path))
            return FORMATS[i].read(reader, reader->path, dataset);
    return images_read(reader, reader->path, dataset);
}

static enum status read_file(struct reader *reader, struct dataset *dataset)
{
    if (name_ends(reader->path, ".npy"))
        return arrays_read_files(reader, reader->path, dataset);
    if (name_ends(reader->path, ".csv"))
        return csv_read_file(reader, reader->path, dataset);
    return fail(reader->diag, ERR_INPUT,
                "%s: no known format of data; give a folder, or a .npy or .csv file (doc/data.md)",
                reader->path);
}

static enum status read_any(struct reader *reader, struct dataset *dataset)
{
    struct stat facts;
    if (strcmp(reader->path, "fashion-mnist") == 0)
        return read_fashion_mnist(reader, dataset);
    if (stat(reader->path, &facts) != 0) {
        if (strchr(reader->path, ',') != NULL)
            return arrays_read_files(reader, reader->path, dataset);
        return fail(reader->diag, ERR_IO, "%s: cannot open: %s", reader->path, strerror(errno));
    }
    if (S_ISDIR(facts.st_mode))
        return read_folder(reader, dataset);
    if (S_ISREG(facts.st_mode))
        return read_file(reader, dataset);
    return fail(reader->diag, ERR_IO, "%s: neither a file nor a folder", reader->path);
}

/* A class that nothing can be learned about is a mistake in the data. */
static enum status check_classes(struct reader *reader, const struct dataset *dataset)
{
    if (dataset->labels == NULL || reader->part == DATASET_TEST)
        return OK;
    int32_t *counts = ARENA_ARRAY(reader->scratch, (size_t)dataset->n_classes, int32_t);
    for (int32_t i = 0; i < dataset->n_samples; i++)
        counts[dataset->labels[i]]++;
    for (int32_t i = 0; i < dataset->n_classes; i++)
        if (counts[i] == 0 && dataset->class_names != NULL)
            return fail(reader->diag, ERR_INPUT,
                        "%s: class %d ('%s') has no training samples; add some or remove it",
                        reader->path, i, dataset->class_names[i]);
        else if (counts[i] == 0)
            return fail(reader->diag, ERR_INPUT,
                        "%s: class %d of %d has no training samples; number the classes from 0 "
                        "without a gap",
                        reader->path, i, dataset->n_classes);
    return OK;
}

enum status reader_run(struct reader *reader, struct dataset *dataset)
{
    *dataset = (struct dataset){.path = arena_string(reader->arena, reader->path)};
    TRY(read_any(reader, dataset));
    return check_classes(reader, dataset);
}

enum status dataset_read(const char *path, enum dataset_part part, struct arena *arena,
                         struct dataset *dataset, struct diag *diag)
{
    struct arena scratch = {0};
    struct reader reader = {.path = path,
                            .part = part,
                            .arena = arena,
                            .scratch = &scratch,
                            .room = DATASET_BYTES_MAX,
                            .diag = diag};
    enum status status = part == DATASET_TRAIN || part == DATASET_TEST
                             ? reader_run(&reader, dataset)
                             : held_out_read(&reader, dataset);
    arena_free(&scratch);
    return status;
}

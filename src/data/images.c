/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of images for each class: train/CLASS/FILE and test/CLASS/FILE, or CLASS/FILE. */
#include <string.h>
#include <sys/stat.h>

#include "base/random.h"
#include "data/image.h"
#include "data/reader.h"

/* Of CLASS/FILE, one in so many is test data. */
enum { TEST_ONE_IN = 5 };

/* The files of the part, class by class. */
struct files {
    int32_t n, room, n_classes;
    const char **paths;
    int32_t *labels;
    const char **names; /* of the classes */
};

static int is_folder(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 && S_ISDIR(facts.st_mode);
}

/* Adds what is in a list and not yet among the names, which stay in order. */
static void add_names(struct reader *reader, const char *folder, const struct listing *listing,
                      struct files *files)
{
    const char **merged =
        ARENA_ARRAY(reader->arena, (size_t)(files->n_classes + listing->n), const char *);
    int32_t n = 0, old = 0, new = 0;
    while (old < files->n_classes || new < listing->n) {
        int order = old == files->n_classes ? 1
                    : new == listing->n     ? -1
                                            : strcmp(files->names[old], listing->names[new]);
        if (order <= 0) {
            merged[n++] = files->names[old++];
            new += order == 0;
        } else {
            const char *name = listing->names[new ++];
            if (is_folder(arena_printf(reader->scratch, "%s/%s", folder, name)))
                merged[n++] = arena_string(reader->arena, name);
        }
    }
    files->names = merged;
    files->n_classes = n;
}

/* The same for a name wherever it is read (FNV-1a). */
static int is_test_file(const char *name)
{
    struct random random = {UINT64_C(0xcbf29ce484222325)};
    for (; *name != '\0'; name++)
        random.state = (random.state ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
    return random_bits(&random) % TEST_ONE_IN == 0;
}

static void add_file(struct reader *reader, const char *path, int32_t label, struct files *files)
{
    if (files->n == files->room) {
        int32_t room = files->room > 0 ? 2 * files->room : 256;
        const char **paths = ARENA_ARRAY(reader->scratch, (size_t)room, const char *);
        int32_t *labels = ARENA_ARRAY(reader->scratch, (size_t)room, int32_t);
        if (files->n > 0) {
            memcpy(paths, files->paths, (size_t)files->n * sizeof *paths);
            memcpy(labels, files->labels, (size_t)files->n * sizeof *labels);
        }
        files->room = room;
        files->paths = paths;
        files->labels = labels;
    }
    files->paths[files->n] = path;
    files->labels[files->n++] = label;
}

static enum status list_class(struct reader *reader, const char *folder, int by_hash, int32_t label,
                              struct files *files)
{
    struct listing listing;
    const char *path = arena_printf(reader->scratch, "%s/%s", folder, files->names[label]);
    if (!is_folder(path)) /* a class of the other part only */
        return OK;
    TRY(reader_list(reader, path, &listing));
    for (int32_t i = 0; i < listing.n; i++) {
        const char *name = listing.names[i];
        if (!image_name(name) || (by_hash && is_test_file(name) != (reader->part == DATASET_TEST)))
            continue;
        add_file(reader, arena_printf(reader->scratch, "%s/%s", path, name), label, files);
    }
    return OK;
}

static enum status list_files(struct reader *reader, const char *folder, struct files *files)
{
    struct listing listing;
    const char *part = folder;
    int by_hash = 1;
    for (int i = 0; i < 2; i++) {
        static const char *const PARTS[] = {"train", "test"};
        const char *path = arena_printf(reader->scratch, "%s/%s", folder, PARTS[i]);
        if (!is_folder(path))
            continue;
        by_hash = 0;
        TRY(reader_list(reader, path, &listing));
        add_names(reader, path, &listing, files);
    }
    if (by_hash) {
        TRY(reader_list(reader, folder, &listing));
        add_names(reader, folder, &listing, files);
    } else {
        part = arena_printf(reader->scratch, "%s/%s", folder, reader_part_name(reader));
        if (!is_folder(part))
            return reader_no_part(
                reader, folder,
                arena_printf(reader->scratch, "%s/CLASS/*.png", reader_part_name(reader)));
    }
    if (files->n_classes > DATASET_CLASSES_MAX)
        return fail(reader->diag, ERR_INPUT,
                    "%s: has %d folders, too many for classes (at most %d)", folder,
                    files->n_classes, DATASET_CLASSES_MAX);
    for (int32_t label = 0; label < files->n_classes; label++)
        TRY(list_class(reader, part, by_hash, label, files));
    return OK;
}

/* The first image gives the size of all. */
static enum status store(struct reader *reader, const struct files *files, int32_t index,
                         const struct image *image, struct dataset *dataset)
{
    int32_t *dims = dataset->shape.dims;
    if (index == 0) {
        dataset->shape = (struct shape){4, {1, image->height, image->width, image->channels}};
        uint64_t bytes = (uint64_t)shape_elements(&dataset->shape) * (uint64_t)files->n;
        TRY(reader_claim(reader, files->paths[0], bytes));
        dataset->samples = arena_alloc(reader->arena, (size_t)bytes, 1);
    } else if (image->height != dims[1] || image->width != dims[2] || image->channels != dims[3]) {
        return fail(reader->diag, ERR_INPUT,
                    "%s: is %dx%d with %d channel%s but %s is %dx%d with %d; resize all images "
                    "to one size",
                    files->paths[index], image->width, image->height, image->channels,
                    image->channels == 1 ? "" : "s", files->paths[0], dims[2], dims[1], dims[3]);
    }
    size_t bytes = (size_t)shape_elements(&dataset->shape);
    memcpy((uint8_t *)(uintptr_t)dataset->samples + (size_t)index * bytes, image->pixels, bytes);
    return OK;
}

enum status images_read(struct reader *reader, const char *folder, struct dataset *dataset)
{
    struct files files = {0};
    TRY(list_files(reader, folder, &files));
    if (files.n == 0)
        return fail(reader->diag, ERR_INPUT,
                    "%s: no %s data found: neither IDX, CIFAR, .npy or .csv files nor folders of "
                    "PNG or JPEG images (doc/data.md)",
                    folder, reader_part_name(reader));
    dataset->format = "images";
    dataset->type = SAMPLE_U8;
    dataset->n_samples = files.n;
    dataset->n_classes = files.n_classes;
    dataset->class_names = files.names;
    dataset->labels = arena_copy(reader->arena, files.labels, (size_t)files.n * sizeof(int32_t));
    for (int32_t i = 0; i < files.n; i++) {
        struct arena scratch = {0};
        struct image image = {0};
        enum status status = image_decode(files.paths[i], &scratch, &image, reader->diag);
        if (status == OK)
            status = store(reader, &files, i, &image, dataset);
        arena_free(&scratch);
        TRY(status);
    }
    return OK;
}

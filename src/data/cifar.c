/* SPDX-License-Identifier: Apache-2.0 */
/* The binary files of CIFAR-10 (a label and 3072 bytes a record) and CIFAR-100 (coarse label, fine
 * label, 3072 bytes): 32x32 pixels, a plane each of red, green and blue. */
#include <inttypes.h>

#include "data/reader.h"
#include "data/stream.h"

enum { PIXELS = 32 * 32, IMAGE_BYTES = 3 * PIXELS, RECORDS_A_PIECE = 512, FILES_MAX = 16 };

struct cifar {
    int32_t n_label_bytes, n_classes;
    int32_t n_files;
    const char *paths[FILES_MAX];
    struct pieces pieces[FILES_MAX];
};

static void add(struct reader *reader, const char *folder, const char *name, struct cifar *cifar)
{
    const char *path = reader_find(reader, folder, name);
    if (path != NULL && cifar->n_files < FILES_MAX)
        cifar->paths[cifar->n_files++] = path;
}

/* The files of a part: one, or data_batch_1.bin and on. */
static void find(struct reader *reader, const char *folder, enum dataset_part part,
                 struct cifar *cifar)
{
    cifar->n_files = 0;
    add(reader, folder, part == DATASET_TRAIN ? "train.bin" : "test.bin", cifar);
    if (cifar->n_files > 0)
        return;
    if (part == DATASET_TEST)
        add(reader, folder, "test_batch.bin", cifar);
    for (int i = 1; part == DATASET_TRAIN && i <= FILES_MAX; i++)
        add(reader, folder, arena_printf(reader->scratch, "data_batch_%d.bin", i), cifar);
}

int cifar_found(struct reader *reader, const char *folder)
{
    struct cifar train, test;
    find(reader, folder, DATASET_TRAIN, &train);
    find(reader, folder, DATASET_TEST, &test);
    return train.n_files + test.n_files > 0;
}

static enum status read_pieces(struct reader *reader, const char *path, size_t record_bytes,
                               struct pieces *pieces)
{
    struct stream *stream;
    TRY(stream_open(reader, path, &stream));
    enum status status = stream_pieces(stream, record_bytes * RECORDS_A_PIECE, pieces);
    stream_close(stream);
    TRY(status);
    if (pieces->bytes == 0 || pieces->bytes % record_bytes != 0)
        return fail(reader->diag, ERR_INPUT,
                    "%s: truncated: %" PRIu64 " bytes are no multiple of a record's %zu; get the "
                    "file again",
                    path, pieces->bytes, record_bytes);
    return OK;
}

/* A plane a color becomes three bytes a pixel. */
static void interleave(const uint8_t *planes, uint8_t *pixels)
{
    for (int i = 0; i < PIXELS; i++)
        for (int color = 0; color < 3; color++)
            pixels[3 * i + color] = planes[PIXELS * color + i];
}

static enum status convert(struct reader *reader, const struct cifar *cifar,
                           struct dataset *dataset)
{
    size_t record_bytes = (size_t)cifar->n_label_bytes + IMAGE_BYTES, n = 0;
    uint8_t *samples = arena_alloc(reader->arena, (size_t)dataset->n_samples, IMAGE_BYTES);
    int32_t *labels = ARENA_ARRAY(reader->arena, (size_t)dataset->n_samples, int32_t);
    dataset->samples = samples;
    dataset->labels = labels;
    for (int32_t file = 0; file < cifar->n_files; file++) {
        size_t n_records = (size_t)cifar->pieces[file].bytes / record_bytes;
        for (size_t i = 0; i < n_records; i++, n++) {
            const uint8_t *record =
                cifar->pieces[file].piece[i / RECORDS_A_PIECE] + i % RECORDS_A_PIECE * record_bytes;
            labels[n] = record[cifar->n_label_bytes - 1];
            if (labels[n] >= cifar->n_classes)
                return fail(reader->diag, ERR_INPUT,
                            "%s: record %zu has the label %d; labels are numbers from 0 to %d",
                            cifar->paths[file], i, labels[n], cifar->n_classes - 1);
            interleave(record + cifar->n_label_bytes, samples + n * IMAGE_BYTES);
        }
    }
    return OK;
}

static const char *const CIFAR_10_NAMES[] = {"airplane", "automobile", "bird",  "cat",  "deer",
                                             "dog",      "frog",       "horse", "ship", "truck"};

enum status cifar_read(struct reader *reader, const char *folder, struct dataset *dataset)
{
    struct cifar cifar;
    int is_100 = reader_find(reader, folder, "fine_label_names.txt") != NULL;
    find(reader, folder, reader->part, &cifar);
    if (cifar.n_files == 0)
        return reader_no_part(reader, folder,
                              reader->part == DATASET_TRAIN
                                  ? "train.bin or data_batch_1.bin[.gz|.xz]"
                                  : "test.bin or test_batch.bin[.gz|.xz]");
    cifar.n_label_bytes = is_100 ? 2 : 1;
    cifar.n_classes = is_100 ? 100 : 10;
    uint64_t bytes = 0;
    size_t record_bytes = (size_t)cifar.n_label_bytes + IMAGE_BYTES;
    for (int32_t i = 0; i < cifar.n_files; i++) {
        TRY(read_pieces(reader, cifar.paths[i], record_bytes, &cifar.pieces[i]));
        bytes += cifar.pieces[i].bytes;
    }
    dataset->format = is_100 ? "CIFAR-100" : "CIFAR-10";
    dataset->shape = (struct shape){4, {1, 32, 32, 3}};
    dataset->type = SAMPLE_U8;
    dataset->n_samples = (int32_t)(bytes / record_bytes); /* at most 2^32 / 3073 */
    dataset->n_classes = cifar.n_classes;
    TRY(convert(reader, &cifar, dataset));
    if (is_100)
        return reader_class_names(reader, folder, "fine_label_names.txt", dataset);
    dataset->class_names = CIFAR_10_NAMES;
    return reader_class_names(reader, folder, "batches.meta.txt", dataset);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* IDX, the format of MNIST: a big-endian header, then bytes. */
#include "data/reader.h"
#include "data/stream.h"

enum { IDX_IMAGES = 0x0803, IDX_LABELS = 0x0801 };

static const char *find(struct reader *reader, const char *folder, enum dataset_part part,
                        const char *what)
{
    const char *stem = part == DATASET_TRAIN ? "train" : "t10k";
    return reader_find(reader, folder, arena_printf(reader->scratch, "%s-%s-ubyte", stem, what));
}

int idx_found(struct reader *reader, const char *folder)
{
    return find(reader, folder, DATASET_TRAIN, "images-idx3") != NULL ||
           find(reader, folder, DATASET_TEST, "images-idx3") != NULL;
}

/* A file to read. */
struct idx {
    const char *path;
    uint32_t magic;      /* that it must have */
    struct arena *arena; /* for the data */
    uint32_t dims[3];
    void *data;
};

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static enum status read_open(struct reader *reader, struct stream *stream, struct idx *idx)
{
    uint8_t header[16];
    uint64_t elements = 1;
    uint32_t n_dims = idx->magic & 0xff;
    TRY(stream_exactly(stream, header, 4 + 4 * n_dims));
    if (big_endian(header) != idx->magic)
        return fail(reader->diag, ERR_INPUT,
                    "%s: not an IDX file of %s: begins with %08x instead of %08x", idx->path,
                    idx->magic == IDX_IMAGES ? "images" : "labels", big_endian(header), idx->magic);
    for (uint32_t i = 0; i < n_dims; i++) {
        idx->dims[i] = big_endian(header + 4 + 4 * i);
        if (idx->dims[i] == 0 || idx->dims[i] > INT32_MAX ||
            (i > 0 && idx->dims[i] > IMAGE_SIDE_MAX))
            return fail(reader->diag, ERR_INPUT,
                        "%s: dimension %u is %u; images have sides of 1 to %d", idx->path, i,
                        idx->dims[i], IMAGE_SIDE_MAX);
        elements *= idx->dims[i];
    }
    TRY(stream_take(stream, elements, idx->arena, &idx->data));
    return stream_end(stream);
}

static enum status read_file(struct reader *reader, struct idx *idx)
{
    struct stream *stream;
    TRY(stream_open(reader, idx->path, &stream));
    enum status status = read_open(reader, stream, idx);
    stream_close(stream);
    return status;
}

/* The labels of a part; no path when they are missing. */
static enum status read_labels(struct reader *reader, const char *folder, enum dataset_part part,
                               struct idx *idx)
{
    *idx = (struct idx){.path = find(reader, folder, part, "labels-idx1"),
                        .magic = IDX_LABELS,
                        .arena = reader->scratch};
    return idx->path != NULL ? read_file(reader, idx) : OK;
}

/* Of test data, the training labels tell how many classes there are. */
static enum status count_classes(struct reader *reader, const char *folder, const struct idx *own,
                                 struct dataset *dataset)
{
    struct idx idx = *own;
    if (reader->part == DATASET_TEST)
        TRY(read_labels(reader, folder, DATASET_TRAIN, &idx));
    if (idx.path == NULL)
        idx = *own;
    const uint8_t *bytes = idx.data;
    for (uint32_t i = 0; i < idx.dims[0]; i++)
        if (bytes[i] >= dataset->n_classes)
            dataset->n_classes = bytes[i] + 1;
    return OK;
}

static enum status add_labels(struct reader *reader, const char *folder, struct dataset *dataset)
{
    struct idx idx;
    TRY(read_labels(reader, folder, reader->part, &idx));
    if (idx.path == NULL)
        return fail(reader->diag, ERR_INPUT,
                    "%s: %s-labels-idx1-ubyte is missing beside the images", folder,
                    reader->part == DATASET_TRAIN ? "train" : "t10k");
    uint32_t n = idx.dims[0];
    if ((int32_t)n != dataset->n_samples)
        return fail(reader->diag, ERR_INPUT, "%s: has %u labels for %d images", idx.path, n,
                    dataset->n_samples);
    TRY(count_classes(reader, folder, &idx, dataset));
    int32_t *labels = ARENA_ARRAY(reader->arena, n, int32_t);
    for (uint32_t i = 0; i < n; i++) {
        labels[i] = ((const uint8_t *)idx.data)[i];
        TRY(reader_test_label(reader, idx.path, i, labels[i], dataset->n_classes));
    }
    dataset->labels = labels;
    return OK;
}

enum status idx_read(struct reader *reader, const char *folder, struct dataset *dataset)
{
    const char *images = find(reader, folder, reader->part, "images-idx3");
    if (images == NULL)
        return reader_no_part(reader, folder,
                              reader->part == DATASET_TRAIN ? "train-images-idx3-ubyte[.gz|.xz]"
                                                            : "t10k-images-idx3-ubyte[.gz|.xz]");
    struct idx idx = {.path = images, .magic = IDX_IMAGES, .arena = reader->arena};
    TRY(read_file(reader, &idx));
    dataset->format = "IDX";
    dataset->shape = (struct shape){4, {1, (int32_t)idx.dims[1], (int32_t)idx.dims[2], 1}};
    dataset->type = SAMPLE_U8;
    dataset->samples = idx.data;
    dataset->n_samples = (int32_t)idx.dims[0];
    TRY(add_labels(reader, folder, dataset));
    return reader_class_names(reader, folder, "classes.txt", dataset);
}

#include "label.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t SIGNATURE[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

/* What a chunk has beside its data: length, kind, checksum. */
static const size_t AROUND = 12;

static uint32_t read_u32(const uint8_t *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint8_t *put(uint8_t *at, const void *bytes, size_t length) {
    if (length > 0) {
        memcpy(at, bytes, length);
    }
    return at + length;
}

static uint8_t *put_u32(uint8_t *at, uint32_t number) {
    const uint8_t bytes[4] = {number >> 24 & 0xff, number >> 16 & 0xff, number >> 8 & 0xff, number & 0xff};
    return put(at, bytes, sizeof bytes);
}

static uint32_t crc32(const uint8_t *at, size_t length) {
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < length; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
        }
    }
    return ~crc;
}

static bool is_kind(const uint8_t *chunk, const char *kind) { return memcmp(chunk + 4, kind, 4) == 0; }

/* Whether a chunk, with so many bytes of data, is a label of this keyword. */
static bool is_label(const uint8_t *chunk, size_t length, struct bytes keyword) {
    return (is_kind(chunk, "tEXt") || is_kind(chunk, "zTXt") || is_kind(chunk, "iTXt")) &&
           length > keyword.length && memcmp(chunk + 8, keyword.at, keyword.length) == 0 &&
           chunk[8 + keyword.length] == 0;
}

static uint8_t *put_label(uint8_t *at, struct bytes keyword, struct bytes text) {
    /* Not compressed, of no particular language, and the keyword not translated. */
    static const uint8_t BETWEEN[5] = {0};
    uint8_t *body = put_u32(at, (uint32_t)(keyword.length + sizeof BETWEEN + text.length));
    uint8_t *end = put(body, "iTXt", 4);
    end = put(end, keyword.at, keyword.length);
    end = put(end, BETWEEN, sizeof BETWEEN);
    end = put(end, text.at, text.length);
    return put_u32(end, crc32(body, (size_t)(end - body)));
}

enum label_end label(struct bytes png, struct bytes keyword, struct bytes text, struct bytes *labelled,
                     const char **problem) {
    /* The schema lets this pass, and PNG does not. */
    if (text.length > 0 && memchr(text.at, 0, text.length) != NULL) {
        *problem = "text: must not contain the character U+0000.";
        return LABEL_UNFIT;
    }
    if (png.length < sizeof SIGNATURE || memcmp(png.at, SIGNATURE, sizeof SIGNATURE) != 0) {
        *problem = "This is not a PNG picture.";
        return LABEL_DAMAGED;
    }
    /* Nothing is longer in the result than in the picture, except for one label. */
    uint8_t *result = malloc(png.length + AROUND + keyword.length + 5 + text.length);
    if (result == NULL) {
        *problem = "There is no memory for the result.";
        return LABEL_NO_MEMORY;
    }
    uint8_t *end = put(result, SIGNATURE, sizeof SIGNATURE);
    const uint8_t *chunk = png.at + sizeof SIGNATURE;
    size_t left = png.length - sizeof SIGNATURE;
    for (bool first = true;; first = false) {
        /* Lengths are the sender's word: nothing is believed. */
        if (left < AROUND || left - AROUND < read_u32(chunk)) {
            *problem = "The PNG is damaged: it ends early.";
            break;
        }
        const size_t length = read_u32(chunk);
        if (first != is_kind(chunk, "IHDR")) {
            *problem = "The PNG is damaged: its header is not where it belongs.";
            break;
        }
        if (!is_label(chunk, length, keyword)) {
            end = put(end, chunk, AROUND + length);
        }
        if (first && text.length > 0) {
            end = put_label(end, keyword, text);
        }
        if (is_kind(chunk, "IEND")) {
            labelled->at = result;
            labelled->length = (size_t)(end - result);
            return LABEL_DONE;
        }
        chunk += AROUND + length;
        left -= AROUND + length;
    }
    free(result);
    return LABEL_DAMAGED;
}

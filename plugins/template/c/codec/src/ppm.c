#include "ppm.h"

#include <string.h>

/* Numbers above are all the same: too large. */
#define LARGE 1000000000u

static bool is_space(struct bytes file, size_t at) {
    return at < file.length && (file.at[at] == ' ' || (file.at[at] >= '\t' && file.at[at] <= '\r'));
}

bool is_ppm(struct bytes head) {
    return head.length > 2 && memcmp(head.at, "P6", 2) == 0 && is_space(head, 2);
}

static bool is_at(struct bytes file, size_t at, char character) {
    return at < file.length && file.at[at] == character;
}

/* The number after spaces and comments, at least one space. */
static bool read_number(struct bytes file, size_t *at, uint64_t *number) {
    const size_t begin = *at;
    for (; is_space(file, *at) || is_at(file, *at, '#'); ++*at) {
        if (file.at[*at] == '#') {
            while (*at < file.length && !is_at(file, *at, '\n') && !is_at(file, *at, '\r')) {
                ++*at;
            }
        }
    }
    const size_t digits = *at;
    *number = 0;
    for (; *at < file.length && file.at[*at] >= '0' && file.at[*at] <= '9'; ++*at) {
        *number = *number * 10 + (file.at[*at] - '0');
        *number = *number < LARGE ? *number : LARGE;
    }
    return begin < digits && digits < *at;
}

const char *ppm_header(struct bytes file, struct ppm_header *header) {
    if (!is_ppm(file)) {
        return "This is not a PPM picture.";
    }
    size_t at = 2;
    uint64_t most;
    if (!read_number(file, &at, &header->width) || !read_number(file, &at, &header->height) ||
        !read_number(file, &at, &most)) {
        return "The PPM is damaged: its header has no three numbers.";
    }
    if (header->width == 0 || header->height == 0) {
        return "The PPM is damaged: it has no pixels.";
    }
    if (most != 255) {
        return "This PPM has values up to another number than 255; only 255 is read.";
    }
    /* One space, whatever comes after it. */
    if (!is_space(file, at)) {
        return "The PPM is damaged: its header has no three numbers.";
    }
    header->end = at + 1;
    return NULL;
}

bool ppm_is_whole(struct bytes file, const struct ppm_header *header) {
    /* Another picture may follow. */
    return file.length - header->end >= header->width * header->height * 3;
}

void ppm_pixels(struct bytes file, const struct ppm_header *header, uint8_t *rgba) {
    const uint8_t *from = file.at + header->end;
    for (uint64_t left = header->width * header->height; left > 0; left--, from += 3, rgba += 4) {
        memcpy(rgba, from, 3);
        rgba[3] = 255;
    }
}

static uint8_t *put_number(uint8_t *at, uint32_t number) {
    uint8_t digits[10];
    size_t length = 0;
    do {
        digits[length++] = (uint8_t)('0' + number % 10);
    } while ((number /= 10) > 0);
    while (length > 0) {
        *at++ = digits[--length];
    }
    return at;
}

static uint8_t *put_text(uint8_t *at, const char *text) {
    memcpy(at, text, strlen(text));
    return at + strlen(text);
}

size_t ppm_file(uint32_t width, uint32_t height, const uint8_t *rgba, uint8_t *file) {
    uint8_t *at = put_text(file, "P6\n");
    at = put_text(put_number(at, width), " ");
    at = put_text(put_number(at, height), "\n255\n");
    for (uint64_t left = (uint64_t)width * height; left > 0; left--, rgba += 4) {
        const uint32_t alpha = rgba[3];
        for (int channel = 0; channel < 3; channel++) {
            *at++ = (uint8_t)((rgba[channel] * alpha + 255 * (255 - alpha) + 127) / 255);
        }
    }
    return (size_t)(at - file);
}

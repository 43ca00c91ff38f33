#include "ppm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t FILE_BYTES[] = "P6 # two pixels\n2\t1\n#\n255\n\x01\x02\x03\xff\xfe\xfd";

/* Without the zero that C puts behind a string. */
static const struct bytes PPM = {FILE_BYTES, sizeof FILE_BYTES - 1};

static int failures = 0;

static void check(bool right, const char *what) {
    if (!right) {
        failures++;
        fprintf(stderr, "failed: %s\n", what);
    }
}

static struct bytes of(const char *text) { return (struct bytes){(const uint8_t *)text, strlen(text)}; }

static bool is_good(struct bytes file) {
    struct ppm_header header;
    return ppm_header(file, &header) == NULL && ppm_is_whole(file, &header);
}

static bool gives(const uint8_t *rgba, uint32_t width, const void *expected, size_t length) {
    uint8_t file[PPM_LONGEST_HEADER + 64];
    return ppm_file(width, 1, rgba, file) == length && memcmp(file, expected, length) == 0;
}

int main(void) {
    struct ppm_header header;
    check(is_ppm(PPM) && is_good(PPM), "a file is recognized");
    check(ppm_header(PPM, &header) == NULL && header.width == 2 && header.height == 1,
          "a header is read with its comments");
    uint8_t rgba[8];
    ppm_pixels(PPM, &header, rgba);
    check(memcmp(rgba, "\x01\x02\x03\xff\xff\xfe\xfd\xff", 8) == 0, "pixels are read, and are opaque");

    const uint8_t shining[] = {1, 2, 3, 255, 100, 0, 0, 128, 9, 9, 9, 0};
    check(gives(shining, 3, "P6\n3 1\n255\n\x01\x02\x03\xb1\x7f\x7f\xff\xff\xff", 20), "what shines through is white");

    for (size_t length = 0; length < PPM.length; length++) {
        /* In memory of its own, so that reading past the end is noticed. */
        uint8_t *part = malloc(length > 0 ? length : 1);
        memcpy(part, FILE_BYTES, length);
        check(!is_good((struct bytes){part, length}), "a part of a PPM is refused");
        free(part);
    }
    const char *others[] = {"P5 1 1 255 aaa", "P61 1 255 aaa", "P6 0 1 255 ", "P6 1 1 65535 aaaaaa"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        check(!is_good(of(others[i])), others[i]);
    }
    check(!is_good(of("P6 99999999999999999999 99999999999999999999 255 ")), "large numbers are refused");

    if (failures == 0) {
        puts("all tests passed");
    }
    return failures != 0;
}

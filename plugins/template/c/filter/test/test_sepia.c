#include "sepia.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PIXELS {200, 100, 50, 255, 0, 0, 0, 9, 255, 255, 255, 0}

static int failures = 0;

static void check(bool right, const char *what) {
    if (!right) {
        failures++;
        fprintf(stderr, "failed: %s\n", what);
    }
}

/* Whether the pixels become these. */
static bool gives(double strength, const uint8_t expected[12]) {
    uint8_t pixels[12] = PIXELS;
    sepia(pixels, sizeof pixels, strength);
    return memcmp(pixels, expected, sizeof pixels) == 0;
}

int main(void) {
    const uint8_t brown[12] = {164, 146, 114, 255, 0, 0, 0, 9, 255, 255, 238, 0};
    const uint8_t half[12] = {182, 123, 82, 255, 0, 0, 0, 9, 255, 255, 246, 0};
    const uint8_t same[12] = PIXELS;
    check(gives(1.0, brown), "every pixel becomes brown and keeps its transparency");
    check(gives(0.5, half), "half the strength is half way");
    check(gives(0.0, same), "without strength nothing changes");

    if (failures == 0) {
        puts("all tests passed");
    }
    return failures != 0;
}

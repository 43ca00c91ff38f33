/* Portable pixmaps, as https://netpbm.sourceforge.net/doc/ppm.html has them: a header of text, then three
 * bytes a pixel. */
#ifndef PPM_H
#define PPM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
    const uint8_t *at;
    size_t length;
};

struct ppm_header {
    uint64_t width;
    uint64_t height;
    /* Where the pixels begin. */
    size_t end;
};

bool is_ppm(struct bytes head);

/* Reads the header. Says what is wrong with it, or nothing: NULL. */
const char *ppm_header(struct bytes file, struct ppm_header *header);

/* Whether the file has all of its pixels. */
bool ppm_is_whole(struct bytes file, const struct ppm_header *header);

/* Writes the pixels of a whole file to `rgba`, with full opacity, which PPM doesn't know. */
void ppm_pixels(struct bytes file, const struct ppm_header *header, uint8_t *rgba);

/* The longest header of a file that is written. */
#define PPM_LONGEST_HEADER 32

/* Writes a file of these pixels to `file`, which has room for the header and three bytes a pixel. What
 * shines through them is white. Returns the file's length. */
size_t ppm_file(uint32_t width, uint32_t height, const uint8_t *rgba, uint8_t *file);

#endif

/* Labels in PNG files: chunks of type `iTXt`, as https://www.w3.org/TR/png-3/#11iTXt has them. */
#ifndef LABEL_H
#define LABEL_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
    uint8_t *at;
    size_t length;
};

enum label_end {
    LABEL_DONE,
    /* The bytes are no PNG, or not all of one. */
    LABEL_DAMAGED,
    /* PNG cannot hold this text. */
    LABEL_UNFIT,
    LABEL_NO_MEMORY,
};

/* The same picture with this label and no other of its keyword; without one if `text` is empty.
 *
 * At the end `labelled` is the caller's, to be freed; or `problem` says what is wrong. Nothing here
 * ends with a zero byte, texts neither. */
enum label_end label(struct bytes png, struct bytes keyword, struct bytes text, struct bytes *labelled,
                     const char **problem);

#endif

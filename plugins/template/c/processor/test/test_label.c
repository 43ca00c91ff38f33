#include "label.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER \
    0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0, 13, 'I', 'H', 'D', 'R', 0, 0, 0, 1, 0, 0, 0, 1, 8, 0, \
        0, 0, 0, 0x3a, 0x7e, 0x9b, 0x55
/* The comment "Grüße", as another program wrote it. */
#define COMMENT \
    0, 0, 0, 19, 'i', 'T', 'X', 't', 'C', 'o', 'm', 'm', 'e', 'n', 't', 0, 0, 0, 0, 0, 'G', 'r', 0xc3, 0xbc, \
        0xc3, 0x9f, 'e', 0x4e, 0x32, 0x21, 0x35
#define PIXEL \
    0, 0, 0, 10, 'I', 'D', 'A', 'T', 0x78, 0xda, 0x63, 0x68, 0, 0, 0, 0x82, 0, 0x81, 0xda, 0x45, 0x08, 0x3b, 0, \
        0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82

static uint8_t plain[] = {HEADER, PIXEL};
static uint8_t labelled[] = {HEADER, COMMENT, PIXEL};

static const struct bytes PLAIN = {plain, sizeof plain};
static const struct bytes LABELLED = {labelled, sizeof labelled};

static int failures = 0;

static void check(bool right, const char *what) {
    if (!right) {
        failures++;
        fprintf(stderr, "failed: %s\n", what);
    }
}

static struct bytes of(const char *text) { return (struct bytes){(uint8_t *)text, strlen(text)}; }

/* Whether labelling one picture gives the other. */
static bool gives(struct bytes png, const char *keyword, const char *text, struct bytes expected) {
    struct bytes result;
    const char *problem;
    if (label(png, of(keyword), of(text), &result, &problem) != LABEL_DONE) {
        return false;
    }
    const bool same =
        result.length == expected.length && memcmp(result.at, expected.at, expected.length) == 0;
    free(result.at);
    return same;
}

static bool ends(struct bytes png, struct bytes text, enum label_end expected) {
    struct bytes result;
    const char *problem = NULL;
    return label(png, of("Comment"), text, &result, &problem) == expected && problem != NULL;
}

int main(void) {
    check(gives(PLAIN, "Comment", "Gr\xc3\xbc\xc3\x9f" "e", LABELLED), "a label is written behind the header");

    struct bytes other;
    const char *problem;
    check(label(PLAIN, of("Comment"), of("Salut"), &other, &problem) == LABEL_DONE, "another label is written");
    check(gives(other, "Comment", "Gr\xc3\xbc\xc3\x9f" "e", LABELLED), "a label is replaced by a new one");
    free(other.at);
    check(gives(LABELLED, "Comment", "", PLAIN), "a label is taken out by none");
    check(gives(LABELLED, "Author", "", LABELLED), "a label of another keyword stays");

    check(ends(of("GIF89a"), of(""), LABEL_DAMAGED), "what is no PNG is refused");
    for (size_t length = 0; length < LABELLED.length; length++) {
        /* In memory of its own, so that reading past the end is noticed. */
        uint8_t *part = malloc(length + 1);
        memcpy(part, labelled, length);
        struct bytes cut = {realloc(part, length > 0 ? length : 1), length};
        check(ends(cut, of(""), LABEL_DAMAGED), "a part of a PNG is refused");
        free(cut.at);
    }
    check(ends(PLAIN, (struct bytes){(uint8_t *)"a\0b", 3}, LABEL_UNFIT), "a text that PNG cannot hold is refused");

    if (failures == 0) {
        puts("all tests passed");
    }
    return failures != 0;
}

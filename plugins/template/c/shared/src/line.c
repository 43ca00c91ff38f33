#include "line.h"

void add_text(struct line *line, const char *text) {
    for (; *text != 0 && line->length + 1 < sizeof line->text; text++) {
        line->text[line->length++] = *text;
    }
    line->text[line->length] = 0;
}

void add_number(struct line *line, uint64_t number) {
    char digits[21] = {0};
    char *first = &digits[20];
    do {
        *--first = (char)('0' + number % 10);
    } while ((number /= 10) > 0);
    add_text(line, first);
}

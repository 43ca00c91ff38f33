/* Lines of text and numbers, for failures and the log. printf() and its kin would want files, which no
 * plugin gets. */
#ifndef LINE_H
#define LINE_H

#include <stddef.h>
#include <stdint.h>

/* What doesn't fit is left out. */
struct line {
    char text[160];
    size_t length;
};

void add_text(struct line *line, const char *text);
void add_number(struct line *line, uint64_t number);

#endif

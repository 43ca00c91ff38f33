/* The brown of old photographs. */
#ifndef SEPIA_H
#define SEPIA_H

#include <stddef.h>
#include <stdint.h>

/* Mixes every pixel, four bytes of `rgba`, with its brown; `strength` is from 0 to 1. Transparency stays. */
void sepia(uint8_t *rgba, size_t length, double strength);

#endif

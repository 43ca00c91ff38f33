#include "sepia.h"

/* How much of red, green and blue the brown's red, green and blue have, in thousandths. */
static const uint32_t BROWN[3][3] = {{393, 769, 189}, {349, 686, 168}, {272, 534, 131}};

void sepia(uint8_t *rgba, size_t length, double strength) {
    const uint32_t share = (uint32_t)(strength * 256 + 0.5);
    for (uint8_t *pixel = rgba; pixel < rgba + length; pixel += 4) {
        const uint32_t old[3] = {pixel[0], pixel[1], pixel[2]};
        for (int channel = 0; channel < 3; channel++) {
            const uint32_t *of = BROWN[channel];
            uint32_t brown = (of[0] * old[0] + of[1] * old[1] + of[2] * old[2]) / 1000;
            brown = brown < 255 ? brown : 255;
            pixel[channel] = (uint8_t)((old[channel] * (256 - share) + brown * share) >> 8);
        }
    }
}

// The brown of old photographs.

// Mixes every pixel with its brown; `strength` is from 0 to 1. Transparency, every fourth byte, stays.
export function sepia(rgba, strength) {
  const share = Math.floor(strength * 256 + 0.5);
  const mixed = (old, brown) =>
    (old * (256 - share) + Math.min(Math.floor(brown / 1000), 255) * share) >> 8;
  for (let at = 0; at < rgba.length; at += 4) {
    const red = rgba[at];
    const green = rgba[at + 1];
    const blue = rgba[at + 2];
    // How much of red, green and blue the brown's red, green and blue have, in thousandths.
    rgba[at] = mixed(red, 393 * red + 769 * green + 189 * blue);
    rgba[at + 1] = mixed(green, 349 * red + 686 * green + 168 * blue);
    rgba[at + 2] = mixed(blue, 272 * red + 534 * green + 131 * blue);
  }
}

// Says something to who listens to the page instead of seeing it.

const announcer = document.getElementById('announcer');

/** Is read aloud when the reader is done with what it reads. */
export function announce(text) {
    // The same words twice would be no change, and not be read.
    announcer.textContent = announcer.textContent === text ? `${text}\u00a0` : text;
}

// What this tab has submitted. The server keeps the result, and not for others what it was made of: a reload
// forgets the picture before.

/** As many as a person compares; their pictures are in memory. */
const MOST = 20;

const known = new Map();

/** `{picture, message, began, accepted}` of a task: its file, its description, and when it was sent and accepted, by this page's clock. */
export function remember(id, about) {
    known.set(id, { ...about, wasSeen: false });
    if (known.size > MOST) known.delete(known.keys().next().value);
}

/** The same, or null. */
export function recalled(id) {
    return known.get(id) ?? null;
}

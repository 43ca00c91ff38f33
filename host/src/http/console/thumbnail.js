// A small picture of a task's first result, fetched when its row comes into view.

import { element } from './element.js';
import { format } from './words.js';
import { request } from './server.js';
import { resultPath } from './result.js';

/** Of a larger result there is none: a list must not fetch megabytes. */
const LARGEST = 300 * 1024;
/** What every browser of today shows. */
const SHOWN = new Set(['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/bmp', 'image/avif', 'image/svg+xml']);

/** Thumbnails of one list: `of(task)` and `leave()`. */
export function thumbnails() {
    const leaving = new AbortController();
    const objects = [];
    const wanted = new Map();
    const observer = new IntersectionObserver((entries) => {
        for (const { isIntersecting, target } of entries) {
            if (!isIntersecting) continue;
            observer.unobserve(target);
            fetchInto(target, wanted.get(target));
        }
    }, { rootMargin: '100px' });

    async function fetchInto(place, id) {
        try {
            const response = await request(resultPath(id, 1), { quiet: true, signal: leaving.signal });
            const url = URL.createObjectURL(await response.blob());
            objects.push(url);
            const image = element('img', { src: url, alt: '', error: () => image.remove() });
            place.replaceChildren(image);
        } catch {
            // The row says what there is to say; the picture is a convenience.
        }
    }
    return {
        of: (task) => {
            const result = task.results?.[0];
            const place = element('span', { class: 'thumbnail', 'aria-hidden': 'true' }, result ? format(result.type) : '');
            if (result && result.size <= LARGEST && SHOWN.has(result.type)) {
                wanted.set(place, task.id);
                observer.observe(place);
            }
            return place;
        },
        leave: () => {
            leaving.abort();
            observer.disconnect();
            objects.forEach((url) => URL.revokeObjectURL(url));
        },
    };
}

// Figures as people say them.

/** 1536 is 1.5 KiB. */
export function bytes(count) {
    const units = ['bytes', 'KiB', 'MiB', 'GiB'];
    let unit = 0;
    let value = count;
    while (value >= 1024 && unit < units.length - 1) {
        value /= 1024;
        unit += 1;
    }
    if (unit === 0) return value === 1 ? '1 byte' : `${value} bytes`;
    return `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

/** 1234 ms are 1.2 s. */
export function duration(ms) {
    if (ms < 1) return `${ms.toPrecision(2)} ms`;
    if (ms < 1000) return `${Math.round(ms)} ms`;
    if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
    const minutes = Math.floor(ms / 60_000);
    return `${minutes} min ${Math.round((ms % 60_000) / 1000)} s`;
}

/** How long ago a moment was. A client's clock that is behind the server's doesn't make it the future. */
export function age(moment, now = Date.now()) {
    const seconds = Math.max(0, Math.round((now - Date.parse(moment)) / 1000));
    if (seconds < 5) return 'just now';
    if (seconds < 60) return `${seconds} s ago`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
    if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
    const days = Math.floor(seconds / 86_400);
    return days === 1 ? 'yesterday' : `${days} days ago`;
}

/** image/webp is WebP. */
export function format(mediaType) {
    const [kind, subtype] = mediaType.split(';')[0].trim().split('/');
    if (!subtype) return mediaType;
    const known = { jpeg: 'JPEG', webp: 'WebP', tiff: 'TIFF', 'svg+xml': 'SVG', json: 'JSON' };
    if (known[subtype]) return known[subtype];
    return kind === 'image' && !subtype.includes('.') ? subtype.replace(/^x-/, '').toUpperCase() : mediaType;
}

/** image/webp ends in .webp. */
export function extension(mediaType) {
    const subtype = mediaType.split(';')[0].split('/')[1] ?? '';
    const known = { jpeg: 'jpg', 'svg+xml': 'svg', plain: 'txt', 'octet-stream': 'bin' };
    return known[subtype] ?? (/^[a-z0-9]{1,8}$/.test(subtype) ? subtype : 'bin');
}

/** The end of a task's id: its beginning is the time, and alike in tasks of the same minute. */
export function shortId(id) {
    return id.slice(-8);
}

/** What a task's phase is called. */
export function phase(task) {
    const names = { queued: 'Queued', running: 'Running', done: 'Done', failed: 'Failed', cancelled: 'Cancelled' };
    return names[task.phase] ?? task.state;
}

/** 1 run, 2 runs. */
export function counted(count, noun) {
    return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

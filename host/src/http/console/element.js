// Makes elements. Text stays text: nothing that a server, a plugin or a file's name says becomes markup.

/**
 * An element with attributes and children. A function as an attribute listens to the event of that name; true is
 * an attribute without a value; false, null and undefined are none.
 */
export function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (typeof value === 'function') made.addEventListener(name, value);
        else if (value === true) made.setAttribute(name, '');
        else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
    }
    made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
    return made;
}

let ids = 0;

/** An id that no other element has. */
export function freshId(about) {
    ids += 1;
    return `${about}-${ids}`;
}

/** A list of terms and what is said of them; those without a value are left out. */
export function facts(pairs, name = 'facts') {
    const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== '');
    return element('dl', { class: name }, known.map(([term, value]) =>
        element('div', {}, element('dt', {}, term), element('dd', {}, value))));
}

/** A message that is read aloud at once. */
export function alert(title, detail, ...more) {
    return element('div', { class: 'alert', role: 'alert' },
        element('strong', {}, title), detail ? element('p', {}, detail) : null, ...more);
}

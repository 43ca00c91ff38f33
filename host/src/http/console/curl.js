// The command that does the same in a shell. The API key is never in it, only the variable's name.

import { address } from './server.js';
import { extension } from './words.js';

/** One word of a POSIX shell. */
export function quoted(word) {
    return `'${word.replaceAll("'", "'\\''")}'`;
}

/** A file as `curl -F` takes it: quoted for curl, which else would end its name at a comma or semicolon. */
function file(name, { name: path, type }) {
    // A dash alone would be the standard input.
    const safe = (path === '-' ? './-' : path).replace(/["\\]/g, '\\$&');
    return quoted(`${name}=@"${safe}"${/^[\w.+-]+\/[\w.+-]+$/.test(type) ? `;type=${type}` : ''}`);
}

/**
 * Submits and waits, follows the redirect to the result, and says where it lies. Further results are at the
 * same address with /2, /3 and so on.
 */
export function curl(picture, { description, attachments }, needsKey) {
    const type = description.output?.type ?? picture.type;
    const isText = description.operations.at(-1)?.name === 'info';
    const stem = picture.name.replace(/^.*[/\\]/, '').replace(/\.[^.]*$/, '').replace(/^-+/, '') || 'picture';
    const result = `${stem}-tintype.${isText ? 'json' : extension(type || 'application/octet-stream')}`;
    return [
        `curl -sSL --fail-with-body ${quoted(address('images/tasks').href)}`,
        needsKey ? '-H "Authorization: Bearer $TINTYPE_KEY"' : null,
        "-H 'Prefer: wait=60'",
        `--form-string ${quoted(`task=${JSON.stringify(description)}`)}`,
        `-F ${file('image', picture)}`,
        ...attachments.map(({ cid, file: attached }) => `-F ${file(cid, attached)}`),
        "-w '%{url_effective}\\n'",
        `-o ${quoted(result)}`,
    ].filter(Boolean).join(' \\\n  ');
}

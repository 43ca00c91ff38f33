// Puts a refusal beside what it is about. The server's words name it: the parameter "width" of the operation
// "resize".

/** Of one parameter, or of several together. */
const ABOUT = /^The parameters?(?: ("(?:[^"\\]|\\.)*"))? of the (operation|output) ("(?:[^"\\]|\\.)*") will not do\. (.*)$/s;

/** What a refusal is about, or null. */
export function about(detail) {
    const [, param, kind, name, rule] = ABOUT.exec(detail) ?? [];
    if (!kind) return null;
    return { param: param ? unquoted(param) : null, kind, name: unquoted(name), rule };
}

function unquoted(text) {
    return text.slice(1, -1).replace(/\\(.)/g, '$1');
}

/** Whether the refusal found its place in the form. */
export function place(detail, operations, output) {
    const found = about(detail);
    if (found === null) {
        const unwritten = /^The plugin "[^"]*" does not write /.test(detail);
        if (unwritten) output.mark(null, detail);
        return unwritten;
    }
    if (found.kind === 'operation') return operations.mark(found.name, found.param, found.rule);
    output.mark(found.param, found.rule);
    return true;
}

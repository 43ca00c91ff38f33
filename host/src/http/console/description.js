// The task description in JSON, and the form that carries it with its pictures.

/**
 * From what was filled in to a description. A picture among the parameters is named by its Content-ID,
 * and listed in `attachments`.
 */
export function describe(operations, output) {
    const attachments = [];
    const values = (params) => Object.fromEntries(params.map(({ name, value, file }) => {
        if (file === undefined) return [name, value];
        const cid = `picture-${attachments.length + 1}`;
        attachments.push({ cid, file });
        return [name, { cid }];
    }));
    const withParams = (about, params) => (params.length > 0 ? { ...about, params: values(params) } : about);
    const description = {
        operations: operations.map(({ operation, params }) =>
            withParams(operation.named ? { name: operation.name, plugin: operation.plugin.name } : { name: operation.name }, params)),
    };
    if (output !== null) description.output = withParams({ type: output.type }, output.params);
    return { description, attachments };
}

/** The `multipart/form-data` that is posted. */
export function form(picture, { description, attachments }) {
    const data = new FormData();
    data.append('task', new Blob([JSON.stringify(description)], { type: 'application/json' }));
    data.append('image', picture);
    for (const { cid, file } of attachments) data.append(cid, file);
    return data;
}

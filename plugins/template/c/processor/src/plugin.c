/* What the server sees: which operations there are, and how one is carried out.
 *
 * The operation itself is in label.c and knows nothing of Tintype's tasks. Replace it with yours. The
 * long names are made by wit-bindgen from wit/plugin.wit; bindings/image_processor.h has them all.
 *
 * What is returned is freed by the bindings afterwards, every string of it: hence the copies. */

#include <stdlib.h>
#include <string.h>

#include "image_processor.h"
#include "label.h"
#include "line.h"

/* Checked by the server before a task is accepted, and shown to clients at `GET /plugins`. */
static const char PARAMETERS[] =
    "{"
    "  \"type\": \"object\","
    "  \"properties\": {"
    "    \"keyword\": {"
    "      \"type\": \"string\","
    "      \"pattern\": \"^[!-~]+( [!-~]+)*$\","
    "      \"maxLength\": 79,"
    "      \"description\": \"Which label: Comment unless said otherwise.\""
    "    },"
    "    \"text\": {"
    "      \"type\": \"string\","
    "      \"maxLength\": 10000,"
    "      \"description\": \"What it says; without a text the label is taken out.\""
    "    }"
    "  },"
    "  \"additionalProperties\": false"
    "}";

static const char NOTHING[] = "{\"type\": \"object\", \"properties\": {}, \"additionalProperties\": false}";

/* Memory, or the end: a trap, which the server knows for what it is when memory was refused. */
static void *take(size_t size) {
    void *memory = calloc(1, size);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

void exports_tintype_plugin_processor_describe(exports_tintype_plugin_processor_descriptor_t *ret) {
    image_processor_string_dup(&ret->name, "plugin-name");
    image_processor_string_dup(&ret->version, "0.1.0");
    image_processor_string_dup(&ret->summary, "Writes a label into a PNG, or takes it out.");

    ret->accepts.len = 1;
    ret->accepts.ptr = take(sizeof *ret->accepts.ptr);
    image_processor_string_dup(&ret->accepts.ptr[0], "image/png");

    ret->produces.len = 1;
    ret->produces.ptr = take(sizeof *ret->produces.ptr);
    image_processor_string_dup(&ret->produces.ptr[0].media_type, "image/png");
    image_processor_string_dup(&ret->produces.ptr[0].params_schema, NOTHING);

    ret->operations.len = 1;
    ret->operations.ptr = take(sizeof *ret->operations.ptr);
    tintype_plugin_types_operation_t *operation = &ret->operations.ptr[0];
    image_processor_string_dup(&operation->name, "plugin-name");
    image_processor_string_dup(&operation->summary,
                               "Writes a label into a PNG, or takes it out. The pixels stay as they are.");
    image_processor_string_dup(&operation->params_schema, PARAMETERS);
}

/* The text of this name, if the client gave one: what it leaves out is left out here too. */
static struct bytes text_of(const tintype_plugin_types_step_t *step, const char *name, const char *otherwise) {
    for (size_t i = 0; i < step->params.len; i++) {
        const tintype_plugin_types_param_t *param = &step->params.ptr[i];
        if (param->name.len == strlen(name) && memcmp(param->name.ptr, name, param->name.len) == 0 &&
            param->value.tag == TINTYPE_PLUGIN_TYPES_VALUE_TEXT) {
            return (struct bytes){param->value.val.text.ptr, param->value.val.text.len};
        }
    }
    return (struct bytes){(uint8_t *)otherwise, strlen(otherwise)};
}

static bool fail(exports_tintype_plugin_processor_failure_t *err, uint8_t tag, const char *why) {
    err->tag = tag;
    /* All of its variants hold a string, in the same place. */
    image_processor_string_dup(&err->val.failed, why);
    return false;
}

static uint8_t failure_of(enum label_end end) {
    switch (end) {
    case LABEL_DAMAGED:
        return TINTYPE_PLUGIN_TYPES_FAILURE_INVALID_IMAGE;
    case LABEL_UNFIT:
        return TINTYPE_PLUGIN_TYPES_FAILURE_INVALID_PARAMETERS;
    default:
        return TINTYPE_PLUGIN_TYPES_FAILURE_FAILED;
    }
}

bool exports_tintype_plugin_processor_process(exports_tintype_plugin_processor_image_t *input,
                                              exports_tintype_plugin_processor_list_image_t *attachments,
                                              exports_tintype_plugin_processor_list_step_t *steps,
                                              exports_tintype_plugin_processor_target_t *maybe_target,
                                              exports_tintype_plugin_processor_list_image_t *ret,
                                              exports_tintype_plugin_processor_failure_t *err) {
    /* The only format that this plugin produces is PNG, so that there is no other to ask for. */
    (void)attachments, (void)maybe_target;

    /* A task is one fresh instance, dropped afterwards: what it was handed needs no freeing at the
     * end. Pictures in between do, because memory is limited. */
    const size_t before = input->bytes.len;
    struct bytes png = {input->bytes.ptr, input->bytes.len};
    for (size_t i = 0; i < steps->len; i++) {
        const tintype_plugin_types_step_t *step = &steps->ptr[i];
        struct bytes labelled;
        const char *problem;
        const enum label_end end =
            label(png, text_of(step, "keyword", "Comment"), text_of(step, "text", ""), &labelled, &problem);
        if (end != LABEL_DONE) {
            return fail(err, failure_of(end), problem);
        }
        free(png.at);
        png = labelled;
        tintype_plugin_host_progress((float)(i + 1) / (float)steps->len);
    }

    /* The sandbox would stop a result that is too large; this says it better. */
    tintype_plugin_host_run_limits_t limits;
    tintype_plugin_host_limits(&limits);
    struct line line = {0};
    if (png.length > limits.max_output_bytes) {
        add_text(&line, "The result has ");
        add_number(&line, png.length);
        add_text(&line, " bytes; ");
        add_number(&line, limits.max_output_bytes);
        add_text(&line, " are permitted.");
        return fail(err, TINTYPE_PLUGIN_TYPES_FAILURE_TOO_LARGE, line.text);
    }
    add_text(&line, "from ");
    add_number(&line, before);
    add_text(&line, " to ");
    add_number(&line, png.length);
    add_text(&line, " bytes");
    image_processor_string_t message;
    image_processor_string_set(&message, line.text);
    tintype_plugin_host_log(TINTYPE_PLUGIN_HOST_LEVEL_INFO, &message);

    ret->len = 1;
    ret->ptr = take(sizeof *ret->ptr);
    image_processor_string_dup(&ret->ptr[0].media_type, "image/png");
    ret->ptr[0].bytes.ptr = png.at;
    ret->ptr[0].bytes.len = png.length;
    return true;
}

/* What the server sees: which operations there are, and how one is carried out.
 *
 * The operation itself is in sepia.c and knows nothing of Tintype. Replace it with yours. The long names
 * are made by wit-bindgen from wit/plugin.wit; bindings/image_filter.h has them all.
 *
 * What is returned is freed by the bindings afterwards, every string of it: hence the copies. */

#include <stdlib.h>
#include <string.h>

#include "image_filter.h"
#include "sepia.h"

/* Checked by the server before a task is accepted, and shown to clients at `GET /plugins`. */
static const char PARAMETERS[] =
    "{"
    "  \"type\": \"object\","
    "  \"properties\": {"
    "    \"strength\": {"
    "      \"type\": \"number\","
    "      \"minimum\": 0,"
    "      \"maximum\": 1,"
    "      \"default\": 1,"
    "      \"description\": \"From 0, which changes nothing, to 1.\""
    "    }"
    "  },"
    "  \"additionalProperties\": false"
    "}";

/* Memory, or the end: a trap, which the server knows for what it is when memory was refused. */
static void *take(size_t size) {
    void *memory = calloc(1, size);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

void exports_tintype_plugin_filter_describe(exports_tintype_plugin_filter_descriptor_t *ret) {
    image_filter_string_dup(&ret->name, "plugin-name");
    image_filter_string_dup(&ret->version, "0.1.0");
    image_filter_string_dup(&ret->summary, "Gives pictures the brown of old photographs.");

    ret->operations.len = 1;
    ret->operations.ptr = take(sizeof *ret->operations.ptr);
    tintype_plugin_types_operation_t *operation = &ret->operations.ptr[0];
    image_filter_string_dup(&operation->name, "plugin-name");
    image_filter_string_dup(&operation->summary, "Gives a picture the brown of old photographs.");
    image_filter_string_dup(&operation->params_schema, PARAMETERS);
}

/* The number of this name, if the client gave one: what it leaves out is left out here too. */
static double number_of(const tintype_plugin_types_step_t *step, const char *name, double otherwise) {
    for (size_t i = 0; i < step->params.len; i++) {
        const tintype_plugin_types_param_t *param = &step->params.ptr[i];
        if (param->name.len == strlen(name) && memcmp(param->name.ptr, name, param->name.len) == 0 &&
            param->value.tag == TINTYPE_PLUGIN_TYPES_VALUE_NUMBER) {
            return param->value.val.number;
        }
    }
    return otherwise;
}

bool exports_tintype_plugin_filter_apply(exports_tintype_plugin_filter_frame_t *input,
                                         exports_tintype_plugin_filter_list_frame_t *attachments,
                                         exports_tintype_plugin_filter_list_step_t *steps,
                                         exports_tintype_plugin_filter_frame_t *ret,
                                         exports_tintype_plugin_filter_failure_t *err) {
    /* No parameter is a picture, and nothing can go wrong. What can is returned as in
     *
     *     err->tag = TINTYPE_PLUGIN_TYPES_FAILURE_INVALID_PARAMETERS;
     *     image_filter_string_dup(&err->val.invalid_parameters, "strength: must be …");
     *     return false; */
    (void)attachments, (void)err;

    for (size_t i = 0; i < steps->len; i++) {
        sepia(input->rgba.ptr, input->rgba.len, number_of(&steps->ptr[i], "strength", 1.0));
    }
    /* The frame is ours, and can be given back as it is. */
    *ret = *input;
    return true;
}

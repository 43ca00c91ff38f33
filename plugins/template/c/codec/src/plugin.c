/* What the server sees: which formats there are, and how a picture is read and written.
 *
 * The format itself is in ppm.c and knows nothing of Tintype. Replace it with yours. The long names are
 * made by wit-bindgen from wit/plugin.wit; bindings/image_codec.h has them all.
 *
 * What is returned is freed by the bindings afterwards, every string of it: hence the copies. */

#include <stdlib.h>
#include <string.h>

#include "image_codec.h"
#include "line.h"
#include "ppm.h"

static const char MEDIA_TYPE[] = "image/x-portable-pixmap";

static const char NOTHING[] = "{\"type\": \"object\", \"properties\": {}, \"additionalProperties\": false}";

/* Memory, or the end: a trap, which the server knows for what it is when memory was refused. */
static void *take(size_t size) {
    void *memory = malloc(size);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

void exports_tintype_plugin_codec_describe(exports_tintype_plugin_codec_descriptor_t *ret) {
    image_codec_string_dup(&ret->name, "plugin-name");
    image_codec_string_dup(&ret->version, "0.1.0");
    image_codec_string_dup(&ret->summary, "Reads and writes PPM, with 8 bits a channel.");

    ret->reads.len = 1;
    ret->reads.ptr = take(sizeof *ret->reads.ptr);
    image_codec_string_dup(&ret->reads.ptr[0], MEDIA_TYPE);

    ret->writes.len = 1;
    ret->writes.ptr = take(sizeof *ret->writes.ptr);
    image_codec_string_dup(&ret->writes.ptr[0].media_type, MEDIA_TYPE);
    image_codec_string_dup(&ret->writes.ptr[0].params_schema, NOTHING);
}

bool exports_tintype_plugin_codec_probe(image_codec_list_u8_t *head, image_codec_string_t *ret) {
    if (!is_ppm((struct bytes){head->ptr, head->len})) {
        return false;
    }
    image_codec_string_dup(ret, MEDIA_TYPE);
    return true;
}

static bool fail(exports_tintype_plugin_codec_failure_t *err, uint8_t tag, const char *why) {
    err->tag = tag;
    /* All of its variants hold a string, in the same place. */
    image_codec_string_dup(&err->val.failed, why);
    return false;
}

/* PPM is read at its full size or not at all: a hint that less would do changes nothing. */
bool exports_tintype_plugin_codec_decode(image_codec_list_u8_t *file,
                                         exports_tintype_plugin_codec_size_hint_t *maybe_hint,
                                         exports_tintype_plugin_codec_picture_t *ret,
                                         exports_tintype_plugin_codec_failure_t *err) {
    (void)maybe_hint;
    const struct bytes bytes = {file->ptr, file->len};
    struct ppm_header header;
    const char *problem = ppm_header(bytes, &header);
    if (problem != NULL) {
        return fail(err, TINTYPE_PLUGIN_TYPES_FAILURE_INVALID_IMAGE, problem);
    }
    tintype_plugin_host_run_limits_t limits;
    tintype_plugin_host_limits(&limits);
    /* Before there is memory for the pixels: a header can claim anything. */
    if (header.width > limits.max_width || header.height > limits.max_height ||
        header.width * header.height > limits.max_pixels) {
        struct line line = {0};
        add_text(&line, "The picture has ");
        add_number(&line, header.width);
        add_text(&line, " by ");
        add_number(&line, header.height);
        add_text(&line, " pixels; ");
        add_number(&line, limits.max_width);
        add_text(&line, " by ");
        add_number(&line, limits.max_height);
        add_text(&line, ", and ");
        add_number(&line, limits.max_pixels);
        add_text(&line, " together, are permitted.");
        return fail(err, TINTYPE_PLUGIN_TYPES_FAILURE_TOO_LARGE, line.text);
    }
    if (!ppm_is_whole(bytes, &header)) {
        return fail(err, TINTYPE_PLUGIN_TYPES_FAILURE_INVALID_IMAGE, "The PPM is damaged: it ends early.");
    }

    /* Neither an animation nor a colour profile. */
    memset(ret, 0, sizeof *ret);
    ret->frames.len = 1;
    ret->frames.ptr = take(sizeof *ret->frames.ptr);
    tintype_plugin_pixels_frame_t *frame = &ret->frames.ptr[0];
    frame->width = (uint32_t)header.width;
    frame->height = (uint32_t)header.height;
    frame->rgba.len = (size_t)(header.width * header.height * 4);
    frame->rgba.ptr = take(frame->rgba.len);
    ppm_pixels(bytes, &header, frame->rgba.ptr);
    return true;
}

bool exports_tintype_plugin_codec_encode(exports_tintype_plugin_codec_picture_t *input,
                                         exports_tintype_plugin_codec_target_t *target,
                                         image_codec_list_u8_t *ret,
                                         exports_tintype_plugin_codec_failure_t *err) {
    /* The only format that this plugin writes has no parameters. */
    (void)target;
    const tintype_plugin_pixels_frame_t *frame = &input->frames.ptr[0];
    ret->ptr = take(PPM_LONGEST_HEADER + frame->rgba.len / 4 * 3);
    ret->len = ppm_file(frame->width, frame->height, frame->rgba.ptr, ret->ptr);

    /* The sandbox would stop a result that is too large; this says it better. */
    tintype_plugin_host_run_limits_t limits;
    tintype_plugin_host_limits(&limits);
    if (ret->len > limits.max_output_bytes) {
        struct line line = {0};
        add_text(&line, "The result has ");
        add_number(&line, ret->len);
        add_text(&line, " bytes; ");
        add_number(&line, limits.max_output_bytes);
        add_text(&line, " are permitted.");
        return fail(err, TINTYPE_PLUGIN_TYPES_FAILURE_TOO_LARGE, line.text);
    }
    return true;
}

"""What Schemathesis cannot write by itself: multipart/related, and images of any type."""

import json

import schemathesis

BOUNDARY = "xyz"


def raw(value):
    """Bytes for what was generated, whatever it is."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    return json.dumps(value, default=str).encode()


@schemathesis.serializer("multipart/related")
def related(ctx, value):
    parts = value if isinstance(value, dict) else {"task": value}
    body = b""
    # The root comes first, whatever order an object's properties are in.
    for name, content in sorted(parts.items(), key=lambda part: part[0] != "task"):
        kind = "application/json" if name == "task" else "image/png"
        # A task that was meant to be wrong may be a string: it is one in JSON, too.
        content = json.dumps(content, default=str).encode() if name == "task" else raw(content)
        body += f"--{BOUNDARY}\r\nContent-Type: {kind}\r\n\r\n".encode() + content + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode()


@schemathesis.serializer("image/*")
def image(ctx, value):
    return raw(value)


@schemathesis.hook
def before_call(ctx, case, kwargs):
    # The header must name the boundary, and one type instead of all.
    types = {"multipart/related": f"multipart/related; boundary={BOUNDARY}", "image/*": "image/png"}
    if case.media_type in types:
        case.headers["Content-Type"] = types[case.media_type]

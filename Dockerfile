# Tintype in a container: built from source, run without a shell, as nobody in particular.
#
#   docker build -t tintype .
#
# docs/operating.md says how to run it. All that is fetched beside these two images comes from crates.io
# and, for the plugins' standard library, from rustup's server.

FROM rust:1.95-slim-trixie AS build
RUN rustup target add wasm32-unknown-unknown
WORKDIR /src
COPY . .
# Between two builds the caches stay; what is to be kept leaves them in the same step.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --profile dist -p tintype \
    && ./plugins/build.sh \
    && mkdir -p /out/plugins /out/data \
    && cp target/dist/tintype /out/ \
    && cp target/plugins/*.wasm /out/plugins/

# The C library of the same Debian, certificate authorities, and nothing that could be started.
FROM gcr.io/distroless/cc-debian13:nonroot
COPY --from=build /out/tintype /usr/local/bin/tintype
COPY --from=build /out/plugins /plugins
# A volume takes owner and mode from here.
COPY --from=build --chown=65532:65532 --chmod=0700 /out/data /data
ENV TINTYPE_LISTEN=0.0.0.0:8080 \
    TINTYPE_DATA_DIR=/data \
    TINTYPE_PLUGINS_DIR=/plugins \
    TINTYPE_LOG_FORMAT=json
# Where tintype.toml can be mounted.
WORKDIR /etc/tintype
USER 65532:65532
VOLUME ["/data"]
EXPOSE 8080
# A start after a crash may take seconds, the first one compiles the plugins.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["/usr/local/bin/tintype", "health"]
ENTRYPOINT ["/usr/local/bin/tintype"]
CMD ["serve"]

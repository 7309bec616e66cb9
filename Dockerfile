# syntax=docker/dockerfile:1
#
# Builds the service with the profile that is fast to run, and ships the binary alone: no shell, no
# package manager, not root. It writes only to /data and may run with a read-only root file system.

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# Registry and intermediate results stay in caches between builds; the binary is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --profile dist --locked --bin auth-service \
    && install -D -m 0755 target/dist/auth-service /image/auth-service \
    && install -d -m 0700 /image/data

# What the binary is linked to, and the CA certificates that TLS to other services is judged by. It is
# glibc, because aws-lc does not link reliably against musl.
RUN for library in $(ldd /image/auth-service | grep -o '/[^ ]*'); do \
        install -D "$library" "/image$library" || exit 1; \
    done \
    && install -D -m 0644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt

FROM scratch
COPY --from=build --chown=65532:65532 /image/ /
ENV DATA_DIR=/data
USER 65532:65532
VOLUME /data
EXPOSE 4000 4001 4002
ENTRYPOINT ["/auth-service"]
CMD ["serve"]

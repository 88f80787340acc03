# normd and normctl on Debian 12: built in one stage, run in another that has no compiler.
# BASE: the same distribution from elsewhere, as from a mirror.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
WORKDIR /normd
COPY deploy/install-packages.sh deploy/packages.txt deploy/
RUN deploy/install-packages.sh build
COPY . .
RUN deploy/build.sh normd normctl && strip build/release/bin/normd build/release/bin/normctl

FROM ${BASE}
COPY deploy/image/dpkg.cfg /etc/dpkg/dpkg.cfg.d/normd
COPY deploy/install-packages.sh deploy/packages.txt /tmp/
RUN /tmp/install-packages.sh run && apt-get clean && \
    rm -rf /tmp/* /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log /var/cache/ldconfig/aux-cache \
        /var/cache/debconf/*-old /var/lib/dpkg/*-old
COPY deploy/image/normd.flags /etc/normd/
COPY --from=build /normd/build/release/bin/ /usr/local/bin/
# Fails here, not at the user's, where a library is missing.
RUN normd --version && normctl --help >/dev/null
# By number, so that Kubernetes can tell that it is not root.
USER 65532:65532
EXPOSE 50051 9464
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s \
    CMD ["normd", "healthcheck", "--flagfile=/etc/normd/normd.flags"]
# Arguments of `docker run` follow the file's flags, and win.
ENTRYPOINT ["normd", "--flagfile=/etc/normd/normd.flags"]

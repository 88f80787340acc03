# normd and normctl on Debian 12: built in one stage, run in another that has no compiler.
FROM debian:bookworm-slim AS build
WORKDIR /normd
COPY deploy deploy
RUN deploy/install-packages.sh build
COPY . .
RUN deploy/build.sh normd normctl && strip build/release/bin/normd build/release/bin/normctl

FROM debian:bookworm-slim
COPY deploy/install-packages.sh deploy/packages.txt /tmp/
RUN /tmp/install-packages.sh run && rm -rf /var/lib/apt/lists/* /tmp/*
COPY --from=build /normd/build/release/bin/ /usr/local/bin/
USER nobody
EXPOSE 50051
ENTRYPOINT ["normd"]
CMD ["--listen=0.0.0.0:50051", "--log_format=json"]

# The image of the action and of CI jobs: ai-ship, bash and the CA certificates;
# nothing else in it runs. Plain instructions, so that every builder makes it.
FROM golang:1.26.8-bookworm@sha256:a688600ca24f8a4d3ca77f95b0dd40704a9fc787c826660eb7ba0b641b8b175d AS go

FROM go AS build
ENV GOTOOLCHAIN=local GOEXPERIMENT=jsonv2 CGO_ENABLED=0 GOFLAGS=-trimpath
WORKDIR /src
# The engines take minutes to download and compile: a layer of their own, which a
# change of other code does not touch.
COPY go.mod go.sum ./
COPY pkg/scan/trivy pkg/scan/trivy
COPY pkg/sign/sigstore pkg/sign/sigstore
RUN go build $(go list -e -f '{{join .Imports "\n"}}' ./pkg/scan/trivy ./pkg/sign/sigstore | grep '\..*/' | grep -v ^github.com/org/ai-ship)
COPY main.go guard.go ./
COPY pkg pkg
ARG VERSION=dev
RUN go build -buildvcs=false -ldflags "-s -w -X main.version=$VERSION" -o /out/usr/local/bin/ai-ship .

# The root of the image. Scanners find its packages in status.d.
FROM go AS root
RUN mkdir -p /out/var/lib/dpkg/status.d /out/etc && \
    cp -L --parents /bin/bash $(ldd /bin/bash | grep -o '/lib[^ ]*') /etc/ssl/certs/ca-certificates.crt /etc/debian_version /etc/os-release /out && \
    for package in base-files bash ca-certificates libc6 libtinfo6; do dpkg-query -s $package >/out/var/lib/dpkg/status.d/$package || exit 1; done && \
    ln -s bash /out/bin/sh && \
    echo 'root:x:0:0:root:/root:/bin/bash' >/out/etc/passwd && \
    echo 'root:x:0:' >/out/etc/group && \
    install -d -m 1777 /out/tmp /out/home/ai-ship

FROM scratch
COPY --from=root /out /
COPY --from=build /out /
COPY entrypoint.sh /
# Whoever the container runs as can write there; GitHub sets its own.
ENV PATH=/usr/local/bin:/bin HOME=/home/ai-ship
ENTRYPOINT ["/entrypoint.sh"]

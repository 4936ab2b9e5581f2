# syntax=docker/dockerfile:1
# All that builds, tests and checks popaug (docs/container.md):
#   docker build -f docker/development.Dockerfile -t popaug-development .
# The versions of Debian's packages are those of its release.
# hadolint global ignore=DL3008

FROM debian:12-slim AS development
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
ENV DEBIAN_FRONTEND=noninteractive CCACHE_DIR=/ccache PIP_CACHE_DIR=/pip-cache
WORKDIR /popaug
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates git make python3 \
    && rm -rf /var/lib/apt/lists/*
# A layer of its own: it changes only with the requirements.
COPY tools/setup tools/setup
COPY tools/requirements tools/requirements
RUN --mount=type=cache,target=/pip-cache tools/setup check
COPY . .
RUN --mount=type=cache,target=/ccache make
CMD ["bash"]

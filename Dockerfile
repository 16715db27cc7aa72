# The image of the agent: one process, and the tools through which it drives the kernel.
#
#   buildah build --timestamp 0 --tag caracal:0.1.0 .
#
# The same sources on the same base, and the same packages of Debian, make the same image, layer by layer: packages of npm
# by the lock file, no logs, no caches, no time of day.

# ---- the program: one bundle of ours and of what it needs of others

FROM node:24-bookworm-slim AS build
ARG DEBIAN_FRONTEND=noninteractive
# Symbols are for debuggers, and a seventh of node.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends binutils \
 && strip /usr/local/bin/node
WORKDIR /caracal
COPY package.json package-lock.json ./
# No install scripts: what of it is native comes as a file.
RUN npm ci --omit=dev --ignore-scripts
COPY scripts/build.ts scripts/notices.ts scripts/
COPY src src
# koffi is not in the bundle: of its two packages comes what Node loads.
RUN node scripts/build.ts dist && node dist/main.js version \
 && cd node_modules && find koffi @koromix -type f -not -regex '.*\.\([cm]?js\|json\|node\)' -not -iname 'licen[cs]e*' -delete

# ---- the image: no npm, no shell script

FROM debian:bookworm-slim
# iproute2    routes, devices, neighbours
# iptables, ipset, conntrack, kmod   NAT in either iptables, and its modules
# nftables    policy that calico-node left there
# ethtool     checksum offload, off on old kernels
# libstdc++6  of node
ARG DEBIAN_FRONTEND=noninteractive
RUN apt-get update \
 && apt-get install --yes --no-install-recommends iproute2 iptables ipset conntrack nftables kmod ethtool \
    libstdc++6 \
 && rm -rf /var/lib/apt/lists /var/cache/* /var/log/*
COPY --from=build /usr/local/bin/node /usr/local/bin/
COPY --from=build /caracal/package.json /caracal/
COPY --from=build /caracal/node_modules/koffi /caracal/node_modules/koffi
COPY --from=build /caracal/node_modules/@koromix /caracal/node_modules/@koromix
COPY --from=build /caracal/dist /caracal/dist
RUN ln -s /caracal/dist/main.js /usr/local/bin/agent

# Probes are answered, as in calico-node's image. Less room for new objects than V8 takes by itself saves memory, still
# less costs time; so does one thread beside ours, that compiles and collects, save some. --expose-gc lets the agent give back
# what its start has taken, 25 MB (docs/performance.md).
ENV FELIX_HEALTHENABLED=true NODE_OPTIONS="--max-semi-space-size=8 --v8-pool-size=1 --expose-gc"
ENTRYPOINT ["agent"]
CMD ["run"]

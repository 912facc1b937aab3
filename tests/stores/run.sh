#!/usr/bin/env bash
# Are checkpoints safe in a cloud's store? Starts servers that speak S3's and Azure's language on this machine, and runs the
# tests that put checkpoints there. Google's is compiled and not tried: the server that there is for it refuses the
# requests that object_store sends.
#
# Needs cargo, python3 with venv, and npm; whatever else comes from the package registries into target/stores. Whatever
# it starts it ends, by process number.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
exec </dev/null

readonly patience_seconds=60
mkdir -p target/stores
work=$(cd target/stores && pwd -P)
readonly work
script=stores
# shellcheck source=tests/servers.sh
source tests/servers.sh

# made NAME COMMAND…: makes something in $work once.
made() {
    local name=$1
    shift
    [[ ! -e $work/$name.made ]] || return 0
    "$@" >"$folder/$name.log" 2>&1 || fail "$name could not be installed"
    touch "$work/$name.made"
}

install_s3() {
    python3 -m venv "$work/moto" && "$work/moto/bin/pip" install -q 'moto[s3,server]==5.2.5'
}

install_azure() {
    npm install --silent --no-audit --no-fund --prefix "$work/azurite" azurite@3.35.0
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# start NAME PORT COMMAND…: in the background, with its output in a file; returns when the port answers.
start() {
    local name=$1 port=$2 until=$((SECONDS + patience_seconds))
    shift 2
    "$@" >"$folder/$name.log" 2>&1 &
    local pid=$!
    started+=("$pid")
    until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
        kill -0 "$pid" 2>/dev/null || fail "$name has ended"
        ((SECONDS < until)) || fail "$name does not answer within $patience_seconds s"
        sleep 0.2
    done
}

made moto install_s3
port=$(free_port)
start s3 "$port" "$work/moto/bin/moto_server" -H 127.0.0.1 -p "$port"
export AWS_ACCESS_KEY_ID=watchbell AWS_SECRET_ACCESS_KEY=hush-hush-s3 AWS_REGION=us-east-1
export AWS_ENDPOINT=http://127.0.0.1:$port AWS_ALLOW_HTTP=true
"$work/moto/bin/python" - <<'PYTHON'
import boto3, os
boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT"], region_name=os.environ["AWS_REGION"]).create_bucket(Bucket="states")
PYTHON

made azurite install_azure
port=$(free_port)
start azure "$port" "$work/azurite/node_modules/.bin/azurite-blob" --silent --inMemoryPersistence --skipApiVersionCheck \
    --blobPort "$port"
# The account and key that every emulator has.
export AZURE_STORAGE_USE_EMULATOR=true AZURITE_BLOB_STORAGE_URL=http://127.0.0.1:$port
export AZURE_STORAGE_ACCOUNT_NAME=devstoreaccount1
export AZURE_STORAGE_ACCOUNT_KEY=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==
python3 - <<'PYTHON'
import base64, hashlib, hmac, os, urllib.request
from email.utils import formatdate
account, key = os.environ["AZURE_STORAGE_ACCOUNT_NAME"], base64.b64decode(os.environ["AZURE_STORAGE_ACCOUNT_KEY"])
headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
text = "PUT" + "\n" * 12 + lines + f"/{account}/{account}/states\nrestype:container"
signature = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
headers["Authorization"] = f"SharedKey {account}:{signature}"
url = f"{os.environ['AZURITE_BLOB_STORAGE_URL']}/{account}/states?restype=container"
urllib.request.urlopen(urllib.request.Request(url, method="PUT", headers=headers))
PYTHON

export WATCHBELL_TEST_STORES='s3://states/of/watches az://states/of/watches'
cargo test --features s3,azure,gcs --test it clouds:: -- --nocapture

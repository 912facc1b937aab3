#!/usr/bin/env bash
# Makes a real Kafka broker ready to be started by tests, below target/kafka and nowhere else:
#
#   lib/           the broker's jars, fetched by Maven as pom.xml says, checked against kafka-jars.sha256
#   format/plain/  a formatted directory's two files; a broker's directory begins as a copy of them
#   format/scram/  the same with one user for SASL/SCRAM, whose name and password stand in the file `user`
#   java.args      the arguments that every broker starts with, among them the class path
#   kafka.jsa      the classes of a broker that has run once, as the JVM loads them fastest
#   key            what all this was made from; written last
#
# A second run checks and makes nothing. Runs at the same time wait for each other. A missing Java or Maven is installed
# by apt-get where that is allowed, that is by root; elsewhere the script says how to get it.
set -euo pipefail
# One order of names wherever it runs.
export LC_ALL=C
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
mkdir -p "$here/../../target/kafka"
work=$(cd "$here/../../target/kafka" && pwd -P)

broker=''
trap 'status=$?; [[ -z $broker ]] || kill -KILL "$broker" 2>/dev/null || true; exit "$status"' EXIT

fail() {
    printf 'tests/kafka/prepare.sh: %s\n' "$*" >&2
    exit 1
}

say() {
    printf 'kafka: %s\n' "$*"
}

# need COMMAND PACKAGE: the command is there, or becomes so.
need() {
    command -v "$1" >/dev/null && return
    local install="apt-get install -y --no-install-recommends $2"
    [[ $(id -u) == 0 ]] || fail "tests with a real Kafka broker need \`$1\`, which is missing. On Debian or Ubuntu: sudo $install." \
        'Tests that need no broker: cargo test --no-default-features --features mimalloc'
    command -v apt-get >/dev/null || fail "\`$1\` is missing, and so is apt-get, which would install it"
    say "installing $2"
    DEBIAN_FRONTEND=noninteractive apt-get update -qq >/dev/null
    DEBIAN_FRONTEND=noninteractive $install -qq >/dev/null
    command -v "$1" >/dev/null || fail "\`$1\` is missing though $2 was installed"
}

jars_are_right() {
    [[ -d $work/lib ]] && (cd "$work/lib" && sha256sum -c --quiet --strict "$here/kafka-jars.sha256") >/dev/null 2>&1
}

fetch_jars() {
    jars_are_right && return
    need mvn maven
    say 'fetching the jars'
    rm -rf "$work/lib" "$work/fetched"
    mvn -q -B -ntp -C -Dmaven.wagon.http.retryHandler.count=3 -f "$here/pom.xml" \
        org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
        -DincludeScope=runtime -DoutputDirectory="$work/fetched" >"$work/maven.log" 2>&1 || {
        cat "$work/maven.log" >&2
        fail 'Maven could not fetch the jars'
    }
    diff <(ls "$work/fetched") <(jar_names) || fail 'what Maven fetched is not what kafka-jars.sha256 lists'
    mv "$work/fetched" "$work/lib"
    jars_are_right || fail 'a jar differs from kafka-jars.sha256'
}

# The names in the list, in its order, which is that of the class path: the archive of classes depends on it.
jar_names() {
    sed 's/^[0-9a-f]\{64\}  //' "$here/kafka-jars.sha256"
}

# What the files made here follow from. The archive knows its JVM and the jars by place and time.
key() {
    local java
    java=$(readlink -f "$(command -v java)")
    sha256sum "$here/prepare.sh" "$here/server.properties" "$here/kafka-jars.sha256" | cut -d ' ' -f 1
    stat -c '%n %s %Y' "$java" "${java%/bin/java}"/lib/server/libjvm.so "$work"/lib/*.jar
}

write_java_args() {
    local jar jars=''
    while read -r jar; do
        jars+=${jars:+:}$work/lib/$jar
    done < <(jar_names)
    # In an argument file, backslash and quotes are the only marks within quotes.
    jars=${jars//\\/\\\\}
    printf '%s\n' -XX:+UseSerialGC -XX:-UsePerfData \
        -Dorg.slf4j.simpleLogger.logFile=System.out \
        -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
        -Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info \
        -cp "\"${jars//\"/\\\"}\"" >"$work/java.args"
}

# properties DIR PORT CONTROLLER_PORT
properties() {
    local text
    text=$(<"$here/server.properties")
    text=${text//@DIR@/"$1"}
    text=${text//@PORT@/"$2"}
    printf '%s\n' "${text//@CONTROLLER_PORT@/"$3"}"
}

# format NAME ARGUMENT…
format() {
    local dir=$work/format/$1
    shift
    mkdir -p "$dir"
    properties "$dir" 9092 9093 >"$dir/server.properties"
    java "@$work/java.args" -XX:TieredStopAtLevel=1 kafka.tools.StorageTool format \
        -t d2F0Y2hiZWxsLXRlc3RzMA -c "$dir/server.properties" "$@" >"$dir/log" 2>&1 || {
        cat "$dir/log" >&2
        fail 'the directory could not be formatted'
    }
    mv "$dir"/data/{bootstrap.checkpoint,meta.properties} "$dir"
    rm -r "$dir/data" "$dir/server.properties" "$dir/log"
}

format_directories() {
    say 'formatting'
    rm -rf "$work/format"
    format plain
    local user=watchbell password=known-to-tests-only
    format scram --add-scram "SCRAM-SHA-512=[name=$user,password=$password]"
    printf '%s\n' "$user" "$password" >"$work/format/scram/user"
}

# int16 N, int32 N, string TEXT: as Kafka's protocol writes them, in printf's escapes.
int16() { printf '\\x%02x\\x%02x' $(($1 >> 8 & 255)) $(($1 & 255)); }
int32() { printf '%s%s' "$(int16 $(($1 >> 16)))" "$(int16 $(($1 & 65535)))"; }
string() { printf '%s%s' "$(int16 ${#1})" "$1"; }

# ask API VERSION BODY: sends one request to the broker at port $port and reads the size of the answer.
ask() {
    local request answer
    request=$(int16 "$1")$(int16 "$2")$(int32 7)$(string prepare)$3
    exec 8<>"/dev/tcp/127.0.0.1/$port"
    printf "$(int32 "$(printf "$request" | wc -c)")$request" >&8
    answer=$(head -c 4 <&8 | wc -c)
    exec 8>&-
    ((answer == 4))
}

# Has the broker make a topic, elect its leader and write a record: what the first test would have it load.
exercise() {
    local find_coordinator=10 init_producer_id=22 try
    for try in {1..50}; do
        ask $find_coordinator 1 "$(string warm)\\x01" && ask $init_producer_id 1 "$(string warm)$(int32 60000)" || return 1
        compgen -G "$work/training/data/__transaction_state-0/*.log" >/dev/null &&
            [[ -s $(compgen -G "$work/training/data/__transaction_state-0/*.log") ]] && return
        sleep 0.1
    done
    return 1
}

# Runs a broker once and keeps the classes it loaded: every later start takes half the time.
archive_classes() {
    local port try waited
    say 'archiving classes'
    for try in {1..5}; do
        rm -rf "$work/training" "$work/kafka.jsa"
        mkdir -p "$work/training/data"
        cp "$work"/format/plain/* "$work/training/data"
        port=$((10000 + RANDOM % 22000))
        properties "$work/training" "$port" $((port + 1)) >"$work/training/server.properties"
        java "@$work/java.args" -XX:TieredStopAtLevel=1 "-XX:ArchiveClassesAtExit=$work/kafka.jsa" \
            kafka.Kafka "$work/training/server.properties" >"$work/training/log" 2>&1 9>&- &
        broker=$!
        for ((waited = 0; waited < 600; waited++)); do
            grep -q 'Kafka Server started' "$work/training/log" && break
            kill -0 "$broker" 2>/dev/null || break
            sleep 0.1
        done
        if grep -q 'Kafka Server started' "$work/training/log"; then
            exercise || fail 'the broker that should be archived does not answer'
            kill -TERM "$broker"
            wait "$broker" || true
            broker=''
            [[ -s $work/kafka.jsa ]] || fail "java wrote no archive of classes: $(tail -5 "$work/training/log")"
            rm -r "$work/training"
            return
        fi
        kill -KILL "$broker" 2>/dev/null || true
        wait "$broker" || true
        broker=''
        # Somebody else's port: take another.
        grep -q 'Address already in use' "$work/training/log" || break
    done
    tail -20 "$work/training/log" >&2
    fail 'the broker did not start'
}

exec 9>"$work/lock"
flock 9
need java default-jre-headless
fetch_jars
if [[ ! -s $work/key || $(<"$work/key") != "$(key)" ]]; then
    rm -f "$work/key"
    write_java_args
    format_directories
    archive_classes
    key >"$work/key"
fi
say "ready, $(jar_names | wc -l) jars"

#!/bin/bash
# Starts the Kafka Connect worker in a container: fills in what stands between @ in connect-worker.properties.
#
# Needs BOOTSTRAP_SERVERS, ADVERTISED_HOST and REPLICATION_FACTOR. CLIENT_PROPERTIES names a file with the security settings of a
# Kafka client; the worker, its producers and its consumers all get them.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
config=${TMPDIR:-/tmp}/connect-worker.properties
umask 077
sed -e "s|@BOOTSTRAP_SERVERS@|$BOOTSTRAP_SERVERS|" \
    -e "s|@LISTENERS@|http://0.0.0.0:8083|" \
    -e "s|@ADVERTISED_HOST@|$ADVERTISED_HOST|" \
    -e "s|@REPLICATION_FACTOR@|$REPLICATION_FACTOR|" \
    -e "s|@PLUGIN_PATH@|/kafka/connect|" \
    "$here/connect-worker.properties" >"$config"
# Of two lines with one key the later counts.
if [ -n "${CLIENT_PROPERTIES:-}" ]; then
    for prefix in '' producer. consumer.; do
        printf '\n'
        sed -e '/^[[:space:]]*\(#\|$\)/d' -e "s|^|$prefix|" "$CLIENT_PROPERTIES"
    done >>"$config"
fi
export KAFKA_LOG4J_OPTS="-Dlog4j2.configurationFile=$here/connect-log4j2.properties" LOG_DIR=${TMPDIR:-/tmp}/logs
exec /kafka/bin/connect-distributed.sh "$config"

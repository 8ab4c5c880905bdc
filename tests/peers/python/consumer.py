"""A consumer of stock_level changes as it is often written: Kafka -> Avro -> guarded, pipelined writes to Redis.

It does the work of `onhand consume cache`, with the same Lua guard, the same batches and the same rows, so that the two can be
compared. README.md beside this file says what is tuned and what is left out. Settings come from the environment (PEER_*).
Prints how many records are settled, after each batch; ends when all that it was told of are settled and committed.
"""

import gc
import io
import json
import os
import signal
import struct
import sys
import time
import urllib.request
from datetime import datetime, timezone

import fastavro
import redis
from confluent_kafka import Consumer, KafkaError, KafkaException

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
COMMIT_SECONDS = 0.5


def setting(name):
    return os.environ["PEER_" + name]


class Schemas:
    """Parsed schemas by their id in the registry."""

    def __init__(self, url):
        self.url = url.rstrip("/")
        self.known = {}

    def get(self, schema_id):
        schema = self.known.get(schema_id)
        if schema is None:
            with urllib.request.urlopen(f"{self.url}/schemas/ids/{schema_id}", timeout=10) as answer:
                schema = fastavro.parse_schema(json.loads(json.load(answer)["schema"]))
            self.known[schema_id] = schema
        return schema


def decode(schemas, value):
    magic, schema_id = struct.unpack_from(">bI", value)
    if magic != 0:
        raise ValueError("not a Confluent frame")
    body = io.BytesIO(value)
    body.seek(5)
    return fastavro.schemaless_reader(body, schemas.get(schema_id))


def millis(text):
    """Milliseconds since 1970 of a timestamp in text."""
    return int((datetime.fromisoformat(text) - EPOCH).total_seconds() * 1000)


def row_text(row):
    """A row as the guard reads it."""
    hold = row["next_hold_at"]
    moved = row["last_movement_at"]
    return (
        f"{row['version']} {row['on_hand']} {row['reserved']} {row['in_transit']} {row['backordered']} {row['damaged']} "
        f"{row['available']} {row['safety_stock']} {row['reorder_point']} {row['status']} "
        f"{millis(hold) if hold else '-'} {millis(moved) if moved else 0}"
    )


def tombstone_text(row):
    return f"{row['version']} 0 0 0 0 0 0 0 0 deleted - 0"


def newest(schemas, messages):
    """Of each item and location only the newest row, by item, with the time of the newest change of the item."""
    items = {}
    for message in messages:
        value = message.value()
        if value is None:
            continue
        change = decode(schemas, value)
        deleted = change["op"] == "d"
        row = change["before"] if deleted else change["after"]
        at = change["source"]["ts_ms"]
        item = items.get(row["item_id"])
        if item is None:
            item = items[row["item_id"]] = [at, {}]
        elif at > item[0]:
            item[0] = at
        rank = (row["version"], deleted)
        held = item[1].get(row["location_id"])
        if held is None or rank > held[0]:
            item[1][row["location_id"]] = (rank, row)
    return items


def write(client, sha, prefix, items):
    """One pipeline: a call of the guard for each item."""
    pipeline = client.pipeline(transaction=False)
    for item, (at, rows) in items.items():
        arguments = []
        for location, ((_, deleted), row) in rows.items():
            arguments.append(location)
            arguments.append(tombstone_text(row) if deleted else row_text(row))
        pipeline.evalsha(sha, 1, f"{prefix}stock:{{{item}}}", "apply", at, *arguments)
    pipeline.execute()


def consumer():
    settings = json.loads(setting("KAFKA"))
    settings.update(
        {
            "group.id": setting("GROUP"),
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            # What the client keeps ready: plenty, so that Python never waits for a fetch.
            "queued.min.messages": 100000,
            "queued.max.messages.kbytes": 65536,
            "fetch.min.bytes": 1,
            "fetch.wait.max.ms": 100,
        }
    )
    return Consumer(settings)


def records(kafka, size):
    """The next batch; what waits, up to the size."""
    messages = kafka.consume(num_messages=size, timeout=0.1)
    for message in messages:
        error = message.error()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            raise KafkaException(error)
    return [message for message in messages if message.error() is None]


def commit_rest(kafka):
    try:
        kafka.commit(asynchronous=False)
    except KafkaException as problem:
        # The last batch was committed already.
        if problem.args[0].code() != KafkaError._NO_OFFSET:
            raise


def main():
    # Ends as if by ctrl-c, which closes the consumer.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    schemas = Schemas(setting("REGISTRY"))
    client = redis.Redis.from_url(setting("REDIS"), socket_timeout=60)
    with open(setting("SCRIPT"), encoding="utf-8") as script:
        sha = client.script_load(script.read())
    prefix, size, expected = setting("KEY_PREFIX"), int(setting("BATCH")), int(setting("RECORDS"))
    kafka = consumer()
    kafka.subscribe([setting("TOPIC")])
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
    settled, committed = 0, time.monotonic()
    try:
        while settled < expected:
            messages = records(kafka, size)
            if not messages:
                continue
            write(client, sha, prefix, newest(schemas, messages))
            settled += len(messages)
            # Offsets only after Redis has confirmed.
            if time.monotonic() - committed >= COMMIT_SECONDS:
                kafka.commit(asynchronous=True)
                committed = time.monotonic()
            print(settled, flush=True)
        commit_rest(kafka)
        # Stays until it is ended, so that its last figures can be read.
        signal.pause()
    finally:
        kafka.close()


if __name__ == "__main__":
    main()

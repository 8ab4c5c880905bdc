"""Reads topics to their end as any third party would, and prints every record as a line of JSON.

usage: reader.py BROKERS REGISTRY [--as FILE] TOPIC...    (REGISTRY is the base of the Confluent API)

Knows nothing of Onhand but where its registry is. What is registered for the values of a topic says what they are: Avro, then
each is decoded with the schema under the id in its frame; JSON; or nothing, then they are bytes. A value that is not what it
should be is printed as what is wrong with it. With --as, Avro is resolved to the schema in that file, which is the one that the
reader is built for, whatever a record was written with.
"""

import io
import json
import struct
import sys
import urllib.error
import urllib.request

import fastavro
from kafka import KafkaConsumer, TopicPartition


class Registry:
    def __init__(self, base, built_for=None):
        self.base = base
        self.schemas = {}
        self.built_for = built_for

    def get(self, path):
        with urllib.request.urlopen(self.base + path, timeout=30) as answer:
            return json.load(answer)

    def kind(self, topic):
        """What the values of a topic are: AVRO, JSON or None."""
        try:
            latest = self.get(f"/subjects/{topic}-value/versions/latest")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise
        json.loads(latest["schema"])
        return latest.get("schemaType", "AVRO")

    def schema(self, number):
        if number not in self.schemas:
            text = self.get(f"/schemas/ids/{number}")["schema"]
            self.schemas[number] = fastavro.parse_schema(json.loads(text))
        return self.schemas[number]

    def decode(self, value):
        magic, number = struct.unpack(">bI", value[:5])
        if magic != 0:
            raise ValueError(f"frame starts with {magic}")
        body = io.BytesIO(value[5:])
        record = fastavro.schemaless_reader(body, self.schema(number), self.built_for)
        if body.read():
            raise ValueError("bytes are left over")
        return record


def main(brokers, base, topics):
    built_for = None
    if topics[0] == "--as":
        with open(topics[1], encoding="utf-8") as file:
            built_for = fastavro.parse_schema(json.load(file))
        topics = topics[2:]
    registry = Registry(base, built_for)
    consumer = KafkaConsumer(bootstrap_servers=brokers, enable_auto_commit=False, auto_offset_reset="earliest")
    for topic in topics:
        partitions = consumer.partitions_for_topic(topic)
        if not partitions:
            raise ValueError(f"there is no topic {topic}")
        kind = registry.kind(topic)
        places = [TopicPartition(topic, number) for number in sorted(partitions)]
        ends = consumer.end_offsets(places)
        consumer.assign(places)
        consumer.seek_to_beginning()
        while any(consumer.position(place) < ends[place] for place in places):
            for place, records in consumer.poll(timeout_ms=1000).items():
                for record in records:
                    print_record(registry, kind, record)
    consumer.close()


def read(registry, kind, value):
    if value is None or kind is None:
        return None if value is None else value.hex()
    try:
        return registry.decode(value) if kind == "AVRO" else json.loads(value)
    except Exception as error:
        return {"unreadable": repr(error)}


def plain(value):
    """What JSON has no form for: bytes as digits, and times, which come as datetime, as what was written."""
    return value.hex() if isinstance(value, bytes) else round(value.timestamp() * 1000)


def print_record(registry, kind, record):
    line = {
        "topic": record.topic,
        "key": record.key.decode(errors="replace") if record.key is not None else None,
        "headers": {name: "" if value is None else value.decode(errors="replace") for name, value in record.headers},
        "value": read(registry, kind, record.value),
    }
    print(json.dumps(line, default=plain))


main(sys.argv[1], sys.argv[2], sys.argv[3:])

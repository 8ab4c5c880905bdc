"""Decodes Avro in the Confluent frame: a zero byte, four bytes of schema id, the datum."""

import io
import json
import struct
import urllib.request

import fastavro


class Registry:
    """The schemas of a registry, each fetched once. `base` is where its Confluent API begins."""

    def __init__(self, base):
        self.base = base.rstrip("/")
        self.schemas = {}

    def schema(self, number):
        if number not in self.schemas:
            with urllib.request.urlopen(f"{self.base}/schemas/ids/{number}", timeout=30) as answer:
                self.schemas[number] = fastavro.parse_schema(json.loads(json.load(answer)["schema"]))
        return self.schemas[number]

    def decode(self, framed):
        """The datum as Python has it; None for None, which is what a delete leaves."""
        if framed is None:
            return None
        magic, number = struct.unpack(">bI", framed[:5])
        if magic != 0:
            raise ValueError("not in the Confluent frame")
        return fastavro.schemaless_reader(io.BytesIO(framed[5:]), self.schema(number))


def to_the_end(consumer, topic):
    """The records of a topic from its beginning to where it ended when this was called; those of one key in their order."""
    from kafka import TopicPartition

    places = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic))]
    ends = consumer.end_offsets(places)
    consumer.assign(places)
    consumer.seek_to_beginning()
    while any(consumer.position(place) < ends[place] for place in places):
        for records in consumer.poll(timeout_ms=1000).values():
            yield from records

"""Builds the table inventory.stock_level again from its change topic, and prints its rows as lines of JSON.

usage: stock_levels.py BROKERS REGISTRY

    pip install kafka-python fastavro zstandard
    python docs/examples/stock_levels.py 127.0.0.1:17092 http://127.0.0.1:17081/apis/ccompat/v7
"""

import json
import sys

from confluent_avro import Registry, to_the_end
from kafka import KafkaConsumer

TOPIC = "onhand.inventory.stock_level"


def main(brokers, base):
    registry = Registry(base)
    consumer = KafkaConsumer(bootstrap_servers=brokers, enable_auto_commit=False)
    table = {}
    for record in to_the_end(consumer, TOPIC):
        try:
            key, change = registry.decode(record.key), registry.decode(record.value)
        except Exception as error:
            # Nobody but the connector should write here. What cannot be read must not stop the rest.
            print(f"partition {record.partition}, offset {record.offset}: {error!r}", file=sys.stderr)
            continue
        place = (key["item_id"], key["location_id"])
        if change is None or change["op"] == "d":
            # A delete, and the tombstone behind it; the tombstone alone is left once the topic has been compacted.
            table.pop(place, None)
            continue
        # The row as it is now: created (c), updated (u), or read by a snapshot (r), which may bring a row again.
        row = change["after"]
        known = table.get(place)
        if known is None or row["version"] >= known["version"]:
            table[place] = row
    consumer.close()
    for place in sorted(table):
        print(json.dumps(table[place]))


main(*sys.argv[1:])

"""Prints each event of inventory.stock.events once, as a line of JSON.

usage: stock_events.py BROKERS REGISTRY

    pip install kafka-python fastavro zstandard
    python docs/examples/stock_events.py 127.0.0.1:17092 http://127.0.0.1:17081/apis/ccompat/v7
"""

import json
import sys

from confluent_avro import Registry, to_the_end
from kafka import KafkaConsumer

TOPIC = "inventory.stock.events"


def main(brokers, base):
    registry = Registry(base)
    consumer = KafkaConsumer(bootstrap_servers=brokers, enable_auto_commit=False)
    newest = {}
    again = 0
    for record in to_the_end(consumer, TOPIC):
        event = registry.decode(record.value)
        level = event["stock_level"]
        place = (event["item"]["id"], level["location_id"])
        version = int(event["metadata"]["version"])
        # A repetition starts further back and leaves nothing out: what is not newer has been here before. One number for each
        # balance is all that has to be remembered; whoever goes on after a restart keeps it beside the result.
        if version <= newest.get(place, 0):
            again += 1
            continue
        newest[place] = version
        change = event["change"]
        line = {
            "event_id": event["event_id"],
            "sku": event["item"]["sku"],
            "location": level["location_id"],
            "version": version,
            "change_type": change["change_type"],
            "change": change["new_quantity"] - change["previous_quantity"],
            "on_hand": level["quantity"],
            "available": level["available"],
            "at": event["event_time"].isoformat(),
        }
        print(json.dumps(line))
    consumer.close()
    print(f"{len(newest)} balances, {again} events came again", file=sys.stderr)


main(*sys.argv[1:])

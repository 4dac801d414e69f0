"""kafka-python behind the line protocol of test/clients/README.md."""

import sys
import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.errors import KafkaError

from wire import STEP_SECONDS, encode, serve, tell, to_bytes

STEP_MS = int(STEP_SECONDS * 1000)
# kafka-python 3.0.12 never finishes a join that a poll's end interrupts if the metadata came meanwhile: it takes the
# group for joined, sends no heartbeats and owns nothing. A poll must outlast a join.
MEMBER_POLL_MS = 1000
WAIT_SECONDS = 30


def records_of(polled):
    return [
        encode(r.partition, r.offset, r.timestamp, r.key, r.value, r.headers)
        for records in polled.values()
        for r in records
    ]


class Driver:
    def __init__(self, bootstrap):
        self.bootstrap = bootstrap
        self.admin_client = None
        self.producers = {}
        self.reader = None
        self.pending = []
        self.member = None

    @property
    def admin(self):
        if self.admin_client is None:
            self.admin_client = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        return self.admin_client

    def again(self, ask):
        """The admin client does not try again by itself when its connection was lost."""
        until = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                return ask()
            except KafkaError as error:
                if not error.retriable or time.monotonic() > until:
                    raise
                time.sleep(STEP_SECONDS)

    def consumer(self, **settings):
        return KafkaConsumer(
            bootstrap_servers=self.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest", **settings
        )

    def create_topic(self, c):
        self.admin.create_topics([NewTopic(c["topic"], c["partitions"], 1)])

    def delete_topic(self, c):
        self.admin.delete_topics([c["topic"]])

    def list_topics(self, c):
        return {"topics": list(self.admin.list_topics())}

    def partitions(self, topic):
        (is_,) = self.again(lambda: self.admin.describe_topics([topic]))
        if is_["error_code"]:
            raise RuntimeError(f"error code {is_['error_code']}")
        return sorted(p["partition_index"] for p in is_["partitions"])

    def describe_topic(self, c):
        return {"partitions": len(self.partitions(c["topic"]))}

    def produce(self, c):
        codec = c["codec"]
        if codec not in self.producers:
            self.producers[codec] = KafkaProducer(
                bootstrap_servers=self.bootstrap, compression_type=None if codec == "none" else codec
            )
        producer = self.producers[codec]
        sent = [
            producer.send(
                c["topic"],
                partition=r["partition"],
                key=to_bytes(r["key"]),
                value=to_bytes(r["value"]),
                timestamp_ms=r["timestamp"],
                headers=[(name, to_bytes(data)) for name, data in r["headers"]],
            )
            for r in c["records"]
        ]
        producer.flush(WAIT_SECONDS)
        return {"offsets": [f.get(WAIT_SECONDS).offset for f in sent]}

    def open(self, c):
        self.reader = self.consumer()
        self.pending = []
        at = [TopicPartition(c["topic"], p) for p in self.partitions(c["topic"])]
        self.reader.assign(at)
        if c["from"] == "end":
            self.reader.seek_to_end(*at)
        else:
            self.reader.seek_to_beginning(*at)
        return {"positions": {str(p.partition): self.reader.position(p) for p in at}}

    def take(self, c):
        until = time.monotonic() + c["timeoutMs"] / 1000
        while len(self.pending) < c["count"] and time.monotonic() < until:
            self.pending += records_of(self.reader.poll(STEP_MS))
        got, self.pending = self.pending, []
        return {"records": got}

    def close(self, c):
        self.reader.close()

    def join(self, c):
        driver = self

        class Listener(ConsumerRebalanceListener):
            def on_partitions_revoked(self, revoked):
                report(driver.member.assignment() - set(revoked))

            def on_partitions_assigned(self, assigned):
                report(driver.member.assignment())

        def report(owned):
            tell({"event": "assigned", "partitions": sorted(p.partition for p in owned)})

        self.member = self.consumer(
            group_id=c["group"],
            session_timeout_ms=c["sessionTimeoutMs"],
            heartbeat_interval_ms=1000,
            metadata_max_age_ms=1000,
        )
        self.member.subscribe([c["topic"]], listener=Listener())

    def leave(self, c):
        self.member.close()
        self.member = None

    def poll_member(self):
        return records_of(self.member.poll(MEMBER_POLL_MS))

    def commit_member(self, records):
        self.member.commit()
        return {str(r["partition"]): r["offset"] + 1 for r in records}

    def committed(self, c):
        answer = self.again(lambda: self.admin.list_group_offsets({c["group"]: None}))[c["group"]]
        at = {p.partition: o.offset for p, o in answer.items() if p.topic == c["topic"]}
        return {"offsets": {str(p): at.get(p, -1) for p in self.partitions(c["topic"])}}

    def offsets_for_time(self, c):
        with_reader = self.consumer()
        asked = {TopicPartition(c["topic"], p): c["timestamp"] for p in self.partitions(c["topic"])}
        answer = with_reader.offsets_for_times(asked)
        with_reader.close()
        return {"offsets": {str(p.partition): -1 if o is None else o.offset for p, o in answer.items()}}

    def end_offsets(self, c):
        with_reader = self.consumer()
        answer = with_reader.end_offsets([TopicPartition(c["topic"], p) for p in self.partitions(c["topic"])])
        with_reader.close()
        return {"offsets": {str(p.partition): o for p, o in answer.items()}}


serve(Driver(sys.argv[1]))

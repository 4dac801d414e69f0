"""confluent-kafka (librdkafka) behind the line protocol of test/clients/README.md."""

import sys
import time

import confluent_kafka as ck
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from wire import STEP_SECONDS, encode, serve, tell, to_bytes

WAIT_SECONDS = 30


def record_of(r):
    return encode(r.partition(), r.offset(), r.timestamp()[1], r.key(), r.value(), r.headers())


class Driver:
    def __init__(self, bootstrap):
        self.settings = {"bootstrap.servers": bootstrap}
        # When every broker is gone, librdkafka 2.16 starts again from the bootstrap address and drops the brokers it knew;
        # its admin client's table of coordinators keeps the dropped one and waits for it for ever, beside a connection
        # that is up.
        self.admin = AdminClient({**self.settings, "metadata.recovery.strategy": "none"})
        self.producers = {}
        self.reader = None
        self.member = None
        self.owned = set()

    def create_topic(self, c):
        for done in self.admin.create_topics([NewTopic(c["topic"], c["partitions"], 1)]).values():
            done.result(WAIT_SECONDS)

    def delete_topic(self, c):
        for done in self.admin.delete_topics([c["topic"]]).values():
            done.result(WAIT_SECONDS)

    def list_topics(self, c):
        return {"topics": list(self.admin.list_topics(timeout=WAIT_SECONDS).topics)}

    def partitions(self, topic):
        is_ = self.admin.list_topics(topic, timeout=WAIT_SECONDS).topics[topic]
        if is_.error:
            raise ck.KafkaException(is_.error)
        return sorted(is_.partitions)

    def describe_topic(self, c):
        return {"partitions": len(self.partitions(c["topic"]))}

    def produce(self, c):
        codec = c["codec"]
        if codec not in self.producers:
            self.producers[codec] = ck.Producer(
                {
                    **self.settings,
                    "enable.idempotence": True,
                    "compression.type": codec,
                    "message.max.bytes": 1_048_588,
                    "queue.buffering.max.kbytes": 65536,
                }
            )
        producer = self.producers[codec]
        offsets = [None] * len(c["records"])
        errors = []

        def settle(index):
            def report(error, r):
                if error:
                    errors.append(error)
                else:
                    offsets[index] = r.offset()

            return report

        for index, r in enumerate(c["records"]):
            producer.produce(
                c["topic"],
                partition=r["partition"],
                key=to_bytes(r["key"]),
                value=to_bytes(r["value"]),
                timestamp=r["timestamp"],
                headers=[(name, to_bytes(data)) for name, data in r["headers"]],
                on_delivery=settle(index),
            )
        producer.flush(WAIT_SECONDS)
        if errors:
            raise ck.KafkaException(errors[0])
        return {"offsets": offsets}

    def open(self, c):
        self.reader = ck.Consumer(
            {**self.settings, "group.id": "reader", "enable.auto.commit": False, "auto.offset.reset": "error"}
        )
        at = []
        for p in self.partitions(c["topic"]):
            low, high = self.reader.get_watermark_offsets(TopicPartition(c["topic"], p), WAIT_SECONDS)
            at.append(TopicPartition(c["topic"], p, high if c["from"] == "end" else low))
        self.reader.assign(at)
        return {"positions": {str(p.partition): p.offset for p in at}}

    def take(self, c):
        until = time.monotonic() + c["timeoutMs"] / 1000
        got = []
        while len(got) < c["count"] and time.monotonic() < until:
            r = self.reader.poll(STEP_SECONDS)
            if r is None:
                continue
            if r.error():
                raise ck.KafkaException(r.error())
            got.append(record_of(r))
        return {"records": got}

    def close(self, c):
        self.reader.close()

    def join(self, c):
        self.owned = set()
        self.member = ck.Consumer(
            {
                **self.settings,
                "group.id": c["group"],
                "session.timeout.ms": c["sessionTimeoutMs"],
                "heartbeat.interval.ms": 1000,
                "topic.metadata.refresh.interval.ms": 1000,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
            }
        )

        def change(update):
            def report(_, partitions):
                update({p.partition for p in partitions})
                tell({"event": "assigned", "partitions": sorted(self.owned)})

            return report

        gone = change(self.owned.difference_update)
        self.member.subscribe([c["topic"]], on_assign=change(self.owned.update), on_revoke=gone, on_lost=gone)

    def leave(self, c):
        self.member.close()
        self.member = None

    def poll_member(self):
        got = []
        for r in self.member.consume(500, STEP_SECONDS):
            if r.error():
                raise ck.KafkaException(r.error())
            got.append(record_of(r))
        return got

    def commit_member(self, _records):
        done = self.member.commit(asynchronous=False)
        for p in done:
            if p.error:
                raise ck.KafkaException(p.error)
        return {str(p.partition): p.offset for p in done if p.offset >= 0}

    def committed(self, c):
        asked = [TopicPartition(c["topic"], p) for p in self.partitions(c["topic"])]
        request = [ck.ConsumerGroupTopicPartitions(c["group"], asked)]
        answer = self.admin.list_consumer_group_offsets(request)[c["group"]].result(WAIT_SECONDS)
        return {"offsets": {str(p.partition): max(p.offset, -1) for p in answer.topic_partitions}}

    def offsets(self, topic, spec):
        asked = {TopicPartition(topic, p): spec for p in self.partitions(topic)}
        answer = self.admin.list_offsets(asked)
        return {"offsets": {str(p.partition): f.result(WAIT_SECONDS).offset for p, f in answer.items()}}

    def offsets_for_time(self, c):
        return self.offsets(c["topic"], OffsetSpec.for_timestamp(c["timestamp"]))

    def end_offsets(self, c):
        return self.offsets(c["topic"], OffsetSpec.latest())


serve(Driver(sys.argv[1]))

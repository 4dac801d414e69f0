// sarama behind the line protocol of test/clients/README.md.
package main

import (
	"context"
	"fmt"
	"os"
	"sort"
	"time"

	"github.com/IBM/sarama"

	"isthmus/clients/wire"
)

type driver struct {
	bootstrap []string
	client    sarama.Client
	admin     sarama.ClusterAdmin
	producers map[string]sarama.SyncProducer
	reader    sarama.Consumer
	arrived   chan wire.Record
	stop      context.CancelFunc
	stopped   chan struct{}
}

func main() {
	d := &driver{bootstrap: []string{os.Args[1]}, producers: map[string]sarama.SyncProducer{}}
	wire.Serve(d.perform)
}

func settings() *sarama.Config {
	s := sarama.NewConfig()
	s.ClientID = "sarama-test"
	s.Version = sarama.V3_9_0_0
	return s
}

func (d *driver) perform(c wire.Command) (wire.Result, error) {
	if d.admin == nil {
		var err error
		if d.client, err = sarama.NewClient(d.bootstrap, settings()); err != nil {
			return nil, err
		}
		if d.admin, err = sarama.NewClusterAdminFromClient(d.client); err != nil {
			return nil, err
		}
	}
	switch c.Do {
	case "create-topic":
		return nil, d.admin.CreateTopic(c.Topic, &sarama.TopicDetail{NumPartitions: c.Partitions, ReplicationFactor: 1}, false)
	case "delete-topic":
		return nil, d.admin.DeleteTopic(c.Topic)
	case "list-topics":
		all, err := d.admin.ListTopics()
		names := []string{}
		for name := range all {
			names = append(names, name)
		}
		return wire.Result{"topics": names}, err
	case "describe-topic":
		is, err := d.admin.DescribeTopics([]string{c.Topic})
		if err != nil {
			return nil, err
		}
		if is[0].Err != sarama.ErrNoError {
			return nil, is[0].Err
		}
		return wire.Result{"partitions": len(is[0].Partitions)}, nil
	case "produce":
		return d.produce(c)
	case "open":
		return d.open(c)
	case "take":
		return d.take(c), nil
	case "close":
		return nil, d.reader.Close()
	case "join":
		return nil, d.join(c)
	case "leave":
		d.stop()
		<-d.stopped
		return nil, nil
	case "committed":
		return d.committed(c)
	case "offsets-for-time":
		return d.offsets(c.Topic, c.Timestamp)
	case "end-offsets":
		return d.offsets(c.Topic, sarama.OffsetNewest)
	}
	return nil, fmt.Errorf("unknown verb %s", c.Do)
}

func (d *driver) partitions(topic string) ([]int32, error) {
	if err := d.client.RefreshMetadata(topic); err != nil {
		return nil, err
	}
	return d.client.Partitions(topic)
}

func (d *driver) offsets(topic string, time int64) (wire.Result, error) {
	partitions, err := d.partitions(topic)
	if err != nil {
		return nil, err
	}
	at := map[string]int64{}
	for _, p := range partitions {
		if at[fmt.Sprint(p)], err = d.client.GetOffset(topic, p, time); err != nil {
			return nil, err
		}
	}
	return wire.Result{"offsets": at}, nil
}

var codecs = map[string]sarama.CompressionCodec{
	"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy,
	"lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
}

func (d *driver) produce(c wire.Command) (wire.Result, error) {
	producer := d.producers[c.Codec]
	if producer == nil {
		s := settings()
		s.Producer.Idempotent = true
		s.Net.MaxOpenRequests = 1
		s.Producer.RequiredAcks = sarama.WaitForAll
		s.Producer.Return.Successes = true
		s.Producer.Compression = codecs[c.Codec]
		s.Producer.Partitioner = sarama.NewManualPartitioner
		s.Producer.MaxMessageBytes = 1_048_588
		var err error
		if producer, err = sarama.NewSyncProducer(d.bootstrap, s); err != nil {
			return nil, err
		}
		d.producers[c.Codec] = producer
	}
	sent := []*sarama.ProducerMessage{}
	for _, r := range c.Records {
		one := &sarama.ProducerMessage{Topic: c.Topic, Partition: r.Partition, Timestamp: time.UnixMilli(r.Timestamp)}
		if r.Key != nil {
			one.Key = sarama.ByteEncoder(r.Key)
		}
		if r.Value != nil {
			one.Value = sarama.ByteEncoder(r.Value)
		}
		for _, h := range r.Headers {
			one.Headers = append(one.Headers, sarama.RecordHeader{Key: []byte(h.Name), Value: h.Value})
		}
		sent = append(sent, one)
	}
	if err := producer.SendMessages(sent); err != nil {
		return nil, err
	}
	at := []int64{}
	for _, one := range sent {
		at = append(at, one.Offset)
	}
	return wire.Result{"offsets": at}, nil
}

func recordOf(m *sarama.ConsumerMessage) wire.Record {
	out := wire.Record{
		Partition: m.Partition, Offset: m.Offset, Timestamp: m.Timestamp.UnixMilli(), Key: m.Key, Value: m.Value,
		Headers: []wire.Header{},
	}
	for _, h := range m.Headers {
		out.Headers = append(out.Headers, wire.Header{Name: string(h.Key), Value: h.Value})
	}
	return out
}

func (d *driver) open(c wire.Command) (wire.Result, error) {
	at := sarama.OffsetOldest
	if c.From == "end" {
		at = sarama.OffsetNewest
	}
	positions, err := d.offsets(c.Topic, at)
	if err != nil {
		return nil, err
	}
	partitions, err := d.partitions(c.Topic)
	if err != nil {
		return nil, err
	}
	if d.reader, err = sarama.NewConsumer(d.bootstrap, settings()); err != nil {
		return nil, err
	}
	d.arrived = make(chan wire.Record, 100_000)
	for _, p := range partitions {
		from := positions["offsets"].(map[string]int64)[fmt.Sprint(p)]
		one, err := d.reader.ConsumePartition(c.Topic, p, from)
		if err != nil {
			return nil, err
		}
		go func(into chan wire.Record) {
			for m := range one.Messages() {
				into <- recordOf(m)
			}
		}(d.arrived)
	}
	return wire.Result{"positions": positions["offsets"]}, nil
}

func (d *driver) take(c wire.Command) wire.Result {
	late := time.After(time.Duration(c.TimeoutMs) * time.Millisecond)
	got := []wire.Record{}
	for len(got) < c.Count {
		select {
		case r := <-d.arrived:
			got = append(got, r)
			continue
		case <-late:
		}
		break
	}
	return wire.Result{"records": got}
}

func (d *driver) join(c wire.Command) error {
	s := settings()
	s.Consumer.Group.Session.Timeout = time.Duration(c.SessionTimeoutMs) * time.Millisecond
	s.Consumer.Group.Heartbeat.Interval = time.Second
	s.Consumer.Offsets.Initial = sarama.OffsetOldest
	s.Consumer.Offsets.AutoCommit.Enable = false
	s.Metadata.RefreshFrequency = time.Second
	group, err := sarama.NewConsumerGroup(d.bootstrap, c.Group, s)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	d.stop, d.stopped = stop, make(chan struct{})
	go func() {
		defer close(d.stopped)
		for ctx.Err() == nil {
			if err := group.Consume(ctx, []string{c.Topic}, &member{topic: c.Topic}); err != nil {
				wire.Tell(wire.Result{"event": "trouble", "error": err.Error()})
				time.Sleep(100 * time.Millisecond)
			}
		}
		group.Close()
	}()
	return nil
}

type member struct{ topic string }

func (m *member) Setup(s sarama.ConsumerGroupSession) error {
	owned := []int{}
	for _, p := range s.Claims()[m.topic] {
		owned = append(owned, int(p))
	}
	sort.Ints(owned)
	wire.Tell(wire.Result{"event": "assigned", "partitions": owned})
	return nil
}

func (m *member) Cleanup(sarama.ConsumerGroupSession) error {
	wire.Tell(wire.Result{"event": "assigned", "partitions": []int{}})
	return nil
}

func (m *member) ConsumeClaim(s sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case r, ok := <-claim.Messages():
			if !ok {
				return nil
			}
			wire.Tell(wire.Result{"event": "records", "records": []wire.Record{recordOf(r)}})
			s.MarkMessage(r, "")
			s.Commit()
			wire.Tell(wire.Result{"event": "committed", "offsets": map[string]int64{fmt.Sprint(r.Partition): r.Offset + 1}})
		case <-s.Context().Done():
			return nil
		}
	}
}

func (d *driver) committed(c wire.Command) (wire.Result, error) {
	partitions, err := d.partitions(c.Topic)
	if err != nil {
		return nil, err
	}
	of, err := d.admin.ListConsumerGroupOffsets(c.Group, map[string][]int32{c.Topic: partitions})
	if err != nil {
		return nil, err
	}
	at := map[string]int64{}
	for _, p := range partitions {
		at[fmt.Sprint(p)] = of.GetBlock(c.Topic, p).Offset
	}
	return wire.Result{"offsets": at}, nil
}

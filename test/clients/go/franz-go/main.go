// franz-go behind the line protocol of test/clients/README.md.
package main

import (
	"context"
	"fmt"
	"os"
	"sort"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"isthmus/clients/wire"
)

type driver struct {
	bootstrap string
	admin     *kadm.Client
	producers map[string]*kgo.Client
	reader    *kgo.Client
	pending   []wire.Record
	member    *kgo.Client
	stop      context.CancelFunc
	stopped   chan struct{}
}

func main() {
	d := &driver{bootstrap: os.Args[1], producers: map[string]*kgo.Client{}}
	wire.Serve(d.perform)
}

func (d *driver) perform(c wire.Command) (wire.Result, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if d.admin == nil {
		client, err := kgo.NewClient(kgo.SeedBrokers(d.bootstrap), kgo.MetadataMinAge(10*time.Millisecond))
		if err != nil {
			return nil, err
		}
		d.admin = kadm.NewClient(client)
	}
	switch c.Do {
	case "create-topic":
		_, err := d.admin.CreateTopic(ctx, c.Partitions, 1, nil, c.Topic)
		return nil, err
	case "delete-topic":
		_, err := d.admin.DeleteTopic(ctx, c.Topic)
		return nil, err
	case "list-topics":
		all, err := d.admin.ListTopics(ctx)
		return wire.Result{"topics": all.Names()}, err
	case "describe-topic":
		partitions, err := d.partitions(ctx, c.Topic)
		return wire.Result{"partitions": len(partitions)}, err
	case "produce":
		return d.produce(ctx, c)
	case "open":
		return d.open(ctx, c)
	case "take":
		return d.take(c), nil
	case "close":
		d.reader.Close()
		return nil, nil
	case "join":
		return nil, d.join(c)
	case "leave":
		d.stop()
		<-d.stopped
		d.member.Close()
		return nil, nil
	case "committed":
		return d.committed(ctx, c)
	case "offsets-for-time":
		listed, err := d.admin.ListOffsetsAfterMilli(ctx, c.Timestamp, c.Topic)
		if err != nil {
			return nil, err
		}
		ends, err := d.admin.ListEndOffsets(ctx, c.Topic)
		return offsets(listed, ends), err
	case "end-offsets":
		listed, err := d.admin.ListEndOffsets(ctx, c.Topic)
		return offsets(listed, nil), err
	}
	return nil, fmt.Errorf("unknown verb %s", c.Do)
}

func (d *driver) partitions(ctx context.Context, topic string) ([]int32, error) {
	all, err := d.admin.ListTopics(ctx, topic)
	if err != nil {
		return nil, err
	}
	if err = all.Error(); err != nil {
		return nil, err
	}
	return all[topic].Partitions.Numbers(), nil
}

// ListOffsetsAfterMilli answers the end of the log where no record is late enough; the protocol here wants -1.
func offsets(listed kadm.ListedOffsets, ends kadm.ListedOffsets) wire.Result {
	of := map[string]int64{}
	listed.Each(func(o kadm.ListedOffset) {
		at := o.Offset
		if end, ok := ends.Lookup(o.Topic, o.Partition); ok && end.Offset == at {
			at = -1
		}
		of[fmt.Sprint(o.Partition)] = at
	})
	return wire.Result{"offsets": of}
}

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

func (d *driver) produce(ctx context.Context, c wire.Command) (wire.Result, error) {
	producer := d.producers[c.Codec]
	if producer == nil {
		var err error
		producer, err = kgo.NewClient(
			kgo.SeedBrokers(d.bootstrap), kgo.ProducerBatchCompression(codecs[c.Codec]),
			kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.AllowAutoTopicCreation(),
			kgo.ProducerBatchMaxBytes(1_048_588), kgo.MetadataMinAge(10*time.Millisecond),
		)
		if err != nil {
			return nil, err
		}
		d.producers[c.Codec] = producer
	}
	records := []*kgo.Record{}
	for _, r := range c.Records {
		record := &kgo.Record{
			Topic: c.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Timestamp: time.UnixMilli(r.Timestamp),
		}
		for _, h := range r.Headers {
			record.Headers = append(record.Headers, kgo.RecordHeader{Key: h.Name, Value: h.Value})
		}
		records = append(records, record)
	}
	if err := producer.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return nil, err
	}
	at := []int64{}
	for _, r := range records {
		at = append(at, r.Offset)
	}
	return wire.Result{"offsets": at}, nil
}

func recordOf(r *kgo.Record) wire.Record {
	out := wire.Record{
		Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value,
		Headers: []wire.Header{},
	}
	for _, h := range r.Headers {
		out.Headers = append(out.Headers, wire.Header{Name: h.Key, Value: h.Value})
	}
	return out
}

func (d *driver) open(ctx context.Context, c wire.Command) (wire.Result, error) {
	var listed kadm.ListedOffsets
	var err error
	if c.From == "end" {
		listed, err = d.admin.ListEndOffsets(ctx, c.Topic)
	} else {
		listed, err = d.admin.ListStartOffsets(ctx, c.Topic)
	}
	if err == nil {
		err = listed.Error()
	}
	if err != nil {
		return nil, err
	}
	d.pending = nil
	d.reader, err = kgo.NewClient(kgo.SeedBrokers(d.bootstrap), kgo.ConsumePartitions(listed.KOffsets()))
	return wire.Result{"positions": offsets(listed, nil)["offsets"]}, err
}

func (d *driver) take(c wire.Command) wire.Result {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(c.TimeoutMs)*time.Millisecond)
	defer cancel()
	for len(d.pending) < c.Count && ctx.Err() == nil {
		d.reader.PollFetches(ctx).EachRecord(func(r *kgo.Record) { d.pending = append(d.pending, recordOf(r)) })
	}
	got := d.pending
	if got == nil {
		got = []wire.Record{}
	}
	d.pending = nil
	return wire.Result{"records": got}
}

// join uses franz-go's default balancer, cooperative-sticky.
func (d *driver) join(c wire.Command) error {
	var holding sync.Mutex
	owned := map[int32]bool{}
	change := func(is bool) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, of map[string][]int32) {
			holding.Lock()
			defer holding.Unlock()
			for _, p := range of[c.Topic] {
				if is {
					owned[p] = true
				} else {
					delete(owned, p)
				}
			}
			all := []int{}
			for p := range owned {
				all = append(all, int(p))
			}
			sort.Ints(all)
			wire.Tell(wire.Result{"event": "assigned", "partitions": all})
		}
	}
	var err error
	d.member, err = kgo.NewClient(
		kgo.SeedBrokers(d.bootstrap), kgo.ConsumerGroup(c.Group), kgo.ConsumeTopics(c.Topic),
		kgo.SessionTimeout(time.Duration(c.SessionTimeoutMs)*time.Millisecond), kgo.HeartbeatInterval(time.Second),
		kgo.DisableAutoCommit(), kgo.MetadataMaxAge(time.Second), kgo.MetadataMinAge(100*time.Millisecond),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.OnPartitionsAssigned(change(true)), kgo.OnPartitionsRevoked(change(false)), kgo.OnPartitionsLost(change(false)),
	)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	d.stop, d.stopped = stop, make(chan struct{})
	go d.consume(ctx)
	return nil
}

func (d *driver) consume(ctx context.Context) {
	defer close(d.stopped)
	for ctx.Err() == nil {
		fetches := d.member.PollFetches(ctx)
		if fetches.Empty() || ctx.Err() != nil {
			continue
		}
		got, next := []wire.Record{}, map[string]int64{}
		fetches.EachRecord(func(r *kgo.Record) {
			got = append(got, recordOf(r))
			next[fmt.Sprint(r.Partition)] = r.Offset + 1
		})
		if len(got) == 0 {
			continue
		}
		wire.Tell(wire.Result{"event": "records", "records": got})
		if err := d.member.CommitUncommittedOffsets(ctx); err != nil {
			wire.Tell(wire.Result{"event": "trouble", "error": err.Error()})
			continue
		}
		wire.Tell(wire.Result{"event": "committed", "offsets": next})
	}
}

func (d *driver) committed(ctx context.Context, c wire.Command) (wire.Result, error) {
	partitions, err := d.partitions(ctx, c.Topic)
	if err != nil {
		return nil, err
	}
	of, err := d.admin.FetchOffsets(ctx, c.Group)
	if err != nil {
		return nil, err
	}
	at := map[string]int64{}
	for _, p := range partitions {
		at[fmt.Sprint(p)] = -1
		if o, ok := of.Lookup(c.Topic, p); ok {
			at[fmt.Sprint(p)] = o.At
		}
	}
	return wire.Result{"offsets": at}, nil
}

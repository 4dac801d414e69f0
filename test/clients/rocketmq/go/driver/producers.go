package main

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

const sendTimeout = 30 * time.Second

var (
	makingProducer sync.Mutex
	theProducer    rocketmq.Producer
	statuses       = map[primitive.SendStatus]string{
		primitive.SendOK:                "SEND_OK",
		primitive.SendFlushDiskTimeout:  "FLUSH_DISK_TIMEOUT",
		primitive.SendFlushSlaveTimeout: "FLUSH_SLAVE_TIMEOUT",
		primitive.SendSlaveNotAvailable: "SLAVE_NOT_AVAILABLE",
	}
)

// wanted gives a message to the queue of its number, and to the next one of its topic where it has none.
type wanted struct {
	otherwise producer.QueueSelector
	numbers   sync.Map
}

func (w *wanted) Select(m *primitive.Message, queues []*primitive.MessageQueue, last string) *primitive.MessageQueue {
	if number, ok := w.numbers.Load(m); ok {
		for _, queue := range queues {
			if queue.QueueId == number.(int) {
				return queue
			}
		}
	}
	return w.otherwise.Select(m, queues, last)
}

var selector = &wanted{otherwise: producer.NewRoundRobinQueueSelector()}

func started() (rocketmq.Producer, error) {
	makingProducer.Lock()
	defer makingProducer.Unlock()
	if theProducer != nil {
		return theProducer, nil
	}
	p, err := rocketmq.NewProducer(producer.WithNameServer(names), producer.WithGroupName("isthmus-test-go"),
		producer.WithQueueSelector(selector), producer.WithRetry(2))
	if err != nil {
		return nil, err
	}
	if err := p.Start(); err != nil {
		return nil, err
	}
	theProducer = p
	return p, nil
}

func messageOf(topic string, one message) *primitive.Message {
	m := primitive.NewMessage(topic, one.Body)
	m.WithProperties(one.Properties)
	if one.Tag != "" {
		m.WithTag(one.Tag)
	}
	if one.Keys != "" {
		m.WithKeys(strings.Split(one.Keys, " "))
	}
	if one.DelayLevel != 0 {
		m.WithDelayTimeLevel(one.DelayLevel)
	}
	return m
}

func resultOf(r *primitive.SendResult) line {
	return line{"status": statuses[r.Status], "uniqueKey": r.MsgID, "offsetId": r.OffsetMsgID,
		"queue": r.MessageQueue.QueueId, "offset": r.QueueOffset}
}

func send(c command) (any, error) {
	p, err := started()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
	defer cancel()
	var all []*primitive.Message
	for _, one := range c.Messages {
		m := messageOf(c.Topic, one)
		if one.Queue != nil {
			selector.numbers.Store(m, *one.Queue)
			defer selector.numbers.Delete(m)
		}
		all = append(all, m)
	}
	results := []line{}
	switch c.How {
	case "batch":
		result, err := p.SendSync(ctx, all...)
		if err != nil {
			return nil, err
		}
		return append(results, resultOf(result)), nil
	case "oneway":
		for _, m := range all {
			if err := p.SendOneWay(ctx, m); err != nil {
				return nil, err
			}
		}
		return results, nil
	case "async":
		return sendAsync(ctx, p, all)
	}
	for _, m := range all {
		result, err := p.SendSync(ctx, m)
		if err != nil {
			return nil, err
		}
		results = append(results, resultOf(result))
	}
	return results, nil
}

type outcome struct {
	at     int
	result *primitive.SendResult
	err    error
}

func sendAsync(ctx context.Context, p rocketmq.Producer, all []*primitive.Message) (any, error) {
	outcomes := make(chan outcome, len(all))
	for at, m := range all {
		at := at
		err := p.SendAsync(ctx, func(_ context.Context, result *primitive.SendResult, err error) {
			outcomes <- outcome{at, result, err}
		}, m)
		if err != nil {
			return nil, err
		}
	}
	results := make([]line, len(all))
	for range all {
		one := <-outcomes
		if one.err != nil {
			return nil, one.err
		}
		results[one.at] = resultOf(one.result)
	}
	return results, nil
}

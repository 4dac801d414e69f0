package main

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

var (
	consumers sync.Map
	wheres    = map[string]consumer.ConsumeFromWhere{
		"":                          consumer.ConsumeFromFirstOffset,
		"CONSUME_FROM_FIRST_OFFSET": consumer.ConsumeFromFirstOffset,
		"CONSUME_FROM_LAST_OFFSET":  consumer.ConsumeFromLastOffset,
		"CONSUME_FROM_TIMESTAMP":    consumer.ConsumeFromTimestamp,
	}
)

func optionsOf(c command) ([]consumer.Option, error) {
	where, ok := wheres[c.From]
	if !ok {
		return nil, fail("no %s", c.From)
	}
	options := []consumer.Option{consumer.WithNameServer(names), consumer.WithGroupName(c.Group),
		consumer.WithConsumerOrder(c.Orderly), consumer.WithConsumeFromWhere(where)}
	if c.Model == "BROADCASTING" {
		options = append(options, consumer.WithConsumerModel(consumer.BroadCasting))
	}
	if c.Timestamp != "" {
		options = append(options, consumer.WithConsumeTimestamp(c.Timestamp))
	}
	if c.Most != 0 {
		options = append(options, consumer.WithMaxReconsumeTimes(c.Most))
	}
	if c.SuspendMs != 0 {
		pause := time.Duration(c.SuspendMs) * time.Millisecond
		options = append(options, consumer.WithSuspendCurrentQueueTimeMillis(pause))
	}
	if c.Instance != "" {
		options = append(options, consumer.WithInstance(c.Instance))
	}
	return options, nil
}

func selectorOf(c command) consumer.MessageSelector {
	if c.SQL != "" {
		return consumer.MessageSelector{Type: consumer.SQL92, Expression: c.SQL}
	}
	if c.Subscription == "" {
		return consumer.MessageSelector{Type: consumer.TAG, Expression: "*"}
	}
	return consumer.MessageSelector{Type: consumer.TAG, Expression: c.Subscription}
}

// A message fails as often as "failures" says, unless its body begins with "good": see java/Retries.java.
func start(c command) (any, error) {
	options, err := optionsOf(c)
	if err != nil {
		return nil, err
	}
	push, err := rocketmq.NewPushConsumer(options...)
	if err != nil {
		return nil, err
	}
	err = push.Subscribe(c.Topic, selectorOf(c), func(ctx context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		result := consumer.ConsumeSuccess
		for _, m := range messages {
			l := given(m)
			l["event"], l["consumer"], l["givenMs"] = "message", c.Name, time.Now().UnixMilli()
			tell(l)
			if m.ReconsumeTimes < c.Failures && !strings.HasPrefix(string(m.Body), "good") {
				result = failed(ctx, c)
			}
		}
		return result, nil
	})
	if err != nil {
		return nil, err
	}
	if err := push.Start(); err != nil {
		return nil, err
	}
	consumers.Store(c.Name, push)
	return nil, nil
}

func failed(ctx context.Context, c command) consumer.ConsumeResult {
	time.Sleep(time.Duration(c.TakesMs) * time.Millisecond)
	if c.Orderly {
		return consumer.SuspendCurrentQueueAMoment
	}
	if concurrently, ok := primitive.GetConcurrentlyCtx(ctx); ok {
		concurrently.DelayLevelWhenNextConsume = c.Level
	}
	return consumer.ConsumeRetryLater
}

func stop(c command) (any, error) {
	push, ok := consumers.LoadAndDelete(c.Name)
	if !ok {
		return nil, fail("no consumer %q", c.Name)
	}
	return nil, push.(rocketmq.PushConsumer).Shutdown()
}

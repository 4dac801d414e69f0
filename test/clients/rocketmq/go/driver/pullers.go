package main

import (
	"context"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
)

var pullers sync.Map

func startPulling(c command) (any, error) {
	options, err := optionsOf(c)
	if err != nil {
		return nil, err
	}
	pull, err := rocketmq.NewPullConsumer(append(options, consumer.WithPullBatchSize(32))...)
	if err != nil {
		return nil, err
	}
	if err := pull.Subscribe(c.Topic, selectorOf(c)); err != nil {
		return nil, err
	}
	if err := pull.Start(); err != nil {
		return nil, err
	}
	pullers.Store(c.Name, pull)
	return nil, nil
}

// poll takes what comes, `count` messages at least unless the time is over, and acknowledges it.
func poll(c command) (any, error) {
	found, ok := pullers.Load(c.Name)
	if !ok {
		return nil, fail("no puller %q", c.Name)
	}
	pull := found.(rocketmq.PullConsumer)
	end := time.Now().Add(time.Duration(c.TimeoutMs) * time.Millisecond)
	messages := []line{}
	for len(messages) < c.Count && time.Now().Before(end) {
		request, err := pull.Poll(context.Background(), time.Until(end))
		if consumer.IsNoNewMsgError(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, m := range request.GetMsgList() {
			messages = append(messages, given(m))
		}
		pull.ACK(context.Background(), request, consumer.ConsumeSuccess)
	}
	return messages, nil
}

func stopPulling(c command) (any, error) {
	found, ok := pullers.LoadAndDelete(c.Name)
	if !ok {
		return nil, fail("no puller %q", c.Name)
	}
	return nil, found.(rocketmq.PullConsumer).Shutdown()
}

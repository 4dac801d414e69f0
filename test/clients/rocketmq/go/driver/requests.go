package main

import (
	"context"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

var (
	requestsReleased = make(chan struct{})
	heardOf          sync.Once
)

// Brokers find who asked by its heartbeats, which go to those that it has sent to by then.
func beHeardOf(topic string) error {
	plain, err := started()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
	defer cancel()
	if _, err = plain.SendSync(ctx, primitive.NewMessage(topic, []byte("first"))); err != nil {
		return err
	}
	time.Sleep(heartbeatAfter)
	return nil
}

// Starts a consumer that answers each request with "re: " and its body, see java/RequestReply.java.
func answerRequests(c command) (any, error) {
	options, err := optionsOf(c)
	if err != nil {
		return nil, err
	}
	push, err := rocketmq.NewPushConsumer(options...)
	if err != nil {
		return nil, err
	}
	err = push.Subscribe(c.Topic, selectorOf(c), func(ctx context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		for _, m := range messages {
			l := given(m)
			l["event"], l["consumer"], l["givenMs"] = "message", c.Name, time.Now().UnixMilli()
			tell(l)
			if m.GetProperty("CORRELATION_ID") != "" {
				tell(reply(c, m))
			}
		}
		return consumer.ConsumeSuccess, nil
	})
	if err != nil {
		return nil, err
	}
	if err = push.Start(); err != nil {
		return nil, err
	}
	consumers.Store(c.Name, push)
	return nil, nil
}

func releaseRequests(command) (any, error) {
	close(requestsReleased)
	return nil, nil
}

func reply(c command, m *primitive.MessageExt) line {
	told := line{"event": "replied"}
	if c.Hold {
		<-requestsReleased
	}
	p, err := started()
	if err != nil {
		told["error"] = err.Error()
		return told
	}
	answer := primitive.NewMessage(m.GetProperty("CLUSTER")+"_REPLY_TOPIC", append([]byte("re: "), m.Body...))
	answer.WithProperty("MSG_TYPE", "reply")
	for _, name := range []string{"CORRELATION_ID", "REPLY_TO_CLIENT", "TTL"} {
		answer.WithProperty(name, m.GetProperty(name))
	}
	ctx, cancel := context.WithTimeout(context.Background(), sendTimeout)
	defer cancel()
	result, err := p.SendSync(ctx, answer)
	if err != nil {
		told["error"] = err.Error()
	} else {
		told["result"] = resultOf(result)
	}
	return told
}

func request(c command) (any, error) {
	p, err := started()
	if err != nil {
		return nil, err
	}
	heardOf.Do(func() { err = beHeardOf(c.Topic) })
	if err != nil {
		return nil, err
	}
	timeout := time.Duration(c.TimeoutMs) * time.Millisecond
	m, err := p.Request(context.Background(), timeout, primitive.NewMessage(c.Topic, c.Body))
	if err != nil {
		return nil, err
	}
	return line{"topic": m.Topic, "body": m.Body, "properties": m.GetProperties()}, nil
}

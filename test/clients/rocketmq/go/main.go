// What RocketMQ's Go client does, for the capture of its frames (capture-rocketmq.ts): capture NAMESRV BROKER.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/admin"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

const topic = "captured-by-go"

func step(name string, err error) {
	if err != nil {
		fmt.Printf("  %s: %v\n", name, err)
	} else {
		fmt.Printf("  %s\n", name)
	}
}

type transactions struct{ checked chan bool }

func (transactions) ExecuteLocalTransaction(message *primitive.Message) primitive.LocalTransactionState {
	if message.GetKeys() == "unknown" {
		return primitive.UnknowState
	}
	return primitive.CommitMessageState
}

func (t transactions) CheckLocalTransaction(*primitive.MessageExt) primitive.LocalTransactionState {
	select {
	case t.checked <- true:
	default:
	}
	return primitive.RollbackMessageState
}

func main() {
	rlog.SetLogLevel("error")
	names := []string{os.Args[1]}
	ctx, cancel := context.WithTimeout(context.Background(), 150*time.Second)
	defer cancel()
	tools, err := admin.NewAdmin(admin.WithResolver(primitive.NewPassthroughResolver(names)))
	step("admin", err)
	step("create", tools.CreateTopic(ctx, admin.WithTopicCreate(topic), admin.WithBrokerAddrCreate(os.Args[2]), admin.WithReadQueueNums(2), admin.WithWriteQueueNums(2)))
	_, err = tools.FetchAllTopicList(ctx)
	step("topics", err)
	_, err = tools.GetAllSubscriptionGroup(ctx, os.Args[2], 3*time.Second)
	step("groups", err)
	time.Sleep(1500 * time.Millisecond)
	produce(ctx, names)
	push(names, "go-pushed", false)
	push(names, "go-ordered", true)
	transact(ctx, names)
	ask(ctx, names)
	step("delete", tools.DeleteTopic(ctx, admin.WithTopicDelete(topic), admin.WithBrokerAddrDelete(os.Args[2]), admin.WithNameSrvAddr(names)))
}

func produce(ctx context.Context, names []string) {
	p, err := rocketmq.NewProducer(producer.WithNameServer(names), producer.WithGroupName("go-producers"), producer.WithRetry(1))
	step("producer", err)
	step("start", p.Start())
	defer p.Shutdown()
	message := func(body string) *primitive.Message {
		return primitive.NewMessage(topic, []byte(body)).WithTag("TagA").WithKeys([]string{"go-key"})
	}
	_, err = p.SendSync(ctx, message("hello"))
	step("send", err)
	_, err = p.SendSync(ctx, message("first"), message("second"))
	step("batch", err)
	step("one way", p.SendOneWay(ctx, message("one way")))
	done := make(chan bool)
	step("async", p.SendAsync(ctx, func(context.Context, *primitive.SendResult, error) { close(done) }, message("async")))
	<-done
}

func push(names []string, group string, ordered bool) {
	c, err := rocketmq.NewPushConsumer(consumer.WithNameServer(names), consumer.WithGroupName(group), consumer.WithConsumerOrder(ordered), consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset))
	step(group, err)
	seen := make(chan bool, 100)
	failures := 0
	err = c.Subscribe(topic, consumer.MessageSelector{Type: consumer.TAG, Expression: "TagA"}, func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		for range messages {
			seen <- true
		}
		failures++
		if failures == 1 && !ordered {
			return consumer.ConsumeRetryLater, nil
		}
		return consumer.ConsumeSuccess, nil
	})
	step("subscribe", err)
	step("start", c.Start())
	for i := 0; i < 4; i++ {
		select {
		case <-seen:
		case <-time.After(25 * time.Second):
		}
	}
	time.Sleep(11 * time.Second)
	step("shutdown", c.Shutdown())
}

func transact(ctx context.Context, names []string) {
	listener := transactions{make(chan bool, 1)}
	p, err := rocketmq.NewTransactionProducer(listener, producer.WithNameServer(names), producer.WithGroupName("go-transactions"))
	step("transaction producer", err)
	step("start", p.Start())
	defer p.Shutdown()
	for _, key := range []string{"committed", "unknown"} {
		_, err = p.SendMessageInTransaction(ctx, primitive.NewMessage(topic, []byte("half")).WithKeys([]string{key}))
		step(key, err)
	}
	select {
	case <-listener.checked:
	case <-time.After(40 * time.Second):
	}
	time.Sleep(500 * time.Millisecond)
}

// A consumer that answers, and a producer that asks it.
func ask(ctx context.Context, names []string) {
	p, err := rocketmq.NewProducer(producer.WithNameServer(names), producer.WithGroupName("go-askers"))
	step("asker", err)
	step("start", p.Start())
	defer p.Shutdown()
	_, err = p.SendSync(ctx, primitive.NewMessage("asked-by-go", []byte("first")))
	step("first", err)
	c, err := rocketmq.NewPushConsumer(consumer.WithNameServer(names), consumer.WithGroupName("go-replying"), consumer.WithConsumeFromWhere(consumer.ConsumeFromLastOffset))
	step("replier", err)
	err = c.Subscribe("asked-by-go", consumer.MessageSelector{}, func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		for _, message := range messages {
			reply := primitive.NewMessage(message.GetProperty("CLUSTER")+"_REPLY_TOPIC", []byte("answer"))
			for _, name := range []string{"CORRELATION_ID", "REPLY_TO_CLIENT", "TTL"} {
				reply.WithProperty(name, message.GetProperty(name))
			}
			reply.WithProperty("MSG_TYPE", "reply")
			if message.GetProperty("REPLY_TO_CLIENT") != "" {
				_, err := p.SendSync(ctx, reply)
				step("reply", err)
			}
		}
		return consumer.ConsumeSuccess, nil
	})
	step("subscribe", err)
	step("start", c.Start())
	time.Sleep(32 * time.Second)
	_, err = p.Request(ctx, 10*time.Second, primitive.NewMessage("asked-by-go", []byte("question")))
	step("request", err)
	time.Sleep(time.Second)
	step("shutdown", c.Shutdown())
}

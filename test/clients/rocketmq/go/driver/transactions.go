package main

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

// The client tells brokers of its producers a second after it was started, and then every half minute.
const heartbeatAfter = 1500 * time.Millisecond

var (
	transactional        rocketmq.TransactionProducer
	locals               sync.Map
	transactionsReleased = make(chan struct{})
	states               = map[string]primitive.LocalTransactionState{
		"COMMIT_MESSAGE":   primitive.CommitMessageState,
		"ROLLBACK_MESSAGE": primitive.RollbackMessageState,
		"UNKNOW":           primitive.UnknowState,
	}
)

// local ends local transactions as the commands say, see java/Transactions.java.
type local struct{}

func (local) ExecuteLocalTransaction(m *primitive.Message) primitive.LocalTransactionState {
	tell(line{"event": "executing", "body": string(m.Body), "transactionId": m.TransactionId})
	told, _ := locals.Load(m)
	c := told.(command)
	if c.Hold {
		<-transactionsReleased
	}
	return states[c.Local]
}

func (local) CheckLocalTransaction(m *primitive.MessageExt) primitive.LocalTransactionState {
	l := given(m)
	l["event"], l["givenMs"] = "checked", time.Now().UnixMilli()
	l["transactionId"] = m.GetProperty("UNIQ_KEY")
	tell(l)
	times, _ := strconv.Atoi(m.GetProperty("TRANSACTION_CHECK_TIMES"))
	if at, _ := strconv.Atoi(m.GetProperty("outcomeAt")); times < at {
		return primitive.UnknowState
	}
	return states[m.GetProperty("outcome")]
}

func startTransactions(c command) (any, error) {
	p, err := rocketmq.NewTransactionProducer(local{}, producer.WithNameServer(names), producer.WithGroupName(c.Group))
	if err != nil {
		return nil, err
	}
	if err = p.Start(); err != nil {
		return nil, err
	}
	transactional = p
	return nil, beHeardOf(c.Topic)
}

func sendInTransaction(c command) (any, error) {
	results := []line{}
	for _, one := range c.Messages {
		m := messageOf(c.Topic, one)
		locals.Store(m, c)
		result, err := transactional.SendMessageInTransaction(context.Background(), m)
		locals.Delete(m)
		if err != nil {
			return nil, err
		}
		l := resultOf(result.SendResult)
		l["transactionId"] = result.TransactionID
		results = append(results, l)
	}
	return results, nil
}

func releaseTransactions(command) (any, error) {
	close(transactionsReleased)
	return nil, nil
}

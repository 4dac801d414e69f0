// RocketMQ's Go client behind the line protocol of test/clients/README.md: driver NAMESRV. The verbs are those of
// java/Producers.java and java/Consumers.java, and Pullers of its own.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

// command has the fields of every verb; each verb reads its own.
type command struct {
	ID           int64     `json:"id"`
	Do           string    `json:"do"`
	Topic        string    `json:"topic"`
	How          string    `json:"how"`
	Messages     []message `json:"messages"`
	Name         string    `json:"name"`
	Group        string    `json:"group"`
	Subscription string    `json:"subscription"`
	SQL          string    `json:"sql"`
	Orderly      bool      `json:"orderly"`
	Model        string    `json:"model"`
	From         string    `json:"from"`
	Timestamp    string    `json:"timestamp"`
	Instance     string    `json:"instance"`
	Count        int       `json:"count"`
	TimeoutMs    int64     `json:"timeoutMs"`
	Failures     int32     `json:"failures"`
	Level        int       `json:"level"`
	Most         int32     `json:"most"`
	TakesMs      int64     `json:"takesMs"`
	SuspendMs    int64     `json:"suspendMs"`
	Body         []byte    `json:"body"`
	Local        string    `json:"local"`
	Hold         bool      `json:"hold"`
}

// message is one message to be sent.
type message struct {
	Body       []byte            `json:"body"`
	Tag        string            `json:"tag"`
	Keys       string            `json:"keys"`
	Properties map[string]string `json:"properties"`
	Queue      *int              `json:"queue"`
	DelayLevel int               `json:"delayLevel"`
}

type line map[string]any

var (
	names   []string
	writing sync.Mutex
	out     = os.Stdout
)

func tell(l line) {
	text, err := json.Marshal(l)
	if err != nil {
		panic(err)
	}
	writing.Lock()
	defer writing.Unlock()
	out.Write(append(text, '\n'))
}

func main() {
	// The client's log goes to where the commands' answers must not be disturbed.
	os.Stdout = os.Stderr
	rlog.SetLogLevel("error")
	names = []string{os.Args[1]}
	verbs := map[string]func(command) (any, error){
		"Producers.send":  send,
		"Consumers.start": start,
		"Consumers.stop":  stop,
		"Retries.start":   start,
		"Pullers.start":   startPulling,
		"Pullers.poll":    poll,
		"Pullers.stop":    stopPulling,

		"RequestReply.answer":  answerRequests,
		"RequestReply.release": releaseRequests,
		"RequestReply.request": request,
		"Transactions.start":   startTransactions,
		"Transactions.send":    sendInTransaction,
		"Transactions.release": releaseTransactions,
	}
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		text, err := input.ReadBytes('\n')
		if err != nil {
			return
		}
		var c command
		if err = json.Unmarshal(text, &c); err != nil {
			panic(err)
		}
		go answer(c, verbs[c.Do])
	}
}

func answer(c command, verb func(command) (any, error)) {
	if verb == nil {
		tell(line{"id": c.ID, "error": "the Go driver has no " + c.Do})
		return
	}
	ok, err := verb(c)
	if err != nil {
		tell(line{"id": c.ID, "error": err.Error()})
		return
	}
	if ok == nil {
		ok = line{}
	}
	tell(line{"id": c.ID, "ok": ok})
}

// given is a message as a consumer was given it.
func given(m *primitive.MessageExt) line {
	properties := m.GetProperties()
	if properties == nil {
		properties = map[string]string{}
	}
	body := m.Body
	if body == nil {
		body = []byte{}
	}
	return line{
		"topic": m.Topic, "queue": m.Queue.QueueId, "offset": m.QueueOffset, "uniqueKey": m.MsgId,
		"bornMs": m.BornTimestamp, "storedMs": m.StoreTimestamp, "reconsumeTimes": m.ReconsumeTimes,
		"body": body, "properties": properties,
	}
}

func fail(format string, words ...any) error {
	return fmt.Errorf(format, words...)
}

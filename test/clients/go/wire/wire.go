// Package wire is the line protocol of test/clients/README.md: one JSON command a line in, one JSON line out.
package wire

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"
)

// Record is one record, either way. A nil Key, Value or header value is null; Go's JSON writes bytes as base64.
type Record struct {
	Partition int32    `json:"partition"`
	Offset    int64    `json:"offset"`
	Timestamp int64    `json:"timestamp"`
	Key       []byte   `json:"key"`
	Value     []byte   `json:"value"`
	Headers   []Header `json:"headers"`
}

// Header is written as a pair [name, value].
type Header struct {
	Name  string
	Value []byte
}

func (h Header) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{h.Name, h.Value})
}

func (h *Header) UnmarshalJSON(text []byte) error {
	pair := []any{&h.Name, &h.Value}
	return json.Unmarshal(text, &pair)
}

// Command has the fields of every verb; each verb reads its own.
type Command struct {
	ID               int64    `json:"id"`
	Do               string   `json:"do"`
	Topic            string   `json:"topic"`
	Group            string   `json:"group"`
	Codec            string   `json:"codec"`
	From             string   `json:"from"`
	Partitions       int32    `json:"partitions"`
	Count            int      `json:"count"`
	TimeoutMs        int64    `json:"timeoutMs"`
	SessionTimeoutMs int64    `json:"sessionTimeoutMs"`
	Timestamp        int64    `json:"timestamp"`
	Records          []Record `json:"records"`
}

// Result is what a verb answers.
type Result map[string]any

var writing sync.Mutex

// Tell writes one line.
func Tell(line any) {
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	writing.Lock()
	defer writing.Unlock()
	os.Stdout.Write(append(text, '\n'))
}

// Serve answers commands until the input ends.
func Serve(perform func(c Command) (Result, error)) {
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := input.ReadBytes('\n')
		if err != nil {
			return
		}
		var c Command
		var ok Result
		if err = json.Unmarshal(line, &c); err == nil {
			ok, err = perform(c)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, c.Do, err)
			Tell(Result{"id": c.ID, "error": err.Error()})
			continue
		}
		if ok == nil {
			ok = Result{}
		}
		Tell(Result{"id": c.ID, "ok": ok})
	}
}

// A plugin in Go that replies while it works: tokens as server-sent events, each sent when it is there. Compiled to
// lib/go-stream.so, it answers
//
//	curl -N http://127.0.0.1:3000/_PLUGIN/go-stream/Tokens
package main

// #include <dlserve.h>
// #include <stdlib.h>
import "C"

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unsafe"
)

// stream is an io.Writer that sends what it is given at once.
type stream struct{ exchange *C.dlserve_exchange }

var errGone = errors.New("nobody waits for the reply any more")

// Go memory is lent to C for this call, in which the host copies it.
func (s stream) Write(part []byte) (int, error) {
	if len(part) == 0 {
		return 0, nil
	}
	if C.dlserve_write(s.exchange, unsafe.Pointer(&part[0]), C.size_t(len(part))) != C.DLSERVE_OK {
		return 0, errGone
	}
	return len(part), nil
}

// wait is a pause that ends early, and returns false, when nobody waits for the reply any more.
func (s stream) wait(pause time.Duration) bool {
	for until := time.Now().Add(pause); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		if C.dlserve_is_cancelled(s.exchange) != 0 {
			return false
		}
	}
	return true
}

// GETTokensHandler answers GET /_PLUGIN/go-stream/Tokens. It stands for a model, which takes its time for each token.
//
//export GETTokensHandler
func GETTokensHandler(lent *C.char, status *C.int, exchange *C.dlserve_exchange) (given *C.char) {
	defer func() {
		if recover() != nil {
			*status = 500 // breaks the stream off
		}
	}()
	exchange.given_reply_headers = C.CString("Content-Type: text/event-stream\nCache-Control: no-store\n")
	events := stream{exchange}
	for i, token := range strings.Fields("Tokens come one by one .") {
		if _, err := fmt.Fprintf(events, "id: %d\ndata: %s\n\n", i, token); err != nil || !events.wait(50*time.Millisecond) {
			return nil
		}
	}
	return C.CString("event: done\ndata:\n\n") // the last part
}

// PluginFree is called on all that the handlers give.
//
//export PluginFree
func PluginFree(given unsafe.Pointer) {
	C.free(given)
}

// PluginConcurrency lets several streams run at once: each holds a thread.
//
//export PluginConcurrency
func PluginConcurrency() C.int {
	return 0
}

// PluginABI says that the host must know the functions of ABI 2.
//
//export PluginABI
func PluginABI() C.uint32_t {
	return C.DLSERVE_ABI
}

// Required by Go, and never called.
func main() {}

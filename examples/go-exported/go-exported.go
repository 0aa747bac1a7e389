// A plugin in Go with the C signature, which gives it the whole request and the whole reply. Compiled to
// lib/go-exported.so, it answers
//
//	curl -i 'http://127.0.0.1:3000/_PLUGIN/go-exported/Hello?name=Ada'
package main

// #include <dlserve.h>
// #include <stdlib.h>
import "C"

import (
	"encoding/json"
	"fmt"
	"unsafe"
)

// What this plugin reads of the request.
type request struct {
	URLQuery map[string][]string `json:"url_query"`
	Path     string              `json:"path"`
}

type reply struct {
	Hello string `json:"hello"`
	Path  string `json:"path"`
}

// GETHelloHandler answers GET /_PLUGIN/go-exported/Hello. A panic must not leave it: it would end the process.
//
//export GETHelloHandler
func GETHelloHandler(lent *C.char, status *C.int, exchange *C.dlserve_exchange) (given *C.char) {
	defer func() {
		if cause := recover(); cause != nil {
			*status = 500
			given = toJSON(map[string]string{"error": fmt.Sprint(cause)})
		}
	}()

	var asked request
	if err := json.Unmarshal([]byte(C.GoString(lent)), &asked); err != nil {
		panic(err)
	}
	name := "world"
	if names := asked.URLQuery["name"]; len(names) > 0 {
		name = names[0]
	}

	*status = 202
	exchange.given_reply_headers = toJSON(map[string]string{"X-Plugin-Language": "Go"})
	return toJSON(reply{Hello: name, Path: asked.Path})
}

// The reply in C memory, as Go memory must not be handed out.
func toJSON(value any) *C.char {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return C.CString(string(text))
}

// PluginFree is called on all that the handlers give. C.CString takes its memory from malloc.
//
//export PluginFree
func PluginFree(given unsafe.Pointer) {
	C.free(given)
}

// PluginConcurrency says how many threads may be in the library at once; 0 is any number. Without it calls come one by
// one.
//
//export PluginConcurrency
func PluginConcurrency() C.int {
	return 0
}

// Required by Go, and never called.
func main() {}

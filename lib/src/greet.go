// A plugin in exported style: Go functions with the C signature of dlserve.h, which see all of a request.
//
//	GET  /_PLUGIN/greet/Greet?name=Ada
//	POST /_PLUGIN/greet/Greet   with a name as its body
package main

// #include <stdlib.h>
// #include "dlserve.h"
import "C"

import (
	"encoding/json"
	"unsafe"
)

type request struct {
	URLQuery map[string][]string `json:"url_query"`
	Body     *string             `json:"body"`
}

//export GETGreetHandler
func GETGreetHandler(lentRequest *C.char, status *C.int) *C.char {
	var asked request
	if err := json.Unmarshal([]byte(C.GoString(lentRequest)), &asked); err != nil {
		return answer(status, 500, map[string]string{"error": err.Error()})
	}
	if names := asked.URLQuery["name"]; len(names) > 0 {
		return greet(status, names[0])
	}
	return greet(status, "world")
}

//export POSTGreetHandler
func POSTGreetHandler(lentRequest *C.char, status *C.int) *C.char {
	var asked request
	if err := json.Unmarshal([]byte(C.GoString(lentRequest)), &asked); err != nil {
		return answer(status, 500, map[string]string{"error": err.Error()})
	}
	// Absent, empty, or no UTF-8 text.
	if asked.Body == nil || *asked.Body == "" {
		return answer(status, 400, map[string]string{"error": "send a name"})
	}
	return greet(status, *asked.Body)
}

func greet(status *C.int, name string) *C.char {
	return answer(status, 200, map[string]string{"greeting": "Hello, " + name + "!"})
}

func answer(status *C.int, code int, reply map[string]string) *C.char {
	text, err := json.Marshal(reply)
	if err != nil {
		text, code = []byte(`{"error":"no reply"}`), 500
	}
	*status = C.int(code)
	return C.CString(string(text))
}

// PluginFree releases what C.CString has allocated: the host calls it as soon as it has made its copy.
//
//export PluginFree
func PluginFree(given unsafe.Pointer) {
	C.free(given)
}

// PluginConcurrency: any number of calls may run at once, since nothing above is shared between them.
//
//export PluginConcurrency
func PluginConcurrency() C.int {
	return 0
}

func main() {}

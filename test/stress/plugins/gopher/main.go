// The plugin under stress, in Go; see target.c.
package main

// #include <dlserve.h>
// #include "tally.h"
import "C"

import (
	"fmt"
	"os"
	"time"
	"unsafe"
)

var (
	keyN    = C.CString(`"n":["`)
	keySize = C.CString(`"size":["`)
	keyWait = C.CString(`"wait":["`)
)

//export PluginInit
func PluginInit(config *C.char, given **C.char) C.int {
	return C.tally_open(config)
}

//export PluginFree
func PluginFree(given unsafe.Pointer) {
	C.free(given)
}

func begin(request *C.char) C.long {
	n := C.tally_number(request, keyN)
	C.tally_count(n, 0)
	return n
}

//export GETTextHandler
func GETTextHandler(request *C.char) *C.char {
	n := begin(request)
	time.Sleep(time.Duration(C.tally_number(request, keyWait)) * time.Millisecond)
	text := make([]byte, C.tally_number(request, keySize))
	for i := range text {
		text[i] = 'a' + byte(i%26)
	}
	reply := C.CString(fmt.Sprintf("%d %s", n, text))
	C.tally_count(n, 1)
	return reply
}

//export PUTInvertHandler
func PUTInvertHandler(request *C.char, status *C.int, exchange *C.dlserve_exchange) *C.char {
	n := begin(request)
	body := C.GoBytes(unsafe.Pointer(exchange.lent_request_body), C.int(exchange.lent_request_body_length))
	for i := range body {
		body[i] = ^body[i]
	}
	exchange.given_reply_body = (*C.uint8_t)(C.CBytes(append(body, 0)))
	exchange.given_reply_body_length = C.size_t(len(body))
	exchange.given_reply_headers = C.CString(fmt.Sprintf("Content-Type: application/octet-stream\nX-Call: %d\n", n))
	C.tally_count(n, 1)
	return nil
}

//export GETPanicHandler
func GETPanicHandler(request *C.char) *C.char {
	begin(request)
	go panic("asked to")
	select {}
}

//export PUTPanicHandler
func PUTPanicHandler(request *C.char) *C.char {
	return GETPanicHandler(request)
}

//export GETExitHandler
func GETExitHandler(request *C.char) *C.char {
	begin(request)
	os.Exit(0)
	return nil
}

//export PUTExitHandler
func PUTExitHandler(request *C.char) *C.char {
	return GETExitHandler(request)
}

func main() {}

// The small reply of bench.c, in Go.
package main

// #include <dlserve.h>
// #include <stdlib.h>
import "C"

import (
	"strings"
	"unsafe"
)

var small = `{"message":"` + strings.Repeat("x", 86) + `"}`

//export GETSmallHandler
func GETSmallHandler(*C.char, *C.int, *C.dlserve_exchange) *C.char {
	return C.CString(small)
}

//export PluginFree
func PluginFree(given unsafe.Pointer) {
	C.free(given)
}

func main() {}

// A plugin in prestd's style: plain Go functions, no C anywhere. dlserve adds what makes them callable.
//
//	GET /_PLUGIN/hello/Hello?abc=123
//	GET /_PLUGIN/hello/HelloWithStatus?abc=123
package main

import "encoding/json"

// HTTPVars and URLQuery are set before each call: the names in the route, and the query of the URL.
var (
	HTTPVars map[string]string
	URLQuery map[string][]string
)

type reply struct {
	HTTPVars map[string]string   `json:"http_vars"`
	URLQuery map[string][]string `json:"url_query"`
	Msg      string              `json:"msg"`
}

// GETHelloHandler answers GET /_PLUGIN/hello/Hello, with status 200.
func GETHelloHandler() string {
	text, err := json.Marshal(reply{HTTPVars, URLQuery, "Hello plugin caller!"})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// GETHelloWithStatusHandler answers GET /_PLUGIN/hello/HelloWithStatus, with a status of its own.
func GETHelloWithStatusHandler() (string, int) {
	return GETHelloHandler(), 202
}

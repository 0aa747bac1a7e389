// A plugin in Go as prestd has them. Compiled to lib/go-prestd.so, it answers
//
//	curl 'http://127.0.0.1:3000/_PLUGIN/go-prestd/Hello?name=Ada'
//	curl -i 'http://127.0.0.1:3000/_PLUGIN/go-prestd/HelloWithStatus?name=Ada'
package main

import (
	"encoding/json"
	"net/http"
)

// Set before each call; calls come one by one.
var (
	// HTTPVars holds "file" and "func" of the URL.
	HTTPVars map[string]string
	// URLQuery holds the decoded query, each key with all its values.
	URLQuery map[string][]string
)

type reply struct {
	Hello string `json:"hello"`
}

// GETHelloHandler answers GET /_PLUGIN/go-prestd/Hello with status 200.
func GETHelloHandler() string {
	name := "world"
	if names := URLQuery["name"]; len(names) > 0 {
		name = names[0]
	}
	text, err := json.Marshal(reply{Hello: name})
	if err != nil {
		panic(err) // the caller gets 500, the log the words
	}
	return string(text)
}

// GETHelloWithStatusHandler answers with a status of its choice.
func GETHelloWithStatusHandler() (string, int) {
	return GETHelloHandler(), http.StatusAccepted
}

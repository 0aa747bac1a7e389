// A plugin that is a Go module of its own, with a dependency. Compiled to lib/go-module.so, it answers
//
//	curl 'http://127.0.0.1:3000/_PLUGIN/go-module/Greeting?lang=pt'
package main

import (
	"encoding/json"

	"example.com/greeting"
)

// URLQuery is set before each call; calls come one by one.
var URLQuery map[string][]string

// GETGreetingHandler answers GET /_PLUGIN/go-module/Greeting.
func GETGreetingHandler() (string, int) {
	language := "en"
	if languages := URLQuery["lang"]; len(languages) > 0 {
		language = languages[0]
	}
	words, known := greeting.In(language)
	if !known {
		return toJSON("error", "no greeting in that language"), 404
	}
	return toJSON("greeting", words), 200
}

func toJSON(key, value string) string {
	text, err := json.Marshal(map[string]string{key: value})
	if err != nil {
		panic(err) // the caller gets 500, the log the words
	}
	return string(text)
}

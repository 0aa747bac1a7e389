// Wrap makes a Go package whose handlers were written for prestd callable from C.
//
// It reads a package of lib/src, changes nothing, and answers with the text of the Go files that dlserve adds to the
// package while it is built: C functions named like the handlers, and what stands between the two. Standard input has a
// question, standard output gets an answer, both JSON.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

type question struct {
	// Methods can be the first part of a handler's name.
	Methods []string `json:"methods"`
	// Files are the Go files of the package for this platform: absolute paths.
	Files []string `json:"files"`
	// Dependencies are the Go files of every package that it imports, the standard library's left out.
	Dependencies []string `json:"dependencies"`
	// Native are the files of the package in C and other languages.
	Native []string `json:"native"`
	// NativeDependencies are those of the packages that it imports, and their Go files that may hold C.
	NativeDependencies []string `json:"nativeDependencies"`
	// Inputs is a digest of all that the package is built from, dlserve.h too. The go command does not see every header
	// change, but it sees a Go file change, so one of the added files holds it.
	Inputs string `json:"inputs"`
}

type answer struct {
	// Unparsed: the package has syntax errors, which the compiler can tell better.
	Unparsed bool `json:"unparsed"`
	// Problems forbid to build the package.
	Problems []string `json:"problems"`
	// Warnings are what its author should know.
	Warnings []string `json:"warnings"`
	// SaysNone: the warnings say that there is no handler.
	SaysNone bool `json:"saysNone"`
	// Files are what has to be added to the package, or to stand in the place of files of it: text by file name.
	Files map[string]string `json:"files"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var asked question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return err
	}
	reply := answer{Problems: []string{}, Warnings: []string{}, Files: map[string]string{}}
	plugin, err := analyse(asked)
	if err != nil {
		reply.Unparsed = true
	} else {
		reply.Problems, reply.Warnings, reply.SaysNone = plugin.problems, plugin.warnings, plugin.saysNone
		if len(plugin.problems) == 0 {
			if err := generate(plugin, &reply); err != nil {
				return err
			}
		}
	}
	return json.NewEncoder(os.Stdout).Encode(reply)
}

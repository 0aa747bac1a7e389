package main

import (
	"go/ast"
	"os"
	"regexp"
	"strings"
)

// mayHaveHandlers tells whether there may be handlers that are written in C: what they give is for C to release.
//
// A package can get functions by macros and includes, so any C of its own will do. Of packages that it imports only what
// is named like a handler counts: drivers of databases and their like are mostly C.
func mayHaveHandlers(asked question, files []*ast.File, shape *regexp.Regexp) bool {
	return len(asked.Native) > 0 || definesInC(preambles(files)) || matches(shape, asked.NativeDependencies)
}

// preambles is the C of Go files.
func preambles(files []*ast.File) string {
	var text strings.Builder
	for _, file := range files {
		for _, declaration := range file.Decls {
			if group, ok := declaration.(*ast.GenDecl); ok {
				text.WriteString(preamble(group))
			}
		}
	}
	return text.String()
}

// preamble is the comment at import "C".
func preamble(group *ast.GenDecl) string {
	text := ""
	for _, spec := range group.Specs {
		imported, ok := spec.(*ast.ImportSpec)
		if !ok || imported.Path.Value != `"C"` {
			continue
		}
		comment := imported.Doc
		if comment == nil && !group.Lparen.IsValid() {
			comment = group.Doc
		}
		text += comment.Text() + "\n"
	}
	return text
}

// A line of C that defines nothing: an empty one, a comment, and what is for cgo or the preprocessor. An include in quotes
// may bring in anything but dlserve.h.
var idle = regexp.MustCompile(`^\s*(//.*|#\s*include\s*(<.*|"dlserve\.h".*)|#\s*(cgo|define|undef|if|ifdef|ifndef|elif|else|endif|pragma)\b.*)?$`)

func definesInC(preamble string) bool {
	for _, line := range strings.Split(strings.ReplaceAll(preamble, "\\\n", " "), "\n") {
		if !idle.MatchString(line) {
			return true
		}
	}
	return false
}

// matches tells whether an expression fits somewhere in any of the files.
func matches(expression *regexp.Regexp, files []string) bool {
	for _, name := range files {
		if content, err := os.ReadFile(name); err == nil && expression.Match(content) {
			return true
		}
	}
	return false
}

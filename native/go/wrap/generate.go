package main

import (
	"bytes"
	"embed"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"unicode"
)

//go:embed templates/*.tmpl
var templates embed.FS

var parsed = template.Must(template.ParseFS(templates, "templates/*.tmpl"))

// What the templates see.
type page struct {
	// P begins every name that is added to the package, so that none meets a name of its author.
	P                 string
	Inputs            string
	Handlers          []handler
	HasVars, HasQuery bool
	HostVars          []hostFunction
	MayExit           bool
	// Factory: the package has a PluginFactory.
	Factory bool
	// OwnConcurrency: the package says itself how many threads may be in it.
	OwnConcurrency bool
	// OwnFree: the package exports a PluginFree of its own.
	OwnFree bool
	// Remember: what the handlers here give has to be told apart from what others give.
	Remember bool
}

// generate writes the files that a package lacks.
func generate(found *plugin, reply *answer) error {
	p := page{
		P:        found.prefix(),
		Inputs:   found.inputs,
		Handlers: found.handlers,
		HasVars:  found.hasVars,
		HasQuery: found.hasQuery,
		HostVars: found.hostVars,
		MayExit:  found.mayExit,
		Factory:  found.factory,
		OwnFree:  found.exported["PluginFree"],

		OwnConcurrency: found.exported["PluginConcurrency"],
		Remember:       found.inC && !found.exported["PluginFree"],
	}
	if err := found.add(reply, p, "inputs"); err != nil {
		return err
	}
	for _, file := range found.others {
		if err := file.becomeMain(reply); err != nil {
			return err
		}
	}
	if len(found.handlers) > 0 {
		if err := found.add(reply, p, "handlers"); err != nil {
			return err
		}
	}
	if found.factory {
		for _, name := range []string{"factory", "routes", "context", "body", "writer"} {
			if err := found.add(reply, p, name); err != nil {
				return err
			}
		}
	}
	if len(found.handlers) > 0 || found.factory {
		for _, name := range []string{"reader", "symbols"} {
			if err := found.add(reply, p, name); err != nil {
				return err
			}
		}
	}
	if len(found.hostVars) > 0 || found.factory {
		if err := found.add(reply, p, "host"); err != nil {
			return err
		}
	}
	if found.scope.Lookup("main") == nil {
		return found.add(reply, p, "main")
	}
	return nil
}

// becomeMain has go see the file as one of package main.
func (o other) becomeMain(reply *answer) error {
	text, err := os.ReadFile(o.name)
	if err != nil {
		return err
	}
	reply.Files[filepath.Base(o.name)] = string(text[:o.offset]) + "main" + string(text[o.offset+len(o.pkg):])
	return nil
}

func (p *plugin) add(reply *answer, data page, name string) error {
	var text bytes.Buffer
	if err := parsed.ExecuteTemplate(&text, name+".go.tmpl", data); err != nil {
		return err
	}
	formatted, err := format.Source(text.Bytes())
	if err != nil {
		return err
	}
	file := data.P + "_" + name + ".go"
	for p.names[file] {
		file = "x" + file
	}
	p.findShadowed(file, formatted, reply)
	reply.Files[file] = string(formatted)
	return nil
}

// findShadowed finds what a package has redefined of the language, such as string or len, and the added file relies on.
func (p *plugin) findShadowed(name string, text []byte, reply *answer) {
	file, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
	if err != nil {
		return
	}
	told := map[string]bool{}
	for _, identifier := range file.Unresolved {
		word := identifier.Name
		if types.Universe.Lookup(word) != nil && p.scope.Lookup(word) != nil && !told[word] {
			told[word] = true
			reply.Problems = append(reply.Problems, fmt.Sprintf("it declares %s, which hides what Go means by it from its handlers: rename it", word))
		}
	}
}

// prefix is a word with which, followed by a capital, no name in the package begins.
func (p *plugin) prefix() string {
	taken := map[string]bool{}
	for _, file := range p.files {
		ast.Inspect(file, func(node ast.Node) bool {
			if identifier, ok := node.(*ast.Ident); ok {
				taken[identifier.Name] = true
			}
			return true
		})
	}
	prefix := "dlserve"
	for n := 2; begins(taken, prefix); n++ {
		prefix = fmt.Sprintf("dlserve%dx", n)
	}
	return prefix
}

func begins(names map[string]bool, prefix string) bool {
	for name := range names {
		if len(name) > len(prefix) && strings.HasPrefix(name, prefix) && unicode.IsUpper(rune(name[len(prefix)])) {
			return true
		}
	}
	return false
}
